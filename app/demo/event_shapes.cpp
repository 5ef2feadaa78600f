// One maker per event type: which columns the platform sets and which keys it puts into the payload.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/demo/events.hpp"
#include "app/demo/names.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// What a maker draws from.
struct scene {
  const company& firm;
  random_source& random;
  timestamp at;

  template <class T> const T& any(const std::vector<T>& xs) const { return xs[random.below(xs.size())]; }

  const company_project& any_project() const { return any(firm.projects); }

  const company_thread& any_thread() const { return firm.threads[any(any_project().threads)]; }

  /// Somebody out of `xs`, but not `other` if there is anybody else.
  uuid any_but(const std::vector<uuid>& xs, const uuid& other) const {
    auto i = random.below(xs.size());
    return xs[i] == other ? xs[(i + 1) % xs.size()] : xs[i];
  }

  /// Somebody with a grant on the project.
  uuid any_guest(const company_project& project) const {
    return project.people[project.owners + random.below(project.people.size() - project.owners)];
  }

  uuid any_owner(const company_project& project) const {
    return project.people[random.below(project.owners)];
  }

  const profile& person(const uuid& id) const { return firm.people.at(id); }
};

new_event event_of(std::string_view type, const std::optional<uuid>& actor,
                   const std::optional<uuid>& project, const json& payload, timestamp at) {
  new_event out;
  out.type = type;
  out.actor_id = actor;
  out.project_id = project;
  out.payload = payload.dump();
  out.created_at = at;
  return out;
}

