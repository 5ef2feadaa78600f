// document_permission_changed: what somebody may do with a document changed. Only an upgrade from view to
// edit is news.
#include <array>

#include "core/access_facts.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/links.hpp"
#include "core/markdown.hpp"
#include "core/reasons.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

notification_draft in_app(const event& x, const context& c, const access_facts& access) {
  notification_draft out;
  out.title = "You can now edit " + access.resource_name;
  out.body = bold(actor_name(x, c)) + " gave you " + access_words(access) + " to "
             + bold(access.resource_name) + " in " + bold(access.project_name) + ".";
  out.link_url = document_link(access.project_id, access.resource_id);
  out.payload = access_payload(x, access, access_act::change).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_document_permission_changed(const event& x, const context& c) {
  auto access = read_access(x, c, access_target::resource, access_act::change);
  if (!access)
    return access.error();
  auto out = fan_out_builder{c, rules_for(x, access->project_id)};
  auto to = out.admit(std::array{access->user_id}, [&](const uuid&, channel) -> std::string_view {
    if (!still_has_access(c, *access))
      return reasons::no_access;
    return is_upgrade(*access) ? std::string_view{} : reasons::not_an_upgrade;
  });
  out.notify(in_app(x, c, *access), to.in_app);
  warn_if_deleted(out, c, *access);
  return std::move(out).build();
}

} // namespace herald
