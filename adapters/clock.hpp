// The port to wall-clock time. Nothing else in Herald may ask the system what time it is.
#pragma once

#include "messages/time.hpp"

namespace herald {

class clock {
public:
  virtual ~clock() = default;

  /// UTC now. Must be safe to call from any thread.
  virtual timestamp now() const = 0;
};

} // namespace herald
