// The requests that carry mails: their bodies, which mails share one, and the keys that make a repeat harmless.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/email.hpp"
#include "messages/failure.hpp"
#include "messages/outbox.hpp"

namespace herald {

/// The JSON of one mail, the body of `POST /emails`. The same message always gives the same bytes. Of two
/// headers of one name the later one wins.
std::string single_body(const email_message& x);

/// A JSON array of mails, the body of `POST /emails/batch`; each element is its single_body.
std::string batch_body(std::span<const email_message> messages);

/// How mails become requests.
struct seal_limits {
  /// The first part of every key: letters, digits and `-_.:/`, at most 128. It has to differ between
  /// installations that share a provider account, and for a database that was made anew: their mails have
  /// the same ids, and the provider takes a known key for a repeat.
  std::string key_prefix = "herald";
  /// Most mails in one request (1 to 100, and no more than the daily quota if there is one).
  std::size_t batch_max = 100;
  /// Fewer mails than this go in single requests (≥ 2).
  std::size_t batch_min = 10;
  /// Most bytes of one body.
  std::size_t body_max = std::size_t{4} * 1024 * 1024;
};

/// Nothing, or the first wrong value and what it has to be.
std::optional<std::string> validate(const seal_limits& x);

/// A rendered mail that waits to be sealed.
struct unsealed_mail {
  mail_ref mail;
  /// How often a person has sent it on its way again.
  std::int32_t generation = 0;
  email_message message;
};

struct seal_plan {
  std::vector<envelope_draft> envelopes;
  /// Mails that no request can carry, with the reason.
  std::vector<std::pair<mail_ref, std::string>> refused;
};

/// Puts mails of one lane into requests, in their order. Every mail is in one envelope or refused.
/// @pre the limits are valid
seal_plan plan_envelopes(std::span<const unsealed_mail> mails, email_lane lane, const seal_limits& limits);

/// Single requests that take the place of a batch which was refused as a whole. Their keys follow from the
/// batch's key, so that splitting it again gives the same ones. The failure (permanent) tells why the stored
/// body cannot be split.
result<std::vector<envelope_draft>> split_batch(const sealed_envelope& batch);

} // namespace herald
