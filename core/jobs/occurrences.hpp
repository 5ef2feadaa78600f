// Which instants of a job's schedule are due, and which of them get a run of their own.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cron.hpp"
#include "core/time_zone.hpp"
#include "messages/failure.hpp"
#include "messages/job.hpp"
#include "messages/time.hpp"

namespace herald {

/// When a job runs: schedule_settings that made sense. An immutable value.
struct job_schedule {
  cron_rule rule;
  time_zone zone;
  duration jitter{0};
  catch_up_policy catch_up = catch_up_policy::coalesce;
  std::uint32_t catch_up_runs = 1;
  duration late_after{60'000};

  /// The failure (permanent) names the job and says what is wrong.
  static result<job_schedule> parse(const schedule_settings& x);

  friend bool operator==(const job_schedule&, const job_schedule&) = default;
};

/// Whether a run that begins at `now` is in time.
bool in_time(const job_schedule& schedule, timestamp instant, timestamp now);

/// A run that is due.
struct due_run {
  timestamp instant{};
  run_cause cause = run_cause::schedule;
  /// Older instants that end with its beginning.
  std::optional<missed_span> missed;
};

/// Long downtimes are counted up to here; then it is at least so many instants.
inline constexpr std::uint64_t max_counted_instants = 100'000;

/// The next run to make at `now`, when everything up to `settled_until` is settled. Nothing is due when no instant lies
/// in between, or when those that do are to be skipped: they end with the next run.
std::optional<due_run> next_due_run(const job_schedule& schedule, timestamp settled_until, timestamp now);

/// The longest time between two instants that follow each other, of some hundreds.
duration longest_gap(const job_schedule& schedule);

/// When to look next, after `now`: the next instant plus this daemon's jitter. `random` is uniform in [0, 1).
timestamp next_look(const job_schedule& schedule, timestamp now, double random);

} // namespace herald
