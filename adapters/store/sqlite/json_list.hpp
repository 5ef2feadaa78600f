// JSON arrays as the one parameter of set-based statements: `… IN (SELECT value FROM json_each(?1))`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "messages/uuid.hpp"

namespace herald::sqlite {

using id_set = std::unordered_set<uuid, uuid_hash>;

class json_list {
public:
  void add(const uuid& x);
  void add(std::int64_t x);
  /// Escapes the text; bytes that are not UTF-8 become U+FFFD.
  void add(std::string_view x);
  /// Adds a pair, itself an array.
  void add(std::int64_t first, std::int64_t second);

  bool empty() const { return text_.size() == 1; }

  /// The array. Nothing may be added afterwards.
  std::string str() &&;

private:
  void separate();

  std::string text_ = "[";
};

template <class Range> std::string to_json_list(const Range& xs) {
  json_list out;
  for (auto& x : xs)
    out.add(x);
  return std::move(out).str();
}

} // namespace herald::sqlite
