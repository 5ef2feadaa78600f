// Gathers what herald doctor wants to know of a PostgreSQL database.
#pragma once

#include "adapters/clock.hpp"
#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/store/remote/codec.hpp"
#include "core/doctor.hpp"
#include "messages/time.hpp"

namespace herald {

/// What should be there, by the migration that the program was built with; for ask_doctor over any way.
remote::doctor_request wanted_in_database(duration lease, duration max_age);

/// Fills in everything about the store. Looks only: nothing is leased or written. What cannot be had is told in the
/// facts.
void examine_postgres(const postgres_options& options, const clock& time, duration lease, duration max_age,
                      doctor_facts& out);

} // namespace herald
