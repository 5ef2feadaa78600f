#include "core/payload.hpp"

#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace herald {

namespace {

// Not `json`: payload has a member of that name.
using json_value = nlohmann::json;

constexpr std::size_t max_size = std::size_t{1024} * 1024;
constexpr std::size_t max_depth = 64;

failure refused(std::string why) {
  return {failure_class::permanent, "the payload " + std::move(why)};
}

/// The offset of the first bracket that opens a level beyond max_depth, if there is one. Exact for every
/// prefix of valid JSON; behind the first syntax error the answer does not matter, the parser refuses the
/// text anyway.
std::optional<std::size_t> too_deep_at(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth)
        return i;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return std::nullopt;
}

/// The value below a key; nullptr when the key is missing.
const json_value* find(const json_value& object, std::string_view key) {
  auto i = object.find(key);
  return i == object.end() ? nullptr : &*i;
}

const std::string* as_string(const json_value* x) {
  return x ? x->get_ptr<const std::string*>() : nullptr;
}

std::optional<std::int64_t> integer_from(double x) {
  // 2^63 is the first double beyond the range; -2^63 is the last one inside. NaN fails both comparisons.
  constexpr auto limit = 9223372036854775808.0;
  if (!(x >= -limit && x < limit))
    return std::nullopt;
  auto out = static_cast<std::int64_t>(x);
  return static_cast<double>(out) == x ? std::optional{out} : std::nullopt;
}

std::optional<std::int64_t> integer_from(const std::string& text) {
  std::int64_t out = 0;
  auto end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && rest == end ? std::optional{out} : std::nullopt;
}

} // namespace

// -- payload ------------------------------------------------------------------------------------------------

payload::payload() : payload{std::make_shared<const json_value>(json_value::object())} {}

payload::payload(std::shared_ptr<const json_value> x) : object_{std::move(x)} {}

result<payload> payload::parse(std::string_view text) {
  if (text.empty())
    return payload{};
  if (text.size() > max_size)
    return refused("is " + std::to_string(text.size()) + " bytes long; the limit is "
                   + std::to_string(max_size));
  if (auto at = invalid_utf8_at(text))
    return refused("is not valid UTF-8 from byte " + std::to_string(*at) + " on");
  if (auto at = too_deep_at(text))
    return refused("is nested deeper than " + std::to_string(max_depth) + " levels at byte "
                   + std::to_string(*at));
  try {
    auto value = std::make_shared<const json_value>(json_value::parse(text));
    if (!value->is_object())
      return refused(std::string{"must be a JSON object, but it is of type "} + value->type_name());
    return payload{std::move(value)};
  } catch (const json_value::parse_error& e) {
    // The library's own text quotes what it read last: somebody's data, of any length.
    return refused("is not valid JSON: syntax error at byte " + std::to_string(e.byte));
  } catch (const json_value::exception&) {
    return refused("holds a number beyond the range of a double");
  }
}

std::optional<std::string> payload::text(std::string_view key) const {
  auto value = as_string(find(*object_, key));
  return value && !value->empty() ? std::optional{*value} : std::nullopt;
}

std::optional<uuid> payload::id(std::string_view key) const {
  auto value = as_string(find(*object_, key));
  return value ? parse_uuid(*value) : std::nullopt;
}

std::optional<std::int64_t> payload::integer(std::string_view key) const {
  auto value = find(*object_, key);
  if (!value)
    return std::nullopt;
  if (auto text = as_string(value))
    return integer_from(*text);
  if (auto unsigned_number = value->get_ptr<const json_value::number_unsigned_t*>())
    return std::in_range<std::int64_t>(*unsigned_number)
               ? std::optional{static_cast<std::int64_t>(*unsigned_number)}
               : std::nullopt;
  if (auto number = value->get_ptr<const json_value::number_integer_t*>())
    return *number;
  if (auto number = value->get_ptr<const json_value::number_float_t*>())
    return integer_from(*number);
  return std::nullopt;
}

std::optional<bool> payload::flag(std::string_view key) const {
  auto value = find(*object_, key);
  auto flag = value ? value->get_ptr<const json_value::boolean_t*>() : nullptr;
  return flag ? std::optional{*flag} : std::nullopt;
}

std::vector<uuid> payload::ids(std::string_view key) const {
  std::vector<uuid> out;
  auto value = find(*object_, key);
  if (!value || !value->is_array())
    return out;
  for (auto& element : *value)
    if (auto text = as_string(&element))
      if (auto id = parse_uuid(*text))
        out.push_back(*id);
  return out;
}

std::optional<payload> payload::object(std::string_view key) const {
  auto value = find(*object_, key);
  if (!value || !value->is_object())
    return std::nullopt;
  return payload{std::shared_ptr<const json_value>{object_, value}};
}

// -- json_object --------------------------------------------------------------------------------------------

json_object::json_object() : object_{std::make_unique<json_value>(json_value::object())} {}
json_object::~json_object() = default;
json_object::json_object(json_object&&) noexcept = default;
json_object& json_object::operator=(json_object&&) noexcept = default;

json_object& json_object::set(std::string_view key, std::string_view value) {
  (*object_)[std::string{key}] = value;
  return *this;
}

json_object& json_object::set(std::string_view key, const std::string& value) {
  return set(key, std::string_view{value});
}

json_object& json_object::set(std::string_view key, const char* value) {
  return set(key, std::string_view{value});
}

json_object& json_object::set(std::string_view key, std::int64_t value) {
  (*object_)[std::string{key}] = value;
  return *this;
}

json_object& json_object::set(std::string_view key, int value) {
  return set(key, std::int64_t{value});
}

json_object& json_object::set(std::string_view key, bool value) {
  (*object_)[std::string{key}] = value;
  return *this;
}

json_object& json_object::set(std::string_view key, const uuid& value) {
  return set(key, std::string_view{to_string(value)});
}

json_object& json_object::set(std::string_view key, const std::optional<uuid>& value) {
  if (value)
    return set(key, *value);
  (*object_)[std::string{key}] = nullptr;
  return *this;
}

json_object& json_object::set(std::string_view key, const std::optional<std::string>& value) {
  if (value)
    return set(key, std::string_view{*value});
  (*object_)[std::string{key}] = nullptr;
  return *this;
}

json_object& json_object::set(std::string_view key, const payload& value) {
  (*object_)[std::string{key}] = value.json();
  return *this;
}

json_object& json_object::set(std::string_view key, const std::vector<json_object>& value) {
  auto array = json_value::array();
  for (auto& element : value)
    array.push_back(*element.object_);
  (*object_)[std::string{key}] = std::move(array);
  return *this;
}

std::string json_object::str() const {
  return object_->dump(-1, ' ', false, json_value::error_handler_t::replace);
}

} // namespace herald
