// The way to the calendar provider, as the configuration has it.
#pragma once

#include "actors/calendar_gate.hpp"
#include "app/daemon.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Gives the jobs their calendar provider. Fails on addresses and files that cannot be used; missing credentials only
/// show when a watch is due.
result<void> add_calendar(run_environment& env);

} // namespace herald
