// What every fuzz target shares: taking an input apart, and ending the process when a promise is broken.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// The target: hands one input to the code under test. Whoever drives it takes an abort or an escaping exception for a
/// finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace herald::fuzz {

/// An abort, and no exception: the code under test must not be able to catch it.
inline void require(bool holds, std::string_view promise, std::string_view found = {}) {
  if (holds)
    return;
  std::fprintf(stderr, "broken promise: %.*s: %.*s\n", static_cast<int>(promise.size()), promise.data(),
               static_cast<int>(std::min<std::size_t>(found.size(), 2'000)), found.data());
  std::abort();
}

/// An input as people can read and write it: texts, parted by lines that are `%%`.
class input {
public:
  input(const std::uint8_t* data, std::size_t size) : rest_{reinterpret_cast<const char*>(data), size} {}

  /// The next text, without the line break before the line that ends it; empty when there is none.
  std::string_view next() { return cut("\n%%\n"); }

  /// The next line of the rest, or of what is left of it.
  std::string_view line() { return cut("\n"); }

  bool empty() const { return rest_.empty(); }

private:
  std::string_view cut(std::string_view mark) {
    auto end = rest_.find(mark);
    auto out = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + mark.size());
    return out;
  }

  std::string_view rest_;
};

/// Small choices, a character each: an input that has no more of them chooses 0. `0` and `a` choose 0, so that inputs can
/// be written by hand.
class choices {
public:
  explicit choices(std::string_view text) : text_{text} {}

  /// A number below `n`.
  std::size_t below(std::size_t n) {
    if (text_.empty())
      return 0;
    auto c = static_cast<unsigned char>(text_.front());
    text_.remove_prefix(1);
    return static_cast<std::size_t>(c >= 'a' ? c - 'a' : c >= '0' ? c - '0' : c) % n;
  }

  bool flag() { return below(2) == 1; }

private:
  std::string_view text_;
};

/// The number that a text is; 0 for any other text.
inline std::int64_t number(std::string_view text) {
  std::int64_t out = 0;
  auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && stop == end ? out : 0;
}

inline bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

} // namespace herald::fuzz
