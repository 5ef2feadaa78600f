// A Resend to test against: it keeps the documented rules of POST /emails and /emails/batch, remembers what
// it accepted, and fails on command. What it accepted outlives the process under test.
//
// Everything is also reachable over HTTP, for tests in other processes:
//   GET  /control/accepted          accepted mails in order
//   GET  /control/requests          requests to the API as they came, headers and body
//   GET  /control/stats             counters
//   POST /control/faults            one fault or a list; fields as in resend_fault, kind by its name
//   POST /control/release           lets held answers go
//   POST /control/limit             {"per_second": 5}, null for no limit
//   POST /control/expire            forgets all idempotency keys, as after 24 hours
//   POST /control/reset             forgets everything
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/test_certificates.hpp"

namespace herald::test {

struct resend_server_options {
  /// Speaks TLS with it when given.
  std::optional<server_identity> identity;
  /// The key that requests must carry; when empty, any that starts with `re_`.
  std::string api_key;
  /// Requests per second, over all connections; nothing for no limit.
  std::optional<int> requests_per_second;
  /// Sender domains that are verified; when empty, all.
  std::vector<std::string> verified_domains;
};

/// What goes wrong with a request to the API.
enum class resend_fault_kind : std::uint8_t {
  error,       ///< an error of the API by its `name`, e.g. `internal_server_error`, `daily_quota_exceeded`
  answer,      ///< `status`, `headers` and `body` as given
  lose_answer, ///< closes without answering
  reset,       ///< resets the connection without answering
  cut_answer,  ///< closes in the middle of the answer
  hold,        ///< answers when released, or after `delay`
  garbage,     ///< answers with bytes that are no HTTP
  huge,        ///< answers with a body of `size` bytes
  close_after, ///< answers well and closes the connection without having said so
};

struct resend_fault {
  resend_fault_kind kind = resend_fault_kind::error;
  /// How many requests it strikes.
  int times = 1;
  /// Strikes after the mails were accepted, as if the trouble was on the way back. Always so for hold and
  /// close_after; for error and answer never.
  bool accept = false;
  /// error: the name of the error.
  std::string name = "internal_server_error";
  /// error: replaces the usual message.
  std::string message;
  /// error: `retry-after` in seconds; answer: more headers.
  std::vector<std::pair<std::string, std::string>> headers;
  int status = 502;
  std::string body = "<html>bad gateway</html>";
  /// hold: nothing to wait for release_held().
  std::optional<std::chrono::milliseconds> delay;
  std::size_t size = 64U * 1024U * 1024U;
  /// Strikes only this path when not empty, `/emails` or `/emails/batch`.
  std::string path;
};

/// A mail that was accepted; one entry however often its request was repeated.
struct accepted_mail {
  std::string id;
  std::string path;
  std::string idempotency_key;
  /// Position in the batch, 0 for a single mail.
  std::size_t index = 0;
  std::string from;
  std::vector<std::string> to;
  std::string subject;
  std::string html;
  std::string text;
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> headers;
};

struct resend_stats {
  /// To the API, whatever became of them.
  std::uint64_t requests = 0;
  std::uint64_t accepted_requests = 0;
  std::uint64_t accepted_mails = 0;
  /// Answered again from memory because of their idempotency key.
  std::uint64_t replays = 0;
  /// Known key, other payload.
  std::uint64_t conflicts = 0;
  /// Key whose first request was still running.
  std::uint64_t concurrent = 0;
  /// Answered 429, by the limiter or a fault.
  std::uint64_t rate_limited = 0;
  std::uint64_t faults = 0;
  std::map<int, std::uint64_t> by_status;
  /// Most requests within one second of the limiter's windows.
  std::uint64_t busiest_second = 0;
};

class resend_server {
public:
  explicit resend_server(resend_server_options options = {});
  ~resend_server();

  resend_server(const resend_server&) = delete;
  resend_server& operator=(const resend_server&) = delete;

  std::string base_url() const;
  std::uint16_t port() const;
  std::size_t connections() const;

  /// Faults strike in the order they were queued.
  void queue(resend_fault fault);
  std::size_t queued_faults() const;

  std::vector<accepted_mail> accepted() const;
  std::vector<raw_request> requests() const;
  resend_stats stats() const;

  void release_held();
  void set_limit(std::optional<int> requests_per_second);
  void expire_keys();
  void reset();

  // Wait for other threads' or processes' doings; false when it did not come to that within the limit.
  bool wait_for_accepted(std::size_t mails, std::chrono::milliseconds limit) const;
  bool wait_for_requests(std::size_t requests, std::chrono::milliseconds limit) const;
  bool wait_for_held(std::size_t answers, std::chrono::milliseconds limit) const;

private:
  class state;
  std::unique_ptr<state> state_;
  std::unique_ptr<loopback_server> server_;
};

} // namespace herald::test
