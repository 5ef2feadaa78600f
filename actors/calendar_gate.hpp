// Puts the blocking calendar provider behind one address: a few workers with a thread and a connection each. Their
// number is the limit of calls that are under way at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <caf/all.hpp>

#include "actors/desks.hpp"
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

class calendar_gate_state {
public:
  static constexpr const char* name = "calendar_gate";

  using self_ptr = calendar_gate_actor::stateful_pointer<calendar_gate_state>;

  explicit calendar_gate_state(self_ptr owner);

  /// The workers may be blocked in a call, and must not outlive the gate.
  ~calendar_gate_state();

  calendar_gate_actor::behavior_type make_behavior(calendar_gate_config cfg, calendar_opener opener,
                                                   gate_threads threads, logger log);

private:
  // -- message handlers, in the order of calendar_gate_actor ------------------------------------------------

  stage_status on_status() const;

  caf::result<calendar_answer_ptr> on_call(const calendar_call_ptr& x);

  void on_freed(std::uint64_t desk);

  // -- helpers ----------------------------------------------------------------------------------------------

  calendar_gate_actor hire(std::uint64_t desk);

  void on_down(const caf::down_msg& x);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  calendar_opener opener;
  gate_threads threads = gate_threads::detached;
  logger log;
  desks<calendar_gate_actor> workers;
  std::int64_t calls = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// A worker that dies in a call is replaced; its caller hears of a crash, and must assume that the call may have had its
/// effect.
calendar_gate_actor::behavior_type calendar_gate(calendar_gate_state::self_ptr self, calendar_gate_config cfg,
                                                 calendar_opener opener, gate_threads threads, logger log);

} // namespace herald
