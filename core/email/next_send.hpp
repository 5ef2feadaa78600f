// What happens to an envelope after an attempt: it ends, is sent again with the same bytes under the same key,
// or waits for a person.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/email/outcome.hpp"
#include "messages/email.hpp"
#include "messages/outbox.hpp"
#include "messages/time.hpp"

namespace herald {

/// When an envelope is sent again.
struct send_policy {
  /// Bound of the random delay after the first failure; doubles with each further one.
  duration backoff_min{1'000};
  duration backoff_max{10 * 60'000};
  /// Counted failures after which an envelope is parked (≥ 1).
  std::int32_t max_attempts = 50;
  /// How long after the first attempt a key protects. The provider forgets it after 24 hours; from then on a
  /// retry could send twice.
  duration key_life{23 * 3'600'000};
};

/// Nothing, or the first wrong value and what it has to be.
std::optional<std::string> validate(const send_policy& x);

/// Whether the key no longer protects, so that the envelope must not be sent.
bool key_expired(const send_policy& policy, const std::optional<timestamp>& first_attempt_at, timestamp now);

/// Either a time or the reason why an envelope is parked.
struct next_try {
  std::optional<timestamp> at;
  std::string parked;
};

/// For every result that leaves the mails' fate open. Delays are random between nothing and the bound ("full
/// jitter"), never shorter than the provider asks for. `attempts` are the failures that were counted before
/// this one, `first_attempt_at` is key_known_since; `random` is uniform in [0, 1).
next_try next_send(const send_policy& policy, const send_outcome& x, std::int32_t attempts,
                   const std::optional<timestamp>& first_attempt_at, timestamp now, double random);

/// Since when the provider may know the envelope's key, after an attempt that began at `attempted_at`.
/// Nothing while every attempt was turned away: then the key is as good as new.
std::optional<timestamp> key_known_since(const sealed_envelope& envelope, const send_outcome& x,
                                         timestamp attempted_at);

/// What is recorded about an envelope after an attempt that began at `attempted_at`. A single mail that is
/// refused dies. A batch that is refused as a whole is split into single requests, unless an earlier attempt
/// may have been accepted; then it is parked. `envelope.first_attempt_at` does not count this attempt.
envelope_outcome conclude(const send_policy& policy, const sealed_envelope& envelope, const send_outcome& x,
                          timestamp attempted_at, timestamp now, double random);

/// What is recorded about an envelope that may not be sent any more.
envelope_outcome park(const sealed_envelope& envelope, std::string reason);

} // namespace herald
