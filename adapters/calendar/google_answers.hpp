// What Google's answers mean for a connection: a pure table from status and reason to a verdict. Answers are a
// stranger's: they are bounded, and only short names out of them are ever shown.
#pragma once

#include <string>

#include "adapters/http/client.hpp"
#include "messages/calendar.hpp"
#include "messages/time.hpp"

namespace herald {

/// To a refresh of the token with this fingerprint.
calendar_answer token_answer(http_exchange exchange, std::string token_fingerprint);

/// To the creation `x`, asked for at `now`. A creation without an answer may have made a channel: the next one takes
/// another id.
calendar_answer creation_answer(const http_exchange& exchange, const watch_creation& x, timestamp now);

/// To a stop. A channel that is gone already is as well as stopped.
calendar_answer stop_answer(const http_exchange& exchange);

} // namespace herald
