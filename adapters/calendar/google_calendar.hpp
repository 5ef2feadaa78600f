// Google Calendar behind the calendar port: refreshes tokens, makes and ends push channels.
// https://developers.google.com/workspace/calendar/api/guides/push
#pragma once

#include <memory>
#include <string>

#include "adapters/calendar/calendar_api.hpp"
#include "adapters/clock.hpp"
#include "adapters/http/client.hpp"
#include "messages/failure.hpp"
#include "messages/secret.hpp"
#include "messages/time.hpp"

namespace herald {

struct google_options {
  /// Of the OAuth client that the connections were made with; without both, every refresh is `misconfigured`.
  std::string client_id;
  secret client_secret;
  /// Channels carry a token made from it, which the platform's webhook checks (channel_token() says how); without it
  /// they carry none.
  secret channel_secret;
  /// The whole address of the token endpoint.
  std::string token_url = "https://oauth2.googleapis.com/token";
  std::string api_url = "https://www.googleapis.com";
  duration connect_timeout{10'000};
  /// For one request as a whole.
  duration request_timeout{30'000};
  /// PEM file with certificate authorities to trust besides the system's; empty for none.
  std::string ca_file;
};

/// Does not connect yet. Fails (permanent) on what open_http_client refuses. Missing credentials are no failure here:
/// they are told with the first refresh.
result<std::unique_ptr<calendar_api>> open_google_calendar(const google_options& options,
                                                           std::shared_ptr<const clock> time);

/// The same over given clients: one for the server of the token endpoint, one for the API's.
/// @pre options.token_url is an address
std::unique_ptr<calendar_api> make_google_calendar(const google_options& options,
                                                   std::shared_ptr<const clock> time,
                                                   std::unique_ptr<http_client> token_client,
                                                   std::unique_ptr<http_client> api_client);

} // namespace herald
