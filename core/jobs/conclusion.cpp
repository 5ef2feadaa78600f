#include "core/jobs/conclusion.hpp"

#include <algorithm>
#include <utility>

namespace herald {

namespace {

/// Between half of the pause and all of it, so that daemons that failed together do not come back together.
duration pause_after(const job_retry_policy& policy, std::int32_t attempt, double random) {
  auto pause = policy.backoff_min;
  for (auto n = 1; n < attempt && pause < policy.backoff_max; ++n)
    pause *= 2;
  pause = std::min(pause, policy.backoff_max);
  return pause / 2 + duration{static_cast<duration::rep>(static_cast<double>(pause.count()) / 2 * random)};
}

bool worth_another_try(const job_retry_policy& policy, const finished_try& x) {
  if (x.cause == run_cause::hand || x.why->kind == failure_class::permanent)
    return false;
  return x.why->kind == failure_class::outage || x.attempt < policy.max_attempts;
}

} // namespace

finish_run_request conclude(const job_schedule* schedule, const job_retry_policy& policy, finished_try x,
                            double random) {
  finish_run_request out;
  out.now = x.ended_at;
  out.counts = std::move(x.counts);
  if (x.why) {
    out.state = run_state::failed;
    if (worth_another_try(policy, x))
      out.retry_at = x.ended_at + pause_after(policy, x.attempt, random);
    out.why = std::move(x.why);
    return out;
  }
  auto timely = x.cause == run_cause::hand || !schedule || in_time(*schedule, x.instant, x.started_at);
  out.state = timely ? run_state::ran : run_state::late;
  return out;
}

} // namespace herald
