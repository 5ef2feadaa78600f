// How a run ends: in time or late, for good or to be tried again. Pure: randomness comes in as a number.
#pragma once

#include <cstdint>
#include <optional>

#include "core/jobs/occurrences.hpp"
#include "messages/failure.hpp"
#include "messages/job.hpp"
#include "messages/time.hpp"

namespace herald {

/// When a run that failed is tried again.
struct job_retry_policy {
  /// Tries per instant (≥ 1).
  std::int32_t max_attempts = 5;
  /// Pause after the first failure; doubles with each further one, up to backoff_max (0 < min ≤ max).
  duration backoff_min{30'000};
  duration backoff_max{15 * 60'000};
};

/// One try of a run, as it went.
struct finished_try {
  run_cause cause = run_cause::schedule;
  timestamp instant{};
  timestamp started_at{};
  timestamp ended_at{};
  std::int32_t attempt = 1;
  job_counts counts;
  std::optional<failure> why;
};

/// What to write into the ledger. Without a failure: ran, or late. A permanent failure is not tried again, nor is one of
/// a run by hand: whoever asked is told. An outage is tried again however often it was. `random` is uniform in [0, 1).
finish_run_request conclude(const job_schedule* schedule, const job_retry_policy& policy, finished_try x,
                            double random);

} // namespace herald
