// The handler of `demo_crash`, an event type that only the demo has: some of its events kill their handler,
// so that people can watch supervision at work. The poller hands the events of a crashed handler out again
// one by one, the sick one is found alone and, after a few crashes, quarantined; its healthy neighbours are
// handled as if nothing had been.
#pragma once

#include <string_view>

#include "core/handlers.hpp"

namespace herald {

inline constexpr std::string_view crash_event_type = "demo_crash";

/// Throws std::runtime_error when the payload has `"poison": true`; otherwise notifies payload.user_id.
const handler_row& crash_handler();

} // namespace herald
