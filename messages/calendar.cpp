#include "messages/calendar.hpp"

namespace herald {

std::string to_string(const due_watches_ptr& x) {
  return x ? "due_watches(" + std::to_string(x->watches.size()) + ")" : "due_watches(null)";
}

std::string to_string(const record_watches_ptr& x) {
  return x ? "record_watches(" + std::to_string(x->updates.size()) + ")" : "record_watches(null)";
}

std::string to_string(const calendar_call_ptr& x) {
  if (!x)
    return "calendar_call(null)";
  struct name_of {
    const char* operator()(const token_refresh&) const { return "calendar_call(refresh)"; }
    const char* operator()(const watch_creation&) const { return "calendar_call(watch)"; }
    const char* operator()(const watch_stop&) const { return "calendar_call(stop)"; }
  };
  return std::visit(name_of{}, *x);
}

std::string_view to_string(calendar_verdict x) {
  switch (x) {
  case calendar_verdict::done:
    return "done";
  case calendar_verdict::try_later:
    return "try_later";
  case calendar_verdict::stale_token:
    return "stale_token";
  case calendar_verdict::needs_reconnect:
    return "needs_reconnect";
  case calendar_verdict::channel_taken:
    return "channel_taken";
  case calendar_verdict::not_watchable:
    return "not_watchable";
  case calendar_verdict::misconfigured:
    return "misconfigured";
  }
  return "unknown";
}

std::string to_string(const calendar_answer_ptr& x) {
  return x ? "calendar_answer(" + std::string{to_string(x->verdict)} + ")" : "calendar_answer(null)";
}

} // namespace herald
