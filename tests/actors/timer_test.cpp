// The timer: intervals and alarms in virtual time.
#define CAF_SUITE timer

#include <set>

#include "actors/timer.hpp"
#include "core/iso8601.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

schedule_settings by_rule(std::string rule, std::string zone = "UTC", duration jitter = 0ms) {
  schedule_settings out;
  out.job = "nudge";
  out.rule = std::move(rule);
  out.zone = std::move(zone);
  out.jitter = jitter;
  return out;
}

struct fixture : actor_fixture {
  using heard_ptr = std::shared_ptr<std::vector<tick>>;

  heard_ptr heard = std::make_shared<std::vector<tick>>();
  std::shared_ptr<virtual_clock> time = std::make_shared<virtual_clock>(sched);
  tick_taker listener = spawn([heard = heard](tick_taker::pointer) -> tick_taker::behavior_type {
    return {[heard](const tick& x) { heard->push_back(x); }};
  });

  timer_actor start(std::vector<timer_entry> plan, std::uint64_t seed = 1) {
    auto out = spawn(timer, std::move(plan), seed, time, logger{});
    consume_messages();
    return out;
  }

  /// One job by schedule, from the given wall-clock time on.
  timer_actor start_at(std::string_view iso, const schedule_settings& x, std::uint64_t seed = 1) {
    time->set_by(at(iso) - time->now());
    return start({{x.job, 0ms, listener, parsed(x)}}, seed);
  }

  static std::optional<job_schedule> parsed(const schedule_settings& x) {
    return x.rule.empty() ? std::nullopt : std::optional{*job_schedule::parse(x)};
  }

  static timestamp at(std::string_view iso) { return from_iso8601(iso).value(); }

  void change(const timer_actor& aut, std::vector<schedule_settings> xs) {
    caf::anon_send(
        aut, schedule_change_ptr{std::make_shared<const std::vector<schedule_settings>>(std::move(xs))});
    consume_messages();
  }

  /// The instants of the ticks so far, which are forgotten.
  names instants() {
    names out;
    for (auto& x : std::exchange(*heard, {}))
      out.push_back(to_iso8601(x.scheduled_at).substr(0, 16));
    return out;
  }

