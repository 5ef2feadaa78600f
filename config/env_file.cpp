#include "config/env_file.hpp"

#include <algorithm>
#include <optional>

#include "config/value_text.hpp"

namespace herald {

namespace {

/// What is wrong with a line, in the words of config_error.
struct problem {
  std::string expected;
  std::string found;
};

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view x) {
  return !x.empty() && !(x.front() >= '0' && x.front() <= '9')
         && std::all_of(x.begin(), x.end(), is_name_character);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string unquoted(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '#' && i > 0 && is_blank(text[i - 1]))
      return std::string{trimmed(text.substr(0, i))};
  return std::string{trimmed(text)};
}

std::optional<char> unescaped(char c) {
  switch (c) {
  case 'n':
    return '\n';
  case 'r':
    return '\r';
  case 't':
    return '\t';
  case '"':
  case '$':
  case '\\':
    return c;
  default:
    return std::nullopt;
  }
}

/// Moves the quoted text at the beginning of `text` to `out`. Nothing means success.
std::optional<problem> take_quoted(std::string_view& text, std::string& out) {
  auto quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      return std::nullopt;
    }
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      auto c = unescaped(text[++i]);
      if (!c)
        return problem{R"(\n, \r, \t, \", \$ or \\ after a backslash in double quotes)", "another character"};
      out += *c;
    } else {
      out += text[i];
    }
  }
  return problem{"the closing quote on the same line", "none"};
}

/// Reads what stands after the equals sign to `out`. Nothing means success.
std::optional<problem> read_value(std::string_view text, std::string& out) {
  if (text.find('\0') != std::string_view::npos)
    return problem{"text", "a NUL character"};
  // Only a quote that comes first quotes: O'Brien is a name.
  auto start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos || (text[start] != '"' && text[start] != '\'')) {
    out = unquoted(text);
    return std::nullopt;
  }
  text.remove_prefix(start);
  if (auto bad = take_quoted(text, out))
    return bad;
  bool comment = !text.empty() && is_blank(text.front()) && trimmed(text).starts_with('#');
  if (!trimmed(text).empty() && !comment)
    return problem{"nothing but a comment after the closing quote", "more text"};
  return std::nullopt;
}

/// `export NAME` and `NAME` to NAME.
std::string_view name_of(std::string_view text) {
  constexpr auto keyword = std::string_view{"export"};
  text = trimmed(text);
  if (text.size() > keyword.size() && text.starts_with(keyword) && is_blank(text[keyword.size()]))
    text.remove_prefix(keyword.size());
  return trimmed(text);
}

/// Removes the first line, with its end, from `text`. A carriage return stays; `trimmed` drops it later.
std::string_view take_line(std::string_view& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

} // namespace

std::vector<env_entry> parse_env_file(std::string_view text, std::string_view source, config_errors& errors) {
  constexpr auto byte_order_mark = std::string_view{"\xEF\xBB\xBF"};
  if (text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  std::vector<env_entry> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = take_line(text);
    if (trimmed(line).empty() || trimmed(line).starts_with('#'))
      continue;
    auto equals = line.find('=');
    auto name = name_of(line.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name)) {
      errors.push_back({.source = std::string{source},
                        .line = number,
                        .expected = "NAME=VALUE with a name of letters, digits and underscores",
                        .found = equals == std::string_view::npos ? "no equals sign" : "another name"});
      continue;
    }
    std::string value;
    auto bad = read_value(line.substr(equals + 1), value);
    if (!bad)
      out.push_back({std::string{name}, std::move(value), number});
    else
      errors.push_back({.source = std::string{source},
                        .line = number,
                        .variable = std::string{name},
                        .expected = bad->expected,
                        .found = bad->found});
  }
  return out;
}

} // namespace herald
