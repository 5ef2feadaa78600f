// When a failed event is tried again, and when it is dead. Pure: randomness comes in as a number.
#pragma once

#include <cstdint>
#include <optional>

#include "messages/failure.hpp"
#include "messages/fan_out.hpp"
#include "messages/time.hpp"

namespace herald {

struct retry_policy {
  /// Counted failures after which an event is dead (≥ 1).
  std::int32_t max_attempts = 8;
  /// Crashes after which an event is quarantined (≥ 1).
  std::int32_t max_crashes = 3;
  /// Delay after the first failure; doubles with each further one.
  duration backoff_min{5'000};
  /// Upper bound of the delay, before jitter.
  duration backoff_max{15 * 60'000};
  /// Share of the delay that is random, 0 to 1: the delay lies in [d·(1−jitter), d].
  double jitter = 0.2;
};

/// Nothing means dead. `random` is uniform in [0, 1).
/// permanent: dead. transient: retried until max_attempts. crash: likewise, and dead at max_crashes.
/// outage: always retried, after backoff_min.
std::optional<timestamp> next_attempt(const retry_policy&, const event_failure&, timestamp now,
                                      double random);

} // namespace herald
