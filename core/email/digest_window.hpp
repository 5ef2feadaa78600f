// When digests are due. A digest holds what was waiting when its window closed; windows follow from the
// schedule and the time alone, so that every replica, and every restart, sees the same ones.
#pragma once

#include <string_view>

#include "core/cron.hpp"
#include "core/time_zone.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald {

/// A window closes at each instant of the rule; it is known by that instant.
struct digest_schedule {
  static constexpr std::string_view default_rule = "0 6-18 * * *";
  static constexpr std::string_view default_zone = "America/Los_Angeles";

  cron_rule rule;
  time_zone zone;

  static result<digest_schedule> parse(std::string_view rule = default_rule,
                                       std::string_view zone = default_zone);

  friend bool operator==(const digest_schedule&, const digest_schedule&) = default;
};

/// The newest window that has closed at `now`. After a downtime it takes in all that were missed.
timestamp latest_window(const digest_schedule& schedule, timestamp now);

/// The first window that closes after `now`.
timestamp next_window(const digest_schedule& schedule, timestamp now);

} // namespace herald
