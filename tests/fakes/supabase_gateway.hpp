// What stands before a PostgREST on Supabase: checks keys, makes a role's token of them, and passes on what it lets
// through; or does worse on command.
//
// Also reachable over HTTP, for tests in other processes:
//   GET  /control/requests   requests as they came, headers and body
//   POST /control/reset      forgets them
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/test_certificates.hpp"

namespace herald::test {

struct supabase_gateway_options {
  /// Speaks TLS with it when given.
  std::optional<server_identity> identity;
  /// Of PostgREST. Empty: there is none, and what would be passed on is answered 503, without a body.
  std::string socket;
  /// How long every request is held back, as on a long way.
  std::chrono::milliseconds delay{0};
  /// requests() tells of them; else none is kept, which long runs need.
  bool keep_requests = true;
};

/// What goes wrong with a request.
enum class gateway_fault_kind : std::uint8_t {
  answer, ///< `status` and `body` instead of PostgREST's
  close,  ///< no answer, the connection ends
  reset,  ///< no answer, the connection is reset
  hold,   ///< no answer until the client goes
  delay,  ///< the answer comes later
};

struct gateway_fault {
  gateway_fault_kind kind = gateway_fault_kind::close;
  /// PostgREST has carried the request out before things go wrong; else it never hears of it.
  bool after_forwarding = false;
  int status = 503;
  std::string body;
  std::string content_type = "text/html";
  std::chrono::milliseconds delay{0};
};

class supabase_gateway {
public:
  explicit supabase_gateway(supabase_gateway_options options);
  ~supabase_gateway();

  supabase_gateway(const supabase_gateway&) = delete;
  supabase_gateway& operator=(const supabase_gateway&) = delete;

  /// The project's address, without `/rest/v1`.
  std::string base_url() const;
  std::size_t connections() const;

  // -- keys -------------------------------------------------------------------------------------------------

  /// What PostgREST checks tokens with.
  static const std::string& jwt_secret();
  /// A JWT for the role, as the legacy keys are. `expires` in seconds since 1970.
  static std::string token(const std::string& role, std::int64_t expires = 4'102'444'800);
  static std::string secret_key();
  static std::string publishable_key();

  // -- watching and disturbing ------------------------------------------------------------------------------

  /// Faults strike in the order they were queued.
  void queue(gateway_fault fault);
  std::size_t queued_faults() const;
  /// PostgREST is there from now on; an empty path as in the options.
  void pass_to(std::string socket);
  /// As they came, those that were refused included.
  std::vector<raw_request> requests() const;
  /// How many PostgREST has answered.
  std::size_t forwarded() const;

private:
  class state;
  std::unique_ptr<state> state_;
  std::unique_ptr<loopback_server> server_;
};

} // namespace herald::test
