#include "tests/support/plan_view.hpp"

#include <stdexcept>

namespace herald::testing {

namespace {

template <class T> const T& only(const std::vector<T>& xs, const char* what) {
  if (xs.size() != 1)
    throw std::runtime_error(std::to_string(xs.size()) + " " + what + " where one was expected");
  return xs.front();
}

nlohmann::json ids(const std::vector<uuid>& xs) {
  auto out = nlohmann::json::array();
  for (auto& x : xs)
    out.push_back(to_string(x));
  return out;
}

} // namespace

std::map<std::pair<uuid, channel>, std::vector<std::string>> outcomes(const fan_out_plan& plan) {
  std::map<std::pair<uuid, channel>, std::vector<std::string>> out;
  auto add = [&](const std::vector<uuid>& users, channel on, const std::string& what) {
    for (auto& user : users)
      out[{user, on}].push_back(what);
  };
  for (auto& x : plan.notifications)
    add(x.users, channel::in_app, "notified");
  for (auto& x : plan.roll_ups)
    add(x.users, channel::in_app, "rolled_up");
  for (auto& x : plan.emails) {
    add(x.immediate, channel::email, "immediate");
    add(x.aggregated, channel::email, "aggregated");
  }
  for (auto& x : plan.skips)
    add(x.users, x.channel, x.reason);
  return out;
}

std::string outcome(const fan_out_plan& plan, const uuid& user, channel on) {
  std::string out;
  const auto pieces = outcomes(plan)[{user, on}];
  for (auto& piece : pieces)
    out.append(out.empty() ? "" : "+").append(piece);
  return out;
}

const notification_draft& only_notification(const fan_out_plan& plan) {
  return only(plan.notifications, "notifications");
}

const email_draft& only_email(const fan_out_plan& plan) {
  return only(plan.emails, "e-mails");
}

nlohmann::json only_payload(const fan_out_plan& plan) {
  return nlohmann::json::parse(only_notification(plan).payload);
}

nlohmann::json only_body_data(const fan_out_plan& plan) {
  return nlohmann::json::parse(only_email(plan).body_data);
}

std::vector<std::string> keys_of(const nlohmann::json& object) {
  std::vector<std::string> out;
  for (auto& [key, value] : object.items())
    out.push_back(key);
  return out;
}

std::string to_text(const fan_out_plan& plan) {
  nlohmann::json out;
  out["type"] = plan.event_type;
  out["warning"] = plan.warning;
  for (auto& x : plan.claims)
    out["claims"].push_back({x.event_id, x.claim_no});
  for (auto& x : plan.notifications)
    out["notifications"].push_back({x.title, x.body, x.link_url, x.payload, ids(x.users), x.unique_key});
  for (auto& x : plan.roll_ups)
    out["roll_ups"].push_back(
        {to_string(x.thread_id), x.thread_label, x.project_name, x.link_url, ids(x.users)});
  for (auto& x : plan.emails)
    out["emails"].push_back({x.project_id ? to_string(*x.project_id) : "", x.project_name, x.subject,
                             x.body_data, ids(x.immediate), ids(x.aggregated), x.unique_key});
  for (auto& x : plan.skips)
    out["skips"].push_back({to_string(x.channel), x.reason, ids(x.users)});
  return out.dump();
}

} // namespace herald::testing
