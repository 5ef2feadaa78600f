// Children to be supervised in tests, and a journal of what became of them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/front.hpp"
#include "actors/supervisor.hpp"
#include "tests/support/actor_fixture.hpp"

namespace herald::testing {

HERALD_ATOM(explode, "explode") // the child throws
HERALD_ATOM(retreat, "retreat") // the child ends normally

using names = std::vector<std::string>;

/// What the children and the supervisors of one test went through.
struct journal {
  names started; ///< in order
  names ended;   ///< in order
  std::map<std::string, caf::actor> latest;
  std::vector<supervision_record> records;

  std::size_t starts(const std::string& child) const {
    return static_cast<std::size_t>(std::count(started.begin(), started.end(), child));
  }
};

using journal_ptr = std::shared_ptr<journal>;

/// A child that does what it is told. A deaf one ignores requests to exit; only a kill ends it.
inline caf::behavior supervised_child(caf::event_based_actor* self, bool deaf) {
  act::harden(self);
  if (deaf)
    self->set_exit_handler([](caf::exit_msg&) {});
  return {
      [](explode_atom) { throw std::runtime_error("exploded"); },
      [self](retreat_atom) { self->quit(); },
  };
}

/// A fixture with a journal, and the verbs of supervision tests.
class supervision_fixture : public actor_fixture {
public:
  child_spec child(std::string name, bool deaf = false) {
    child_spec result;
    result.name = name;
    result.start = [book = book, name, deaf](caf::event_based_actor* parent, const sibling_fn&) {
      auto started = parent->spawn(supervised_child, deaf);
      started->attach_functor([book, name] { book->ended.push_back(name); });
      book->started.push_back(name);
      book->latest[name] = started;
      return started;
    };
    return result;
  }

  supervisor_hooks hooks() {
    return {[this] { return wall_clock(); },
            [book = book](const supervision_record& x) { book->records.push_back(x); }};
  }

  caf::actor supervise(supervisor_options options, std::vector<child_spec> children) {
    auto result = spawn(supervisor, std::string{"root"}, options, std::move(children), hooks());
    consume_messages();
    return result;
  }

  void crash(const std::string& name) {
    caf::anon_send(book->latest.at(name), explode_v);
    consume_messages();
  }

  void end_normally(const std::string& name) {
    caf::anon_send(book->latest.at(name), retreat_v);
    consume_messages();
  }

  void stop(const caf::actor& x, caf::exit_reason reason = caf::exit_reason::user_shutdown) {
    caf::anon_send_exit(x, reason);
    consume_messages();
  }

  /// Where the reason appears that `x` ends with; empty as long as it lives.
  std::shared_ptr<std::optional<caf::error>> watch(const caf::actor& x) {
    auto result = std::make_shared<std::optional<caf::error>>();
    x->attach_functor([result](const caf::error& reason) { *result = reason; });
    return result;
  }

  supervisor_report status(const caf::actor& x) { return ask<supervisor_report>(x, sup_status_v); }

  /// The states of the children, in start order.
  names states(const caf::actor& x) {
    names result;
    for (auto& each : status(x).children)
      result.push_back(each.state);
    return result;
  }

  /// What was recorded of a child, e.g. {"started", "crashed", "restarting"}.
  names records_of(const std::string& name) const {
    names result;
    for (auto& x : book->records)
      if (x.child == name)
        result.push_back(x.what);
    return result;
  }

  /// Virtual time as a wall clock.
  timestamp wall_clock() const {
    return timestamp{std::chrono::duration_cast<duration>(now().time_since_epoch())};
  }

  journal_ptr book = std::make_shared<journal>();
};

/// Options whose delays are exact.
inline supervisor_options exact_options(restart_strategy strategy = restart_strategy::one_for_one) {
  supervisor_options result;
  result.strategy = strategy;
  result.jitter = 0.0;
  result.max_restarts = 100;
  return result;
}

} // namespace herald::testing
