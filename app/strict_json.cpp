#include "app/strict_json.hpp"

#include <cstddef>

#include <nlohmann/json.hpp>

#include "app/terminal_text.hpp"

namespace herald {

namespace {

using nlohmann::json;

constexpr std::string_view blanks = " \t\r\n";

/// Longest explanation of the JSON library that is passed on, in characters.
constexpr std::size_t max_explanation = 160;

/// Steps through JSON that is known to be valid, so that no step needs a check.
class json_walk {
public:
  explicit json_walk(std::string_view text) : text_{text} {
    // nop
  }

  void skip_blanks() { at_ = text_.find_first_not_of(blanks, at_); }

  char next() { return text_[at_++]; }

  char peek() const { return text_[at_]; }

  /// Steps over one value and returns it as written.
  std::string_view value() {
    auto begin = at_;
    if (peek() == '"')
      skip_string();
    else if (peek() == '{' || peek() == '[')
      skip_nested();
    else
      at_ = text_.find_first_of(",}] \t\r\n", at_);
    return text_.substr(begin, at_ - begin);
  }

private:
  void skip_string() {
    ++at_;
    for (; peek() != '"'; ++at_)
      if (peek() == '\\')
        ++at_;
    ++at_;
  }

  void skip_nested() {
    std::size_t depth = 0;
    do {
      auto c = peek();
      if (c == '"') {
        skip_string();
        continue;
      }
      if (c == '{' || c == '[')
        ++depth;
      else if (c == '}' || c == ']')
        --depth;
      ++at_;
    } while (depth > 0);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// The library's message without its error code and its own idea of line and column.
std::string explanation_of(const json::exception& e) {
  std::string_view what = e.what();
  for (std::string_view mark : {"column ", "] "})
    if (auto i = what.find(mark); i != std::string_view::npos)
      what.remove_prefix(i + mark.size());
  if (auto colon = what.find(": "); colon != std::string_view::npos && colon < 12)
    what.remove_prefix(colon + 2);
  return printable(what, max_explanation);
}

} // namespace

std::optional<std::string> json_problem(std::string_view text) {
  try {
    // The library passes over a byte order mark; nobody who reads the text later would.
    if (text.starts_with("\xEF\xBB\xBF"))
      return "it starts with a byte order mark";
    // The document is thrown away: what counts is that there is one.
    [[maybe_unused]] auto document = json::parse(text);
    return std::nullopt;
  } catch (const json::parse_error& e) {
    return "column " + std::to_string(e.byte) + ": " + explanation_of(e);
  } catch (const json::exception& e) {
    return explanation_of(e);
  }
}

result<std::vector<json_member>> object_members(std::string_view text) {
  if (auto why = json_problem(text))
    return failure{failure_class::permanent, "no valid JSON: " + *why};
  json_walk walk{text};
  walk.skip_blanks();
  if (walk.peek() != '{')
    return failure{failure_class::permanent, "expected a JSON object, found " + printable(text, 60)};
  walk.next();
  std::vector<json_member> out;
  walk.skip_blanks();
  while (walk.peek() != '}') {
    auto key = json::parse(walk.value()).get<std::string>();
    walk.skip_blanks();
    walk.next(); // the colon
    walk.skip_blanks();
    out.push_back({std::move(key), walk.value()});
    walk.skip_blanks();
    if (walk.peek() == ',') {
      walk.next();
      walk.skip_blanks();
    }
  }
  return out;
}

} // namespace herald
