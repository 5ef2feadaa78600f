// A job's actor that does what a test tells it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "adapters/clock.hpp"
#include "messages/actors.hpp"

namespace herald::testing {

/// What the job was ordered, and what it answers. Without a script every run is done.
struct job_script {
  std::vector<job_order_ptr> orders;
  std::vector<timestamp> times; ///< of the orders
  int cancels = 0;
  std::deque<job_report> reports;
  /// Orders wait until the job is told `retry`, or cancelled.
  bool holds = false;
  /// Answers when it is cancelled.
  bool obeys = true;
  /// Dies of the next order.
  bool throws = false;
  std::deque<caf::typed_response_promise<job_report>> held;
};

using job_script_ptr = std::shared_ptr<job_script>;

inline job_report done_report(std::uint64_t created = 1) {
  return {{{"created", created}}, std::nullopt};
}

inline job_report failed_report(failure_class kind, std::string reason = "no such table") {
  return {{{"created", 1}}, failure{kind, std::move(reason)}};
}

inline job_report next_report(job_script& script, job_report otherwise) {
  if (script.reports.empty())
    return otherwise;
  auto out = std::move(script.reports.front());
  script.reports.pop_front();
  return out;
}

inline job_actor::behavior_type scripted_job(job_actor::pointer self, job_script_ptr script,
                                             std::shared_ptr<const clock> time) {
  act::harden(self);
  auto answer = [script](job_report otherwise) {
    if (script->held.empty())
      return;
    auto promise = std::move(script->held.front());
    script->held.pop_front();
    promise.deliver(next_report(*script, std::move(otherwise)));
  };
  return {
      [](status_atom) {
        return stage_status{"scripted_job", "running", {}, {}};
      },
      [self, script, time](const job_order_ptr& x) -> caf::result<job_report> {
        script->orders.push_back(x);
        script->times.push_back(time->now());
        if (std::exchange(script->throws, false))
          throw std::runtime_error("the job broke");
        if (!script->holds)
          return next_report(*script, done_report());
        script->held.push_back(self->make_response_promise<job_report>());
        return script->held.back();
      },
      [script, answer](cancel_atom) {
        ++script->cancels;
        if (script->obeys)
          answer(failed_report(failure_class::transient, "broken off"));
      },
      // Answers the oldest order that is held.
      [answer](retry_atom, std::uint64_t) { answer(done_report()); },
  };
}

} // namespace herald::testing
