#include "adapters/store/sqlite/context_ids.hpp"

#include <string_view>

#include "core/payload.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view person_keys[] = {"user_id",       "invited_user_id", "affected_user_id",
                                            "added_user_id", "new_member_id",   "organizer_id"};

void add(id_set& out, const std::optional<uuid>& x) {
  if (x)
    out.insert(*x);
}

id_set people_in(const domain_event& event, const payload& data) {
  id_set out;
  add(out, event.actor_id);
  for (auto key : person_keys)
    add(out, data.id(key));
  for (auto& x : data.ids("mentioned_user_ids"))
    out.insert(x);
  return out;
}

void add_nudge(named_ids& out, const domain_event& event, const payload& data) {
  add(out.nudged, data.id("user_id"));
  add(out.nudge_projects, event.project_id);
  add(out.nudge_projects, data.id("project_id"));
}

void add_resource(named_ids& out, const uuid& resource, const domain_event& event, const payload& data) {
  out.resources.insert(resource);
  add(out.asked_about[resource], data.id("affected_user_id"));
  add(out.seen_through[resource], event.project_id);
  add(out.seen_through[resource], data.id("project_id"));
}

void add_event(named_ids& out, const domain_event& event) {
  auto parsed = payload::parse(event.payload);
  auto data = parsed ? *parsed : payload{};
  add(out.projects, event.project_id);
  add(out.projects, data.id("project_id"));
  add(out.threads, event.thread_id);
  add(out.threads, data.id("thread_id"));
  add(out.meetings, event.meeting_id);
  add(out.meetings, data.id("meeting_id"));
  add(out.orgs, data.id("org_id"));
  for (auto& resource : {event.resource_id, data.id("resource_id")})
    if (resource)
      add_resource(out, *resource, event, data);
  out.people.merge(people_in(event, data));
  if (event.type == "resume_incomplete_nudge")
    add_nudge(out, event, data);
  out.preference_types.insert(event.type);
}

} // namespace

named_ids ids_named_by(std::span<const claimed_event> events) {
  named_ids out;
  for (auto& x : events)
    add_event(out, x.event);
  // The platform's settings page stores chat preferences under an older name.
  if (out.preference_types.contains("chat_message_sent"))
    out.preference_types.insert("chat_message");
  out.preference_types.insert("*");
  return out;
}

} // namespace herald::sqlite
