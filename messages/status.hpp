// What stages and supervisors tell about themselves: the material of `herald status`, the demo and metrics.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "messages/time.hpp"

namespace herald {

/// A stage's state in names and numbers.
struct stage_status {
  std::string name;
  /// running, degraded or draining.
  std::string state = "running";
  /// Why it is degraded; empty otherwise.
  std::string reason;
  std::vector<std::pair<std::string, std::int64_t>> gauges;
};

template <class Inspector> auto inspect(Inspector& f, stage_status& x) {
  return f(x.name, x.state, x.reason, x.gauges);
}

} // namespace herald
