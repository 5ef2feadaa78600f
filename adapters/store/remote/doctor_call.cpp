#include "adapters/store/remote/doctor_call.hpp"

#include <utility>

namespace herald {

void ask_doctor(function_caller& caller, remote::doctor_request request, const clock& time,
                doctor_facts& out) {
  constexpr auto function = "herald_doctor";
  auto before = time.now();
  request.now = before;
  auto answer = caller.call(function, remote::encode(request));
  auto after = time.now();
  if (answer.has_error()) {
    out.unanswered = answer.error().reason;
    return;
  }
  auto facts = remote::decode<database_facts>(function, *answer);
  if (facts.has_error()) {
    out.unanswered = facts.error().reason;
    return;
  }
  out.round_trip = after - before;
  // The server looks at its clock somewhere in between.
  out.clock_skew = facts->now - (before + out.round_trip / 2);
  out.database = std::move(*facts);
}

} // namespace herald
