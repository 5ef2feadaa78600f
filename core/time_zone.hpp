// Local time: what clocks in a named zone show at an instant, and when they show it. Reads the system's time
// zone database.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace date {
class time_zone;
}

namespace herald {

/// What a clock on the wall shows: no instant without a zone.
using local_time = std::chrono::local_time<duration>;

/// The fields of a local time.
struct civil_time {
  int year = 1970;
  unsigned month = 1;   ///< 1 to 12
  unsigned day = 1;     ///< 1 to 31
  unsigned hour = 0;    ///< 0 to 23
  unsigned minute = 0;  ///< 0 to 59
  unsigned second = 0;  ///< 0 to 59
  unsigned weekday = 4; ///< 0 (Sunday) to 6

  friend bool operator==(const civil_time&, const civil_time&) = default;
};

civil_time civil(local_time x);

/// A zone of the IANA database. A pointer: copies are free, and all threads may use them. Times outside the
/// years 1 to 9999 count as the nearest time inside.
class time_zone {
public:
  /// A name of the IANA database such as `America/Los_Angeles` or `UTC`. The failure (permanent) names the
  /// zone and says what to do.
  static result<time_zone> find(std::string_view name);

  std::string_view name() const;

  local_time to_local(timestamp x) const;

  /// The latest that the zone's clocks have shown up to `x`: to_local(x), except while they repeat an hour.
  /// Never goes back as `x` goes on.
  local_time latest_local(timestamp x) const;

  /// When the zone's clocks first show `x`; for an `x` that they leave out, when they go on after it.
  /// first_instant(y) ≤ x holds exactly for the y ≤ latest_local(x).
  timestamp first_instant(local_time x) const;

  /// `x` on the zone's clocks, by a strftime pattern: `%a %d %b %Y, %H:%M %Z`. Seconds are whole. A pattern
  /// that cannot be followed gives ISO 8601 in UTC.
  std::string format(timestamp x, const std::string& pattern) const;

  friend bool operator==(const time_zone&, const time_zone&) = default;

private:
  explicit time_zone(const date::time_zone* zone) : zone_{zone} {}

  const date::time_zone* zone_;
};

} // namespace herald
