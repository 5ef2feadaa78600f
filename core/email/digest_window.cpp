#include "core/email/digest_window.hpp"

namespace herald {

result<digest_schedule> digest_schedule::parse(std::string_view rule, std::string_view zone) {
  auto parsed = cron_rule::parse(rule);
  if (!parsed)
    return parsed.error();
  auto found = time_zone::find(zone);
  if (!found)
    return found.error();
  return digest_schedule{*parsed, *found};
}

timestamp latest_window(const digest_schedule& schedule, timestamp now) {
  return last_at_or_before(schedule.rule, schedule.zone, now);
}

timestamp next_window(const digest_schedule& schedule, timestamp now) {
  return next_after(schedule.rule, schedule.zone, now);
}

} // namespace herald
