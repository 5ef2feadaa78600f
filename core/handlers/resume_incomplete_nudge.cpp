// resume_incomplete_nudge: a resume of a project has been lying unfinished. An owner is asked to go on, once
// per tier and idle period: an edit by anyone starts a new one.
#include <algorithm>
#include <array>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/links.hpp"
#include "core/markdown.hpp"
#include "core/reasons.hpp"
#include "core/text.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

struct resume_nudge {
  uuid user_id{};
  uuid project_id{};
  std::string resume_type;
  std::int64_t completion_percent = 0;
  std::int64_t tier = 0;
  std::string project;
};

result<resume_nudge> read_nudge(const event& x, const context& c) {
  auto fields = required_fields{x};
  resume_nudge out;
  out.project_id = fields.id("project_id");
  out.user_id = fields.id("user_id");
  out.resume_type = fields.one_of("resume_type", {"project", "borrower"});
  out.completion_percent = fields.integer("completion_percent", 0, 100);
  out.tier = fields.integer("nudge_tier", 1, 4);
  if (!fields.complete())
    return fields.why_not();
  out.project = project_name(look_up(c.world.projects, out.project_id));
  return out;
}

bool is_owner(const context& c, const resume_nudge& nudge) {
  auto row = look_up(c.world.projects, nudge.project_id);
  return row && contains(owners_of(c.world, row->owner_org_id), nudge.user_id);
}

std::optional<timestamp> last_edit(const context& c, const resume_nudge& nudge) {
  auto edits = look_up(c.world.edits, nudge.project_id);
  return !edits ? std::nullopt : nudge.resume_type == "project" ? edits->project : edits->borrower;
}

bool already_nudged(const context& c, const resume_nudge& nudge) {
  auto edited = last_edit(c, nudge);
  return std::ranges::any_of(c.world.nudges, [&](const sent_nudge& x) {
    return x.user_id == nudge.user_id && x.project_id == nudge.project_id
           && x.resume_type == nudge.resume_type && x.tier == nudge.tier
           && (!edited || x.created_at > *edited);
  });
}

std::string resume_label(const resume_nudge& nudge) {
  return nudge.resume_type == "project" ? "project resume" : "borrower resume";
}

json_object keys(const event& x, const resume_nudge& nudge) {
  json_object out;
  out.set("type", x.row.type)
      .set("resume_type", nudge.resume_type)
      .set("completion_percent", nudge.completion_percent)
      .set("nudge_tier", nudge.tier)
      .set("project_id", nudge.project_id)
      .set("project_name", nudge.project);
  return out;
}

/// Two such events that are in flight together cannot see each other's notification; the key does what
/// `already_nudged` would. It names the idle period, which an edit ends.
std::string unique_key(const event& x, const context& c, const resume_nudge& nudge) {
  auto edited = last_edit(c, nudge);
  return x.row.type + ":" + to_string(nudge.project_id) + ":" + nudge.resume_type + ":"
         + std::to_string(nudge.tier) + ":" + (edited ? std::to_string(to_epoch_ms(*edited)) : "never");
}

notification_draft in_app(const event& x, const context& c, const resume_nudge& nudge) {
  notification_draft out;
  out.title = "Complete your " + resume_label(nudge);
  out.body = "The " + resume_label(nudge) + " of " + bold(nudge.project) + " is "
             + std::to_string(nudge.completion_percent) + "% complete. Finish it to move forward.";
  out.link_url = workspace_link(nudge.project_id);
  out.payload = keys(x, nudge).str();
  out.unique_key = unique_key(x, c, nudge);
  return out;
}

email_draft mail(const event& x, const context& c, const resume_nudge& nudge) {
  email_draft out;
  out.project_id = nudge.project_id;
  out.project_name = nudge.project;
  out.subject = "Complete your " + resume_label(nudge) + " for " + nudge.project;
  out.body_data = keys(x, nudge)
                      .set("resume_type_label", resume_label(nudge))
                      .set("link_url", workspace_link(nudge.project_id))
                      .str();
  out.unique_key = unique_key(x, c, nudge);
  return out;
}

} // namespace

result<fan_out_plan> handle_resume_incomplete_nudge(const event& x, const context& c) {
  auto nudge = read_nudge(x, c);
  if (!nudge)
    return nudge.error();
  auto out = fan_out_builder{c, rules_for(x, nudge->project_id, email_delivery::immediate)};
  auto to = out.admit(std::array{nudge->user_id}, [&](const uuid&, channel) -> std::string_view {
    if (!is_owner(c, *nudge))
      return reasons::not_an_owner;
    return already_nudged(c, *nudge) ? reasons::already_nudged : std::string_view{};
  });
  out.notify(in_app(x, c, *nudge), to.in_app);
  out.mail(mail(x, c, *nudge), to);
  if (!look_up(c.world.projects, nudge->project_id))
    out.warn(deleted_warning("project", nudge->project_id));
  return std::move(out).build();
}

} // namespace herald
