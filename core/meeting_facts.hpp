// What the three meeting event types say about their meeting, and whether it still concerns somebody.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/handlers.hpp"
#include "core/payload.hpp"
#include "messages/context.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// The placeholder that the web application replaces by payload.start_time in the reader's own time zone.
inline constexpr std::string_view meeting_time = "{{meeting_time}}";

struct meeting_facts {
  uuid id{};
  /// The row; nullptr when the meeting was deleted.
  const meeting* row = nullptr;
  std::string title;
  std::optional<timestamp> start_time;
  std::optional<std::string> meeting_link;
  std::optional<uuid> organizer_id;
  std::string organizer_name;
  std::optional<uuid> project_id;
  std::string project_name; ///< empty for a meeting without a project
  std::string link_url;
};

/// Reads the meeting's row; what it leaves open comes from the payload. An organizer nobody names is the
/// actor.
meeting_facts read_meeting(const event&, const context&, const uuid& meeting_id);

/// The keys that every meeting notification carries, `type` among them.
json_object meeting_payload(std::string_view type, const meeting_facts&);

/// ` on {{meeting_time}}`, or nothing when the start is unknown.
std::string on_meeting_time(const meeting_facts&);

/// Whether the meeting will be held and the user is still asked to it.
bool still_attends(const meeting_facts&, const uuid& user);

} // namespace herald
