// meeting_invited: somebody was asked to a meeting.
#include <array>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/markdown.hpp"
#include "core/meeting_facts.hpp"
#include "core/reasons.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

notification_draft invitation(const meeting_facts& meeting) {
  notification_draft out;
  out.title = "Meeting invitation: " + meeting.title;
  out.body = bold(meeting.organizer_name) + " invited you to " + bold(meeting.title)
             + on_meeting_time(meeting) + ".";
  out.link_url = meeting.link_url;
  out.payload = meeting_payload("meeting_invitation", meeting).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_meeting_invited(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto meeting_id = fields.id("meeting_id");
  auto invited = std::array{fields.id("invited_user_id")};
  if (!fields.complete())
    return fields.why_not();
  auto meeting = read_meeting(x, c, meeting_id);
  auto out = fan_out_builder{c, rules_for(x, meeting.project_id)};
  auto to = out.admit(invited, [&](const uuid& user, channel) -> std::string_view {
    return still_attends(meeting, user) ? std::string_view{} : reasons::no_access;
  });
  out.notify(invitation(meeting), to.in_app);
  if (!meeting.row)
    out.warn(deleted_warning("meeting", meeting_id));
  return std::move(out).build();
}

} // namespace herald
