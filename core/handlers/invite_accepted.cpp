// invite_accepted: an invited person joined an org. Its owners hear of it.
#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/links.hpp"
#include "core/markdown.hpp"
#include "core/text.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

struct new_member {
  uuid id{};
  std::string name;
  std::optional<std::string> email;
  uuid org_id{};
  std::string org_name;
};

result<new_member> read_member(const event& x, const context& c) {
  auto fields = required_fields{x};
  new_member out;
  out.org_id = fields.id("org_id");
  auto named = x.data.id("new_member_id");
  if (!named)
    named = x.row.actor_id;
  // Neither says who joined: let the report name the field that should.
  out.id = named ? *named : fields.id("new_member_id");
  if (!fields.complete())
    return fields.why_not();
  auto profile_row = look_up(c.world.profiles, out.id);
  out.name = find_name(x, "new_member_name").value_or(person_name(profile_row));
  out.email = find_name(x, "new_member_email");
  if (!out.email && profile_row && !profile_row->email.empty())
    out.email = profile_row->email;
  auto org_row = look_up(c.world.orgs, out.org_id);
  auto known = org_row ? one_line(org_row->name, name_limit) : std::string{};
  out.org_name = find_name(x, "org_name").value_or(known.empty() ? "your organization" : known);
  return out;
}

json_object keys(const event& x, const new_member& member) {
  json_object out;
  out.set("type", x.row.type)
      .set("org_id", member.org_id)
      .set("org_name", member.org_name)
      .set("new_member_id", member.id)
      .set("new_member_name", member.name)
      .set("new_member_email", member.email);
  return out;
}

notification_draft in_app(const event& x, const new_member& member) {
  notification_draft out;
  out.title = member.name + " joined " + member.org_name;
  out.body = bold(member.name) + " accepted the invitation to " + bold(member.org_name) + ".";
  out.link_url = team_link();
  out.payload = keys(x, member).str();
  return out;
}

email_draft mail(const event& x, const new_member& member) {
  email_draft out;
  out.subject = member.name + " joined " + member.org_name;
  out.body_data = keys(x, member).set("link_url", team_link()).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_invite_accepted(const event& x, const context& c) {
  auto member = read_member(x, c);
  if (!member)
    return member.error();
  auto rules = rules_for(x, std::nullopt, email_delivery::immediate);
  rules.excluded.push_back(member->id);
  auto out = fan_out_builder{c, std::move(rules)};
  auto to = out.admit(owners_of(c.world, member->org_id));
  out.notify(in_app(x, *member), to.in_app);
  out.mail(mail(x, *member), to);
  if (!look_up(c.world.orgs, member->org_id))
    out.warn(deleted_warning("org", member->org_id));
  return std::move(out).build();
}

} // namespace herald
