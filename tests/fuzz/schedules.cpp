// Schedules: whatever a rule says and whatever the time, the next instant lies ahead, the last one does not, and there is
// none in between.
#include <array>
#include <string>

#include "core/cron.hpp"
#include "core/jobs/occurrences.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::require;
using std::chrono::minutes;

// With clocks that are set by an hour, by half an hour, over a whole day and at midnight, and that are not.
constexpr std::array zones{"UTC",
                           "America/Los_Angeles",
                           "Australia/Lord_Howe",
                           "Pacific/Apia",
                           "America/Sao_Paulo",
                           "Asia/Kathmandu",
                           "Africa/Casablanca",
                           "Europe/Dublin"};

/// Where the calendar is far from its ends.
bool is_ordinary(timestamp x) {
  using std::chrono::sys_days;
  using std::chrono::year;
  return x > sys_days{year{100} / 1 / 1} && x < sys_days{year{9900} / 1 / 1};
}

/// The minute that an instant belongs to: what the clocks show then, or where they were set from.
bool fits(const cron_rule& rule, const time_zone& zone, timestamp x) {
  auto shown = std::chrono::floor<minutes>(zone.latest_local(x));
  auto named = rule.last_until(shown);
  return zone.first_instant(named) == x;
}

void expect_sound(const cron_rule& rule, const time_zone& zone, timestamp t) {
  auto next = next_after(rule, zone, t);
  auto last = last_at_or_before(rule, zone, t);
  if (!is_ordinary(t))
    return;
  auto shown = "at " + to_iso8601(t) + " next " + to_iso8601(next) + " last " + to_iso8601(last);
  require(next > t, "the next instant lies ahead", shown);
  require(last <= t, "the last instant does not", shown);
  require(fits(rule, zone, next) && fits(rule, zone, last), "instants fit the rule", shown);
  require(last_at_or_before(rule, zone, next) == next, "an instant is the last one at itself", shown);
  require(last_at_or_before(rule, zone, next - duration{1}) == last, "no instant lies in between", shown);
  require(next_after(rule, zone, last) == next, "one instant follows the other", shown);
}

void expect_sound_runs(const job_schedule& schedule, timestamp settled_until, timestamp now) {
  auto run = next_due_run(schedule, settled_until, now);
  if (!run || !is_ordinary(settled_until) || !is_ordinary(now))
    return;
  auto shown = to_iso8601(run->instant);
  require(run->instant > settled_until && run->instant <= now, "a run is due and not settled", shown);
  if (run->missed)
    require(run->missed->first > settled_until && run->missed->first <= run->missed->last
                && run->missed->last < run->instant && run->missed->instants >= 1,
            "missed instants lie before the run", shown);
}

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  schedule_settings settings;
  settings.job = "job";
  settings.zone = zones[pick.below(zones.size())];
  settings.catch_up = static_cast<catch_up_policy>(pick.below(3));
  settings.catch_up_runs = static_cast<std::uint32_t>(pick.below(10));
  const auto now = from_epoch_ms(fuzz::number(in.line()));
  const auto settled_until = from_epoch_ms(fuzz::number(in.line()));
  settings.rule = in.next();
  auto schedule = job_schedule::parse(settings);
  if (!schedule) {
    fuzz::require(!fuzz::has_control_character(schedule.error().reason), "a reason is a line",
                  schedule.error().reason);
    return 0;
  }
  expect_sound(schedule->rule, schedule->zone, now);
  // A long way back is walked instant by instant, up to a bound: that is slow, not wrong.
  if (is_ordinary(now) && settled_until > now - std::chrono::days{30})
    expect_sound_runs(*schedule, settled_until, now);
  next_look(*schedule, now, 0.5);
  return 0;
}
