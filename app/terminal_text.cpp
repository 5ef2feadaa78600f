#include "app/terminal_text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

#include "core/text.hpp"

namespace herald {

namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The first character of `text`, which is valid UTF-8 and not empty.
struct character {
  char32_t value = 0;
  std::size_t bytes = 1;
};

character first_character(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80)
    return {lead, 1};
  std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  char32_t value = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i)
    value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {value, bytes};
}

/// Whether a terminal acts upon the character instead of showing it, or shows its neighbours in another
/// order.
bool is_active(char32_t c) {
  auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return c < 0x20 || within(0x7F, 0x9F) || c == 0xAD || c == 0x061C || within(0x200B, 0x200F)
         || within(0x2028, 0x202E) || within(0x2060, 0x2069) || c == 0xFEFF;
}

std::string escaped(char32_t c) {
  switch (c) {
  case U'\n':
    return "\\n";
  case U'\r':
    return "\\r";
  case U'\t':
    return "\\t";
  default:
    std::array<char, 16> out{};
    std::snprintf(out.data(), out.size(), "\\u{%x}", static_cast<unsigned>(c));
    return out.data();
  }
}

void append_valid(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto c = first_character(text);
    if (is_active(c.value))
      out += escaped(c.value);
    else
      out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (auto bad = invalid_utf8_at(text)) {
    append_valid(out, text.substr(0, *bad));
    std::array<char, 8> byte{};
    std::snprintf(byte.data(), byte.size(), "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(text[*bad])));
    out += byte.data();
    text.remove_prefix(*bad + 1);
  }
  append_valid(out, text);
  return out;
}

std::string printable(std::string_view text, std::size_t max) {
  auto out = printable(text);
  std::size_t seen = 0;
  std::size_t cut = 0; // where the last character that fits besides the ellipsis ends
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_continuation(out[i]))
      continue;
    if (seen == max - 1)
      cut = i;
    if (++seen > max)
      return out.substr(0, cut) + "\u2026";
  }
  return out;
}

std::size_t characters(std::string_view text) {
  std::size_t n = 0;
  for (auto c : text)
    if (!is_continuation(c))
      ++n;
  return n;
}

std::string pad_right(std::string text, std::size_t width) {
  auto have = characters(text);
  return text.append(have < width ? width - have : 0, ' ');
}

std::string pad_left(std::string text, std::size_t width) {
  auto have = characters(text);
  return text.insert(0, have < width ? width - have : 0, ' ');
}

} // namespace herald
