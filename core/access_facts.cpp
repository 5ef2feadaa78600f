#include "core/access_facts.hpp"

#include <utility>

#include "core/event_fields.hpp"
#include "core/text.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

std::string resource_name_of(const event& x, const context& c, const uuid& resource_id) {
  auto row = look_up(c.world.resources, resource_id);
  auto known = row ? one_line(row->name, name_limit) : std::string{};
  return find_name(x, "resource_name").value_or(known.empty() ? "a document" : known);
}

} // namespace

result<access_facts> read_access(const event& x, const context& c, access_target target, access_act act) {
  auto fields = required_fields{x};
  access_facts out;
  out.user_id = fields.id("affected_user_id");
  out.project_id = fields.id("project_id");
  if (target == access_target::resource)
    out.resource_id = fields.id("resource_id");
  if (act == access_act::change) {
    out.old_permission = fields.name("old_permission");
    out.new_permission = fields.name("new_permission");
  } else {
    out.new_permission = find_name(x, "new_permission");
  }
  if (!fields.complete())
    return fields.why_not();
  auto known_project = project_name(look_up(c.world.projects, out.project_id));
  out.project_name = find_name(x, "project_name").value_or(std::move(known_project));
  if (out.resource_id)
    out.resource_name = resource_name_of(x, c, *out.resource_id);
  return out;
}

json_object access_payload(const event& x, const access_facts& facts, access_act act) {
  json_object out;
  out.set("type", x.row.type)
      .set("project_id", facts.project_id)
      .set("project_name", facts.project_name)
      .set("new_permission", facts.new_permission);
  if (facts.resource_id)
    out.set("resource_id", facts.resource_id).set("resource_name", facts.resource_name);
  if (act == access_act::change)
    out.set("old_permission", facts.old_permission);
  return out;
}

std::string access_words(const access_facts& facts) {
  auto known = facts.new_permission == "view" || facts.new_permission == "edit";
  return known ? *facts.new_permission + " access" : "access";
}

bool is_upgrade(const access_facts& facts) {
  return facts.old_permission == "view" && facts.new_permission == "edit";
}

bool still_has_access(const context& c, const access_facts& facts) {
  if (!facts.resource_id)
    return reaches_project(c.world, facts.project_id, facts.user_id);
  auto row = look_up(c.world.resources, facts.resource_id);
  return row && row->viewers.contains(facts.user_id);
}

void warn_if_deleted(fan_out_builder& out, const context& c, const access_facts& facts) {
  if (facts.resource_id && !look_up(c.world.resources, facts.resource_id))
    out.warn(deleted_warning("resource", *facts.resource_id));
  else if (!facts.resource_id && !look_up(c.world.projects, facts.project_id))
    out.warn(deleted_warning("project", facts.project_id));
}

} // namespace herald
