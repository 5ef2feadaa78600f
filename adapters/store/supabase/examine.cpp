#include "adapters/store/supabase/examine.hpp"

#include "adapters/store/remote/doctor_call.hpp"

namespace herald {

void examine_supabase(const supabase_options& options, const remote::doctor_request& wanted,
                      const clock& time, doctor_facts& out) {
  out.where = "Supabase at " + options.url;
  auto caller = open_supabase_caller(options);
  if (caller.has_error()) {
    out.unreachable = caller.error().reason;
    return;
  }
  // The first call makes the connection, which the comparison of clocks had better not pay for.
  auto version = (*caller)->call("herald_schema_version", "{}");
  ask_doctor(**caller, wanted, time, out);
  // Where nothing answers, no function can be missed.
  if (!out.database && version.has_error())
    out.unreachable = version.error().reason;
}

} // namespace herald
