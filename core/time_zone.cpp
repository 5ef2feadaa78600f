#include "core/time_zone.hpp"

#include <algorithm>
#include <exception>

#include <date/tz.h>

#include "core/text.hpp"

namespace herald {

namespace {

using std::chrono::seconds;

// The library's own calendar ends at the year 32767, and its arithmetic does not look where it goes.
constexpr timestamp first_time = std::chrono::sys_days{std::chrono::year{1} / 1 / 2};
constexpr timestamp last_time = std::chrono::sys_days{std::chrono::year{9999} / 12 / 30};

timestamp bounded(timestamp x) {
  return std::clamp(x, first_time, last_time);
}

local_time bounded(local_time x) {
  return local_time{bounded(timestamp{x.time_since_epoch()}).time_since_epoch()};
}

local_time shifted(timestamp x, seconds offset) {
  return local_time{x.time_since_epoch() + offset};
}

} // namespace

civil_time civil(local_time x) {
  auto day = std::chrono::floor<std::chrono::days>(x);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<seconds>(x - day)};
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<unsigned>(time.hours().count()),
          static_cast<unsigned>(time.minutes().count()),
          static_cast<unsigned>(time.seconds().count()),
          std::chrono::weekday{day}.c_encoding()};
}

result<time_zone> time_zone::find(std::string_view name) {
  // Looking a zone up reads the list of zones, asking it reads its file: both can fail.
  try {
    date::get_tzdb();
  } catch (const std::exception& e) {
    return failure{failure_class::permanent, std::string{"the time zone database cannot be read ("} + e.what()
                                                 + "): install the system package tzdata"};
  }
  try {
    auto zone = date::locate_zone(std::string{name});
    zone->get_info(date::sys_seconds{});
    return time_zone{zone};
  } catch (const std::exception&) {
    return failure{failure_class::permanent,
                   "unknown time zone '" + one_line(name, 80)
                       + "': use a name of the IANA database, such as America/Los_Angeles or UTC"};
  }
}

std::string_view time_zone::name() const {
  return zone_->name();
}

local_time time_zone::to_local(timestamp x) const {
  x = bounded(x);
  return shifted(x, zone_->get_info(x).offset);
}

local_time time_zone::latest_local(timestamp x) const {
  x = bounded(x);
  auto info = zone_->get_info(x);
  auto now = shifted(x, info.offset);
  if (info.begin <= first_time)
    return now;
  // The last moment before the clocks were set, on the clocks as they were.
  auto before = timestamp{info.begin} - duration{1};
  return std::max(now, shifted(before, zone_->get_info(before).offset));
}

timestamp time_zone::first_instant(local_time x) const {
  x = bounded(x);
  auto info = zone_->get_info(date::local_time<duration>{x.time_since_epoch()});
  if (info.result == date::local_info::nonexistent)
    return info.first.end;
  return timestamp{x.time_since_epoch() - info.first.offset};
}

std::string time_zone::format(timestamp x, const std::string& pattern) const {
  x = bounded(x);
  try {
    return date::format(pattern, date::make_zoned(zone_, std::chrono::floor<seconds>(x)));
  } catch (const std::exception&) {
    return to_iso8601(x);
  }
}

} // namespace herald
