#include "adapters/http/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace herald {

namespace {

failure malformed(std::string_view text, std::string_view why) {
  // Whatever stands before an @ may be a password.
  auto shown = text.find('@') == std::string_view::npos ? std::string{text} : std::string{"(not shown)"};
  std::erase_if(shown, [](char c) { return c < ' ' || c == 0x7f; });
  return {failure_class::permanent,
          "the address '" + shown + "' " + std::string{why} + "; write it as https://host[:port][/path]"};
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits, inner hyphens and underscores in dot-separated labels of at most 63 characters.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253)
    return false;
  while (true) {
    auto dot = host.find('.');
    auto label = host.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; }))
      return false;
    if (dot == std::string_view::npos)
      break;
    host.remove_prefix(dot + 1);
  }
  return true;
}

bool parses_as(int family, const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(family, host.c_str(), bytes.data()) == 1;
}

/// A name whose last label is a number would be read as an address by some resolvers ("127.1").
bool looks_like_ipv4(std::string_view host) {
  auto last = host.substr(host.rfind('.') + 1);
  return std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

result<http_url> parse_http_url(std::string_view text) {
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c >= 0x7f; }))
    return malformed(text, "has a blank, a control character or one beyond ASCII");
  http_url out;
  auto rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    out.tls = false;
    out.port = 80;
    rest.remove_prefix(7);
  } else {
    return malformed(text, "starts with neither https:// nor http://");
  }
  if (rest.find_first_of("@?#\\\"<>^`{|}") != std::string_view::npos)
    return malformed(text, "has a user name, a query, a fragment or a character that no address has");
  auto slash = rest.find('/');
  if (slash != std::string_view::npos) {
    out.path = rest.substr(slash);
    while (out.path.ends_with('/'))
      out.path.pop_back();
    rest = rest.substr(0, slash);
  }
  auto host_end = rest.find(':');
  if (rest.starts_with('[')) {
    auto bracket = rest.find(']');
    if (bracket == std::string_view::npos)
      return malformed(text, "has an IPv6 address without its closing bracket");
    out.host = rest.substr(1, bracket - 1);
    if (!parses_as(AF_INET6, out.host))
      return malformed(text, "has no IPv6 address between its brackets");
    host_end = bracket + 1;
  } else {
    out.host = rest.substr(0, host_end);
    if (!is_host_name(out.host) || (looks_like_ipv4(out.host) && !parses_as(AF_INET, out.host)))
      return malformed(text, "has no valid host");
  }
  std::ranges::transform(out.host, out.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (host_end >= rest.size())
    return out;
  auto digits = rest.substr(host_end);
  if (!digits.starts_with(':'))
    return malformed(text, "goes on after its host");
  digits.remove_prefix(1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || out.port == 0)
    return malformed(text, "has no port between 1 and 65535 after its colon");
  return out;
}

std::string authority(const http_url& x) {
  auto out = x.host.find(':') == std::string::npos ? x.host : "[" + x.host + "]";
  if (x.port != (x.tls ? 443 : 80))
    out += ":" + std::to_string(x.port);
  return out;
}

std::string to_string(const http_url& x) {
  return (x.tls ? "https://" : "http://") + authority(x);
}

bool is_loopback(const http_url& x) {
  return x.host == "localhost" || x.host == "::1" || (is_ip_address(x) && x.host.starts_with("127."));
}

bool is_ip_address(const http_url& x) {
  return parses_as(AF_INET, x.host) || parses_as(AF_INET6, x.host);
}

} // namespace herald
