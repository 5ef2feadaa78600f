// Points in time and spans as every room of Herald uses them: UTC, milliseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace herald {

using duration = std::chrono::milliseconds;

/// A UTC instant with millisecond resolution; the stores keep it as such.
using timestamp = std::chrono::sys_time<duration>;

inline std::int64_t to_epoch_ms(timestamp x) {
  return x.time_since_epoch().count();
}

inline timestamp from_epoch_ms(std::int64_t x) {
  return timestamp{duration{x}};
}

/// ISO 8601 with milliseconds and a trailing Z, e.g. `2026-01-20T14:30:45.000Z`.
std::string to_iso8601(timestamp x);

} // namespace herald
