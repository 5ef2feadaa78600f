// From a claimed batch to its plans: parses, handles event by event, then looks at the batch as a whole.
#include <algorithm>
#include <set>
#include <utility>

#include "core/bursts.hpp"
#include "core/handlers.hpp"
#include "core/reasons.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

result<fan_out_plan> plan_one(const handler_row& row, const claimed_event& claimed, const context& c) {
  auto data = payload::parse(claimed.event.payload);
  if (!data)
    return failure{data.error().kind, one_line(claimed.event.type, name_limit) + " event "
                                          + std::to_string(claimed.event.id)
                                          + " cannot be handled: " + data.error().reason
                                          + "; correct whoever writes the event, a retry cannot help"};
  return row.handle(event{claimed.event, std::move(*data)}, c);
}

/// The keys and users that drafts of one channel have used so far.
using used_keys = std::set<std::pair<std::string, uuid>>;

/// Takes out the users that the key has reached before, and returns them.
std::vector<uuid> take_duplicates(std::vector<uuid>& users, const std::string& unique_key, used_keys& used) {
  if (unique_key.empty())
    return {};
  std::vector<uuid> duplicates;
  std::erase_if(users, [&](const uuid& user) {
    auto fresh = used.emplace(unique_key, user).second;
    if (!fresh)
      duplicates.push_back(user);
    return !fresh;
  });
  return duplicates;
}

void skip_duplicates(fan_out_plan& plan, channel on, std::vector<uuid> users) {
  if (!users.empty())
    plan.skips.push_back({on, std::string{reasons::duplicate}, std::move(users)});
}

void drop_duplicates(std::vector<fan_out_plan>& plans) {
  used_keys in_app, email;
  for (auto& plan : plans) {
    for (auto& draft : plan.notifications)
      skip_duplicates(plan, channel::in_app, take_duplicates(draft.users, draft.unique_key, in_app));
    for (auto& draft : plan.emails) {
      skip_duplicates(plan, channel::email, take_duplicates(draft.immediate, draft.unique_key, email));
      skip_duplicates(plan, channel::email, take_duplicates(draft.aggregated, draft.unique_key, email));
    }
    std::erase_if(plan.notifications, [](auto& x) { return x.users.empty(); });
    std::erase_if(plan.emails, [](auto& x) { return x.immediate.empty() && x.aggregated.empty(); });
  }
}

} // namespace

plan_batch plan_events(const handler_row& row, const event_batch& batch, const handler_settings& settings) {
  const auto c = context{*batch.context, settings};
  plan_batch out;
  for (auto& claimed : batch.events) {
    auto plan = plan_one(row, claimed, c);
    if (!plan) {
      out.failures.push_back(
          {claimed.ref(), claimed.event.type, claimed.attempts, claimed.crashes, plan.error()});
      continue;
    }
    plan->claims = {claimed.ref()};
    plan->event_type = claimed.event.type;
    out.plans.push_back(std::move(*plan));
  }
  if (row.bursts == burst_rule::coalesce)
    coalesce_bursts(out.plans);
  drop_duplicates(out.plans);
  return out;
}

} // namespace herald
