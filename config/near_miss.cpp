#include "config/near_miss.hpp"

#include <algorithm>
#include <numeric>

namespace herald {

namespace {

/// No name of ours comes near to this length, and comparing costs the product of both lengths.
constexpr std::size_t longest_word = 64;

/// A beginning this short fits too much.
constexpr std::size_t shortest_beginning = 4;

} // namespace

std::size_t edit_distance(std::string_view x, std::string_view y) {
  // Three rows of the usual table: distances between the first i bytes of x and the first j bytes of y.
  std::vector<std::size_t> before_last(y.size() + 1);
  std::vector<std::size_t> last(y.size() + 1);
  std::vector<std::size_t> row(y.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= x.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= y.size(); ++j) {
      auto replaced = last[j - 1] + (x[i - 1] == y[j - 1] ? 0U : 1U);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[y.size()];
}

std::optional<std::string> near_miss(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > longest_word)
    return std::nullopt;
  auto best = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::optional<std::string> out;
  for (const auto& x : candidates) {
    auto distance = edit_distance(word, x);
    if (word.size() >= shortest_beginning && x.starts_with(word))
      distance = 1;
    // A distance as long as the word replaces all of it.
    if (distance < best && distance < word.size()) {
      best = distance;
      out = x;
    }
  }
  return out;
}

} // namespace herald
