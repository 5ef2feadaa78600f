#include "messages/time.hpp"

#include <cstdio>

namespace herald {

std::string to_iso8601(timestamp x) {
  auto day = std::chrono::floor<std::chrono::days>(x);
  auto date = std::chrono::year_month_day{day};
  auto time = std::chrono::hh_mm_ss{x - day};
  char out[64];
  auto n =
      std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {out, static_cast<std::size_t>(n)};
}

} // namespace herald
