// Fixture and vocabulary of the suites for time-driven jobs; stores join it as they join store_contract.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

class job_contract : public store_contract {
protected:
  using job_list = std::vector<std::string>;

  static constexpr auto minute = std::chrono::minutes{1};
  static constexpr auto lease = std::chrono::minutes{2};

  // -- the worker's calls -----------------------------------------------------------------------------------

  std::vector<job_state> open_jobs(job_list jobs = {std::string{unread_nudges_job}}) {
    return value_of(store.ledger.open_jobs({std::move(jobs), now}));
  }

  job_state open_job(std::string_view job = unread_nudges_job) { return open_jobs({std::string{job}}).at(0); }

  begin_run_request asking(timestamp scheduled_at, std::string_view worker = "worker-1",
                           std::string_view job = unread_nudges_job) const {
    begin_run_request out;
    out.job = std::string{job};
    out.worker = std::string{worker};
    out.now = now;
    out.lease = lease;
    out.scheduled_at = scheduled_at;
    return out;
  }

  begin_run_request asking_by_hand(std::string_view worker = "worker-1",
                                   std::string_view job = unread_nudges_job) const {
    auto out = asking(now, worker, job);
    out.cause = run_cause::hand;
    return out;
  }

  begun_run begin(const begin_run_request& x) { return value_of(store.ledger.begin_run(x)); }

  /// Begins what has to begin.
  run_ref begin_for_sure(const begin_run_request& x) {
    auto out = begin(x);
    if (out.verdict != begin_verdict::begun)
      throw std::runtime_error("expected a run, got " + std::string{to_string(out.verdict)});
    return out.run;
  }

  /// A run that belongs to no instant, for calls that are fenced by one.
  run_ref begin_by_hand(std::string_view job = unread_nudges_job, std::string_view worker = "worker-1") {
    return begin_for_sure(asking_by_hand(worker, job));
  }

  finish_run_request ending(const run_ref& run, run_state state = run_state::ran,
                            std::string_view worker = "worker-1") const {
    finish_run_request out;
    out.run = run;
    out.worker = std::string{worker};
    out.now = now;
    out.state = state;
    return out;
  }

  finish_run_request failing(const run_ref& run, std::optional<timestamp> retry_at,
                             std::string_view worker = "worker-1") const {
    auto out = ending(run, run_state::failed, worker);
    out.why = failure{failure_class::transient, "it broke"};
    out.retry_at = retry_at;
    return out;
  }

  bool finish(const finish_run_request& x) { return value_of(store.ledger.finish_run(x)); }

  // -- looking ----------------------------------------------------------------------------------------------

  std::vector<job_run> runs(std::uint32_t limit = 1'000) { return value_of(store.ledger.job_runs(limit)); }

  /// The newest entry of the only job.
  job_run newest() { return runs().at(0); }
};

} // namespace herald::test
