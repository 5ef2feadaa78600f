#include "adapters/calendar/google_calendar.hpp"

#include <cstddef>
#include <exception>
#include <utility>
#include <variant>

#include "adapters/calendar/fingerprint.hpp"
#include "adapters/calendar/google_answers.hpp"
#include "adapters/calendar/google_requests.hpp"
#include "adapters/http/url.hpp"

namespace herald {

namespace {

/// Answers have some hundred bytes; errors, with their details, some thousand.
constexpr std::size_t max_answer_bytes = std::size_t{64} * 1024;

calendar_answer refused(calendar_verdict verdict, failure_class kind, std::string reason) {
  calendar_answer out;
  out.verdict = verdict;
  out.why = {kind, std::move(reason)};
  return out;
}

/// Sends the request, and wipes what it held of secrets.
http_exchange send(http_client& to, http_request request) {
  auto out = to.exchange(request);
  secret::wipe(request.body);
  for (auto& [name, value] : request.headers)
    secret::wipe(value);
  return out;
}

class google_calendar final : public calendar_api {
public:
  google_calendar(const google_options& options, std::string token_target, std::shared_ptr<const clock> time,
                  std::unique_ptr<http_client> token_client, std::unique_ptr<http_client> api_client)
      : client_id_{options.client_id}, client_secret_{options.client_secret},
        channel_secret_{options.channel_secret}, token_target_{std::move(token_target)},
        time_{std::move(time)}, token_client_{std::move(token_client)}, api_client_{std::move(api_client)} {}

  calendar_answer call(const calendar_call& x) override {
    try {
      return std::visit([this](auto& what) { return carry_out(what); }, x);
    } catch (const std::exception& e) {
      return refused(calendar_verdict::try_later, failure_class::crash,
                     std::string{"the call to Google failed in Herald itself: "} + e.what());
    }
  }

private:
  calendar_answer carry_out(const token_refresh& x) {
    auto print = fingerprint(x.refresh_token);
    if (print == x.refused_token || !is_token_text(x.refresh_token.reveal())) {
      auto out =
          refused(calendar_verdict::needs_reconnect, failure_class::permanent,
                  print == x.refused_token
                      ? "Google was not asked: it refused this refresh token before; the calendar's "
                        "owner has to connect it again"
                      : "Google was not asked: the connection has no refresh token, or one that is none; "
                        "the calendar's owner has to connect it again");
      out.refused_token = std::move(print);
      return out;
    }
    if (client_id_.empty() || client_secret_.empty())
      return refused(calendar_verdict::misconfigured, failure_class::permanent,
                     "Google was not asked: our own credentials are not configured; set GOOGLE_CLIENT_ID and "
                     "GOOGLE_CLIENT_SECRET");
    return token_answer(
        send(*token_client_, token_request(token_target_, client_id_, client_secret_, x.refresh_token)),
        std::move(print));
  }

  calendar_answer carry_out(const watch_creation& x) {
    if (auto defect = defect_of(x))
      return std::move(*defect);
    auto token = channel_secret_.empty() ? std::string{} : channel_token(channel_secret_, x.channel_id);
    auto asked_at = time_->now();
    return creation_answer(send(*api_client_, watch_request(x, token)), x, asked_at);
  }

  calendar_answer carry_out(const watch_stop& x) {
    if (auto defect = defect_of(x))
      return std::move(*defect);
    return stop_answer(send(*api_client_, stop_request(x)));
  }

  std::string client_id_;
  secret client_secret_;
  secret channel_secret_;
  std::string token_target_;
  std::shared_ptr<const clock> time_;
  std::unique_ptr<http_client> token_client_;
  std::unique_ptr<http_client> api_client_;
};

result<std::unique_ptr<http_client>> open_client(const google_options& options, std::string base_url) {
  http_client_options http;
  http.base_url = std::move(base_url);
  http.user_agent = "herald/" HERALD_VERSION;
  http.connect_timeout = options.connect_timeout;
  http.request_timeout = options.request_timeout;
  http.max_response_bytes = max_answer_bytes;
  http.ca_file = options.ca_file;
  return open_http_client(http);
}

/// The path of an address, which is `/` when it has none.
std::string target_in(const http_url& x) {
  return x.path.empty() ? "/" : x.path;
}

} // namespace

result<std::unique_ptr<calendar_api>> open_google_calendar(const google_options& options,
                                                           std::shared_ptr<const clock> time) {
  auto token_url = parse_http_url(options.token_url);
  if (token_url.has_error())
    return token_url.error();
  auto token_client = open_client(options, to_string(*token_url));
  if (token_client.has_error())
    return token_client.error();
  auto api_client = open_client(options, options.api_url);
  if (api_client.has_error())
    return api_client.error();
  return make_google_calendar(options, std::move(time), std::move(*token_client), std::move(*api_client));
}

std::unique_ptr<calendar_api> make_google_calendar(const google_options& options,
                                                   std::shared_ptr<const clock> time,
                                                   std::unique_ptr<http_client> token_client,
                                                   std::unique_ptr<http_client> api_client) {
  return std::make_unique<google_calendar>(options, target_in(parse_http_url(options.token_url).value()),
                                           std::move(time), std::move(token_client), std::move(api_client));
}

} // namespace herald
