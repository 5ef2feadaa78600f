// Schedules in the notation of cron, on the clocks of a time zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time_zone.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald {

/// Which minutes of local time a schedule names. An immutable value.
class cron_rule {
public:
  /// Five fields: minute (0–59), hour (0–23), day of month (1–31), month (1–12 or jan–dec), day of week (0–7
  /// or sun–sat; 0 and 7 are Sunday). A field is a list of `*`, `n`, `a-b`, `*/step` and `a-b/step`, parted
  /// by commas. If neither day field starts with `*`, a day fits when either of them names it, else when both
  /// do. Or one of @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly. The failure
  /// (permanent) names the field and what it expects. A rule that no day ever fits, such as 31 February, is
  /// refused.
  static result<cron_rule> parse(std::string_view text);

  /// As it was written.
  const std::string& text() const { return text_; }

  /// The first matching minute at or after `x`, which is a whole minute.
  local_time next_from(local_time x) const;

  /// The last matching minute at or before `x`, which is a whole minute.
  local_time last_until(local_time x) const;

  /// Whether both name the same minutes.
  friend bool operator==(const cron_rule& x, const cron_rule& y) { return x.set_ == y.set_; }

private:
  /// Bit n stands for the value n.
  struct fields {
    std::uint64_t minutes = 0;
    std::uint64_t hours = 0;
    std::uint64_t days = 0;
    std::uint64_t months = 0;
    std::uint64_t weekdays = 0; ///< 0 to 6
    /// Either day field decides alone.
    bool either_day = false;

    friend bool operator==(const fields&, const fields&) = default;
  };

  cron_rule(std::string text, const fields& set);

  static std::optional<failure> read(std::string_view text, fields& into);
  static bool ever_fits(const fields& x);
  bool fits(std::chrono::local_days day) const;

  std::string text_;
  fields set_;
};

/// The instants of a rule in a zone are those at which the zone's clocks first show a matching minute. A
/// minute that the clocks skip happens at the first moment after; a minute that they repeat happens once.
///
/// The first instant after `t`.
timestamp next_after(const cron_rule& rule, const time_zone& zone, timestamp t);

/// The last instant at or before `t`.
timestamp last_at_or_before(const cron_rule& rule, const time_zone& zone, timestamp t);

} // namespace herald
