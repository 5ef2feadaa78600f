#include "adapters/http/header_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace herald {

namespace {

constexpr duration longest_wait = std::chrono::hours{24};

std::string_view trimmed(std::string_view x) {
  auto begin = x.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view{}
                                         : x.substr(begin, x.find_last_not_of(" \t") - begin + 1);
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that HTTP lets servers send.
std::optional<std::int64_t> http_date(std::string_view text) {
  text = trimmed(text);
  constexpr std::string_view form = "Www, dd Mmm yyyy hh:mm:ss GMT";
  if (text.size() != form.size() || !text.ends_with(" GMT"))
    return std::nullopt;
  auto digits = [&](std::size_t at, std::size_t size) {
    auto out = -1;
    auto* end = text.data() + at + size;
    return std::from_chars(text.data() + at, end, out).ptr == end ? out : -1;
  };
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto month = 0U;
  while (month < names.size() && text.substr(8, 3) != names[month])
    ++month;
  auto day = digits(5, 2);
  auto year = digits(12, 4);
  auto hours = digits(17, 2);
  auto minutes = digits(20, 2);
  auto seconds = digits(23, 2);
  auto date =
      std::chrono::year{year} / std::chrono::month{month + 1} / std::chrono::day{static_cast<unsigned>(day)};
  if (year < 0 || day < 0 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0
      || seconds > 60 || !date.ok())
    return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((std::int64_t{days} * 24 + hours) * 60 + minutes) * 60 + seconds;
}

} // namespace

std::optional<double> leading_number(std::string_view text) {
  text = trimmed(text);
  double out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(out) || std::signbit(out))
    return std::nullopt;
  auto rest = trimmed({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  if (!rest.empty() && rest.front() != ',' && rest.front() != ';')
    return std::nullopt;
  return out;
}

duration wait_of_seconds(double x) {
  auto longest = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(longest_wait).count());
  return duration{static_cast<std::int64_t>(std::ceil(std::min(x, longest) * 1000))};
}

std::optional<duration> retry_after(const http_response& from) {
  auto* until = from.header("retry-after");
  if (!until)
    return std::nullopt;
  if (auto seconds = leading_number(*until))
    return wait_of_seconds(*seconds);
  auto* now = from.header("date");
  if (!now)
    return std::nullopt;
  // Against the server's own clock: ours may differ.
  auto then = http_date(*until);
  auto sent = http_date(*now);
  if (!then || !sent)
    return std::nullopt;
  return wait_of_seconds(static_cast<double>(std::max<std::int64_t>(*then - *sent, 0)));
}

} // namespace herald
