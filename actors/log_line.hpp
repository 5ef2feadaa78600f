// How one log record becomes one line, whatever its text holds. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "actors/log.hpp"
#include "messages/time.hpp"

namespace herald {

/// Longest component, event id or message, in bytes; the rest is cut, and the line says how much there was.
inline constexpr std::size_t max_log_value = std::size_t{8} * 1024;

struct log_record {
  timestamp time{};
  log_level level = log_level::info;
  std::string_view component;
  std::string_view event;
  std::string_view message;
};

/// `2025-01-20 14:30:45 - INFO - notify-fan-out - Message here`, UTC. The event id is only in the JSON form.
/// The line is valid UTF-8 without control characters; see `escape_log_text`.
std::string text_line(const log_record&);

/// One JSON object with the keys time, level, component, event, message, in this order.
std::string json_line(const log_record&);

/// The text with everything that could break or disguise a line made visible: control characters, line and
/// paragraph separators and marks that reorder text as `\n`, `\r`, `\t`, `\xNN` or `\uNNNN`, bytes that are
/// no UTF-8 as `\xNN`. Backslashes of the text stay as they are: the result is for reading, not for parsing
/// back.
std::string escape_log_text(std::string_view text);

} // namespace herald
