// What a changed configuration means for a daemon that is running: which options take effect at once, and which have to
// wait for its next start.
#pragma once

#include <string>
#include <vector>

#include "config/configuration.hpp"

namespace herald {

struct reload_plan {
  /// Pointers of changed options that take effect at once, with the value before and after: `/log/level INFO -> DEBUG`.
  /// Values of secrets are not shown.
  std::vector<std::string> at_once;
  /// The same for those that do not.
  std::vector<std::string> at_next_start;
  /// Schedules that changed; empty rules where jobs are off.
  std::vector<schedule_settings> schedules;

  bool empty() const { return at_once.empty() && at_next_start.empty(); }
};

/// The schedules that are in force: without a rule where jobs are off.
std::vector<schedule_settings> schedules_in_force(const jobs_options& x);

reload_plan plan_reload(const configuration& before, const configuration& after);

} // namespace herald
