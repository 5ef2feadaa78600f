// Plans as tests ask about them: what became of one recipient on one channel, and everything as text.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "messages/fan_out.hpp"

namespace herald::testing {

/// Every (recipient, channel) pair of a plan with all that became of it: `notified`, `rolled_up`,
/// `immediate`, `aggregated`, or the reason of a skip.
std::map<std::pair<uuid, channel>, std::vector<std::string>> outcomes(const fan_out_plan&);

/// What became of one pair; the pieces joined by `+` if there are several, empty if there is none.
std::string outcome(const fan_out_plan&, const uuid& user, channel);

inline std::string in_app(const fan_out_plan& plan, const uuid& user) {
  return outcome(plan, user, channel::in_app);
}

inline std::string email(const fan_out_plan& plan, const uuid& user) {
  return outcome(plan, user, channel::email);
}

/// The payload of the plan's only notification; throws when there is not exactly one.
nlohmann::json only_payload(const fan_out_plan&);
const notification_draft& only_notification(const fan_out_plan&);
/// The body_data of the plan's only e-mail; throws when there is not exactly one.
nlohmann::json only_body_data(const fan_out_plan&);
const email_draft& only_email(const fan_out_plan&);

/// The names of an object's keys, sorted.
std::vector<std::string> keys_of(const nlohmann::json& object);

/// Everything a plan says, as text that differs when two plans do.
std::string to_text(const fan_out_plan&);

} // namespace herald::testing
