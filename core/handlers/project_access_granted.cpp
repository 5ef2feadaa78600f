// project_access_granted: somebody was let into a project.
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
  out.title = "You now have access to " + access.project_name;
  out.body =
      bold(actor_name(x, c)) + " gave you " + access_words(access) + " to " + bold(access.project_name) + ".";
  out.link_url = workspace_link(access.project_id);
  out.payload = access_payload(x, access, access_act::grant).str();
  return out;
}

email_draft mail(const event& x, const access_facts& access) {
  email_draft out;
  out.project_id = access.project_id;
  out.project_name = access.project_name;
  out.subject = "You now have access to " + access.project_name;
  out.body_data =
      access_payload(x, access, access_act::grant).set("link_url", workspace_link(access.project_id)).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_project_access_granted(const event& x, const context& c) {
  auto access = read_access(x, c, access_target::project, access_act::grant);
  if (!access)
    return access.error();
  auto out = fan_out_builder{c, rules_for(x, access->project_id, email_delivery::immediate)};
  auto to = out.admit(std::array{access->user_id}, [&](const uuid&, channel) -> std::string_view {
    return still_has_access(c, *access) ? std::string_view{} : reasons::no_access;
  });
  out.notify(in_app(x, c, *access), to.in_app);
  out.mail(mail(x, *access), to);
  warn_if_deleted(out, c, *access);
  return std::move(out).build();
}

} // namespace herald
