// meeting_updated: the time or the participants of a meeting changed. Everybody who takes part hears of it.
#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/markdown.hpp"
#include "core/meeting_facts.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

struct meeting_changes {
  bool time = false;
  bool participants = false;
};

meeting_changes read_changes(const event& x) {
  auto changes = x.data.object("changes").value_or(payload{});
  return {changes.flag("timeChanged").value_or(false), changes.flag("participantsChanged").value_or(false)};
}

std::string body_of(const meeting_facts& meeting, const meeting_changes& changed) {
  auto name = bold(meeting.title);
  if (meeting.row && meeting.row->status == "cancelled")
    return name + " was cancelled.";
  auto when = meeting.start_time ? "It takes place" + on_meeting_time(meeting) + "." : std::string{};
  auto then_when = when.empty() ? when : " " + when;
  if (changed.time) {
    auto moved = name + (meeting.start_time ? " was moved to " + std::string{meeting_time} : " was moved");
    return moved + (changed.participants ? ", and its participants changed." : ".");
  }
  return name + (changed.participants ? ": the participants changed." : " was updated.") + then_when;
}

payload changes_object(const meeting_changes& changed) {
  auto text =
      json_object{}.set("timeChanged", changed.time).set("participantsChanged", changed.participants).str();
  return payload::parse(text).value();
}

notification_draft update(const meeting_facts& meeting, const meeting_changes& changed) {
  notification_draft out;
  out.title = "Meeting updated: " + meeting.title;
  out.body = body_of(meeting, changed);
  out.link_url = meeting.link_url;
  out.payload = meeting_payload("meeting_update", meeting).set("changes", changes_object(changed)).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_meeting_updated(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto meeting_id = fields.id("meeting_id");
  if (!fields.complete())
    return fields.why_not();
  auto meeting = read_meeting(x, c, meeting_id);
  auto out = fan_out_builder{c, rules_for(x, meeting.project_id)};
  if (meeting.row)
    out.notify(update(meeting, read_changes(x)), out.admit(meeting.row->participants).in_app);
  else
    out.warn(deleted_warning("meeting", meeting_id));
  return std::move(out).build();
}

} // namespace herald
