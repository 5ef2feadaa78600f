// Puts the blocking calendar provider behind one address: a few workers with a thread and a connection each. Their
// number is the limit of calls that are under way at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <caf/all.hpp>

#include "actors/call_gate.hpp"
#include "actors/log.hpp"
#include "adapters/calendar/calendar_api.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct calendar_gate_config {
  /// Calls to the provider that may be under way at once (1 to 64).
  std::uint32_t workers = 4;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const calendar_gate_config& cfg);

/// Makes one connection's client; called on the worker's thread. Never null.
using calendar_opener = std::function<std::unique_ptr<calendar_api>()>;

// -- state --------------------------------------------------------------------------------------------------

/// See call_gate.hpp.
struct calendar_gate_traits {
  using gate = calendar_gate_actor;
  using port = calendar_api;
  using call = calendar_call_ptr;
  using answer = calendar_answer_ptr;

  static constexpr const char* name = "calendar_gate";
  static constexpr const char* worker_name = "calendar_worker";
  static constexpr std::string_view component = calendar_watches_job;

  static answer perform(port& calendar, const call& x);
};

using calendar_gate_state = call_gate_state<calendar_gate_traits>;

// -- spawning -----------------------------------------------------------------------------------------------

/// A worker that dies in a call is replaced; its caller hears of a crash, and must assume that the call may have had its
/// effect.
calendar_gate_actor::behavior_type calendar_gate(calendar_gate_state::self_ptr self, calendar_gate_config cfg,
                                                 calendar_opener opener, gate_threads threads, logger log);

} // namespace herald
