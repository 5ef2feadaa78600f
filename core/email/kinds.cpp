#include "core/email/kinds.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "core/email/markdown_html.hpp"
#include "core/email/safe_text.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

using json = nlohmann::json;

void chat_thread_participant_added(const row_fields& x, json& view) {
  view["actor_name"] = x.name("actor_name", "Someone");
  view["thread_label"] = x.name("thread_label", "#general");
}

void document_uploaded(const row_fields& x, json& view) {
  view["file_name"] = x.name("file_name", "a document");
  view["uploader_name"] = x.name("uploader_name", "Someone");
}

void invite_accepted(const row_fields& x, json& view) {
  view["new_member_name"] = x.name("new_member_name", "Someone");
  view["new_member_email"] = x.name("new_member_email", "");
  view["org_name"] = x.name("org_name", "your organization");
}

void project_access(const row_fields& x, json& view) {
  auto permission = x.name("new_permission", "");
  auto known = permission == "view" || permission == "edit";
  view["access"] = known ? permission + " access" : "access";
}

void resume_incomplete_nudge(const row_fields& x, json& view) {
  auto percent = x.number("completion_percent");
  auto sound = percent && *percent >= 0 && *percent <= 100;
  view["completion_percent"] = sound ? std::to_string(*percent) : "";
  view["resume_type_label"] = x.name("resume_type_label", "resume");
}

void thread_unread_stale(const row_fields& x, json& view) {
  auto unread = std::max<std::int64_t>(1, x.number("unread_count").value_or(1));
  view["thread_topic"] = x.name("thread_topic", "#general");
  view["unread_count"] = std::to_string(unread);
  view["many"] = unread > 1;
}

/// A type without its own kind may bring a text of its own, as notifications do.
void generic(const row_fields& x, json& view) {
  auto body = render_markdown(x.block("body"));
  view["body"] = body.text;
  view["body_html"] = body.html;
}

constexpr std::array kinds{
    email_kind{"chat_thread_participant_added", "Threads you were added to", chat_thread_participant_added},
    email_kind{"document_uploaded", "New documents", document_uploaded},
    email_kind{"invite_accepted", "New members", invite_accepted},
    email_kind{"project_access_changed", "Changed access", project_access},
    email_kind{"project_access_granted", "New access", project_access},
    email_kind{"resume_incomplete_nudge", "Resumes to complete", resume_incomplete_nudge},
    email_kind{"thread_unread_stale", "Unread messages", thread_unread_stale},
};

constexpr email_kind generic_kind{"generic", "", generic};

/// An object whatever the row holds. Broken UTF-8 costs the broken characters, not the whole.
payload parse_body(std::string_view text) {
  constexpr std::size_t too_large = 1024UL * 1024;
  if (text.size() > too_large)
    return {};
  auto out = payload::parse(repair_utf8(text));
  return out ? *out : payload{};
}

} // namespace

row_fields::row_fields(const email_row& row) : data_{parse_body(row.body_data)} {}

std::string row_fields::name(std::string_view key, std::string_view fallback) const {
  auto out = safe_line(data_.text(key).value_or(""), name_limit);
  return out.empty() ? std::string{fallback} : out;
}

std::optional<std::int64_t> row_fields::number(std::string_view key) const {
  return data_.integer(key);
}

std::string row_fields::link() const {
  return data_.text("link_url").value_or("");
}

std::string row_fields::block(std::string_view key) const {
  return safe_block(data_.text(key).value_or(""), 4000);
}

std::span<const email_kind> email_kinds() {
  return kinds;
}

const email_kind& generic_email_kind() {
  return generic_kind;
}

const email_kind& email_kind_for(std::string_view event_type) {
  auto i = std::ranges::lower_bound(kinds, event_type, {}, &email_kind::event_type);
  return i != kinds.end() && i->event_type == event_type ? *i : generic_kind;
}

std::string event_type_words(std::string_view event_type) {
  auto out = safe_line(event_type, name_limit);
  std::ranges::replace(out, '_', ' ');
  if (!out.empty() && out.front() >= 'a' && out.front() <= 'z')
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out.empty() ? "News" : out;
}

} // namespace herald
