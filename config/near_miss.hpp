// The "did you mean" of error messages.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace herald {

/// The least number of inserted, removed, replaced or swapped neighbouring bytes that turns one word into the
/// other.
std::size_t edit_distance(std::string_view x, std::string_view y);

/// The candidate that `word` was most likely meant to be: the closest one, when a third of the word (at least
/// two bytes) or less is wrong, or one that the word is the beginning of (`poll_min` for `poll_min_ms`).
std::optional<std::string> near_miss(std::string_view word, const std::vector<std::string>& candidates);

} // namespace herald
