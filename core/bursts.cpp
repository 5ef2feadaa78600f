#include "core/bursts.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/links.hpp"
#include "core/markdown.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

/// One resource that a burst is about.
struct burst_item {
  uuid resource_id{};
  std::string resource_name;
  std::optional<std::string> new_permission;
};

/// What the events of one burst have in common, and what each adds.
struct burst {
  std::size_t first = 0; ///< index of the plan that takes the others in
  std::vector<claim_ref> claims;
  uuid project_id{};
  std::string project_name;
  std::vector<burst_item> items;
  notification_draft last;
};

bool is_plain(const fan_out_plan& x) {
  return x.notifications.size() == 1 && x.notifications.front().users.size() == 1 && x.roll_ups.empty()
         && x.emails.empty() && x.skips.empty() && x.warning.empty();
}

void add_item(burst& to, burst_item item) {
  auto same = [&](const burst_item& x) { return x.resource_id == item.resource_id; };
  auto i = std::ranges::find_if(to.items, same);
  if (i == to.items.end())
    to.items.push_back(std::move(item));
  else
    *i = std::move(item);
}

/// "resume" for the resumes of a project, "document" for every other resource.
std::string_view noun_of(const fan_out_plan& x) {
  return x.event_type.starts_with("resume") ? "resume" : "document";
}

std::string body_of(const burst& x) {
  static constexpr std::size_t named = 3;
  std::string out = "You were given access to ";
  for (std::size_t i = 0; i < std::min(named, x.items.size()); ++i)
    out.append(i == 0 ? "" : ", ").append(bold(x.items[i].resource_name));
  if (x.items.size() > named)
    out.append(" and ").append(std::to_string(x.items.size() - named)).append(" more");
  return out.append(" in ").append(bold(x.project_name)).append(".");
}

std::string payload_of(const burst& x, std::string_view event_type) {
  std::vector<json_object> items;
  for (auto& item : x.items) {
    if (items.size() == burst_item_limit)
      break;
    json_object entry;
    entry.set("resource_id", item.resource_id)
        .set("resource_name", item.resource_name)
        .set("new_permission", item.new_permission);
    items.push_back(std::move(entry));
  }
  json_object out;
  out.set("type", event_type)
      .set("count", static_cast<std::int64_t>(x.items.size()))
      .set("items", items)
      .set("project_id", x.project_id)
      .set("project_name", x.project_name);
  auto& common = x.items.front().new_permission;
  if (common && std::ranges::all_of(x.items, [&](auto& item) { return item.new_permission == common; }))
    out.set("new_permission", common);
  return out.str();
}

/// The notification of a whole burst.
notification_draft summary(const burst& x, const fan_out_plan& first) {
  if (x.items.size() == 1)
    return x.last;
  notification_draft out;
  out.title = std::to_string(x.items.size()) + " " + std::string{noun_of(first)} + "s shared with you in "
              + x.project_name;
  out.body = body_of(x);
  out.link_url = workspace_link(x.project_id);
  out.payload = payload_of(x, first.event_type);
  out.users = x.last.users;
  return out;
}

/// Adds a plan to its burst; true when another plan opened it.
bool join(std::map<std::pair<uuid, uuid>, burst>& bursts, const fan_out_plan& plan, std::size_t index) {
  auto& draft = plan.notifications.front();
  auto data = payload::parse(draft.payload);
  auto project_id = data ? data->id("project_id") : std::nullopt;
  auto resource_id = data ? data->id("resource_id") : std::nullopt;
  if (!project_id || !resource_id)
    return false;
  auto [i, opened] = bursts.try_emplace({draft.users.front(), *project_id});
  auto& to = i->second;
  if (opened)
    to.first = index;
  to.claims.insert(to.claims.end(), plan.claims.begin(), plan.claims.end());
  to.project_id = *project_id;
  to.project_name = data->text("project_name").value_or("your project");
  to.last = draft;
  add_item(to,
           {*resource_id, data->text("resource_name").value_or("a document"), data->text("new_permission")});
  return !opened;
}

} // namespace

void coalesce_bursts(std::vector<fan_out_plan>& plans) {
  std::map<std::pair<uuid, uuid>, burst> bursts;
  std::vector<bool> taken_in(plans.size());
  for (std::size_t i = 0; i < plans.size(); ++i)
    taken_in[i] = is_plain(plans[i]) && join(bursts, plans[i], i);
  for (auto& [key, x] : bursts) {
    auto& first = plans[x.first];
    if (x.claims.size() == 1)
      continue;
    first.notifications = {summary(x, first)};
    first.claims = x.claims;
  }
  std::vector<fan_out_plan> left;
  for (std::size_t i = 0; i < plans.size(); ++i)
    if (!taken_in[i])
      left.push_back(std::move(plans[i]));
  plans = std::move(left);
}

} // namespace herald
