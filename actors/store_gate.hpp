// Puts the blocking store behind one address: a bounded queue and a few workers with a thread each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <caf/all.hpp>

#include "actors/desks.hpp"
#include "actors/log.hpp"
#include "adapters/store/store.hpp"
#include "messages/actors.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct store_gate_config {
  /// Threads with a store connection each (1 to 64).
  std::uint32_t workers = 4;
  /// Requests that may wait for a worker; beyond that callers are told to come back.
  std::uint32_t max_queue = 1'000;
  /// How long one store call may take before its caller hears of an outage. The call itself goes on.
  duration call_timeout{30'000};
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const store_gate_config& cfg);

/// Opens one connection; called on the worker's thread, again after a failure.
using store_opener = std::function<result<std::unique_ptr<pipeline_store>>()>;

// -- state --------------------------------------------------------------------------------------------------

class store_gate_state {
public:
  static constexpr const char* name = "store_gate";

  using self_ptr = store_gate_actor::stateful_pointer<store_gate_state>;

  explicit store_gate_state(self_ptr owner);

  /// The workers may be blocked in a call, and must not outlive the gate.
  ~store_gate_state();

  store_gate_actor::behavior_type make_behavior(store_gate_config cfg, store_opener opener,
                                                gate_threads threads, logger log);

private:
  // -- message handlers, in the order of store_gate_actor ---------------------------------------------------

  stage_status on_status() const;

  /// Queues the request for the next free worker. The answer is the worker's, or an outage.
  template <class Reply, class Request> caf::result<Reply> on_request(const Request& x);

  void on_freed(std::uint64_t index);

  // -- helpers ----------------------------------------------------------------------------------------------

  store_gate_actor hire(std::uint64_t desk);

  void on_down(const caf::down_msg& x);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  store_gate_config cfg;
  store_opener opener;
  gate_threads threads = gate_threads::detached;
  logger log;
  desks<store_gate_actor> workers;
  std::int64_t calls = 0;
  std::int64_t failures = 0;
  std::int64_t rejected = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Answers every request within `call_timeout` of its start, at the latest with an outage.
store_gate_actor::behavior_type store_gate(store_gate_state::self_ptr self, store_gate_config cfg,
                                           store_opener opener, gate_threads threads, logger log);

} // namespace herald
