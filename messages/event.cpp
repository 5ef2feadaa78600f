#include "messages/event.hpp"

namespace herald {

std::string to_string(const event_batch_ptr& x) {
  if (!x)
    return "event_batch()";
  auto out = "event_batch(" + x->type + ":";
  for (auto& e : x->events)
    out.append(" ").append(std::to_string(e.event.id));
  return out += ")";
}

} // namespace herald
