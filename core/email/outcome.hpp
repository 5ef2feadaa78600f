// What an answer of the mail provider means for the mails of an envelope. Everything the provider says is a stranger's text: it is measured before it is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/mail.hpp"
#include "messages/time.hpp"

namespace herald {

/// The meaning of an answer. Only `settled` and `refused` say what became of the mails.
enum class send_result : std::uint8_t {
  settled,      ///< the provider has spoken about every mail
  refused,      ///< the request as a whole, for good: nothing was accepted, no retry can help
  rate_limited, ///< too fast: nothing was accepted; the same again after `retry_after`
  concurrent,   ///< another attempt with the key still runs: the same again in 1 to 5 seconds
  transient,    ///< the provider failed: the same again, with back-off
  unknown,      ///< accepted or not: the same again, with back-off; the key makes that safe
  unclear,      ///< accepted, but which mails cannot be told: a person has to look
  conflict,     ///< the key was used with other bytes, so it was probably sent: a person has to look
  paused,       ///< the provider takes no mail from us at all; nothing was accepted
};

std::string_view to_string(send_result x);

/// Why the provider takes no mail from us. Rows are kept, and it is tried again from time to time.
enum class pause_reason : std::uint8_t {
  unauthorised,      ///< missing, wrong or restricted key
  unverified_sender, ///< the sender's domain is not verified, or a test sender writes to others
  edge,              ///< the provider's edge refuses the client (error code 1010)
  misconfigured,     ///< what answers is not the API: wrong address, a proxy
  daily_quota,
  monthly_quota,
  security, ///< refused for security reasons (451)
};

std::string_view to_string(pause_reason x);

/// What became of one mail.
struct mail_fate {
  /// The provider's id; empty when the mail was refused.
  std::string provider_id;
  std::string reason; ///< why it was refused

  bool accepted() const { return !provider_id.empty(); }
  friend bool operator==(const mail_fate&, const mail_fate&) = default;
};

struct send_outcome {
  send_result result = send_result::unknown;
  /// For settled: one per mail, in the order of the request.
  std::vector<mail_fate> mails;
  /// For paused.
  pause_reason pause = pause_reason::unauthorised;
  std::optional<duration> retry_after;
  /// For an operator: what was answered and, where something can be done, what to do. One line, bounded.
  std::string reason;
  /// Whether mails may have been accepted, so that the key is in use from now on.
  bool maybe_accepted = true;
  /// Whether the attempt counts. Those that a provider's outage spoils do not.
  bool counted = false;
  /// The provider's service is down: it does not answer or its servers fail.
  bool outage = false;
};

/// By status and error name; an unknown name by the class of the status, as a body that is no JSON.
/// @pre `mails` ≥ 1, the mails in the request
send_outcome classify(const mail_answer& answer, email_endpoint endpoint, std::size_t mails);

} // namespace herald
