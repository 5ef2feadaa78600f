// Push channels of calendars: which are due for renewal, what is asked of the provider, and what is kept.
//
//   refresh (if the token is about to expire) ──► plan ──► create ──► keep ──► stop the old one
//
// The new channel exists, and is kept, before the old one is stopped, so that no change of a calendar goes unseen.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/failure.hpp"
#include "messages/job.hpp"
#include "messages/secret.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

// -- the store ----------------------------------------------------------------------------------------------

/// Asks for the Google connections with synchronisation on whose channel expires before now + within, in the order of
/// their ids.
struct due_watches_request {
  timestamp now{};
  duration within{std::chrono::hours{24}};
  /// At most this many (≥ 1).
  std::uint32_t limit = 100;
  /// Those behind this one.
  std::optional<uuid> after;
};

template <class Inspector> auto inspect(Inspector& f, due_watches_request& x) {
  return f(x.limit);
}

struct due_watch {
  uuid connection_id{};
  secret access_token;
  secret refresh_token;
  std::optional<timestamp> token_expires_at;
  /// JSON array of {id, name, primary, selected}.
  std::string calendar_list;
  /// The channel that expires.
  std::string channel_id;
  std::string resource_id;
  timestamp expires_at{};
  /// Channels of earlier tries that may exist, from old to new: the newest five.
  std::vector<std::string> planned_channels;
  /// Fingerprint of the refresh token that the provider refused for good; empty for none.
  std::string refused_token;
};

struct due_watches {
  std::vector<due_watch> watches;
};

using due_watches_ptr = std::shared_ptr<const due_watches>;

std::string to_string(const due_watches_ptr& x);

/// What is to be kept of one connection's renewal. Only the parts that are set are written.
struct watch_update {
  struct tokens {
    secret access_token;
    /// Empty: the old one stays.
    secret refresh_token;
    timestamp expires_at{};
    /// The refresh token that was sent; if another one stands there by now, the person has connected anew and nothing
    /// is written.
    secret used;
  };
  struct channel {
    std::string channel_id;
    std::string resource_id;
    timestamp expires_at{};
    /// The channel that it takes the place of; if another one stands there by now, nothing is written.
    std::string replaces;
  };
  struct trouble {
    failure why;
    /// Fingerprint of a refresh token that was refused for good: the person has to connect anew. Empty otherwise.
    std::string refused_token;
  };

  uuid connection_id{};
  std::optional<tokens> token;
  /// The channel that is about to be created.
  std::optional<std::string> planned;
  /// The channel that was created; ends the plan and forgets troubles.
  std::optional<channel> created;
  std::optional<trouble> failed;
};

struct record_watches_request {
  run_ref run;
  std::string worker;
  timestamp now{};
  /// One for each connection at most.
  std::vector<watch_update> updates;
};

using record_watches_ptr = std::shared_ptr<const record_watches_request>;

std::string to_string(const record_watches_ptr& x);

/// Connections of which nothing was written: they are gone, have another channel or grant by now, or the run is
/// no longer ours.
struct watches_recorded {
  std::vector<uuid> lost;
};

template <class Inspector> auto inspect(Inspector& f, watches_recorded& x) {
  auto n = x.lost.size();
  return f(n);
}

/// How all Google connections with synchronisation on stand.
struct watch_summary {
  std::uint64_t connections = 0;
  std::uint64_t watched = 0; ///< with a channel that has not expired
  std::uint64_t expired = 0; ///< with one that has
  /// Whose refresh token was refused and that were not renewed since: whether the person has connected anew
  /// shows at the next renewal.
  std::uint64_t needs_reconnect = 0;
  std::uint64_t failing = 0; ///< whose last renewal failed otherwise
  std::optional<timestamp> next_expiry;
};

template <class Inspector> auto inspect(Inspector& f, watch_summary& x) {
  return f(x.connections, x.watched, x.expired, x.needs_reconnect, x.failing);
}

// -- the provider -------------------------------------------------------------------------------------------

/// Asks for a new access token.
struct token_refresh {
  secret refresh_token;
  /// Fingerprint of a token that was refused before; if it is this one, the provider is not asked again.
  std::string refused_token;
};

/// Asks for a push channel.
struct watch_creation {
  secret access_token;
  std::string calendar_id;
  /// 1 to 64 of A–Z a–z 0–9 - _ + / =, never used before.
  std::string channel_id;
  /// The HTTPS address that is to be told of changes.
  std::string address;
  duration ttl{std::chrono::hours{24 * 7}};
};

/// Ends a push channel.
struct watch_stop {
  secret access_token;
  std::string channel_id;
  std::string resource_id;
};

using calendar_call = std::variant<token_refresh, watch_creation, watch_stop>;
using calendar_call_ptr = std::shared_ptr<const calendar_call>;

/// Names the call, and nothing of its content.
std::string to_string(const calendar_call_ptr& x);

/// What the provider's answer means for the connection.
enum class calendar_verdict : std::uint8_t {
  done,
  try_later,       ///< throttled, overloaded, unreachable or silent
  stale_token,     ///< the access token is not accepted: refresh it
  needs_reconnect, ///< the grant is gone: only its owner can give a new one
  channel_taken,   ///< the channel's id was used before
  not_watchable,   ///< this calendar has no push channels, or is gone
  misconfigured,   ///< our own client, address or request: every connection would fail
};

std::string_view to_string(calendar_verdict x);

struct calendar_answer {
  calendar_verdict verdict = calendar_verdict::done;
  /// Unless `done`.
  failure why;
  /// With `try_later`, if the provider says so.
  std::optional<duration> retry_after;

  /// Of a refresh that is done.
  secret access_token;
  secret refresh_token; ///< empty: the old one stays
  duration expires_in{};
  /// Of a refresh with `needs_reconnect`: fingerprint of the token that was refused.
  std::string refused_token;

  /// Of a creation that is done.
  std::string resource_id;
  timestamp expires_at{};
};

using calendar_answer_ptr = std::shared_ptr<const calendar_answer>;

std::string to_string(const calendar_answer_ptr& x);

} // namespace herald
