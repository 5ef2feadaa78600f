// document_uploaded: somebody put a file into a project. Everybody who works on the project and may see the
// file hears of it.
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

struct upload {
  uuid project_id{};
  std::optional<uuid> resource_id;
  const resource* file = nullptr;
  std::string file_name;
  std::string project;
  std::string uploader;
  std::string link_url;
};

upload read_upload(const event& x, const context& c, const uuid& project_id) {
  upload out;
  out.project_id = project_id;
  out.resource_id = find_id(x, "resource_id");
  out.file = look_up(c.world.resources, out.resource_id);
  auto known = out.file ? one_line(out.file->name, name_limit) : std::string{};
  if (auto name = find_name(x, "fileName"))
    out.file_name = *name;
  else
    out.file_name = find_name(x, "resource_name").value_or(known.empty() ? "a document" : known);
  out.project = project_name(look_up(c.world.projects, project_id));
  out.uploader = actor_name(x, c);
  out.link_url = document_link(project_id, out.resource_id);
  return out;
}

std::vector<uuid> candidates(const context& c, const upload& x) {
  auto project_row = look_up(c.world.projects, x.project_id);
  auto out = project_row ? project_row->grantees : std::vector<uuid>{};
  auto org_id = x.file ? x.file->org_id : project_row ? project_row->owner_org_id : nil_uuid;
  auto owners = owners_of(c.world, org_id);
  out.insert(out.end(), owners.begin(), owners.end());
  return out;
}

notification_draft in_app(const event& x, const upload& up) {
  notification_draft out;
  out.title = "New document in " + up.project;
  out.body = bold(up.uploader) + " uploaded " + bold(up.file_name) + " to " + bold(up.project) + ".";
  out.link_url = up.link_url;
  out.payload = json_object{}
                    .set("type", x.row.type)
                    .set("project_id", up.project_id)
                    .set("project_name", up.project)
                    .set("resource_id", up.resource_id)
                    .set("file_name", up.file_name)
                    .set("uploader_name", up.uploader)
                    .str();
  return out;
}

email_draft mail(const upload& up) {
  email_draft out;
  out.project_id = up.project_id;
  out.project_name = up.project;
  out.subject = "New document in " + up.project + ": " + up.file_name;
  out.body_data = json_object{}
                      .set("file_name", up.file_name)
                      .set("project_name", up.project)
                      .set("uploader_name", up.uploader)
                      .set("resource_id", up.resource_id)
                      .set("link_url", up.link_url)
                      .str();
  return out;
}

} // namespace

result<fan_out_plan> handle_document_uploaded(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto project_id = fields.id("project_id");
  if (!fields.complete())
    return fields.why_not();
  auto up = read_upload(x, c, project_id);
  auto hidden = [&](const uuid& user, channel) -> std::string_view {
    auto visible = !up.resource_id || (up.file && up.file->viewers.contains(user));
    return visible ? std::string_view{} : reasons::no_access;
  };
  auto out = fan_out_builder{c, rules_for(x, project_id, email_delivery::aggregated)};
  auto to = out.admit(candidates(c, up), hidden);
  out.notify(in_app(x, up), to.in_app);
  out.mail(mail(up), to);
  if (!look_up(c.world.projects, project_id))
    out.warn(deleted_warning("project", project_id));
  else if (up.resource_id && !up.file)
    out.warn(deleted_warning("resource", *up.resource_id));
  return std::move(out).build();
}

} // namespace herald
