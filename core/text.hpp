// Text that people read: names with their fallbacks, and strangers' strings made safe for one line and for
// Markdown.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "messages/context.hpp"

namespace herald {

/// Longest name that thread_label, person_name and project_name give out, in characters.
inline constexpr std::size_t name_limit = 120;

/// Where `text` stops being valid UTF-8 (a byte offset); nothing when all of it is valid. Overlong forms,
/// surrogates and values beyond U+10FFFF are invalid.
std::optional<std::size_t> invalid_utf8_at(std::string_view text);

/// `text` on one line: each run of control characters and line breaks becomes one space, both ends are
/// trimmed, and what is longer than `max` characters (Unicode code points) is cut so that `max` of them
/// remain, the last an ellipsis. Never splits a UTF-8 sequence. Safe for titles, subjects and headers.
std::string one_line(std::string_view text, std::size_t max);

/// `text` as literal Markdown: whatever could start emphasis, code, a link, HTML, a character reference or,
/// at the beginning, a heading or list gets a backslash. Runs of control characters and line breaks become
/// one space.
std::string markdown_escape(std::string_view text);

/// The topic with a leading `#`, which is not doubled; `#general` for an empty topic. One line, at most
/// name_limit.
std::string thread_label(std::string_view topic);

/// Full name, else e-mail address, else "Someone" (also without a profile). One line, at most name_limit.
std::string person_name(const profile* x);

/// The name, else "your project" (also without a project). One line, at most name_limit.
std::string project_name(const project* x);

} // namespace herald
