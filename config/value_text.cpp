#include "config/value_text.hpp"

#include <nlohmann/json.hpp>

namespace herald {

namespace {

using nlohmann::json;

constexpr std::size_t max_excerpt = 60;

std::string lower_case(std::string_view text) {
  auto out = std::string{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

} // namespace

std::string excerpt(const json& value) {
  if (value.is_string())
    return quoted_excerpt(value.get_ref<const std::string&>());
  if (value.is_structured())
    return value.is_object() ? "an object" : "a list";
  return value.dump();
}

std::string quoted_excerpt(std::string_view text) {
  bool whole = text.size() <= max_excerpt;
  // Quotes as JSON does, which also takes care of control characters and of a character that was cut in two.
  auto out = json(text.substr(0, max_excerpt)).dump(-1, ' ', false, json::error_handler_t::replace);
  return whole ? out : out + "...";
}

std::optional<bool> parse_switch(std::string_view text) {
  auto word = lower_case(trimmed(text));
  if (word == "true" || word == "1" || word == "yes")
    return true;
  if (word == "false" || word == "0" || word == "no")
    return false;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  constexpr auto blanks = std::string_view{" \t\r\n"};
  auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

} // namespace herald
