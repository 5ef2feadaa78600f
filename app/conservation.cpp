#include "app/conservation.hpp"

#include <algorithm>

namespace herald {

namespace {

/// The one event type whose notifications are counted up.
constexpr std::string_view rolled_up_type = "chat_message_sent";

std::uint64_t settled_or_pending(const type_summary& x) {
  return x.completed + x.dead + x.pending + x.expired;
}

} // namespace

std::string_view to_string(relation x) {
  return x == relation::equal ? "=" : "<=";
}

bool conservation_check::holds() const {
  return relation == herald::relation::equal ? left == right : left <= right;
}

conservation_report check_conservation(const store_summary& x) {
  conservation_report out;
  auto add = [&out](std::string name, std::uint64_t left, relation rel, std::uint64_t right) {
    out.checks.push_back({std::move(name), left, rel, right});
  };
  type_summary sum;
  std::uint64_t accounted = 0;
  for (auto& [type, figures] : x.by_type) {
    add(type + ": events = completed + dead + pending + expired", figures.events, relation::equal,
        settled_or_pending(figures));
    accounted += settled_or_pending(figures);
    sum.notifications += figures.notifications;
    sum.emails += figures.emails;
  }
  add("rows of the event log = completed + dead + pending + expired", x.event_rows, relation::equal,
      accounted);
  add("notification rows = notifications written", x.notification_rows, relation::equal, sum.notifications);
  add("e-mail rows = e-mails queued", x.email_rows, relation::equal, sum.emails);
  auto chat = x.by_type.find(std::string{rolled_up_type});
  auto rolled_up = chat == x.by_type.end() ? 0 : chat->second.rolled_up;
  auto chat_rows = chat == x.by_type.end() ? 0 : chat->second.notifications;
  add("chat messages rolled up <= counts that roll-up rows show", rolled_up, relation::at_most,
      x.roll_up_count);
  add("counts that roll-up rows show <= chat messages rolled up + chat notifications", x.roll_up_count,
      relation::at_most, rolled_up + chat_rows);
  out.holds = std::all_of(out.checks.begin(), out.checks.end(), [](auto& check) { return check.holds(); });
  return out;
}

conservation_report check_conservation(const store_summary& x, const outbox_summary& mail) {
  auto out = check_conservation(x);
  auto states = mail.pending + mail.deferred + mail.claimed + mail.sealed + mail.sent + mail.merged
                + mail.skipped + mail.failed + mail.parked;
  out.checks.push_back(
      {"e-mails queued = pending + deferred + claimed + sealed + sent + merged + skipped + failed "
       "+ parked",
       mail.rows, relation::equal, states});
  out.checks.push_back({"rows of the outbox = e-mail rows", mail.rows, relation::equal, x.email_rows});
  out.holds = std::ranges::all_of(out.checks, &conservation_check::holds);
  return out;
}

} // namespace herald
