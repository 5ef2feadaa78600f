// RapidCheck generators that several test programs share: ids from a small pool, text that is awkward on
// purpose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <rapidcheck.h>

#include "messages/uuid.hpp"

namespace herald::testing {

/// The id ending in `n`; the same for the same `n`.
inline uuid nth_uuid(std::uint8_t n) {
  uuid out{};
  out.data[0] = 0xA0;
  out.data[15] = n;
  return out;
}

/// One of the first `pool` ids: few, so that different things meet at the same one.
inline rc::Gen<uuid> any_uuid(std::uint8_t pool) {
  return rc::gen::map(rc::gen::inRange<int>(0, pool),
                      [](int n) { return nth_uuid(static_cast<std::uint8_t>(n)); });
}

inline std::string utf8(std::uint32_t x) {
  auto byte = [](std::uint32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (x < 0x80)
    return {byte(x)};
  if (x < 0x800)
    return {byte(0xC0 | x >> 6), byte(0x80 | (x & 0x3F))};
  if (x < 0x10000)
    return {byte(0xE0 | x >> 12), byte(0x80 | (x >> 6 & 0x3F)), byte(0x80 | (x & 0x3F))};
  return {byte(0xF0 | x >> 18), byte(0x80 | (x >> 12 & 0x3F)), byte(0x80 | (x >> 6 & 0x3F)),
          byte(0x80 | (x & 0x3F))};
}

/// Valid UTF-8, rich in control characters, line breaks, Markdown and characters of every encoded length.
inline rc::Gen<std::string> awkward_text() {
  static constexpr std::string_view special = "\\`*_[]<>#~&;-+.) 1a";
  const std::vector<std::uint32_t> markdown(special.begin(), special.end());
  auto character = rc::gen::weightedOneOf<std::uint32_t>(
      {{6, rc::gen::inRange<std::uint32_t>(0x20, 0x7F)},
       {3, rc::gen::elementOf(markdown)},
       {2, rc::gen::inRange<std::uint32_t>(0x00, 0x20)},
       {1, rc::gen::element<std::uint32_t>(0x7F, 0x85, 0xA0, 0xE9, 0x2028, 0x2029, 0x4E2D, 0xFEFF, 0x1F600,
                                           0x10FFFF)}});
  return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(character), [](const auto& characters) {
    std::string out;
    for (auto x : characters)
      out += utf8(x);
    return out;
  });
}

/// Bytes from the edges of UTF-8's rules, seldom valid.
inline rc::Gen<std::string> awkward_bytes() {
  auto byte = rc::gen::element<int>(0x00, 0x0A, 'a', '"', 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                    0xC1, 0xC2, 0xDF, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF);
  return rc::gen::map(rc::gen::container<std::vector<int>>(byte), [](const std::vector<int>& bytes) {
    std::string out;
    for (auto x : bytes)
      out += static_cast<char>(static_cast<unsigned char>(x));
    return out;
  });
}

} // namespace herald::testing
