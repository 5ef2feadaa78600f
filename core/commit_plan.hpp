// How the notification writer turns what handlers sent into commits, and what it does with a commit the store
// refuses. Pure.
#pragma once

#include <vector>

#include "core/random.hpp"
#include "core/retry_policy.hpp"
#include "messages/fan_out.hpp"
#include "messages/store.hpp"

namespace herald {

/// Asks the retry policy about every failure of the batches.
std::vector<settled_failure> settle_failures(const std::vector<plan_batch_ptr>& batches, const retry_policy&,
                                             timestamp now, random_source&);

/// One batch per plan and per failure, so that the one the store refuses is found alone.
std::vector<plan_batch_ptr> split_plans(const std::vector<plan_batch_ptr>& batches);

/// Two batches of about as many plans and failures each, in their order; what cannot be divided is in the first alone.
std::vector<plan_batch_ptr> halve_plans(const std::vector<plan_batch_ptr>& batches);

/// The batch that reports the events of `refused` as failed because of `why`.
plan_batch_ptr fail_instead(const plan_batch& refused, const failure& why);

/// What committing these batches would change, with nobody else at work; for dry runs.
commit_report expected_report(const std::vector<plan_batch_ptr>& batches,
                              const std::vector<settled_failure>& failures);

} // namespace herald
