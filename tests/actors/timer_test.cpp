// The timer: intervals and alarms in virtual time.
#define CAF_SUITE timer

#include "actors/timer.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

struct fixture : actor_fixture {
  using heard_ptr = std::shared_ptr<std::vector<tick>>;

  heard_ptr heard = std::make_shared<std::vector<tick>>();
  std::shared_ptr<const virtual_clock> time = std::make_shared<const virtual_clock>(sched);
  tick_taker listener = spawn([heard = heard](tick_taker::pointer) -> tick_taker::behavior_type {
    return {[heard](const tick& x) { heard->push_back(x); }};
  });

  timer_actor start(std::vector<timer_entry> schedule) {
    auto out = spawn(timer, std::move(schedule), time, logger{});
    consume_messages();
    return out;
  }

  std::vector<std::string> jobs() const {
    std::vector<std::string> out;
    for (auto& x : *heard)
      out.push_back(x.job);
    return out;
  }
};

using names = std::vector<std::string>;

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
  CAF_CHECK(text(validate({{"poll", 0ms, listener}})).find("'poll'") != std::string::npos);
  CAF_CHECK(text(validate({{"", 1ms, listener}})).find("needs a name") != std::string::npos);
  CAF_CHECK(text(validate({{"poll", 1ms, {}}})).find("somebody") != std::string::npos);
  CAF_CHECK(text(validate({{"poll", 1ms, listener}, {"poll", 2ms, listener}})).find("twice")
            != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
