// How long an idle poller pauses: briefly after the first empty poll, longer and longer while nothing comes.
#pragma once

#include "messages/time.hpp"

namespace herald {

/// The pauses min, 2·min, 4·min … up to max, and max from then on, until a reset starts them over.
class idle_backoff {
public:
  /// @pre 0 < min ≤ max
  idle_backoff(duration min, duration max);

  /// The pause to make now; the following one is twice as long, at most max.
  duration next();

  /// There was work: the next pause is the shortest again.
  void reset();

private:
  duration min_;
  duration max_;
  duration next_;
};

} // namespace herald
