#include "core/jobs/conclusion.hpp"

#include <algorithm>
#include <utility>

#include "core/half_jitter.hpp"

namespace herald {

namespace {

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
      out.retry_at = x.ended_at
                     + half_jittered_pause(policy.backoff_min, policy.backoff_max,
                                           static_cast<std::uint32_t>(std::max(x.attempt, 1)), random);
    out.why = std::move(x.why);
    return out;
  }
  auto timely = x.cause == run_cause::hand || !schedule || in_time(*schedule, x.instant, x.started_at);
  out.state = timely ? run_state::ran : run_state::late;
  return out;
}

} // namespace herald
