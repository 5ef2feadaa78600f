// An HTTP(S) server on 127.0.0.1 whose every connection is a scripted conversation: it can answer well,
// badly, late or never.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fakes/test_certificates.hpp"

namespace herald::test {

/// A request as it came.
struct raw_request {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first header of that name, whatever its case; null for none.
  const std::string* header(std::string_view name) const;
};

/// One connection, served on a thread of its own. It closes when the script returns.
class conversation {
public:
  virtual ~conversation() = default;

  /// How many connections there were before this one.
  virtual std::size_t number() const = 0;

  /// The name that the client asked for in its TLS handshake (SNI); empty for none.
  virtual std::string server_name() const = 0;

  /// The next request; nothing when the client is gone, sent something that is none, or the server stops.
  virtual std::optional<raw_request> read_request() = 0;

  /// Sends the bytes as they are; false when the client is gone.
  virtual bool write(std::string_view bytes) = 0;

  /// write() of an answer with Content-Length.
  bool answer(int status, std::string_view body,
              const std::vector<std::pair<std::string, std::string>>& headers = {});

  /// Blocks until the client closes or the server stops.
  virtual void wait_for_close() = 0;

  /// Makes the close that follows one by RST, so that the client sees "connection reset".
  virtual void close_by_reset() = 0;

  /// Makes the close that follows one without TLS's own end mark, as if somebody had cut the line.
  virtual void close_by_cut() = 0;
};

class loopback_server {
public:
  using script = std::function<void(conversation&)>;

  /// Listens at once. With an identity it speaks TLS, else plain HTTP. Throws when it cannot.
  explicit loopback_server(script play, const std::optional<server_identity>& identity = std::nullopt);

  /// Ends all conversations and waits for their threads.
  ~loopback_server();

  loopback_server(const loopback_server&) = delete;
  loopback_server& operator=(const loopback_server&) = delete;

  std::uint16_t port() const;

  /// `http://127.0.0.1:port` or `https://localhost:port`.
  std::string base_url() const;

  /// Connections accepted so far, TLS handshakes that failed included.
  std::size_t connections() const;

  /// Waits until so many connections are closed on our side; false when they are not within the limit.
  bool wait_for_ended(std::size_t conversations, std::chrono::milliseconds limit) const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace herald::test
