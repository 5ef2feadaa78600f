#include "core/retry_policy.hpp"

#include <algorithm>

namespace herald {

namespace {

/// The delay after `failures` (≥ 1) counted failures, before jitter. Stops doubling at the bound, so it
/// cannot overflow.
duration backoff(const retry_policy& policy, std::int32_t failures) {
  auto delay = std::min(policy.backoff_min, policy.backoff_max);
  for (auto i = std::int32_t{1}; i < failures && delay > duration::zero() && delay < policy.backoff_max; ++i)
    delay = delay > policy.backoff_max / 2 ? policy.backoff_max : delay * 2;
  return delay;
}

duration with_jitter(duration delay, double jitter, double random) {
  auto cut = static_cast<double>(delay.count()) * std::clamp(jitter, 0.0, 1.0) * std::clamp(random, 0.0, 1.0);
  return delay - duration{static_cast<duration::rep>(cut)};
}

} // namespace

std::optional<timestamp> next_attempt(const retry_policy& policy, const event_failure& x, timestamp now,
                                      double random) {
  auto kind = x.why.kind;
  if (kind == failure_class::permanent)
    return std::nullopt;
  if (kind == failure_class::outage)
    return now + policy.backoff_min;
  // Compared before this failure is added: the counters come from a database and may stand at their maximum.
  if (x.attempts >= policy.max_attempts - 1)
    return std::nullopt;
  if (kind == failure_class::crash && x.crashes >= policy.max_crashes - 1)
    return std::nullopt;
  return now + with_jitter(backoff(policy, x.attempts + 1), policy.jitter, random);
}

} // namespace herald
