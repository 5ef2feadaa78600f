// Asks a database about itself, over whatever way its functions are called.
#pragma once

#include "adapters/clock.hpp"
#include "adapters/store/remote/codec.hpp"
#include "adapters/store/remote/remote_store.hpp"
#include "core/doctor.hpp"

namespace herald {

/// Calls `herald_doctor` and fills in `database` with `clock_skew` and `round_trip`, or `unanswered`. The time of the
/// request is the clock's.
void ask_doctor(function_caller& caller, remote::doctor_request request, const clock& time,
                doctor_facts& out);

} // namespace herald
