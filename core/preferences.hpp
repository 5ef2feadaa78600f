// Which channels a user wants for an event: the preference hierarchy, as pure functions.
//
// A row is relevant when its event_type is one of the asked ones or `*`, and its channel is the asked one or
// `*`. Scopes are asked in the order thread, project, global. Inside one scope the more exact row wins: exact
// event type before `*`, then exact channel before `*`; among equals (the database cannot rule them out for
// the global scope) the stricter status wins, so that the answer never depends on row order.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/context.hpp"
#include "messages/fan_out.hpp"

namespace herald {

/// What a handler asks the preferences about.
struct preference_query {
  /// Accepted names, the first is the event's own; e.g. `chat_message` and `chat_message_sent`.
  std::vector<std::string_view> event_types;
  std::optional<uuid> thread_id;
  std::optional<uuid> project_id;
};

enum class email_delivery : std::uint8_t { none, immediate, aggregated };

/// The status of the row that decides for `asked`; nothing when no row is relevant.
std::optional<preference_status> decide(std::span<const preference>, const preference_query&, channel asked);

/// Muted means no; anything else, or no row, means yes.
bool wants_in_app(std::span<const preference>, const preference_query&);

/// muted: none; immediate: immediate; digest: aggregated. Without a relevant row for e-mail: none when in_app
/// is muted, else `fallback`.
email_delivery wants_email(std::span<const preference>, const preference_query&, email_delivery fallback);

} // namespace herald
