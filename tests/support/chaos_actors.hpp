// The actors of a chaos run: a client that offers jobs and insists on answers, and stages that fail in every
// way a stage can fail.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include <caf/all.hpp>

#include "actors/slot.hpp"
#include "core/random.hpp"
#include "messages/actors.hpp"

namespace herald::testing {

enum class job_kind : std::uint8_t {
  sound,  ///< succeeds, perhaps after outages
  faulty, ///< always answered with an error
  poison, ///< always makes the worker throw
};

struct chaos_job {
  std::uint64_t id = 0;
  job_kind kind = job_kind::sound;
};

using chaos_job_ptr = std::shared_ptr<const chaos_job>;

/// What all actors of one run report to.
struct chaos_ledger {
  bool poisonous = false;                      ///< whether there are poison jobs
  std::set<std::uint64_t> effects;             ///< jobs whose effect took place
  std::map<std::uint64_t, caf::error> results; ///< by job; no error means acknowledged
  std::uint64_t repeated_answers = 0;          ///< answers beyond the first of a job
  std::uint64_t rejected = 0;                  ///< offers that met a full queue
  std::uint64_t escalations = 0;               ///< times a supervisor gave up
  std::size_t most_held = 0;                   ///< jobs one worker held at a time
  std::map<std::string, caf::actor> live;      ///< children by name, as started last
};

using chaos_ledger_ptr = std::shared_ptr<chaos_ledger>;

} // namespace herald::testing

HERALD_LOCAL_MESSAGE(herald::testing::chaos_job_ptr)

namespace herald::testing {

HERALD_ATOM(explode, "explode") // the worker throws
HERALD_ATOM(retreat, "retreat") // the worker ends normally
HERALD_ATOM(effect, "effect")   // INTERNAL: + delivery: the slow dependency has answered
HERALD_ATOM(offer, "offer")     // INTERNAL: + job id: offer this job again

/// Most jobs are sound.
inline job_kind kind_of(std::uint64_t id, bool poisonous) {
  if (poisonous && id % 11 == 7)
    return job_kind::poison;
  return id % 7 == 3 ? job_kind::faulty : job_kind::sound;
}

/// Keeps up to `max_open` jobs on offer until each of `jobs` has its answer; offers again what a full queue
/// refused.
class chaos_client {
public:
  static constexpr const char* name = "client";

  explicit chaos_client(caf::event_based_actor* self) : self_{self} { act::harden(self); }

  caf::behavior make_behavior(caf::actor to, std::uint64_t jobs, std::uint64_t max_open,
                              chaos_ledger_ptr ledger) {
    to_ = std::move(to);
    jobs_ = jobs;
    max_open_ = max_open;
    ledger_ = std::move(ledger);
    pump();
    return {[this](offer_atom, std::uint64_t id) { offer(id); }};
  }

private:
  void pump() {
    for (; open_ < max_open_ && next_ < jobs_; ++open_)
      offer(next_++);
  }

  void offer(std::uint64_t id) {
    self_
        ->request(to_, caf::infinite,
                  std::make_shared<const chaos_job>(chaos_job{id, kind_of(id, ledger_->poisonous)}))
        .then([this, id](settled_atom) { on_answer(id, {}); },
              [this, id](caf::error& error) { on_answer(id, std::move(error)); });
  }

  void on_answer(std::uint64_t id, caf::error error) {
    if (is_overloaded(error)) {
      ++ledger_->rejected;
      self_->delayed_send(self_, std::chrono::milliseconds{50}, offer_v, id);
      return;
    }
    if (!ledger_->results.emplace(id, std::move(error)).second)
      ++ledger_->repeated_answers;
    --open_;
    pump();
  }

  caf::event_based_actor* self_;
  caf::actor to_;
  std::uint64_t jobs_ = 0;
  std::uint64_t max_open_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t open_ = 0;
  chaos_ledger_ptr ledger_;
};

inline caf::behavior client(caf::stateful_actor<chaos_client>* self, caf::actor to, std::uint64_t jobs,
                            std::uint64_t max_open, chaos_ledger_ptr ledger) {
  return self->state.make_behavior(std::move(to), jobs, max_open, std::move(ledger));
}

/// The first stage: passes jobs on and answers what it is answered.
inline caf::behavior relay(caf::event_based_actor* self, caf::actor next) {
  act::harden(self);
  return {
      [self, next](const chaos_job_ptr& job) -> caf::result<settled_atom> {
        auto promise = self->make_response_promise<settled_atom>();
        self->request(next, caf::infinite, job)
            .then([promise](settled_atom) mutable { promise.deliver(settled_v); },
                  [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
        return promise;
      },
      [](explode_atom) { throw std::runtime_error("exploded"); },
      [self](retreat_atom) { self->quit(); },
  };
}

/// The last stage: each job takes 1 to 20 ms; one attempt in four meets an outage.
class chaos_worker {
public:
  static constexpr const char* name = "worker";

  explicit chaos_worker(caf::event_based_actor* self) : self_{self} { act::harden(self); }

  caf::behavior make_behavior(std::uint64_t seed, chaos_ledger_ptr ledger) {
    random_ = random_source{seed};
    ledger_ = std::move(ledger);
    return {
        [this](const chaos_job_ptr& job) { return on_job(*job); },
        [this](effect_atom, std::uint64_t delivery) { on_effect(delivery); },
        [](explode_atom) { throw std::runtime_error("exploded"); },
        [this](retreat_atom) { self_->quit(); },
    };
  }

private:
  caf::result<settled_atom> on_job(const chaos_job& job) {
    if (job.kind == job_kind::poison)
      throw std::domain_error("poisoned");
    if (job.kind == job_kind::faulty)
      return caf::make_error(caf::sec::runtime_error);
    if (random_.below(4) == 0)
      return caf::make_error(caf::sec::request_timeout);
    auto promise = self_->make_response_promise<settled_atom>();
    // The same job may be here twice: a relay that was restarted sends it again.
    held_.emplace(next_delivery_, held_job{job.id, promise});
    ledger_->most_held = std::max(ledger_->most_held, held_.size());
    self_->delayed_send(self_, std::chrono::milliseconds{1 + random_.below(20)}, effect_v, next_delivery_++);
    return promise;
  }

  void on_effect(std::uint64_t delivery) {
    auto held = held_.extract(delivery);
    if (!held)
      return;
    ledger_->effects.insert(held.mapped().id);
    held.mapped().promise.deliver(settled_v);
  }

  struct held_job {
    std::uint64_t id;
    caf::typed_response_promise<settled_atom> promise;
  };

  caf::event_based_actor* self_;
  random_source random_{0};
  chaos_ledger_ptr ledger_;
  std::map<std::uint64_t, held_job> held_;
  std::uint64_t next_delivery_ = 0;
};

inline caf::behavior worker(caf::stateful_actor<chaos_worker>* self, std::uint64_t seed,
                            chaos_ledger_ptr ledger) {
  return self->state.make_behavior(seed, std::move(ledger));
}

} // namespace herald::testing
