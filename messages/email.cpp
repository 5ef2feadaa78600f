#include "messages/email.hpp"

#include "messages/mail.hpp"

namespace herald {

std::string_view to_string(email_lane x) {
  return x == email_lane::immediate ? "immediate" : "digest";
}

std::string_view to_string(email_endpoint x) {
  return x == email_endpoint::single ? "single" : "batch";
}

std::string to_string(const sealed_envelope_ptr& x) {
  if (!x)
    return "sealed_envelope(null)";
  auto out = "sealed_envelope(" + std::to_string(x->id);
  return x->endpoint == email_endpoint::single
             ? out + ")"
             : out + ", batch of " + std::to_string(x->mail_ids.size()) + ")";
}

std::string to_string(const mail_answer_ptr& x) {
  return x ? "mail_answer(" + std::to_string(x->status) + ")" : "mail_answer(null)";
}

} // namespace herald
