// Strangers' text on a terminal: names, reasons and payloads come from the platform's users, and a terminal
// obeys control sequences. Whatever Herald prints for people passes through here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace herald {

/// `text` with everything that a terminal would act upon made visible: `\n`, `\r` and `\t` as such, other
/// control characters (C0, DEL, C1), line separators and characters that turn the reading direction as
/// `\u{1b}`, bytes that are no valid UTF-8 as `\xff`. The result is one line.
std::string printable(std::string_view text);

/// printable(text), cut to at most `max` characters (≥ 1) of which the last is then an ellipsis.
std::string printable(std::string_view text, std::size_t max);

/// How many characters (Unicode code points) valid UTF-8 holds.
std::size_t characters(std::string_view text);

/// `text` followed by spaces up to `width` characters.
std::string pad_right(std::string text, std::size_t width);

/// `text` preceded by spaces up to `width` characters.
std::string pad_left(std::string text, std::size_t width);

} // namespace herald
