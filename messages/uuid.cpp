#include "messages/uuid.hpp"

#include <cstring>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

namespace herald {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

// Boost's own parser also takes braces, missing dashes and throws on the rest; ids on the wire have one form.
std::optional<uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36)
    return std::nullopt;
  uuid out{};
  std::size_t byte = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-')
        return std::nullopt;
      continue;
    }
    auto high = hex_value(text[i]);
    auto low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out.data[byte++] = static_cast<std::uint8_t>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string to_string(const uuid& x) {
  return boost::uuids::to_string(x);
}

uuid name_based_uuid(const uuid& name_space, std::string_view name) {
  return boost::uuids::name_generator_sha1{name_space}(name.data(), name.size());
}

std::size_t uuid_hash::operator()(const uuid& x) const noexcept {
  // Ids are random in production, yet hand-made and nearly equal in tests: mix both halves.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, x.data, 8);
  std::memcpy(&low, x.data + 8, 8);
  auto mixed = (high ^ (low * 0x9e3779b97f4a7c15ULL)) * 0xbf58476d1ce4e5b9ULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 29));
}

} // namespace herald
