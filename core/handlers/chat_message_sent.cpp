// chat_message_sent: somebody wrote into a thread. Whoever is mentioned reads the message itself; the others'
// unread messages of the thread are counted in one notification. The unread nudge does the mailing later.
#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/markdown.hpp"
#include "core/reasons.hpp"
#include "core/text.hpp"
#include "core/thread_facts.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

std::string message_of(const event& x) {
  for (auto key : {"full_content", "preview", "message_content"})
    if (auto text = x.data.text(key))
      return *text;
  return {};
}

notification_draft mention(const event& x, const context& c, const thread_facts& thread) {
  notification_draft out;
  out.title = actor_name(x, c) + " mentioned you in " + thread.label;
  out.body = message_body(message_of(x));
  if (out.body.empty())
    out.body = "You were mentioned in " + bold_label(thread.label) + ".";
  out.link_url = chat_link_of(thread);
  out.payload = json_object{}
                    .set("type", "mention")
                    .set("thread_id", thread.id)
                    .set("thread_name", thread.label)
                    .set("project_id", thread.project_id)
                    .set("project_name", thread.project_name)
                    .str();
  return out;
}

roll_up_draft unread(const thread_facts& thread) {
  roll_up_draft out;
  out.thread_id = thread.id;
  out.thread_label = thread.label;
  out.project_name = thread.project_name;
  out.link_url = chat_link_of(thread);
  return out;
}

} // namespace

result<fan_out_plan> handle_chat_message_sent(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto thread_id = fields.id("thread_id");
  if (!fields.complete())
    return fields.why_not();
  auto thread = read_thread(x, c, thread_id);
  auto rules = rules_for(x, thread.project_id);
  // The settings page stores the short name; rows under the event's own name count as well.
  rules.preferences = thread_preferences(thread, {"chat_message", "chat_message_sent"});
  auto out = fan_out_builder{c, std::move(rules)};
  // The platform does not check mentions against the participants.
  auto outsider = [&](const uuid& user, channel) -> std::string_view {
    return still_participates(thread, user) ? std::string_view{} : reasons::no_access;
  };
  auto mentioned = out.admit(x.data.ids("mentioned_user_ids"), outsider);
  out.notify(mention(x, c, thread), mentioned.in_app);
  if (thread.row)
    out.roll_up(unread(thread), out.admit(thread.row->participants).in_app);
  else
    out.warn(deleted_warning("thread", thread_id));
  return std::move(out).build();
}

} // namespace herald
