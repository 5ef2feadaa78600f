#include "core/text.hpp"

namespace herald {

namespace {

constexpr std::string_view ellipsis = "\u2026";

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Bytes of the valid UTF-8 sequence at the start of `text` (which is not empty); 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length)
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!is_continuation(text[i]))
      return 0;
  // The second byte rules out what the lead byte alone cannot: overlong forms, surrogates, beyond U+10FFFF.
  auto second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90)
      || (lead == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

/// Bytes of the control character or line break at the start of `text`; 0 when something else stands there.
/// Takes in C0, DEL, C1 (U+0080 to U+009F) and the separators U+2028 and U+2029.
std::size_t break_length(std::string_view text) {
  auto c = static_cast<unsigned char>(text[0]);
  if (c < 0x20 || c == 0x7F)
    return 1;
  if (c == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) >= 0x80
      && static_cast<unsigned char>(text[1]) <= 0x9F)
    return 2;
  if (text.starts_with("\u2028") || text.starts_with("\u2029"))
    return 3;
  return 0;
}

/// Runs of control characters and line breaks as one space each.
std::string flatten(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_run = false;
  while (!text.empty()) {
    if (auto n = break_length(text); n > 0) {
      if (!in_run)
        out += ' ';
      in_run = true;
      text.remove_prefix(n);
      continue;
    }
    in_run = false;
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The byte offset of character `n`; the size when there are no more than `n` characters.
std::size_t offset_of(std::string_view text, std::size_t n) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (!is_continuation(text[i]) && n-- == 0)
      return i;
  return text.size();
}

/// Whether `text` starts like a character reference, e.g. `&lt;` or `&#60;`.
bool starts_reference(std::string_view text) {
  // No reference is longer; looking further would make a text full of ampersands cost quadratic time.
  text = text.substr(0, 40);
  auto end = text.find(';');
  if (text.front() != '&' || end == std::string_view::npos || end < 2)
    return false;
  auto name = text.substr(1, end - 1);
  if (name.starts_with('#'))
    name.remove_prefix(1);
  for (auto c : name)
    if (!is_alphanumeric(c))
      return false;
  return true;
}

/// Where a block mark (heading, bullet, numbered item) at the beginning of `text` has to be broken.
std::size_t block_mark_at(std::string_view text) {
  auto i = text.find_first_not_of(' ');
  if (i == std::string_view::npos)
    return i;
  if (text[i] == '#' || text[i] == '-' || text[i] == '+')
    return i;
  auto after = i;
  while (after < text.size() && is_digit(text[after]))
    ++after;
  auto numbered = after > i && after < text.size() && (text[after] == '.' || text[after] == ')');
  return numbered ? after : std::string_view::npos;
}

std::string named_or(std::string_view name, std::string_view fallback) {
  auto out = one_line(name, name_limit);
  return out.empty() ? std::string{fallback} : out;
}

} // namespace

std::optional<std::size_t> invalid_utf8_at(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto n = sequence_length(text.substr(i));
    if (n == 0)
      return i;
    i += n;
  }
  return std::nullopt;
}

std::string one_line(std::string_view text, std::size_t max) {
  auto flat = flatten(text);
  auto line = trim(flat);
  if (offset_of(line, max) == line.size())
    return std::string{line};
  if (max == 0)
    return {};
  return std::string{trim(line.substr(0, offset_of(line, max - 1)))}.append(ellipsis);
}

std::string markdown_escape(std::string_view text) {
  static constexpr std::string_view always = "\\`*_[]<>~";
  auto flat = flatten(text);
  auto mark = block_mark_at(flat);
  std::string out;
  out.reserve(flat.size() + 8);
  for (std::size_t i = 0; i < flat.size(); ++i) {
    auto c = flat[i];
    if (i == mark || always.find(c) != std::string_view::npos
        || (c == '&' && starts_reference(std::string_view{flat}.substr(i))))
      out += '\\';
    out += c;
  }
  return out;
}

std::string thread_label(std::string_view topic) {
  auto name = one_line(topic, name_limit);
  if (name.empty() || name == "#")
    return "#general";
  if (name.starts_with('#'))
    return name;
  return one_line("#" + name, name_limit);
}

std::string person_name(const profile* x) {
  if (!x)
    return "Someone";
  return named_or(x->full_name, named_or(x->email, "Someone"));
}

std::string project_name(const project* x) {
  return named_or(x ? std::string_view{x->name} : std::string_view{}, "your project");
}

} // namespace herald
