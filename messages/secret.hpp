// A key or password on its way to where it is used: it cannot be printed by accident and leaves no copy in
// freed memory.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace herald {

/// There is no conversion to text but reveal(), so that every use stands out in a review.
class secret {
public:
  secret() = default;

  explicit secret(std::string text) : text_{text} { wipe(text); }

  secret(const secret&) = default;

  secret(secret&& other) noexcept : text_{std::move(other.text_)} { other.wipe(); }

  // By value: a string would leave its old buffer unwiped when it grows, and its short form when it moves.
  secret& operator=(secret other) noexcept {
    text_.swap(other.text_);
    return *this;
  }

  ~secret() { wipe(); }

  std::string_view reveal() const noexcept { return text_; }

  bool empty() const noexcept { return text_.empty(); }

  /// Overwrites the bytes of a text that held a secret, and empties it.
  static void wipe(std::string& text) noexcept {
    // All of the buffer: a short text leaves its bytes in an object that it was moved from.
    text.resize(text.capacity());
    explicit_bzero(text.data(), text.size());
    text.clear();
  }

private:
  void wipe() noexcept { wipe(text_); }

  std::string text_;
};

/// For traces and configuration listings.
inline std::string to_string(const secret&) {
  return "***";
}

} // namespace herald