  std::vector<std::string> jobs() const {
    std::vector<std::string> out;
    for (auto& x : *heard)
      out.push_back(x.job);
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(timer_tests, fixture)

CAF_TEST(an entry ticks once per interval and the first tick comes after one interval) {
  start({{"poll", 100ms, listener}});
  advance(99ms);
  CAF_CHECK(heard->empty());
  advance(1ms);
  CAF_CHECK_EQUAL(jobs(), names{"poll"});
  advance(250ms);
  CAF_CHECK_EQUAL(heard->size(), 3u);
}

CAF_TEST(a tick carries the wall clock time of its instant) {
  start({{"poll", 100ms, listener}});
  advance(100ms);
  CAF_REQUIRE_EQUAL(heard->size(), 1u);
  CAF_CHECK(heard->front().scheduled_at == virtual_clock::epoch + 100ms);
}

CAF_TEST(entries tick independently) {
  start({{"poll", 100ms, listener}, {"renew", 70ms, listener}});
  advance(140ms);
  CAF_CHECK_EQUAL(jobs(), (names{"renew", "poll", "renew"}));
}

CAF_TEST(an alarm adds one tick and leaves the interval alone) {
  auto aut = start({{"poll", 100ms, listener}});
  caf::anon_send(aut, herald::alarm{"poll", 30ms});
  advance(30ms);
  CAF_CHECK_EQUAL(heard->size(), 1u);
  advance(60ms);
  CAF_CHECK_EQUAL(heard->size(), 1u);
  advance(10ms);
  CAF_CHECK_EQUAL(heard->size(), 2u);
}

CAF_TEST(a later alarm of the same job replaces the earlier one) {
  auto aut = start({{"poll", 1000ms, listener}});
  caf::anon_send(aut, herald::alarm{"poll", 30ms});
  caf::anon_send(aut, herald::alarm{"poll", 50ms});
  advance(49ms);
  CAF_CHECK(heard->empty());
  advance(1ms);
  CAF_CHECK_EQUAL(heard->size(), 1u);
}

CAF_TEST(an alarm in the past rings at once) {
  auto aut = start({{"poll", 1000ms, listener}});
  caf::anon_send(aut, herald::alarm{"poll", -5ms});
  advance(0ms);
  CAF_CHECK_EQUAL(heard->size(), 1u);
}

CAF_TEST(an alarm for an unknown job is ignored) {
  auto aut = start({{"poll", 1000ms, listener}});
  caf::anon_send(aut, herald::alarm{"pol", 1ms});
  advance(10ms);
  CAF_CHECK(heard->empty());
  CAF_CHECK_EQUAL(ask<stage_status>(aut, status_v).state, "running");
}

CAF_TEST(an unusable schedule is refused with the name of the entry) {
  auto text = [](const caf::error& x) { return to_string(x); };
  CAF_CHECK(validate({{"poll", 1ms, listener}}) == caf::none);
  CAF_CHECK(validate({{"poll", 0ms, listener}}) == caf::none);
  CAF_CHECK(text(validate({{"poll", -1ms, listener}})).find("'poll'") != std::string::npos);
  CAF_CHECK(text(validate({{"poll", 1ms, listener, parsed(by_rule("* * * * *"))}})).find("either")
            != std::string::npos);
  CAF_CHECK(text(validate({{"", 1ms, listener}})).find("needs a name") != std::string::npos);
  CAF_CHECK(text(validate({{"poll", 1ms, {}}})).find("somebody") != std::string::npos);
  CAF_CHECK(text(validate({{"poll", 1ms, listener}, {"poll", 2ms, listener}})).find("twice")
            != std::string::npos);
}

// -- schedules ----------------------------------------------------------------------------------------------

CAF_TEST(a schedule ticks at its instants and each tick carries its instant) {
  start_at("2026-01-20T09:06:40Z", by_rule("*/20 * * * *"));
  advance(13min + 20s - 1ms);
  CAF_CHECK(heard->empty());
  advance(1ms);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T09:20"});
  advance(40min);
  CAF_CHECK_EQUAL(instants(), (names{"2026-01-20T09:40", "2026-01-20T10:00"}));
}

CAF_TEST(a job without a schedule never ticks by itself and still has alarms) {
  auto aut = start_at("2026-01-20T09:00:00Z", by_rule(""));
  advance(48h);
  CAF_CHECK(heard->empty());
  caf::anon_send(aut, herald::alarm{"nudge", 5ms});
  advance(5ms);
  CAF_CHECK_EQUAL(heard->size(), 1u);
}

CAF_TEST(a tick comes within the jitter after its instant and carries the instant) {
  start_at("2026-01-20T09:30:00Z", by_rule("0 * * * *", "UTC", 10min));
  std::set<duration> delays;
  auto first = at("2026-01-20T10:00:00Z");
  for (auto instant = first; instant < first + 20h; instant += 1h) {
    while (heard->empty() && time->now() < instant + 10min)
      advance(1s);
    CAF_REQUIRE_EQUAL(heard->size(), 1u);
    CAF_CHECK(heard->front().scheduled_at == instant);
    CAF_CHECK(time->now() >= instant);
    delays.insert(time->now() - instant);
    heard->clear();
    // Nothing more comes for the same instant.
    advance(instant + 30min - time->now());
    CAF_CHECK(heard->empty());
  }
  CAF_CHECK(*delays.rbegin() - *delays.begin() > 5min);
}

CAF_TEST(the same seed gives the same jitter and another seed gives another) {
  auto delay_of = [&](std::uint64_t seed) {
    auto aut = start_at("2026-01-20T09:59:00Z", by_rule("0 * * * *", "UTC", 10min), seed);
    while (heard->empty())
      advance(100ms);
    heard->clear();
    caf::anon_send_exit(aut, caf::exit_reason::kill);
    consume_messages();
    return time->now() - at("2026-01-20T10:00:00Z");
  };
  auto first = delay_of(7);
  CAF_CHECK(first == delay_of(7));
  CAF_CHECK(first != delay_of(8));
}

CAF_TEST(a schedule follows the clocks of its zone when summer time begins) {
  start_at("2026-03-07T00:00:00Z", by_rule("30 2,9 * * *", "America/New_York"));
  advance(72h);
  // 02:30 does not happen on the 8th: the job is due when the clocks go on at 03:00.
  CAF_CHECK_EQUAL(instants(), (names{"2026-03-07T07:30", "2026-03-07T14:30", "2026-03-08T07:00",
                                     "2026-03-08T13:30", "2026-03-09T06:30", "2026-03-09T13:30"}));
}

CAF_TEST(a minute that the clocks repeat when summer time ends ticks once) {
  start_at("2026-11-01T00:00:00Z", by_rule("30 1 * * *", "America/New_York"));
  advance(36h);
  CAF_CHECK_EQUAL(instants(), (names{"2026-11-01T05:30", "2026-11-02T06:30"}));
}

CAF_TEST(a clock that is set forward is noticed within a minute and skipped instants are one tick) {
  start_at("2026-01-20T09:06:00Z", by_rule("*/15 * * * *"));
  time->set_by(2h);
  advance(60s);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T11:00"});
  advance(8min);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T11:15"});
}

CAF_TEST(a clock that is set back brings the next instant nearer) {
  start_at("2026-01-20T09:06:00Z", by_rule("0 * * * *"));
  time->set_by(-2h);
  advance(54min);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T08:00"});
  advance(60min);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T09:00"});
}

CAF_TEST(a change replaces the schedule of its job alone) {
  auto other = by_rule("30 * * * *");
  other.job = "other";
  time->set_by(at("2026-01-20T09:06:00Z") - time->now());
  auto aut = start({{"nudge", 0ms, listener, parsed(by_rule("0 * * * *"))}, //
                    {"other", 0ms, listener, parsed(other)}});
  change(aut, {by_rule("10 * * * *")});
  advance(1h);
  CAF_CHECK_EQUAL(jobs(), (names{"nudge", "other"}));
  CAF_CHECK_EQUAL(instants(), (names{"2026-01-20T09:10", "2026-01-20T09:30"}));
}

CAF_TEST(a change to never silences a job and a further one revives it) {
  auto aut = start_at("2026-01-20T09:06:00Z", by_rule("*/10 * * * *"));
  change(aut, {by_rule("")});
  advance(24h);
  CAF_CHECK(heard->empty());
  change(aut, {by_rule("*/10 * * * *")});
  advance(10min);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-21T09:10"});
}

CAF_TEST(a change that cannot be read leaves the old schedule) {
  auto aut = start_at("2026-01-20T09:06:00Z", by_rule("*/10 * * * *"));
  change(aut, {by_rule("*/10 * * *"), by_rule("0 * * * *", "Mars/Olympus")});
  advance(4min);
  CAF_CHECK_EQUAL(instants(), names{"2026-01-20T09:10"});
}

CAF_TEST(a change for an unknown job or one with an interval changes nothing) {
  time->set_by(at("2026-01-20T09:06:00Z") - time->now());
  auto aut = start({{"poll", 100ms, listener}, {"nudge", 0ms, listener, parsed(by_rule("0 * * * *"))}});
  auto unknown = by_rule("* * * * *");
  unknown.job = "nugde";
  auto interval = by_rule("* * * * *");
  interval.job = "poll";
  change(aut, {unknown, interval});
  advance(1s);
  CAF_CHECK_EQUAL(heard->size(), 10u);
}

CAF_TEST_FIXTURE_SCOPE_END()
