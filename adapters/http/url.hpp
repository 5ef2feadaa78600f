// Addresses of HTTP servers, parsed strictly: what is not plainly an http or https base address is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "messages/failure.hpp"

namespace herald {

/// Where a server is and the prefix of its paths.
struct http_url {
  bool tls = true;
  /// Lower case; an IPv6 address without its brackets.
  std::string host;
  std::uint16_t port = 443;
  /// Empty, or starting with `/` and not ending with it.
  std::string path;
};

/// Accepts `http(s)://host[:port][/path]`. User names, queries, fragments, blanks, control characters and
/// anything beyond ASCII are refused (permanent). The reason quotes the text only up to a user name, which
/// could come with a password.
result<http_url> parse_http_url(std::string_view text);

/// `host` or `host:port` where the port is not the scheme's own; IPv6 addresses in brackets.
std::string authority(const http_url& x);

/// Scheme and authority, for messages and logs.
std::string to_string(const http_url& x);

/// Whether the host is this machine by its name alone: `localhost`, 127.0.0.0/8 or ::1.
bool is_loopback(const http_url& x);

/// Whether the host is an IP address and no name.
bool is_ip_address(const http_url& x);

} // namespace herald
