// Gathers what herald doctor wants to know of an embedded store.
#pragma once

#include "adapters/clock.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "core/doctor.hpp"
#include "messages/time.hpp"

namespace herald {

/// Fills in everything about the store. Creates and changes nothing. What cannot be had is told in the facts.
void examine_sqlite(const sqlite_options& options, const clock& time, duration max_age, doctor_facts& out);

} // namespace herald
