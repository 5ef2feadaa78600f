#include "config/document.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/value_text.hpp"

namespace herald {

namespace {

using nlohmann::json;

struct text_position {
  std::size_t line = 1;
  std::size_t column = 1;
};

text_position position_of(std::string_view text, std::size_t offset) {
  auto before = text.substr(0, std::min(offset, text.size()));
  auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  auto line_start = before.rfind('\n');
  return {lines + 1, before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1};
}

/// Where the element that begins at `i` ends: a comment, a string or a single byte.
std::size_t element_end(std::string_view text, std::size_t i) {
  auto rest = text.substr(i);
  auto after = [&](std::string_view mark) {
    auto end = text.find(mark, i + 2);
    return end == std::string_view::npos ? text.size() : end + mark.size();
  };
  if (rest.starts_with("//"))
    return after("\n");
  if (rest.starts_with("/*"))
    return after("*/");
  if (rest.front() != '"')
    return i + 1;
  for (auto end = i + 1; end < text.size(); ++end) {
    if (text[end] == '\\')
      ++end;
    else if (text[end] == '"')
      return end + 1;
  }
  return text.size();
}

/// The offset of the comma that nothing but blanks and comments separates from the bracket at `bracket`.
std::optional<std::size_t> trailing_comma(std::string_view text, std::size_t bracket) {
  if (bracket >= text.size() || (text[bracket] != '}' && text[bracket] != ']'))
    return std::nullopt;
  std::optional<std::size_t> comma;
  for (std::size_t i = 0; i < bracket; i = element_end(text, i)) {
    auto rest = text.substr(i);
    bool counts = std::string_view{" \t\r\n"}.find(text[i]) == std::string_view::npos
                  && !rest.starts_with("//") && !rest.starts_with("/*");
    if (counts)
      comma = text[i] == ',' ? std::optional{i} : std::nullopt;
  }
  return comma;
}

/// The parser's message without its own prefix and position.
std::string explanation_of(const json::exception& e) {
  auto text = std::string_view{e.what()};
  for (auto mark : {std::string_view{"syntax error "}, std::string_view{"] "}}) {
    auto at = text.find(mark);
    if (at != std::string_view::npos) {
      text.remove_prefix(at + mark.size());
      break;
    }
  }
  return std::string{text};
}

config_error syntax_error(std::string_view text, std::string_view source, const json::parse_error& e) {
  config_error out{.source = std::string{source}};
  // The parser counts the bytes it has read, the one it stumbled over included.
  auto offset = e.byte == 0 ? 0 : e.byte - 1;
  if (auto comma = trailing_comma(text, offset)) {
    offset = *comma;
    out.expected = "no comma after the last entry of an object or list";
    out.found = "a trailing comma";
  } else {
    out.expected = "valid JSON (comments are allowed)";
    out.found = "a syntax error " + explanation_of(e);
  }
  auto position = position_of(text, offset);
  out.line = position.line;
  out.column = position.column;
  return out;
}

/// Follows the parser through the document and notes keys that stand twice in one object. (The parser itself
/// keeps the last one and says nothing.)
class duplicate_finder {
public:
  duplicate_finder(std::string_view source, config_errors& errors) : source_{source}, errors_{errors} {}

  void on(json::parse_event_t event, const json& parsed) {
    using event_t = json::parse_event_t;
    switch (event) {
    case event_t::object_start:
    case event_t::array_start:
      levels_.push_back(level{.is_list = event == event_t::array_start});
      break;
    case event_t::key:
      on_key(parsed.get_ref<const std::string&>());
      break;
    case event_t::object_end:
    case event_t::array_end:
      levels_.pop_back();
      on_entry();
      break;
    case event_t::value:
      on_entry();
      break;
    }
  }

private:
  struct level {
    bool is_list = false;
    std::size_t index = 0;        ///< of the current entry of a list
    std::set<std::string> keys{}; ///< of an object, so far
    std::string key{};            ///< the current one
  };

  void on_key(const std::string& key) {
    auto& top = levels_.back();
    top.key = key;
    if (top.keys.insert(key).second)
      return;
    errors_.push_back(
        {.source = source_, .pointer = pointer(), .expected = "each key once", .found = "it twice"});
  }

  void on_entry() {
    if (!levels_.empty())
      ++levels_.back().index;
  }

  std::string pointer() const {
    std::string out;
    for (const auto& x : levels_)
      out.append("/").append(x.is_list ? std::to_string(x.index) : pointer_segment(x.key));
    return out;
  }

  std::string source_;
  config_errors& errors_;
  std::vector<level> levels_;
};

} // namespace

std::string pointer_segment(std::string_view segment) {
  std::string out;
  for (auto c : segment) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::optional<json> parse_document(std::string_view text, std::string_view source, config_errors& errors) {
  auto duplicates = duplicate_finder{source, errors};
  auto follow = [&](int, json::parse_event_t event, const json& parsed) {
    duplicates.on(event, parsed);
    return true;
  };
  try {
    auto out = json::parse(text, follow, true, true);
    if (out.is_object())
      return out;
    errors.push_back({.source = std::string{source}, .expected = "an object", .found = excerpt(out)});
  } catch (const json::parse_error& e) {
    errors.push_back(syntax_error(text, source, e));
  } catch (const json::exception& e) { // a number beyond the range of a double
    errors.push_back({.source = std::string{source}, .expected = "valid JSON", .found = explanation_of(e)});
  }
  return std::nullopt;
}

} // namespace herald
