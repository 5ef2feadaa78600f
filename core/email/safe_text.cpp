#include "core/email/safe_text.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace herald {

namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The beginning of `text`, at most `bytes` long, not cut inside a sequence.
std::string_view prefix(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes)
    return text;
  while (bytes > 0 && is_continuation(text[bytes]))
    --bytes;
  return text.substr(0, bytes);
}

/// Bytes of the invisible character at the start of `text` that changes the direction of its neighbours; 0
/// when something else stands there.
std::size_t direction_mark_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() >= 2 && byte(0) == 0xD8 && byte(1) == 0x9C) // U+061C
    return 2;
  if (text.size() < 3 || byte(0) != 0xE2)
    return 0;
  auto marks = byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F);   // U+200E, U+200F
  auto overrides = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE; // U+202A to U+202E
  auto isolates = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;  // U+2066 to U+2069
  return marks || overrides || isolates ? 3 : 0;
}

/// Valid and without direction marks. Looks at no more of `text` than `max` characters can need.
std::string harmless(std::string_view text, std::size_t max) {
  auto valid = repair_utf8(prefix(text, 4 * max + 8));
  std::string out;
  out.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    if (auto n = direction_mark_length(rest); n > 0) {
      rest.remove_prefix(n);
      continue;
    }
    out += rest.front();
    rest.remove_prefix(1);
  }
  return out;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

bool is_tag_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

} // namespace

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (auto bad = invalid_utf8_at(text)) {
    out.append(text.substr(0, *bad)).append("\uFFFD");
    text.remove_prefix(*bad + 1);
  }
  return out.append(text);
}

std::string safe_line(std::string_view text, std::size_t max) {
  return one_line(harmless(text, max), max);
}

std::string safe_block(std::string_view text, std::size_t max) {
  auto all = harmless(text, max);
  std::string out;
  std::size_t left = max;
  for (std::string_view rest = all; left > 0;) {
    auto end = rest.find('\n');
    auto line = one_line(rest.substr(0, end), left);
    out += line;
    left -= characters(line);
    if (end == std::string_view::npos || left == 0)
      break;
    out += '\n';
    --left;
    rest.remove_prefix(end + 1);
  }
  return out;
}

std::string tag_text(std::string_view text) {
  auto out = std::string{text.substr(0, 256)};
  for (auto& c : out)
    if (!is_tag_character(c))
      c = '_';
  return out.empty() ? "unknown" : out;
}

std::string html_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (auto c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

} // namespace herald
