#include "core/email/addresses.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace herald {

namespace {

constexpr std::size_t max_address = 254;
constexpr std::size_t max_local_part = 64;
constexpr std::size_t max_label = 63;
constexpr std::size_t max_mailbox = 500;
constexpr std::size_t max_link = 2048;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_in(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(
      text, [&](char c) { return is_alphanumeric(c) || marks.find(c) != std::string_view::npos; });
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_local_part(std::string_view text) {
  return !text.empty() && text.size() <= max_local_part && all_in(text, "!#$%&'*+-/=?^_`{|}~.")
         && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos;
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= max_label && all_in(text, "-") && text.front() != '-'
         && text.back() != '-';
}

/// Labels joined by dots; `least` of them.
bool is_host(std::string_view text, std::size_t least) {
  for (std::size_t n = 1;; ++n) {
    auto dot = text.find('.');
    if (!is_label(text.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return n >= least;
    text.remove_prefix(dot + 1);
  }
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5
         && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Characters that a URL may have behind its host, and no other: no space, quote, backslash or control.
bool is_url_text(std::string_view text) {
  return all_in(text, "-._~:/?#@!$&'()*+,;=%");
}

std::string_view without_trailing_slashes(std::string_view text) {
  while (text.ends_with('/'))
    text.remove_suffix(1);
  return text;
}

} // namespace

std::optional<std::string_view> why_no_address(std::string_view text) {
  if (text.empty())
    return "is empty";
  if (has_control(text))
    return "holds a control character or line break";
  if (text.size() > max_address)
    return "is longer than 254 characters";
  auto at = text.find('@');
  if (at == std::string_view::npos)
    return "has no @";
  if (text.find('@', at + 1) != std::string_view::npos)
    return "has more than one @";
  if (!is_local_part(text.substr(0, at)))
    return "has characters before its @ that cannot stand there";
  if (!is_host(text.substr(at + 1), 2))
    return "has no domain name behind its @";
  return std::nullopt;
}

std::optional<std::string_view> why_no_mailbox(std::string_view text) {
  auto open = text.find('<');
  if (open == std::string_view::npos)
    return why_no_address(text);
  if (has_control(text) || invalid_utf8_at(text))
    return "holds a control character, line break or invalid UTF-8";
  if (text.size() > max_mailbox)
    return "is longer than 500 characters";
  if (!text.ends_with('>'))
    return "does not end behind its <address>";
  return why_no_address(text.substr(open + 1, text.size() - open - 2));
}

std::optional<std::string_view> why_no_base_url(std::string_view text) {
  auto rest = text;
  if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    return "does not start with https:// or http://";
  if (text.size() > max_link)
    return "is longer than 2048 characters";
  auto path_at = std::min(rest.find('/'), rest.size());
  auto host = rest.substr(0, path_at);
  if (auto colon = host.find(':'); colon != std::string_view::npos) {
    if (!is_port(host.substr(colon + 1)))
      return "has no port number behind its colon";
    host = host.substr(0, colon);
  }
  if (!is_host(host, 1))
    return "has no host name";
  auto path = rest.substr(path_at);
  if (!is_url_text(path) || path.find_first_of("?#") != std::string_view::npos)
    return "has characters in its path that cannot stand there";
  return std::nullopt;
}

bool is_site_relative(std::string_view link) {
  // Two slashes would name another host. A backslash counts as a slash to browsers; is_url_text has none.
  return link.starts_with('/') && !link.starts_with("//") && link.size() <= max_link && is_url_text(link);
}

std::string absolute_link(std::string_view base_url, std::string_view link) {
  auto out = std::string{without_trailing_slashes(base_url)};
  return is_site_relative(link) ? out.append(link) : out;
}

} // namespace herald
