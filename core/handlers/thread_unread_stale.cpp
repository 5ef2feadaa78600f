// thread_unread_stale: messages in a thread have been waiting for a reader. That reader gets an e-mail,
// nothing else: the inbox shows the messages already.
#include <algorithm>
#include <array>

#include "core/event_fields.hpp"
#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/reasons.hpp"
#include "core/thread_facts.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

email_draft nudge(const event& x, const thread_facts& thread) {
  // A nudge exists because there is something to read.
  auto unread = std::max<std::int64_t>(1, x.data.integer("unread_count").value_or(1));
  auto messages = std::to_string(unread) + (unread == 1 ? " unread message" : " unread messages");
  email_draft out;
  out.project_id = thread.project_id;
  out.project_name = thread.project_name;
  out.subject = messages + " in " + thread.label;
  out.body_data = json_object{}
                      .set("thread_id", thread.id)
                      .set("thread_topic", thread.label)
                      .set("unread_count", unread)
                      .set("project_name", thread.project_name)
                      .set("link_url", chat_link_of(thread))
                      .str();
  return out;
}

} // namespace

result<fan_out_plan> handle_thread_unread_stale(const event& x, const context& c) {
  auto fields = required_fields{x};
  auto thread_id = fields.id("thread_id");
  auto reader = std::array{fields.id("user_id")};
  if (!fields.complete())
    return fields.why_not();
  auto thread = read_thread(x, c, thread_id);
  auto rules = rules_for(x, thread.project_id, email_delivery::aggregated);
  rules.preferences = thread_preferences(thread, {x.row.type});
  rules.in_app = false;
  auto out = fan_out_builder{c, std::move(rules)};
  auto to = out.admit(reader, [&](const uuid& user, channel) -> std::string_view {
    return still_participates(thread, user) ? std::string_view{} : reasons::no_access;
  });
  out.mail(nudge(x, thread), to);
  if (!thread.row)
    out.warn(deleted_warning("thread", thread_id));
  return std::move(out).build();
}

} // namespace herald