new_event document_uploaded(const scene& s) {
  auto& project = s.any_project();
  auto& file = s.any(project.files);
  auto is_pdf = file.name.ends_with(".pdf");
  json payload{{"fileName", file.name},
               {"size", 20'000 + s.random.below(4'000'000)},
               {"mimeType", is_pdf ? "application/pdf" : "application/vnd.ms-excel"}};
  auto out = event_of("document_uploaded", s.any(project.people), project.id, payload, s.at);
  out.resource_id = file.id;
  return out;
}

new_event chat_message_sent(const scene& s) {
  auto& thread = s.any_thread();
  auto author = s.any(thread.participants);
  std::string text{demo_names::messages[s.random.below(demo_names::messages.size())]};
  auto mentioned = json::array();
  if (s.random.below(8) == 0) {
    auto user = s.any_but(thread.participants, author);
    auto& name = s.person(user).full_name;
    text = "@[" + (name.empty() ? s.person(user).email : name) + "](user:" + to_string(user) + ") " + text;
    mentioned.push_back(to_string(user));
  }
  json payload{{"message_id", 1'000 + s.random.below(1'000'000)},
               {"full_content", std::move(text)},
               {"mentioned_user_ids", std::move(mentioned)}};
  auto out = event_of("chat_message_sent", author, s.firm.projects[thread.project].id, payload, s.at);
  out.thread_id = thread.id;
  return out;
}

new_event thread_unread_stale(const scene& s) {
  auto& thread = s.any_thread();
  auto reader = s.any(thread.participants);
  json payload{{"user_id", to_string(reader)},
               {"thread_topic", thread.topic ? json(*thread.topic) : json()},
               {"unread_count", 1 + s.random.below(9)},
               {"latest_message_at", to_iso8601(s.at - 3h)},
               {"latest_sender_id", to_string(s.any_but(thread.participants, reader))},
               {"anchor_last_read_at", to_iso8601(s.at - 5h)}};
  auto out = event_of("thread_unread_stale", std::nullopt, s.firm.projects[thread.project].id, payload, s.at);
  out.thread_id = thread.id;
  return out;
}

new_event meeting_event(const scene& s, std::string_view type, const std::optional<uuid>& actor,
                        const company_meeting& meeting, json payload) {
  payload["meeting_id"] = to_string(meeting.id);
  payload["meeting_title"] = meeting.title;
  payload["start_time"] = to_iso8601(meeting.start_time);
  payload["end_time"] = to_iso8601(meeting.start_time + 1h);
  payload["meeting_link"] = meeting.link ? json(*meeting.link) : json();
  auto project = meeting.project ? std::optional{s.firm.projects[*meeting.project].id} : std::nullopt;
  auto out = event_of(type, actor, project, payload, s.at);
  out.meeting_id = meeting.id;
  return out;
}

new_event meeting_invited(const scene& s) {
  auto& meeting = s.any(s.firm.meetings);
  return meeting_event(s, "meeting_invited", meeting.organizer, meeting,
                       {{"invited_user_id", to_string(s.any(meeting.invited))}});
}

new_event meeting_updated(const scene& s) {
  auto& meeting = s.any(s.firm.meetings);
  auto moved = s.random.below(3) > 0;
  return meeting_event(s, "meeting_updated", meeting.organizer, meeting,
                       {{"changes", {{"timeChanged", moved}, {"participantsChanged", !moved}}}});
}

new_event meeting_reminder(const scene& s) {
  // The first meeting is the one that is about to begin.
  auto& meeting = s.firm.meetings.front();
  auto user = s.any(meeting.invited);
  return meeting_event(s, "meeting_reminder", user, meeting,
                       {{"user_id", to_string(user)},
                        {"reminder_minutes", 30},
                        {"organizer_id", to_string(meeting.organizer)}});
}

new_event resume_incomplete_nudge(const scene& s) {
  auto& project = s.any_project();
  json payload{{"resume_type", s.random.below(2) == 0 ? "project" : "borrower"},
               {"completion_percent", 5 * s.random.below(20)},
               {"nudge_tier", 1 + s.random.below(4)},
               {"user_id", to_string(s.any_owner(project))}};
  return event_of("resume_incomplete_nudge", std::nullopt, project.id, payload, s.at);
}

new_event invite_accepted(const scene& s) {
  auto& members = s.firm.borrower_members;
  // An org of owners alone still sees people come in; then the newcomer of the first project does.
  auto member = members.empty() ? s.firm.newcomer : s.any(members);
  auto& profile = s.person(member);
  json payload{{"org_id", to_string(s.firm.borrower_org)},
               {"org_name", s.firm.borrower_org_name},
               {"new_member_id", to_string(member)},
               {"new_member_name", profile.full_name},
               {"new_member_email", profile.email},
               {"invited_by", to_string(s.any_owner(s.firm.projects.front()))},
               {"project_grant_ids", json::array()}};
  return event_of("invite_accepted", member, std::nullopt, payload, s.at);
}

json access_payload(const scene& s, const company_project& project, const uuid& user, const uuid& by) {
  return {{"affected_user_id", to_string(user)},
          {"project_id", to_string(project.id)},
          {"project_name", project.name},
          {"changed_by_id", to_string(by)},
          {"org_id", to_string(s.firm.borrower_org)},
          {"org_name", s.firm.borrower_org_name}};
}

/// An access or permission event about `project` and, if given, one of its resources.
new_event access_event(const scene& s, std::string_view type, const company_project& project,
                       const uuid& user, const company_file* resource, const json& extra) {
  auto by = s.any_owner(project);
  auto payload = access_payload(s, project, user, by);
  payload.update(extra);
  if (resource) {
    payload["resource_id"] = to_string(resource->id);
    payload["resource_name"] = resource->name;
  }
  auto out = event_of(type, by, project.id, payload, s.at);
  if (resource)
    out.resource_id = resource->id;
  return out;
}

json changed_permission(const scene& s) {
  auto upgraded = s.random.below(3) > 0;
  return {{"old_permission", upgraded ? "view" : "edit"}, {"new_permission", upgraded ? "edit" : "view"}};
}

new_event project_access_granted(const scene& s) {
  auto& project = s.any_project();
  return access_event(s, "project_access_granted", project, s.any_guest(project), nullptr,
                      {{"new_permission", "view"}});
}

new_event project_access_changed(const scene& s) {
  auto& project = s.any_project();
  return access_event(s, "project_access_changed", project, s.any_guest(project), nullptr,
                      changed_permission(s));
}

new_event document_permission_granted(const scene& s) {
  auto& project = s.any_project();
  return access_event(s, "document_permission_granted", project, s.any_guest(project), &s.any(project.files),
                      {{"old_permission", nullptr}, {"new_permission", "view"}, {"via_root", false}});
}

new_event document_permission_changed(const scene& s) {
  auto& project = s.any_project();
  return access_event(s, "document_permission_changed", project, s.any_guest(project), &s.any(project.files),
                      changed_permission(s));
}

new_event resume_permission_granted(const scene& s) {
  auto& project = s.any_project();
  auto of_project = s.random.below(2) == 0;
  company_file resume{of_project ? project.project_resume : project.borrower_resume,
                      of_project ? "Project Resume" : "Borrower Resume"};
  return access_event(s, "resume_permission_granted", project, s.any_guest(project), &resume,
                      {{"old_permission", nullptr}, {"new_permission", "view"}, {"via_root", false}});
}

new_event chat_thread_participant_added(const scene& s) {
  auto& thread = s.any_thread();
  auto& project = s.firm.projects[thread.project];
  auto added = s.any(thread.participants);
  json payload{{"added_user_id", to_string(added)},
               {"thread_id", to_string(thread.id)},
               {"thread_topic", thread.topic ? json(*thread.topic) : json()}};
  auto out =
      event_of("chat_thread_participant_added", s.any_but(project.people, added), project.id, payload, s.at);
  out.thread_id = thread.id;
  return out;
}

using maker_fn = new_event (*)(const scene&);

// Sorted by name, like the handler table.
constexpr std::array<std::pair<std::string_view, maker_fn>, 14> makers{{
    {"chat_message_sent", chat_message_sent},
    {"chat_thread_participant_added", chat_thread_participant_added},
    {"document_permission_changed", document_permission_changed},
    {"document_permission_granted", document_permission_granted},
    {"document_uploaded", document_uploaded},
    {"invite_accepted", invite_accepted},
    {"meeting_invited", meeting_invited},
    {"meeting_reminder", meeting_reminder},
    {"meeting_updated", meeting_updated},
    {"project_access_changed", project_access_changed},
    {"project_access_granted", project_access_granted},
    {"resume_incomplete_nudge", resume_incomplete_nudge},
    {"resume_permission_granted", resume_permission_granted},
    {"thread_unread_stale", thread_unread_stale},
}};

constexpr auto type_names = [] {
  std::array<std::string_view, makers.size()> out{};
  for (std::size_t i = 0; i < makers.size(); ++i)
    out[i] = makers[i].first;
  return out;
}();

} // namespace

std::span<const std::string_view> demo_event_types() {
  return type_names;
}

new_event make_demo_event(const company& firm, std::string_view type, random_source& random, timestamp at) {
  auto i = std::lower_bound(type_names.begin(), type_names.end(), type) - type_names.begin();
  return makers[static_cast<std::size_t>(i)].second({firm, random, at});
}

} // namespace herald
