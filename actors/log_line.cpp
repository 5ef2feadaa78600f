#include "actors/log_line.hpp"

#include <cstdint>
#include <optional>

namespace herald {

namespace {

/// One code point of a text; nothing as `value` means that the byte belongs to no UTF-8 sequence.
struct code_point {
  std::optional<std::uint32_t> value;
  std::size_t size = 1;
};

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// The length that a first byte announces; 0 when it can begin no sequence.
std::size_t sequence_size(unsigned char first) {
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    return 2;
  if (first >= 0xE0 && first <= 0xEF)
    return 3;
  if (first >= 0xF0 && first <= 0xF4)
    return 4;
  return 0;
}

code_point decode(std::string_view rest) {
  auto first = static_cast<unsigned char>(rest.front());
  auto size = sequence_size(first);
  if (size == 1)
    return {first, 1};
  if (size == 0 || rest.size() < size)
    return {std::nullopt, 1};
  std::uint32_t value = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(rest[i]))
      return {std::nullopt, 1};
    value = (value << 6U) | (static_cast<unsigned char>(rest[i]) & 0x3FU);
  }
  bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF)
    return {std::nullopt, 1};
  return {value, size};
}

/// Whether a terminal or a reader could take the character for something else than text.
bool is_deceptive(std::uint32_t x) {
  bool control = x < 0x20 || (x >= 0x7F && x < 0xA0);
  bool separator = x == 0x2028 || x == 0x2029;
  bool reorders = x == 0x061C || x == 0x200E || x == 0x200F || (x >= 0x202A && x <= 0x202E)
                  || (x >= 0x2066 && x <= 0x2069);
  return control || separator || reorders;
}

void append_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
  constexpr auto digit = std::string_view{"0123456789abcdef"};
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += digit[(value >> static_cast<unsigned>(shift)) & 0xFU];
}

/// True when the character has a short escape, which is then appended.
bool append_short_escape(std::string& out, std::uint32_t value) {
  switch (value) {
  case '\n':
    out += "\\n";
    return true;
  case '\r':
    out += "\\r";
    return true;
  case '\t':
    out += "\\t";
    return true;
  default:
    return false;
  }
}

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto x = decode(text);
    if (!x.value)
      append_hex(out, "\\x", static_cast<unsigned char>(text.front()), 2);
    else if (!is_deceptive(*x.value))
      out += text.substr(0, x.size);
    else if (!append_short_escape(out, *x.value))
      append_hex(out, *x.value < 0x100 ? "\\x" : "\\u", *x.value, *x.value < 0x100 ? 2 : 4);
    text.remove_prefix(x.size);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    auto x = decode(text);
    if (!x.value) {
      out += "\xEF\xBF\xBD"; // JSON can carry text only; this stands for a byte that is none
    } else if (*x.value == '"' || *x.value == '\\') {
      out += '\\';
      out += text.front();
    } else if (!is_deceptive(*x.value)) {
      out += text.substr(0, x.size);
    } else if (!append_short_escape(out, *x.value)) {
      append_hex(out, "\\u", *x.value, 4);
    }
    text.remove_prefix(x.size);
  }
  out += '"';
}

/// The text itself, or what the limit leaves of it, ending at a whole character, and a note.
std::string limited(std::string_view text) {
  if (text.size() <= max_log_value)
    return std::string{text};
  auto end = max_log_value;
  while (end > max_log_value - 4 && is_continuation(text[end]))
    --end;
  return std::string{text.substr(0, end)} + "... (cut, " + std::to_string(text.size()) + " bytes in all)";
}

} // namespace

std::string escape_log_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_escaped(out, text);
  return out;
}

std::string text_line(const log_record& x) {
  // ISO 8601 to the second, with a space instead of the T.
  auto out = to_iso8601(x.time).substr(0, 19);
  out[10] = ' ';
  out.append(" - ").append(to_string(x.level)).append(" - ");
  append_escaped(out, limited(x.component));
  out += " - ";
  append_escaped(out, limited(x.message));
  return out;
}

std::string json_line(const log_record& x) {
  auto out = std::string{R"({"time":)"};
  append_json_string(out, to_iso8601(x.time));
  out += R"(,"level":)";
  append_json_string(out, to_string(x.level));
  out += R"(,"component":)";
  append_json_string(out, limited(x.component));
  out += R"(,"event":)";
  append_json_string(out, limited(x.event));
  out += R"(,"message":)";
  append_json_string(out, limited(x.message));
  out += '}';
  return out;
}

} // namespace herald
