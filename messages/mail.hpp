// What is said to the mail provider and what it answers, as the transports carry it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "messages/email.hpp"
#include "messages/time.hpp"

namespace herald {

/// One attempt to deliver a sealed envelope.
struct mail_request {
  email_endpoint endpoint = email_endpoint::single;
  std::string idempotency_key;
  std::string body; ///< JSON, sent as these bytes
};

/// What the provider said. core/email/outcome.hpp decides what it means.
struct mail_answer {
  /// HTTP status; 0 when no answer came.
  std::int32_t status = 0;
  std::string body;
  /// Without an answer: what happened (never a secret).
  std::string error;
  /// Without an answer: whether the request may have reached the provider.
  bool maybe_delivered = false;

  // The provider's budget, where its headers tell.
  /// `ratelimit-limit`: requests per second of the whole team.
  std::optional<double> limit_per_second;
  std::optional<std::int64_t> remaining;    ///< `ratelimit-remaining`
  std::optional<duration> reset_after;      ///< `ratelimit-reset`
  std::optional<duration> retry_after;      ///< `retry-after`
  std::optional<std::int64_t> daily_used;   ///< `x-resend-daily-quota`
  std::optional<std::int64_t> monthly_used; ///< `x-resend-monthly-quota`
};

using mail_answer_ptr = std::shared_ptr<const mail_answer>;

/// For traces, e.g. `mail_answer(200)`.
std::string to_string(const mail_answer_ptr& x);

} // namespace herald
