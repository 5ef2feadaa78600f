#include "messages/fan_out.hpp"

namespace herald {

std::string_view to_string(channel x) {
  return x == channel::in_app ? "in_app" : "email";
}

std::size_t plan_batch::events() const {
  auto n = failures.size();
  for (auto& plan : plans)
    n += plan.claims.size();
  return n;
}

std::string to_string(const plan_batch_ptr& x) {
  if (!x)
    return "plan_batch()";
  std::string out = "plan_batch(";
  for (auto& plan : x->plans) {
    out.append(plan.event_type).append(":");
    for (auto& claim : plan.claims)
      out.append(" ").append(std::to_string(claim.event_id));
    out += ", ";
  }
  out += "failed:";
  for (auto& f : x->failures)
    out.append(" ").append(std::to_string(f.claim.event_id));
  return out += ")";
}

} // namespace herald
