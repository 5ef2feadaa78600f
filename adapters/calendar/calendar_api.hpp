// The port to the calendar provider. Implementation: google (HTTPS).
#pragma once

#include "messages/calendar.hpp"

namespace herald {

/// Calls block, within their own deadlines, so they run behind the calendar gate. An object belongs to one thread at a
/// time. No call throws.
class calendar_api {
public:
  virtual ~calendar_api() = default;

  virtual calendar_answer call(const calendar_call&) = 0;
};

} // namespace herald
