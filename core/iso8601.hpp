// Reading the points in time that producers write into payloads.
#pragma once

#include <optional>
#include <string_view>

#include "messages/time.hpp"

namespace herald {

/// Parses ISO 8601 as PostgreSQL and JavaScript write it: `2026-01-20T14:30:45.123456+00:00`. Date and time
/// are parted by `T` or a space; seconds and their fraction may be missing; the zone (`Z`, `+hh`, `+hhmm` or
/// `+hh:mm`) may not, because a time without one is no instant. Digits beyond milliseconds are cut. Anything
/// else, and dates that no calendar has, give nothing.
std::optional<timestamp> from_iso8601(std::string_view text);

} // namespace herald
