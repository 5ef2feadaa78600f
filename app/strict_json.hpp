// JSON text taken apart without losing a byte of its values: a parsed document forgets duplicate keys, the
// order of members and how numbers were written, all of which an event log should keep.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"

namespace herald {

struct json_member {
  std::string key;
  /// The value as it was written, without the white space around it. Points into the text that was read.
  std::string_view value;
};

/// Where and why `text` is not one JSON value, in words that are safe to print; nothing when it is one.
std::optional<std::string> json_problem(std::string_view text);

/// The members of the JSON object in `text`, in order, duplicates included. Fails (permanent) for anything
/// else.
result<std::vector<json_member>> object_members(std::string_view text);

} // namespace herald
