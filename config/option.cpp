#include "config/option.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "config/value_text.hpp"
#include "messages/uuid.hpp"

namespace herald {

namespace {

using nlohmann::json;

std::string printed(double x) {
  return json(x == std::floor(x) ? json(static_cast<std::int64_t>(x)) : json(x)).dump();
}

std::string range(const option& x) {
  return printed(x.min) + " to " + printed(x.max);
}

/// The number of Unicode code points, which is what JSON Schema counts.
double characters(std::string_view text) {
  return static_cast<double>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    auto x = static_cast<unsigned char>(c);
    return x < 0x20 || x == 0x7F;
  });
}

bool in_range(const option& x, double value) {
  return value >= x.min && value <= x.max;
}

bool is_allowed(const option& x, const option_value& value) {
  switch (x.type) {
  case option_type::integer:
    return in_range(x, static_cast<double>(std::get<std::int64_t>(value)));
  case option_type::number:
    return in_range(x, std::get<double>(value));
  case option_type::text: {
    const auto& text = std::get<std::string>(value);
    return in_range(x, characters(text)) && !has_control_character(text);
  }
  default:
    return true; // `set` knows
  }
}

std::optional<mismatch> refused(const option& x, std::string found) {
  return mismatch{x.pointer, expectation(x), x.hidden ? "a value that is not shown" : std::move(found)};
}

/// The first entry that is no UUID.
std::optional<mismatch> check_entries(const option& x, const std::vector<std::string>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (!parse_uuid(entries[i]))
      return mismatch{x.pointer + "/" + std::to_string(i), "a UUID", quoted_excerpt(entries[i])};
  return std::nullopt;
}

std::optional<mismatch> store(const option& x, configuration& cfg, const option_value& value,
                              std::string found) {
  if (const auto* entries = std::get_if<std::vector<std::string>>(&value))
    if (auto bad = check_entries(x, *entries))
      return bad;
  if (!is_allowed(x, value) || !x.set(cfg, value))
    return refused(x, std::move(found));
  return std::nullopt;
}

std::optional<option_value> integer_from(const json& value) {
  // A double can be compared with the bounds whatever the size; what lies outside of 64 bits is refused
  // there.
  if (!value.is_number_integer() || std::abs(value.get<double>()) > 0x1p62)
    return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<option_value> list_from(const json& value) {
  if (!value.is_array()
      || !std::all_of(value.begin(), value.end(), [](const json& x) { return x.is_string(); }))
    return std::nullopt;
  return value.get<std::vector<std::string>>();
}

/// Nothing when the JSON type is not the option's.
std::optional<option_value> value_from(option_type type, const json& value) {
  switch (type) {
  case option_type::boolean:
    return value.is_boolean() ? std::optional<option_value>{value.get<bool>()} : std::nullopt;
  case option_type::integer:
    return integer_from(value);
  case option_type::number:
    return value.is_number() ? std::optional<option_value>{value.get<double>()} : std::nullopt;
  case option_type::text:
  case option_type::choice:
    return value.is_string() ? std::optional<option_value>{value.get<std::string>()} : std::nullopt;
  case option_type::id_list:
    return list_from(value);
  }
  return std::nullopt;
}

template <class T> std::optional<option_value> number_from(std::string_view text) {
  T out{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty())
    return out;
  for (std::size_t begin = 0; begin <= text.size();) {
    auto end = std::min(text.find(',', begin), text.size());
    out.emplace_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

std::optional<option_value> value_from(option_type type, std::string_view text) {
  switch (type) {
  case option_type::boolean: {
    auto on = parse_switch(text);
    return on ? std::optional<option_value>{*on} : std::nullopt;
  }
  case option_type::integer:
    return number_from<std::int64_t>(text);
  case option_type::number:
    return number_from<double>(text);
  case option_type::text:
  case option_type::choice:
    return std::string{text};
  case option_type::id_list:
    return split_list(text);
  }
  return std::nullopt;
}

} // namespace

std::string expectation(const option& x) {
  switch (x.type) {
  case option_type::boolean:
    return "true or false";
  case option_type::integer:
    return (x.unit.empty() ? "an integer from " : "a whole number of " + x.unit + " from ") + range(x);
  case option_type::number:
    return "a number from " + range(x);
  case option_type::text:
    return "text of " + (x.min > 0 ? range(x) : "at most " + printed(x.max))
           + " characters without control characters";
  case option_type::choice: {
    auto out = std::string{x.choices.size() == 1 ? "the value " : "one of "};
    for (std::size_t i = 0; i < x.choices.size(); ++i)
      out.append(i == 0 ? "" : ", ").append(x.choices[i]);
    return out;
  }
  case option_type::id_list:
    return "a list of UUIDs";
  }
  return {};
}

std::optional<mismatch> assign(const option& x, configuration& cfg, const json& value) {
  auto converted = value_from(x.type, value);
  return converted ? store(x, cfg, *converted, excerpt(value)) : refused(x, excerpt(value));
}

std::optional<mismatch> assign_text(const option& x, configuration& cfg, std::string_view text) {
  auto converted = value_from(x.type, trimmed(text));
  return converted ? store(x, cfg, *converted, quoted_excerpt(text)) : refused(x, quoted_excerpt(text));
}

json to_json(const option& x, const configuration& cfg) {
  if (x.hidden)
    return std::get<std::string>(x.get(cfg)).empty() ? "" : "***";
  return std::visit([](const auto& value) { return json(value); }, x.get(cfg));
}

} // namespace herald
