#include "core/thread_facts.hpp"

#include <utility>

#include "core/event_fields.hpp"
#include "core/links.hpp"
#include "core/text.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

std::string label_of(const event& x, const chat_thread* row) {
  if (row && !row->topic.empty())
    return thread_label(row->topic);
  return thread_label(find_name(x, "thread_topic").value_or(""));
}

} // namespace

thread_facts read_thread(const event& x, const context& c, const uuid& thread_id) {
  thread_facts out;
  out.id = thread_id;
  out.row = look_up(c.world.threads, thread_id);
  out.label = label_of(x, out.row);
  out.project_id = find_id(x, "project_id");
  if (!out.project_id && out.row && out.row->project_id != nil_uuid)
    out.project_id = out.row->project_id;
  out.project_name = project_name(look_up(c.world.projects, out.project_id));
  return out;
}

preference_query thread_preferences(const thread_facts& facts, std::vector<std::string_view> event_types) {
  return {std::move(event_types), facts.id, facts.project_id};
}

bool still_participates(const thread_facts& facts, const uuid& user) {
  return facts.row && contains(facts.row->participants, user);
}

std::string chat_link_of(const thread_facts& facts) {
  return facts.project_id ? chat_link(*facts.project_id, facts.id) : thread_link(std::nullopt, facts.id);
}

} // namespace herald
