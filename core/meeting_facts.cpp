#include "core/meeting_facts.hpp"

#include <utility>

#include "core/event_fields.hpp"
#include "core/iso8601.hpp"
#include "core/links.hpp"
#include "core/text.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

std::string title_of(const event& x, const meeting* row) {
  auto title = row ? one_line(row->title, name_limit) : std::string{};
  return title.empty() ? find_name(x, "meeting_title").value_or("a meeting") : title;
}

std::optional<timestamp> start_of(const event& x, const meeting* row) {
  // The column is never NULL; a start that nobody filled in reads as the epoch.
  if (row && row->start_time != timestamp{})
    return row->start_time;
  auto text = x.data.text("start_time");
  return text ? from_iso8601(*text) : std::nullopt;
}

/// Web addresses alone: the link becomes something to click on.
std::optional<std::string> meeting_link_of(const event& x, const meeting* row) {
  static constexpr std::size_t longest = 2048;
  auto link = row ? row->meeting_link : std::string{};
  if (link.empty())
    link = x.data.text("meeting_link").value_or("");
  auto web = link.starts_with("https://") || link.starts_with("http://");
  auto clean = one_line(link, longest) == link && link.find(' ') == std::string::npos;
  return web && clean ? std::optional{std::move(link)} : std::nullopt;
}

std::optional<uuid> organizer_of(const event& x, const meeting* row) {
  if (row && row->organizer_id != nil_uuid)
    return row->organizer_id;
  auto named = x.data.id("organizer_id");
  return named ? named : x.row.actor_id;
}

} // namespace

meeting_facts read_meeting(const event& x, const context& c, const uuid& meeting_id) {
  meeting_facts out;
  out.id = meeting_id;
  out.row = look_up(c.world.meetings, meeting_id);
  out.title = title_of(x, out.row);
  out.start_time = start_of(x, out.row);
  out.meeting_link = meeting_link_of(x, out.row);
  out.organizer_id = organizer_of(x, out.row);
  out.organizer_name = person_name(look_up(c.world.profiles, out.organizer_id));
  out.project_id = find_id(x, "project_id");
  if (!out.project_id && out.row)
    out.project_id = out.row->project_id;
  if (out.project_id)
    out.project_name = project_name(look_up(c.world.projects, out.project_id));
  out.link_url = meetings_link(out.project_id);
  return out;
}

json_object meeting_payload(std::string_view type, const meeting_facts& facts) {
  auto optional_text = [](std::string text) {
    return text.empty() ? std::nullopt : std::optional{std::move(text)};
  };
  auto start = facts.start_time ? std::optional{to_iso8601(*facts.start_time)} : std::nullopt;
  json_object out;
  out.set("type", type)
      .set("meeting_id", facts.id)
      .set("meeting_title", facts.title)
      .set("start_time", start)
      .set("organizer_id", facts.organizer_id)
      .set("organizer_name", facts.organizer_name)
      .set("project_id", facts.project_id)
      .set("project_name", optional_text(facts.project_name));
  return out;
}

std::string on_meeting_time(const meeting_facts& facts) {
  return facts.start_time ? std::string{" on "}.append(meeting_time) : std::string{};
}

bool still_attends(const meeting_facts& facts, const uuid& user) {
  return facts.row && facts.row->status == "scheduled" && contains(facts.row->participants, user);
}

} // namespace herald
