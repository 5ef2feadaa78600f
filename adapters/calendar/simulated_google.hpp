// A Google without a network: it keeps the documented rules of the token endpoint, of events.watch and channels.stop,
// remembers every channel there ever was, and fails on command. Time is that of the clock it is given. Requests and
// answers are plain values, so it stands behind a socket (tests) or in place of an HTTP client (demonstrations).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/clock.hpp"
#include "adapters/http/client.hpp"
#include "messages/time.hpp"

namespace herald {

struct simulated_google_options {
  /// What refreshes have to come with; empty for any.
  std::string client_id;
  std::string client_secret;
  duration access_token_life = std::chrono::seconds{3'599};
  /// No channel lives longer, whatever is asked for.
  duration longest_channel = std::chrono::hours{24 * 7};
  /// Each refresh brings a new refresh token and ends the old one.
  bool rotates_refresh_tokens = false;
  /// `expiration` is a number, as in the documentation's sample, and no string.
  bool numeric_expiration = false;
};

/// A person who granted access.
struct simulated_account {
  std::string name;
  std::string refresh_token;
  /// Ids; the first is the primary one. Empty: one that is called as the account.
  std::vector<std::string> calendars;
  /// Those that have no push channels.
  std::vector<std::string> unwatchable;
};

enum class google_call : std::uint8_t { token, watch, stop, unknown };

std::string_view to_string(google_call x);

/// How an answer travels.
enum class google_delivery : std::uint8_t {
  whole,
  lost,    ///< the connection ends without it
  reset,   ///< so, by reset
  cut,     ///< the connection ends inside it
  held,    ///< it comes when released, or never
  garbage, ///< bytes that are no HTTP come instead
};

/// What goes wrong with a call.
struct google_fault {
  /// How many calls it strikes.
  int times = 1;
  /// Strikes only these; nothing for all.
  std::optional<google_call> call;
  /// Strikes only calls of this account; empty for all.
  std::string account;
  /// Name of the error that is answered, e.g. invalid_grant, rateLimitExceeded, backendError. Empty: `body`, or the
  /// call's own answer.
  std::string error;
  /// Of `error`: in place of its usual status; of `body`: 200 if 0.
  int status = 0;
  http_headers headers;
  /// Answered as it is, when there is no `error`.
  std::optional<std::string> body;
  google_delivery delivery = google_delivery::whole;
  /// The call takes effect before the trouble starts.
  bool effect = false;
};

struct simulated_channel {
  std::string id;
  std::string account;
  std::string calendar;
  std::string resource_id;
  std::string address;
  std::string token;
  timestamp created_at{};
  timestamp expires_at{};
  std::optional<timestamp> stopped_at;
  /// Order of the changes, which times alone do not show.
  std::uint64_t created_no = 0;
  std::uint64_t stopped_no = 0;
};

/// How many channels a calendar had from then on.
struct channel_count {
  timestamp at{};
  std::size_t live = 0;
};

struct simulated_request {
  google_call call = google_call::unknown;
  /// Whose; empty where that could not be told.
  std::string account;
  http_request request;
  int status = 0;
  timestamp at{};
};

struct simulated_answer {
  http_response response;
  google_delivery delivery = google_delivery::whole;
};

/// May be used from any thread.
class simulated_google {
public:
  simulated_google(simulated_google_options options, std::shared_ptr<const clock> time);
  ~simulated_google();

  simulated_google(const simulated_google&) = delete;
  simulated_google& operator=(const simulated_google&) = delete;

  /// Takes the place of one of the same name.
  void add_account(simulated_account account);

  /// The account's refresh token is refused from now on, and so are its access tokens.
  void revoke(const std::string& account);

  /// The account's access tokens are refused from now on.
  void expire_access_tokens(const std::string& account);

  /// An access token as a refresh gives it; throws std::invalid_argument for an account that is not there.
  std::string issue_access_token(const std::string& account);

  /// Faults strike in the order they were queued. Throws std::invalid_argument for an error that is not known: a fault
  /// that cannot strike proves nothing.
  void queue(google_fault fault);
  std::size_t queued_faults() const;

  simulated_answer answer(const http_request& request);

  std::vector<simulated_request> requests() const;

  /// All there ever were, in the order they were made.
  std::vector<simulated_channel> channels() const;

  /// Those that are neither stopped nor expired.
  std::vector<simulated_channel> live_channels(const std::string& account, const std::string& calendar) const;

  /// From the calendar's first channel until now.
  std::vector<channel_count> coverage(const std::string& account, const std::string& calendar) const;

  /// Whether the calendar, since its first channel, was ever without one.
  bool was_unwatched(const std::string& account, const std::string& calendar) const;

  /// Forgets everything, accounts and the ids of channels included.
  void reset();

private:
  class state;
  std::unique_ptr<state> state_;
};

/// An HTTP client whose server is the simulation: for the whole of Herald's own client without a socket. What is held
/// never comes, as after a deadline.
std::unique_ptr<http_client> make_simulated_client(std::shared_ptr<simulated_google> google);

} // namespace herald
