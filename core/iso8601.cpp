#include "core/iso8601.hpp"

#include <chrono>

namespace herald {

namespace {

/// Takes pieces off the front of a text; once one did not fit, `ok` stays false.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_{text} {}

  bool ok() const { return ok_; }

  bool at_end() const { return rest_.empty(); }

  /// Exactly `digits` digits, as a number between `min` and `max`.
  int number(std::size_t digits, int min, int max) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!next_is_digit()) {
        ok_ = false;
        return min;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    ok_ = ok_ && value >= min && value <= max;
    return value;
  }

  /// Takes one character if it is among `accepted`; 0 if it is not.
  char take(std::string_view accepted) {
    if (rest_.empty() || accepted.find(rest_.front()) == std::string_view::npos)
      return '\0';
    auto c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  /// As take, but there has to be one.
  char expect(std::string_view accepted) {
    auto c = take(accepted);
    ok_ = ok_ && c != '\0';
    return c;
  }

  /// A run of at least one digit behind the point, in whole milliseconds.
  int fraction() {
    ok_ = ok_ && next_is_digit();
    int value = 0;
    for (int weight = 100; next_is_digit(); weight /= 10) {
      value += weight * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }

private:
  bool next_is_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }

  std::string_view rest_;
  bool ok_ = true;
};

/// What the zone at the end of a text is ahead of UTC.
std::chrono::minutes scan_zone(scanner& in) {
  auto sign = in.expect("Zz+-");
  if (sign == 'Z' || sign == 'z')
    return {};
  auto hours = in.number(2, 0, 15);
  auto parted = in.take(":") != '\0';
  auto minutes = in.at_end() && !parted ? 0 : in.number(2, 0, 59);
  auto ahead = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return sign == '-' ? -ahead : ahead;
}

} // namespace

std::optional<timestamp> from_iso8601(std::string_view text) {
  namespace chrono = std::chrono;
  auto in = scanner{text};
  auto year = in.number(4, 1, 9999);
  in.expect("-");
  auto month = in.number(2, 1, 12);
  in.expect("-");
  auto day = in.number(2, 1, 31);
  in.expect("Tt ");
  auto hour = in.number(2, 0, 23);
  in.expect(":");
  auto minute = in.number(2, 0, 59);
  auto second = in.take(":") ? in.number(2, 0, 60) : 0;
  auto millisecond = in.take(".") ? in.fraction() : 0;
  auto ahead = scan_zone(in);
  auto date = chrono::year{year} / chrono::month{static_cast<unsigned>(month)}
              / chrono::day{static_cast<unsigned>(day)};
  if (!in.ok() || !in.at_end() || !date.ok())
    return std::nullopt;
  return timestamp{chrono::sys_days{date}} + chrono::hours{hour} + chrono::minutes{minute}
         + chrono::seconds{second} + chrono::milliseconds{millisecond} - ahead;
}

} // namespace herald
