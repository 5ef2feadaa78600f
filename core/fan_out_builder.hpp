// Sorts the recipients of one event into a plan. Every handler uses it, so that the rules common to all event
// types stand in one place, and every (recipient, channel) pair ends up in exactly one list of the plan.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/handlers.hpp"
#include "core/preferences.hpp"
#include "messages/fan_out.hpp"

namespace herald {

/// On which channels an event type speaks, and what its recipients' preferences are asked.
struct fan_out_rules {
  preference_query preferences;
  bool in_app = true;
  /// Delivery for users without an opinion of their own; `none` means that the type has no e-mail.
  email_delivery email = email_delivery::none;
  /// Never recipients: whoever caused the event.
  std::vector<uuid> excluded;
};

/// Why a rule of the event type keeps a user from a channel (one of core/reasons.hpp); empty when it does
/// not.
using skip_rule = std::function<std::string_view(const uuid& user, channel)>;

/// Who gets what.
struct audience {
  std::vector<uuid> in_app;
  std::vector<uuid> immediate;
  std::vector<uuid> aggregated;
};

class fan_out_builder {
public:
  fan_out_builder(const context&, fan_out_rules);

  /// Decides about users, each once and for good: who comes again, here or in a later call, is passed over.
  /// The first rule that speaks wins, per channel of the type: excluded → is_actor; nil UUID and configured
  /// system accounts → system_account; no profile → no_profile; then `rule`; then the preferences → muted.
  /// Whoever is kept from a channel is recorded as skipped; the rest is the answer.
  audience admit(std::span<const uuid> users, const skip_rule& rule = {});

  /// Adds what admitted users get. Without users nothing is added.
  void notify(notification_draft, std::vector<uuid> users);
  void roll_up(roll_up_draft, std::vector<uuid> users);
  /// The draft's project is dropped when it does not exist, because the outbox refers to it.
  void mail(email_draft, const audience&);

  /// The event completes, but an operator should know why it reached nobody, or not everybody.
  void warn(std::string reason);

  fan_out_plan build() &&;

private:
  /// What the common rules say about a user on every channel; empty when they admit them.
  std::string_view common_rule(const uuid& user) const;
  /// The channel's decision about one user, recorded if it is a no.
  bool admitted(channel, const uuid& user, const skip_rule&);
  email_delivery delivery_for(const uuid& user) const;
  std::span<const preference> preferences_of(const uuid& user) const;
  void skip(channel, std::string_view reason, const uuid& user);

  const context context_; // two references
  fan_out_rules rules_;
  std::unordered_set<uuid, uuid_hash> decided_;
  fan_out_plan plan_;
};

/// The rules of an event type whose preferences are asked under its own name and which excludes its actor.
fan_out_rules rules_for(const event&, const std::optional<uuid>& project_id,
                        email_delivery email = email_delivery::none);

} // namespace herald
