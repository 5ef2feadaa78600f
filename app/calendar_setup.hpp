// The way to the calendar provider, as the configuration has it.
#pragma once

#include "actors/calendar_gate.hpp"
#include "app/daemon.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Whether the settings can be used at all. Connects to nothing; missing credentials only show when a watch is due.
result<void> check_calendar(const google_options& options);

/// For a single run. With settings that cannot be used, every call fails and says why.
calendar_opener calendar_for_run(const run_environment& env);

/// The same for the daemon, whose other work goes on; what is wrong with the settings goes to the log at once.
calendar_opener calendar_for_daemon(const run_environment& env);

} // namespace herald
