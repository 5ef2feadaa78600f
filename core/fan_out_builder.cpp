#include "core/fan_out_builder.hpp"

#include <algorithm>
#include <utility>

#include "core/reasons.hpp"
#include "core/world.hpp"

namespace herald {

fan_out_builder::fan_out_builder(const context& c, fan_out_rules rules)
    : context_{c}, rules_{std::move(rules)} {}

audience fan_out_builder::admit(std::span<const uuid> users, const skip_rule& rule) {
  audience out;
  for (auto& user : users) {
    if (!decided_.insert(user).second)
      continue;
    if (rules_.in_app && admitted(channel::in_app, user, rule))
      out.in_app.push_back(user);
    if (rules_.email == email_delivery::none || !admitted(channel::email, user, rule))
      continue;
    auto immediate = delivery_for(user) == email_delivery::immediate;
    (immediate ? out.immediate : out.aggregated).push_back(user);
  }
  return out;
}

void fan_out_builder::notify(notification_draft draft, std::vector<uuid> users) {
  if (users.empty())
    return;
  draft.users = std::move(users);
  plan_.notifications.push_back(std::move(draft));
}

void fan_out_builder::roll_up(roll_up_draft draft, std::vector<uuid> users) {
  if (users.empty())
    return;
  draft.users = std::move(users);
  plan_.roll_ups.push_back(std::move(draft));
}

void fan_out_builder::mail(email_draft draft, const audience& to) {
  if (to.immediate.empty() && to.aggregated.empty())
    return;
  if (!look_up(context_.world.projects, draft.project_id))
    draft.project_id.reset();
  draft.immediate = to.immediate;
  draft.aggregated = to.aggregated;
  plan_.emails.push_back(std::move(draft));
}

void fan_out_builder::warn(std::string reason) {
  plan_.warning = std::move(reason);
}

fan_out_plan fan_out_builder::build() && {
  return std::move(plan_);
}

std::string_view fan_out_builder::common_rule(const uuid& user) const {
  if (contains(rules_.excluded, user))
    return reasons::is_actor;
  if (user == nil_uuid || context_.settings.system_accounts.contains(user))
    return reasons::system_account;
  if (!look_up(context_.world.profiles, user))
    return reasons::no_profile;
  return {};
}

bool fan_out_builder::admitted(channel on, const uuid& user, const skip_rule& rule) {
  auto reason = common_rule(user);
  if (reason.empty() && rule)
    reason = rule(user, on);
  if (reason.empty()) {
    auto wanted = on == channel::in_app ? wants_in_app(preferences_of(user), rules_.preferences)
                                        : delivery_for(user) != email_delivery::none;
    if (!wanted)
      reason = reasons::muted;
  }
  if (!reason.empty())
    skip(on, reason, user);
  return reason.empty();
}

email_delivery fan_out_builder::delivery_for(const uuid& user) const {
  return wants_email(preferences_of(user), rules_.preferences, rules_.email);
}

std::span<const preference> fan_out_builder::preferences_of(const uuid& user) const {
  auto found = look_up(context_.world.preferences, user);
  return found ? std::span<const preference>{*found} : std::span<const preference>{};
}

void fan_out_builder::skip(channel on, std::string_view reason, const uuid& user) {
  auto same = [&](const skipped& x) { return x.channel == on && x.reason == reason; };
  auto i = std::ranges::find_if(plan_.skips, same);
  if (i == plan_.skips.end())
    i = plan_.skips.insert(i, skipped{on, std::string{reason}, {}});
  i->users.push_back(user);
}

fan_out_rules rules_for(const event& x, const std::optional<uuid>& project_id, email_delivery email) {
  fan_out_rules rules;
  rules.preferences = {{x.row.type}, std::nullopt, project_id};
  rules.email = email;
  if (x.row.actor_id)
    rules.excluded.push_back(*x.row.actor_id);
  return rules;
}

} // namespace herald
