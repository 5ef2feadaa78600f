// E-mails on their way out: rows of the outbox, the mails they become, and the sealed envelopes that carry
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// Which queue of the provider's budget a mail uses. Immediate mail goes first; digests have a guaranteed
/// minimum.
enum class email_lane : std::uint8_t { immediate, digest };

std::string_view to_string(email_lane x);

/// One row of `pending_emails`. Every text is untrusted.
struct email_row {
  std::int64_t id = 0;
  std::int64_t event_id = 0;
  std::string event_type;
  std::optional<uuid> project_id;
  std::string project_name; ///< empty for none
  std::string subject;
  std::string body_data; ///< JSON object text
  timestamp created_at{};
};

/// One mail to one person before it is rendered: one immediate row, or all rows of a digest.
struct email_mail {
  /// Herald's own id of the mail; the rows' ids are the platform's.
  std::int64_t id = 0;
  email_lane lane = email_lane::immediate;
  uuid user_id{};
  /// End of the digest window; nothing for immediate mail.
  std::optional<timestamp> window_at;
  /// In order of their ids; at least one.
  std::vector<email_row> rows;
};

/// A rendered mail, ready to be put into a request. All texts are valid UTF-8; addresses, subject and headers
/// are single lines.
struct email_message {
  std::string from;
  std::string to;       ///< exactly one address
  std::string reply_to; ///< where answers go; empty for the sender
  std::string subject;
  std::string html;
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Names and values of [A-Za-z0-9_-], at most 256 characters each.
  std::vector<std::pair<std::string, std::string>> tags;
};

/// How an envelope is handed to the provider.
enum class email_endpoint : std::uint8_t {
  single, ///< one mail, `POST /emails`
  batch,  ///< up to 100 mails, `POST /emails/batch`
};

std::string_view to_string(email_endpoint x);

/// One provider request that is stored before its first attempt. Every attempt, by whichever daemon, sends
/// these bytes under this key.
struct sealed_envelope {
  std::int64_t id = 0;
  email_endpoint endpoint = email_endpoint::single;
  email_lane lane = email_lane::immediate;
  std::string idempotency_key;
  std::string body;
  /// Mails in the order of the request body.
  std::vector<std::int64_t> mail_ids;
  /// Counted failures so far.
  std::int32_t attempts = 0;
  /// When the provider first may have seen the key.
  std::optional<timestamp> first_attempt_at;
  /// Our lease on it, and when that ends.
  std::int32_t claim_no = 0;
  timestamp lease_until{};
};

using sealed_envelope_ptr = std::shared_ptr<const sealed_envelope>;

/// For traces, e.g. `sealed_envelope(7, batch of 12)`.
std::string to_string(const sealed_envelope_ptr& x);

} // namespace herald
