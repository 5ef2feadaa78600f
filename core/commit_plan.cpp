#include "core/commit_plan.hpp"

#include <memory>
#include <utility>

namespace herald {

std::vector<settled_failure> settle_failures(const std::vector<plan_batch_ptr>& batches,
                                             const retry_policy& policy, timestamp now,
                                             random_source& random) {
  std::vector<settled_failure> out;
  for (auto& batch : batches)
    for (auto& x : batch->failures)
      out.push_back({x, next_attempt(policy, x, now, random.uniform())});
  return out;
}

std::vector<plan_batch_ptr> split_plans(const std::vector<plan_batch_ptr>& batches) {
  std::vector<plan_batch_ptr> out;
  for (auto& batch : batches) {
    for (auto& plan : batch->plans)
      out.push_back(std::make_shared<const plan_batch>(plan_batch{{plan}, {}}));
    for (auto& x : batch->failures)
      out.push_back(std::make_shared<const plan_batch>(plan_batch{{}, {x}}));
  }
  return out;
}

std::vector<plan_batch_ptr> halve_plans(const std::vector<plan_batch_ptr>& batches) {
  auto singles = split_plans(batches);
  std::vector<plan_batch_ptr> out;
  auto from = singles.begin();
  for (auto to : {from + static_cast<std::ptrdiff_t>((singles.size() + 1) / 2), singles.end()}) {
    auto half = std::make_shared<plan_batch>();
    for (; from != to; ++from) {
      half->plans.insert(half->plans.end(), (*from)->plans.begin(), (*from)->plans.end());
      half->failures.insert(half->failures.end(), (*from)->failures.begin(), (*from)->failures.end());
    }
    if (half->events() > 0)
      out.push_back(std::move(half));
  }
  return out;
}

plan_batch_ptr fail_instead(const plan_batch& refused, const failure& why) {
  auto out = std::make_shared<plan_batch>();
  for (auto& plan : refused.plans)
    for (auto& claim : plan.claims)
      out->failures.push_back({claim, plan.event_type, 0, 0, why});
  for (auto& x : refused.failures) {
    out->failures.push_back(x);
    out->failures.back().why = why;
  }
  return out;
}

commit_report expected_report(const std::vector<plan_batch_ptr>& batches,
                              const std::vector<settled_failure>& failures) {
  commit_report out;
  for (auto& batch : batches) {
    for (auto& plan : batch->plans) {
      out.completed += plan.claims.size();
      for (auto& x : plan.notifications)
        out.notifications += x.users.size();
      for (auto& x : plan.roll_ups)
        out.rolled_up += x.users.size();
      for (auto& x : plan.emails)
        out.emails += x.immediate.size() + x.aggregated.size();
      for (auto& x : plan.skips)
        out.skipped += x.users.size();
    }
  }
  for (auto& x : failures)
    ++(x.retry_at ? out.retried : out.dead);
  return out;
}

} // namespace herald
