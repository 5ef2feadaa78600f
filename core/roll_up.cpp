#include "core/roll_up.hpp"

#include "core/markdown.hpp"
#include "core/payload.hpp"
#include "core/text.hpp"

namespace herald {

roll_up_text render_roll_up(const roll_up_draft& draft, std::int64_t count) {
  auto label = thread_label(draft.thread_label);
  const project about{draft.project_name, {}, {}};
  auto name = project_name(&about);
  roll_up_text out;
  out.title = "New messages in " + name;
  out.body =
      std::to_string(count) + (count == 1 ? " new message in " : " new messages in ") + bold_label(label);
  out.payload = json_object{}
                    .set("type", "thread_activity")
                    .set("count", count)
                    .set("thread_id", draft.thread_id)
                    .set("thread_name", label)
                    .set("project_name", name)
                    .str();
  return out;
}

} // namespace herald
