// A deterministic actor system for tests: one thread, virtual time, an orderly end. Works with CAF's test
// macros (expect, allow, inject, disallow) and without them, so that this header may be included anywhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "messages/time.hpp"

namespace herald::testing {

/// Settings of a system whose actors run only when a test says so.
struct test_system_config : caf::actor_system_config {
  test_system_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.file-verbosity", caf::atom("quiet"));
  }
};

/// What became of a request.
template <class T> struct answer {
  /// How many answers came; more than one is a defect of whoever answers.
  int count = 0;
  std::optional<T> value;
  caf::error error;

  bool pending() const { return count == 0; }
};

template <class T> using answer_ptr = std::shared_ptr<const answer<T>>;

/// Base of actor test fixtures. Register what the test spawns (`spawn`, `own`): registered actors are killed
/// at the end, so that periodic timers cannot keep the system alive. Children of a registered supervisor die
/// with it. A fixture with callbacks that point into itself calls `shut_down` in its own destructor.
class actor_fixture {
private:
  test_system_config config_;

public:
  actor_fixture() : sys{config_}, self{sys, true}, sched{coordinator_of(sys)} {
    // A clock that starts at zero hides defects of code that subtracts.
    sched.clock().current_time += clock_start;
  }

  actor_fixture(const actor_fixture&) = delete;
  actor_fixture& operator=(const actor_fixture&) = delete;

  virtual ~actor_fixture() { shut_down(); }

  // -- actors -----------------------------------------------------------------------------------------------

  /// Registers an actor, whatever its kind of handle, to be killed at the end of the test; returns the
  /// handle.
  template <class Handle> Handle own(Handle x) {
    owned_.push_back(caf::actor_cast<caf::strong_actor_ptr>(x));
    return x;
  }

  /// Spawns an actor and registers it.
  template <class... Ts> auto spawn(Ts&&... xs) { return own(sys.spawn(std::forward<Ts>(xs)...)); }

  /// Kills the registered actors and cancels every timer. Idempotent; nothing runs afterwards.
  void shut_down() {
    for (auto i = owned_.rbegin(); i != owned_.rend(); ++i)
      caf::anon_send_exit(*i, caf::exit_reason::kill);
    owned_.clear();
    drain();
    sched.clock().cancel_all();
    drain();
    sys.await_actors_before_shutdown(false);
  }

  // -- running ----------------------------------------------------------------------------------------------

  /// Lets the actors work until every mailbox is empty, while no time passes; returns how many messages they
  /// took. Throws when that never happens.
  std::size_t consume_messages() {
    std::size_t result = 0;
    while (sched.try_run_once())
      if (++result > max_messages)
        throw std::runtime_error("the actors under test keep each other busy for ever");
    return result;
  }

  /// Lets time pass. Timers fire in order, and after each the actors work until every mailbox is empty.
  void advance(duration span) {
    auto end = now() + span;
    consume_messages();
    while (sched.has_pending_timeout() && sched.clock().schedule().begin()->first <= end) {
      sched.trigger_timeout();
      consume_messages();
    }
    sched.clock().current_time = end;
  }

  /// The virtual clock that actors see.
  caf::actor_clock::time_point now() const { return sched.clock().now(); }

  // -- asking -----------------------------------------------------------------------------------------------

  /// Sends a request and returns where its answer will appear once the actors have worked.
  template <class T, class Handle, class... Ts> answer_ptr<T> request(const Handle& receiver, Ts... xs) {
    auto result = std::make_shared<answer<T>>();
    own(sys.spawn([result, receiver, ... ys = std::move(xs)](caf::event_based_actor* asker) {
      asker->request(receiver, caf::infinite, ys...)
          .then(
              [result](T& x) {
                ++result->count;
                result->value = std::move(x);
              },
              [result](caf::error& x) {
                ++result->count;
                result->error = std::move(x);
              });
    }));
    return result;
  }

  /// Sends a request, lets the actors work and returns the answer. Throws when there is none, or an error.
  template <class T, class Handle, class... Ts> T ask(const Handle& receiver, Ts... xs) {
    auto got = request<T>(receiver, std::move(xs)...);
    consume_messages();
    if (got->pending())
      throw std::runtime_error("the request was not answered");
    if (!got->value)
      throw std::runtime_error("the request was answered with " + sys.render(got->error));
    return *got->value;
  }

private:
  static constexpr std::size_t max_messages = 1'000'000;
  static constexpr auto clock_start = std::chrono::hours{1};

  static caf::scheduler::test_coordinator& coordinator_of(caf::actor_system& x) {
    return dynamic_cast<caf::scheduler::test_coordinator&>(x.scheduler());
  }

  // No timers: just what is in the mailboxes, which is finite once actors are dying.
  void drain() {
    for (std::size_t i = 0; i < max_messages && sched.try_run_once(); ++i) {
    }
  }

public:
  // Names that CAF's test macros expect.
  caf::actor_system sys;
  /// Blocking; run the actors before receiving with it.
  caf::scoped_actor self;
  caf::scheduler::test_coordinator& sched;

private:
  std::vector<caf::strong_actor_ptr> owned_;
};

} // namespace herald::testing
