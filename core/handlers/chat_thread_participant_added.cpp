// chat_thread_participant_added: somebody was taken into a thread.
#include <array>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/links.hpp"
#include "core/markdown.hpp"
#include "core/reasons.hpp"
#include "core/thread_facts.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

json_object keys(const event& x, const context& c, const thread_facts& thread) {
  json_object out;
  out.set("type", x.row.type)
      .set("thread_id", thread.id)
      .set("thread_name", thread.label.substr(1))
      .set("thread_label", thread.label)
      .set("actor_id", x.row.actor_id)
      .set("actor_name", actor_name(x, c))
      .set("project_id", thread.project_id)
      .set("project_name", thread.project_name);
  return out;
}

notification_draft in_app(const event& x, const context& c, const thread_facts& thread) {
  notification_draft out;
  out.title = "You were added to " + thread.label;
  out.body = bold(actor_name(x, c)) + " added you to " + bold_label(thread.label) + " in "
             + bold(thread.project_name) + ".";
  out.link_url = thread_link(thread.project_id, thread.id);
  out.payload = keys(x, c, thread).str();
  return out;
}

email_draft mail(const event& x, const context& c, const thread_facts& thread) {
  email_draft out;
  out.project_id = thread.project_id;
  out.project_name = thread.project_name;
  out.subject = actor_name(x, c) + " added you to " + thread.label;
  out.body_data = keys(x, c, thread).set("link_url", thread_link(thread.project_id, thread.id)).str();
  return out;
}

} // namespace

result<fan_out_plan> handle_chat_thread_participant_added(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto thread_id = fields.id("thread_id");
  auto added = std::array{fields.id("added_user_id")};
  if (!fields.complete())
    return fields.why_not();
  auto thread = read_thread(x, c, thread_id);
  auto rules = rules_for(x, thread.project_id, email_delivery::immediate);
  rules.preferences = thread_preferences(thread, {x.row.type});
  auto out = fan_out_builder{c, std::move(rules)};
  auto to = out.admit(added, [&](const uuid& user, channel) -> std::string_view {
    return still_participates(thread, user) ? std::string_view{} : reasons::no_access;
  });
  out.notify(in_app(x, c, thread), to.in_app);
  out.mail(mail(x, c, thread), to);
  if (!thread.row)
    out.warn(deleted_warning("thread", thread_id));
  return std::move(out).build();
}

} // namespace herald
