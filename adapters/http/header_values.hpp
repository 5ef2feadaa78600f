// What numbers and waits in the headers of an answer come to. They are a stranger's: what makes no sense is nothing.
#pragma once

#include <optional>
#include <string_view>

#include "adapters/http/client.hpp"
#include "messages/time.hpp"

namespace herald {

/// The number at the start of the text, not negative, which may go on with `,` or `;` as lists and parameters do.
std::optional<double> leading_number(std::string_view text);

/// Rounded up to milliseconds and cut to a day.
/// @pre x ≥ 0
duration wait_of_seconds(double x);

/// What `retry-after` asks for, in seconds or as a date, cut to a day.
std::optional<duration> retry_after(const http_response& from);

} // namespace herald
