// meeting_reminder: a meeting starts soon. The event is written up to half an hour ahead and may be handled
// late, so the minutes left are counted when the text is written.
#include <array>
#include <chrono>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/markdown.hpp"
#include "core/meeting_facts.hpp"
#include "core/reasons.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

std::string counted_minutes(std::int64_t n) {
  return std::to_string(n) + (n == 1 ? " minute" : " minutes");
}

/// Whole minutes from now to the start: begun ones count, past ones are negative.
std::int64_t minutes_left(timestamp start, timestamp now) {
  return std::chrono::ceil<std::chrono::minutes>(start - now).count();
}

std::string starts_when(const std::optional<std::int64_t>& left) {
  if (!left)
    return "starts soon";
  if (*left == 0)
    return "starts now";
  return *left > 0 ? "starts in " + counted_minutes(*left) : "started " + counted_minutes(-*left) + " ago";
}

notification_draft reminder(const event& x, const context& c, const meeting_facts& meeting) {
  auto left =
      meeting.start_time ? std::optional{minutes_left(*meeting.start_time, c.world.now)} : std::nullopt;
  auto announced = x.data.integer("reminder_minutes");
  auto payload = meeting_payload("meeting_reminder", meeting);
  payload.set("meeting_link", meeting.meeting_link);
  if (auto minutes = announced ? announced : left)
    payload.set("reminder_minutes", *minutes);
  if (left)
    payload.set("minutes_left", *left);
  notification_draft out;
  out.title = meeting.title + " " + starts_when(left);
  out.body = bold(meeting.title) + " " + starts_when(left)
             + (meeting.start_time ? " (" + std::string{meeting_time} + ")." : ".");
  out.link_url = meeting.link_url;
  out.payload = payload.str();
  return out;
}

} // namespace

result<fan_out_plan> handle_meeting_reminder(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto meeting_id = fields.id("meeting_id");
  auto reminded = std::array{fields.id("user_id")};
  if (!fields.complete())
    return fields.why_not();
  auto meeting = read_meeting(x, c, meeting_id);
  auto rules = rules_for(x, meeting.project_id);
  // Such events are written in the name of the person they remind.
  rules.excluded.clear();
  auto out = fan_out_builder{c, std::move(rules)};
  auto to = out.admit(reminded, [&](const uuid& user, channel) -> std::string_view {
    return still_attends(meeting, user) ? std::string_view{} : reasons::no_access;
  });
  out.notify(reminder(x, c, meeting), to.in_app);
  if (!meeting.row)
    out.warn(deleted_warning("meeting", meeting_id));
  return std::move(out).build();
}

} // namespace herald
