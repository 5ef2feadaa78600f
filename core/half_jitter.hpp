// Pauses that double with each failure, and are partly random, so that those who failed together do not come back
// together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "messages/time.hpp"

namespace herald {

/// The pause after `failures` (≥ 1) failures in a row: `first` doubled with each further one, at most `most`, of which
/// half is certain and half goes by `random`, uniform in [0, 1).
/// @pre 0 < first ≤ most
inline duration half_jittered_pause(duration first, duration most, std::uint32_t failures, double random) {
  auto pause = first;
  for (std::uint32_t n = 1; n < failures && pause < most; ++n)
    pause *= 2;
  pause = std::min(pause, most);
  return pause / 2 + duration{static_cast<duration::rep>(static_cast<double>(pause.count()) / 2 * random)};
}

} // namespace herald
