#include "core/idle_backoff.hpp"

#include <utility>

namespace herald {

idle_backoff::idle_backoff(duration min, duration max) : min_{min}, max_{max}, next_{min} {}

duration idle_backoff::next() {
  // Compares with the half, because the double of a long pause may not be representable.
  auto following = next_ > max_ / 2 ? max_ : next_ * 2;
  return std::exchange(next_, following);
}

void idle_backoff::reset() {
  next_ = min_;
}

} // namespace herald
