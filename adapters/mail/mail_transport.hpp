// The port to the mail provider. Implementations: resend (HTTPS) and capture (stores instead of sending).
#pragma once

#include "messages/mail.hpp"

namespace herald {

/// Calls block, within their own deadlines, so they run behind the mail gate. An object belongs to one thread
/// at a time. No call throws.
class mail_transport {
public:
  virtual ~mail_transport() = default;

  virtual mail_answer send(const mail_request&) = 0;
};

} // namespace herald
