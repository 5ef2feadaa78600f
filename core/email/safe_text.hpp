// Strangers' text on its way into a mail: always valid UTF-8, of bounded length, without characters that
// reorder or break what stands beside them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace herald {

/// `text` with every byte that belongs to no valid UTF-8 sequence replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

/// Valid UTF-8 on one line, at most `max` characters: no control characters, no line breaks, no direction
/// marks, overrides, embeddings or isolates. Safe for subjects, headers and names.
std::string safe_line(std::string_view text, std::size_t max);

/// The same for text of several lines, which keeps its line breaks (as LF).
std::string safe_block(std::string_view text, std::size_t max);

/// Name or value of a tag: what is not [A-Za-z0-9_-] becomes `_`, at most 256 characters, never empty.
std::string tag_text(std::string_view text);

/// `text` for HTML, between tags as well as in a quoted attribute. `&#39;` is the one name of the apostrophe
/// that old mail clients know.
std::string html_escape(std::string_view text);

} // namespace herald
