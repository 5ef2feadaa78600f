// An HTTP(S) client for one server: calls block, within deadlines, so they run behind a gate. docs/adr/ says
// why it is made so.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/failure.hpp"
#include "messages/secret.hpp"
#include "messages/time.hpp"

namespace herald {

/// In the order they stand on the wire; names in any case.
using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_request {
  std::string method = "GET";
  /// Starts with `/`; follows the base address's own path.
  std::string target = "/";
  /// Host, User-Agent, Accept, Content-Length and Connection are the client's own and are refused here.
  http_headers headers;
  std::string body;
  /// Doing it twice is the same as doing it once, e.g. by an idempotency key. Only then is a request that a
  /// kept connection may have delivered sent a second time by the client itself.
  bool repeatable = false;
  /// How messages name the target, where it tells about a person; empty: as it is, up to its query.
  std::string shown_target{};
};

struct http_response {
  int status = 0;
  http_headers headers;
  std::string body;

  /// The first header of that name, whatever the case of its letters; null for none.
  const std::string* header(std::string_view name) const;
};

struct http_client_options {
  /// `https://host[:port][/path]`; plain http only for this machine, unless allow_plaintext is set.
  std::string base_url;
  /// Sent with every request; may not be empty.
  std::string user_agent;
  /// Sent with every request, e.g. `Authorization`; the values stand in no message.
  std::vector<std::pair<std::string, secret>> secret_headers;
  /// For name resolution, connection and TLS handshake together.
  duration connect_timeout{10'000};
  /// For an exchange as a whole, connecting and a second try included.
  duration request_timeout{30'000};
  /// A connection without work for longer is not used again. Below what servers allow (often 60 s or more).
  duration idle_timeout{30'000};
  /// Of an answer's body; more is an error.
  std::size_t max_response_bytes = std::size_t{8} * 1024 * 1024;
  /// PEM file with certificate authorities to trust besides the system's; empty for none.
  std::string ca_file;
  /// Lets plain http leave this machine.
  bool allow_plaintext = false;
};

/// What became of a request.
struct http_exchange {
  std::optional<http_response> response;
  /// Without a response: what happened, where, and what to do. Never a secret.
  std::string error;
  /// Without a response: whether the server may have got the request. False up to the first byte sent.
  bool maybe_reached = false;
  /// Without a response: there was one, larger than max_response_bytes.
  bool oversized = false;
};

/// One kept connection to one server. Belongs to one thread at a time. Follows no redirect and decodes no
/// content encoding. Verifies the server's certificate and name always.
class http_client {
public:
  virtual ~http_client() = default;

  /// Blocks for request_timeout at most. An error status of the server is a response too. Does not throw.
  virtual http_exchange exchange(const http_request& request) = 0;

  /// Connections made so far; one for many exchanges is the rule.
  virtual std::size_t connections_made() const = 0;
};

/// Does not connect yet. Fails (permanent) on options that cannot work: an unreadable ca_file, plain http to
/// another machine, an address that is none.
result<std::unique_ptr<http_client>> open_http_client(const http_client_options& options);

} // namespace herald
