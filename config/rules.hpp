// What must hold between several options. Bounds of a single one stand in its row of the option table.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/configuration.hpp"

namespace herald {

struct config_rule {
  /// JSON pointers of the options it relates; an error is reported at the first.
  std::vector<std::string> options;
  /// Completes "expected", e.g. `at most /poller/poll_max_ms`.
  std::string expected;
  std::function<bool(const configuration&)> holds;
};

/// Every rule.
std::vector<config_rule> config_rules();

} // namespace herald
