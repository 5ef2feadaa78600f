// Puts a blocking provider behind one address: a few workers with a thread and a connection each. What the gates to the
// mail and the calendar provider have in common; `Traits` says which calls go through and to whom.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <caf/all.hpp>

#include "actors/caf_compat.hpp"
#include "actors/desks.hpp"
#include "actors/log.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- traits -------------------------------------------------------------------------------------------------
//
//   using gate;    the interface: answers calls, and takes freed_atom with the number of a desk
//   using port;    the blocking side, an object per worker
//   using call;    what comes in, a shared pointer
//   using answer;  what goes out, a shared pointer
//   name, worker_name, component
//   static answer perform(port&, const call&), within the port's own deadlines

// -- the worker ---------------------------------------------------------------------------------------------

/// One connection to the provider and the thread that may block in it.
template <class Traits> class call_worker_state {
public:
  using gate_actor = typename Traits::gate;
  using opener_fn = std::function<std::unique_ptr<typename Traits::port>()>;
  using self_ptr = typename gate_actor::template stateful_pointer<call_worker_state>;

  static constexpr const char* name = Traits::worker_name;

  explicit call_worker_state(self_ptr owner) : self{owner} {
    // nop
  }

  typename gate_actor::behavior_type make_behavior(opener_fn open, const gate_actor& gate,
                                                   std::uint64_t index) {
    act::harden(self);
    opener = std::move(open);
    boss = caf::actor_cast<caf::weak_actor_ptr>(gate);
    desk = index;
    return {
        [](status_atom) {
          return stage_status{name, "running", {}, {}};
        },
        [this](const typename Traits::call& x) { return on_call(x); },
        [](freed_atom, std::uint64_t) {},
    };
  }

private:
  typename Traits::answer on_call(const typename Traits::call& x) {
    if (!port)
      port = opener();
    auto answer = Traits::perform(*port, x);
    if (auto gate = caf::actor_cast<gate_actor>(boss))
      self->send(gate, freed_v, desk);
    return answer;
  }

  self_ptr self;
  opener_fn opener;
  caf::weak_actor_ptr boss;
  std::uint64_t desk = 0;
  std::unique_ptr<typename Traits::port> port;
};

// -- the gate -----------------------------------------------------------------------------------------------

template <class Traits> class call_gate_state {
public:
  using gate_actor = typename Traits::gate;
  using worker_state = call_worker_state<Traits>;
  using opener_fn = typename worker_state::opener_fn;
  using self_ptr = typename gate_actor::template stateful_pointer<call_gate_state>;

  static constexpr const char* name = Traits::name;

  explicit call_gate_state(self_ptr owner) : self{owner} {
    // nop
  }

  /// The workers may be blocked in a call, and must not outlive the gate.
  ~call_gate_state() { workers.close(); }

  /// @pre 1 ≤ desk_count ≤ 64
  typename gate_actor::behavior_type make_behavior(std::uint32_t desk_count, opener_fn open,
                                                   gate_threads mode, logger sink) {
    act::harden(self);
    opener = std::move(open);
    threads = mode;
    log = std::move(sink);
    self->set_down_handler([this](caf::down_msg& x) { on_down(x); });
    workers.open(desk_count, [this](std::uint64_t desk) { return hire(desk); });
    return {
        [this](status_atom) { return on_status(); },
        [this](const typename Traits::call& x) { return on_call(x); },
        [this](freed_atom, std::uint64_t desk) { on_freed(desk); },
    };
  }

private:
  // -- message handlers -------------------------------------------------------------------------------------

  stage_status on_status() const {
    return {name,
            "running",
            {},
            {{"workers", static_cast<std::int64_t>(workers.size())},
             {"busy", workers.busy()},
             {"queued", static_cast<std::int64_t>(workers.queued())},
             {"calls", calls}}};
  }

  caf::result<typename Traits::answer> on_call(const typename Traits::call& x) {
    auto answer = self->template make_response_promise<typename Traits::answer>();
    // The port has its own deadlines, and a worker that dies is monitored by the request.
    workers.push([this, x, answer](const gate_actor& worker) mutable {
      ++calls;
      self->request(worker, caf::infinite, x)
          .then([answer](typename Traits::answer& reply) mutable { answer.deliver(std::move(reply)); },
                [answer](caf::error& err) mutable { answer.deliver(std::move(err)); });
    });
    return answer;
  }

  void on_freed(std::uint64_t desk) { workers.free(desk); }

  // -- helpers ----------------------------------------------------------------------------------------------

  gate_actor hire(std::uint64_t desk) {
    auto worker = [](typename worker_state::self_ptr me, opener_fn open, const gate_actor& gate,
                     std::uint64_t number) { return me->state.make_behavior(std::move(open), gate, number); };
    return herald::hire(self, threads, worker, opener, gate_actor{self}, desk);
  }

  void on_down(const caf::down_msg& x) {
    if (workers.replace(x.source))
      log.error(Traits::component, "worker-died", "a worker of the {} died and was replaced: {}", name,
                act::text_of(x.reason, self->system()));
  }

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  opener_fn opener;
  gate_threads threads = gate_threads::detached;
  logger log;
  desks<gate_actor> workers;
  std::int64_t calls = 0;
};

} // namespace herald
