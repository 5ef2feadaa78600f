// A worker behind a slot that does what a test tells it, and a fixture around both.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/slot.hpp"
#include "messages/actors.hpp"
#include "tests/support/actor_fixture.hpp"

namespace herald::testing {

using text = std::shared_ptr<const std::string>;
using names = std::vector<std::string>;

} // namespace herald::testing

HERALD_LOCAL_MESSAGE(herald::testing::text)

namespace herald::testing {

HERALD_ATOM(finish, "finish") // + name: acknowledge this job
HERALD_ATOM(refuse, "refuse") // + name, error: answer this job with the error
HERALD_ATOM(poke, "poke")     // + number: a signal

/// What workers took, in order, whichever life they were in.
struct worker_log {
  names jobs;
  std::vector<int> pokes;
  std::vector<caf::strong_actor_ptr> senders;
};

using worker_log_ptr = std::shared_ptr<worker_log>;

using worker_actor =
    stage_actor::extend<caf::replies_to<text>::with<settled_atom>, //
                        caf::reacts_to<poke_atom, std::int32_t>, caf::reacts_to<finish_atom, std::string>,
                        caf::reacts_to<refuse_atom, std::string, caf::error>>;

/// Holds every job until it is told what to answer; a job named poison makes it throw at once.
class worker_state {
public:
  using self_ptr = worker_actor::stateful_pointer<worker_state>;

  explicit worker_state(self_ptr self) : self_{self} {
    act::harden(self);
    self->set_default_handler(caf::drop);
  }

  worker_actor::behavior_type make_behavior(worker_log_ptr log) {
    log_ = std::move(log);
    return {
        [](status_atom) {
          return stage_status{"worker", "running", {}, {}};
        },
        [this](const text& job) { return on_job(*job); },
        [this](poke_atom, std::int32_t x) { on_poke(x); },
        [this](finish_atom, const std::string& job) { take(job).deliver(settled_v); },
        [this](refuse_atom, const std::string& job, const caf::error& x) { take(job).deliver(x); },
    };
  }

private:
  caf::result<settled_atom> on_job(const std::string& job) {
    log_->jobs.push_back(job);
    if (job == "poison")
      throw std::runtime_error("poisoned");
    return held_[job] = self_->make_response_promise<settled_atom>();
  }

  void on_poke(int x) {
    log_->pokes.push_back(x);
    log_->senders.push_back(self_->current_sender());
  }

  caf::typed_response_promise<settled_atom> take(const std::string& job) {
    auto result = held_.at(job);
    held_.erase(job);
    return result;
  }

  self_ptr self_;
  worker_log_ptr log_;
  std::map<std::string, caf::typed_response_promise<settled_atom>> held_;
};

inline worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                          worker_log_ptr log) {
  return self->state.make_behavior(std::move(log));
}

inline caf::error outage() {
  return caf::make_error(caf::sec::request_timeout, std::string{"database away"});
}

inline caf::error mistake() {
  return caf::make_error(caf::sec::runtime_error, std::string{"no such column"});
}

inline slot_options options(std::size_t window, std::size_t max_queue = 100) {
  slot_options result;
  result.window = window;
  result.max_queue = max_queue;
  result.blameless = [](const caf::error& x) { return x == caf::sec::request_timeout; };
  return result;
}

class slot_fixture : public actor_fixture {
public:
  caf::actor make_slot(slot_options x) {
    slot = spawn(herald::slot<text, settled_atom>, x);
    consume_messages();
    return slot;
  }

  /// Brings a new worker up behind the slot.
  worker_actor up() {
    current = spawn(worker, log);
    caf::anon_send(slot, child_up_v, caf::actor_cast<caf::actor>(current));
    consume_messages();
    return current;
  }

  void tell_down() {
    caf::anon_send(slot, child_down_v, caf::error{caf::make_error(caf::exit_reason::kill)});
    consume_messages();
  }

  /// Kills the worker; the slot hears of it as it would from a supervisor.
  void kill() {
    caf::anon_send_exit(current, caf::exit_reason::kill);
    consume_messages();
    tell_down();
  }

  answer_ptr<settled_atom> post(const std::string& job) {
    auto result = request<settled_atom>(slot, std::make_shared<const std::string>(job));
    consume_messages();
    return result;
  }

  void finish(const worker_actor& by, const std::string& job) {
    self->send(by, finish_v, job);
    consume_messages();
  }

  void refuse(const worker_actor& by, const std::string& job, const caf::error& x) {
    self->send(by, refuse_v, job, x);
    consume_messages();
  }

  slot_stats stats() { return ask<slot_stats>(slot, slot_stats_v); }

  worker_log_ptr log = std::make_shared<worker_log>();
  caf::actor slot;
  worker_actor current;
};

} // namespace herald::testing
