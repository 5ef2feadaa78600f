// A digest: rows by project, by event type inside a project, both in order of their first row.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/email/addresses.hpp"
#include "core/email/safe_text.hpp"
#include "core/email/views.hpp"
#include "core/links.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

using json = nlohmann::json;
using rows = std::vector<const email_row*>;

/// Rows of one event type in one project.
struct digest_group {
  std::string_view event_type;
  rows items;
};

struct digest_section {
  /// Nothing for what belongs to no project.
  std::optional<uuid> project_id;
  std::string title;
  std::vector<digest_group> groups;
  std::size_t size = 0;
};

/// The element that `matches`, or a new one at the end.
template <class T, class Predicate, class Make>
T& find_or_add(std::vector<T>& in, Predicate matches, Make make) {
  auto i = std::ranges::find_if(in, matches);
  return i != in.end() ? *i : in.emplace_back(make());
}

void add(digest_section& to, const email_row& row) {
  auto& group = find_or_add(
      to.groups, [&](const digest_group& x) { return x.event_type == row.event_type; },
      [&] {
        return digest_group{row.event_type, {}};
      });
  group.items.push_back(&row);
  ++to.size;
  if (to.title.empty() && to.project_id)
    to.title = safe_line(row.project_name, name_limit);
}

/// What belongs to no project comes last.
std::vector<digest_section> sections_of(const email_mail& mail) {
  std::map<std::optional<uuid>, std::size_t> places;
  std::vector<digest_section> out;
  for (const auto& row : mail.rows) {
    auto [place, added] = places.emplace(row.project_id, out.size());
    if (added)
      out.push_back({row.project_id, {}, {}, 0});
    add(out[place->second], row);
  }
  for (auto& x : out)
    if (x.title.empty())
      x.title = x.project_id ? "Your project" : "Your account";
  std::stable_partition(out.begin(), out.end(),
                        [](const digest_section& x) { return x.project_id.has_value(); });
  return out;
}

/// The counts of templates: '' closes a section where 0 would open it.
std::string count_text(std::size_t n) {
  return n == 0 ? "" : std::to_string(n);
}

std::string label_of(std::string_view event_type) {
  const auto& kind = email_kind_for(event_type);
  return kind.label.empty() ? event_type_words(event_type) : std::string{kind.label};
}

result<json> group_view(const digest_group& x, const view_context& c) {
  auto shown = std::min<std::size_t>(x.items.size(), std::max<std::uint32_t>(c.settings.digest_max_items, 1));
  json items = json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    auto item = row_view(*x.items[i], row_place::digest_item, c);
    if (!item)
      return item.error();
    items.push_back(std::move(*item));
  }
  json out;
  out["label"] = label_of(x.event_type);
  out["count"] = std::to_string(x.items.size());
  out["items"] = std::move(items);
  out["more"] = count_text(x.items.size() - shown);
  return as_result(std::move(out));
}

result<json> section_view(const digest_section& x, const view_context& c) {
  json groups = json::array();
  for (const auto& group : x.groups) {
    auto view = group_view(group, c);
    if (!view)
      return view.error();
    groups.push_back(std::move(*view));
  }
  auto link = x.project_id ? workspace_link(*x.project_id) : std::string{};
  json out;
  out["title"] = x.title;
  out["url"] = absolute_link(c.settings.app_base_url, link);
  out["groups"] = std::move(groups);
  return as_result(std::move(out));
}

/// Where it all happened, for the subject: "Tower", "3 projects", "Tower and your account".
std::string place_of(const std::vector<digest_section>& sections) {
  auto projects = std::ranges::count_if(sections, [](const auto& x) { return x.project_id.has_value(); });
  if (projects > 1)
    return std::to_string(projects) + " projects";
  if (projects == 0)
    return "your account";
  return sections.front().title + (sections.size() > 1 ? " and your account" : "");
}

} // namespace

result<json> digest_facts(const email_mail& mail, const view_context& c) {
  auto sections = sections_of(mail);
  auto shown =
      std::min<std::size_t>(sections.size(), std::max<std::uint32_t>(c.settings.digest_max_projects, 1));
  json views = json::array();
  std::size_t updates_shown = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    auto view = section_view(sections[i], c);
    if (!view)
      return view.error();
    views.push_back(std::move(*view));
    updates_shown += sections[i].size;
  }
  auto more = sections.size() - shown;
  json out;
  out["total"] = std::to_string(mail.rows.size());
  out["many"] = mail.rows.size() > 1;
  out["place"] = place_of(sections);
  out["until"] = readable_time(mail.window_at.value_or(c.now), "%a, %b %e, %I:%M %p %Z", c.zone);
  out["url"] = absolute_link(c.settings.app_base_url, "");
  out["sections"] = std::move(views);
  out["more_sections"] = count_text(more);
  out["more_sections_many"] = more > 1;
  out["more_updates"] = count_text(mail.rows.size() - updates_shown);
  return as_result(std::move(out));
}

result<json> digest_view(const email_mail& mail, const view_context& c) {
  auto out = digest_facts(mail, c);
  if (!out)
    return out;
  if (auto done = add_lead(*out, "digest", c); !done)
    return done.error();
  return out;
}

} // namespace herald
