// resume_permission_granted: somebody was given access to a resume of a project. Bursts become one
// notification, as for documents; a resume has no page of its own, so the link leads to the workspace.
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
  out.title = "Resume shared with you in " + access.project_name;
  out.body = bold(actor_name(x, c)) + " gave you " + access_words(access) + " to "
             + bold(access.resource_name) + " in " + bold(access.project_name) + ".";
  out.link_url = workspace_link(access.project_id);
  out.payload = access_payload(x, access, access_act::grant).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_resume_permission_granted(const event& x, const context& c) {
  auto access = read_access(x, c, access_target::resource, access_act::grant);
  if (!access)
    return access.error();
  auto out = fan_out_builder{c, rules_for(x, access->project_id)};
  auto to = out.admit(std::array{access->user_id}, [&](const uuid&, channel) -> std::string_view {
    return still_has_access(c, *access) ? std::string_view{} : reasons::no_access;
  });
  out.notify(in_app(x, c, *access), to.in_app);
  warn_if_deleted(out, c, *access);
  return std::move(out).build();
}

} // namespace herald
