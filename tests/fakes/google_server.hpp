// The simulated Google behind a socket, with a clock of its own that only moves when told to.
//
// Everything is also reachable over HTTP, for tests in other processes:
//   GET  /control/requests          calls as they came, headers and body
//   GET  /control/channels          all channels there ever were
//   POST /control/accounts          {"name", "refresh_token", "calendars": [], "unwatchable": []}
//   POST /control/faults            one fault or a list; fields as in google_fault, call and delivery by their names
//   POST /control/revoke            {"account"}
//   POST /control/advance           {"ms"}
//   POST /control/release           lets held answers go
//   POST /control/reset             forgets everything
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/calendar/simulated_google.hpp"
#include "adapters/clock.hpp"
#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/test_certificates.hpp"

namespace herald::test {

/// Stands still until it is moved.
class manual_clock final : public clock {
public:
  explicit manual_clock(timestamp start = from_epoch_ms(1'768'919'445'000)) : ms_{to_epoch_ms(start)} {}

  timestamp now() const override { return from_epoch_ms(ms_); }

  void advance(duration by) { ms_ += by.count(); }

private:
  std::atomic<std::int64_t> ms_;
};

struct google_server_options {
  /// Speaks TLS with it when given.
  std::optional<server_identity> identity;
  simulated_google_options google;
};

class google_server {
public:
  explicit google_server(google_server_options options = {});
  ~google_server();

  google_server(const google_server&) = delete;
  google_server& operator=(const google_server&) = delete;

  std::string base_url() const;
  std::string token_url() const;
  std::size_t connections() const;

  /// The simulation itself: accounts, faults, and what there was.
  simulated_google& google();

  std::shared_ptr<manual_clock> time() const;

  void release_held();

  /// Waits until so many answers are held; false when they are not within the limit.
  bool wait_for_held(std::size_t answers, std::chrono::milliseconds limit) const;

private:
  class state;
  std::unique_ptr<state> state_;
  std::unique_ptr<loopback_server> server_;
};

} // namespace herald::test
