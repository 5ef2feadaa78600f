// Markdown as HTML and as plain text. The only file that knows the Markdown library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace herald {

/// One text, twice.
struct markdown_text {
  std::string html;
  std::string text;
};

/// Longest Markdown that is read, in bytes; the rest is cut off. Nested quotes make HTML many times as long
/// as its source.
inline constexpr std::size_t markdown_limit = 16UL * 1024;

/// Paragraphs, lists, quotes and code. HTML in the source is shown as text; links, images and headings keep
/// their words alone, so that a stranger's text plants no link in a mail.
markdown_text render_markdown(std::string_view markdown);

/// A single sentence: only emphasis and code, no blocks and no line breaks.
markdown_text render_markdown_line(std::string_view markdown);

} // namespace herald
