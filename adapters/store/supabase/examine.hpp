// Gathers what herald doctor wants to know of a Supabase project's database.
#pragma once

#include "adapters/clock.hpp"
#include "adapters/store/remote/codec.hpp"
#include "adapters/store/supabase/supabase_store.hpp"
#include "core/doctor.hpp"

namespace herald {

/// Fills in everything about the store; `wanted` says what should be there. Looks only. What cannot be had is told in
/// the facts.
void examine_supabase(const supabase_options& options, const remote::doctor_request& wanted,
                      const clock& time, doctor_facts& out);

} // namespace herald
