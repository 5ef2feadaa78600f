#include "core/jobs/occurrences.hpp"

#include <algorithm>
#include <utility>

namespace herald {

namespace {

/// The instants in (from, to), as one span; nothing when there are none.
std::optional<missed_span> span_between(const job_schedule& x, timestamp from, timestamp to) {
  auto first = next_after(x.rule, x.zone, from);
  if (first >= to)
    return std::nullopt;
  missed_span out{first, last_at_or_before(x.rule, x.zone, to - duration{1}), 1};
  for (auto at = first; at < out.last && out.instants < max_counted_instants; ++out.instants)
    at = next_after(x.rule, x.zone, at);
  return out;
}

/// The oldest instant that gets a run of its own: the n-th newest after `settled_until`.
timestamp first_to_run(const job_schedule& x, timestamp settled_until, timestamp newest) {
  auto at = newest;
  for (std::uint32_t n = 1; n < x.catch_up_runs; ++n) {
    auto before = last_at_or_before(x.rule, x.zone, at - duration{1});
    if (before <= settled_until)
      break;
    at = before;
  }
  return at;
}

} // namespace

result<job_schedule> job_schedule::parse(const schedule_settings& x) {
  auto refused = [&](const std::string& why) {
    return failure{failure_class::permanent, "the schedule of '" + x.job + "': " + why};
  };
  auto rule = cron_rule::parse(x.rule);
  if (rule.has_error())
    return refused(rule.error().reason);
  auto zone = time_zone::find(x.zone);
  if (zone.has_error())
    return refused(zone.error().reason);
  if (x.jitter.count() < 0 || x.late_after.count() <= 0 || x.catch_up_runs == 0)
    return refused("jitter must not be negative, late_after and catch_up_runs must be positive");
  return job_schedule{std::move(*rule), *zone, x.jitter, x.catch_up, x.catch_up_runs, x.late_after};
}

bool in_time(const job_schedule& schedule, timestamp instant, timestamp now) {
  return now - instant <= schedule.late_after + schedule.jitter;
}

std::optional<due_run> next_due_run(const job_schedule& schedule, timestamp settled_until, timestamp now) {
  auto newest = last_at_or_before(schedule.rule, schedule.zone, now);
  if (newest <= settled_until)
    return std::nullopt;
  auto instant =
      schedule.catch_up == catch_up_policy::catch_up ? first_to_run(schedule, settled_until, newest) : newest;
  auto timely = in_time(schedule, instant, now);
  if (!timely && schedule.catch_up == catch_up_policy::skip)
    return std::nullopt;
  due_run out{instant, run_cause::schedule, span_between(schedule, settled_until, instant)};
  if (!timely || (out.missed && schedule.catch_up == catch_up_policy::coalesce))
    out.cause = run_cause::catch_up;
  return out;
}

duration longest_gap(const job_schedule& schedule) {
  constexpr int some_hundreds = 400;
  auto at = next_after(schedule.rule, schedule.zone, timestamp{});
  duration out{};
  for (auto n = 0; n < some_hundreds; ++n) {
    auto next = next_after(schedule.rule, schedule.zone, at);
    out = std::max(out, next - at);
    at = next;
  }
  return out;
}

timestamp next_look(const job_schedule& schedule, timestamp now, double random) {
  auto delay = duration{static_cast<duration::rep>(static_cast<double>(schedule.jitter.count()) * random)};
  return next_after(schedule.rule, schedule.zone, now) + delay;
}

} // namespace herald
