#include "messages/store.hpp"

namespace herald {

std::string to_string(const claimed_batch_ptr& x) {
  if (!x)
    return "claimed_batch()";
  std::string out = "claimed_batch(";
  for (auto& e : x->events)
    out.append(e.event.type).append(" ").append(std::to_string(e.event.id)).append(" ");
  return out += ")";
}

std::string to_string(const commit_request_ptr& x) {
  if (!x)
    return "commit_request()";
  std::string out = "commit_request(" + x->worker;
  for (auto& batch : x->batches)
    out.append(", ").append(to_string(batch));
  for (auto& f : x->failures)
    out.append(", ").append(f.retry_at ? "retry " : "dead ").append(std::to_string(f.failure.claim.event_id));
  return out += ")";
}

commit_report& commit_report::operator+=(const commit_report& x) {
  completed += x.completed;
  notifications += x.notifications;
  rolled_up += x.rolled_up;
  emails += x.emails;
  skipped += x.skipped;
  retried += x.retried;
  dead += x.dead;
  lost += x.lost;
  return *this;
}

} // namespace herald
