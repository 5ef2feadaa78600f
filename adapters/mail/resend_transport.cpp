#include "adapters/mail/resend_transport.hpp"

#include "adapters/http/header_values.hpp"
#include "adapters/http/without_secret.hpp"

namespace herald {

namespace {

std::optional<double> number(const http_response& from, std::string_view name) {
  auto* text = from.header(name);
  return text ? leading_number(*text) : std::nullopt;
}

std::optional<std::int64_t> count(const http_response& from, std::string_view name) {
  auto x = number(from, name);
  if (!x || *x > 1e15)
    return std::nullopt;
  return static_cast<std::int64_t>(*x);
}

std::optional<duration> wait(const http_response& from, std::string_view name) {
  auto x = number(from, name);
  return x ? std::optional{wait_of_seconds(*x)} : std::nullopt;
}

/// Requests per second: the limit over the window that `ratelimit-policy` (`10;w=1`) names, a second by
/// default.
std::optional<double> limit_per_second(const http_response& from) {
  auto limit = number(from, "ratelimit-limit");
  if (!limit || *limit <= 0 || *limit > 1e6)
    return std::nullopt;
  auto* policy = from.header("ratelimit-policy");
  auto window = policy ? policy->find(";w=") : std::string::npos;
  if (window == std::string::npos)
    return limit;
  auto seconds = leading_number(std::string_view{*policy}.substr(window + 3));
  return seconds && *seconds >= 1 ? *limit / *seconds : *limit;
}

class resend_transport final : public mail_transport {
public:
  resend_transport(std::unique_ptr<http_client> client, secret key)
      : client_{std::move(client)}, key_{std::move(key)} {}

  mail_answer send(const mail_request& x) override {
    http_request request;
    request.method = "POST";
    request.target = x.endpoint == email_endpoint::batch ? "/emails/batch" : "/emails";
    request.headers = {{"Content-Type", "application/json"}, {"Idempotency-Key", x.idempotency_key}};
    // Strict, the provider's default, lets one bad mail fail the other ninety-nine.
    if (x.endpoint == email_endpoint::batch)
      request.headers.emplace_back("x-batch-validation", "permissive");
    request.body = x.body;
    // The provider answers a repeated key with its first answer.
    request.repeatable = true;
    auto answer = to_mail_answer(client_->exchange(request));
    // Bodies are quoted in reasons.
    answer.body = without_secret(std::move(answer.body), key_);
    return answer;
  }

private:
  std::unique_ptr<http_client> client_;
  secret key_;
};

} // namespace

result<std::unique_ptr<http_client>> open_resend_client(const resend_options& options) {
  if (options.api_key.empty())
    return failure{failure_class::permanent,
                   "there is no API key for Resend; create one with sending access at "
                   "https://resend.com/api-keys and configure it"};
  http_client_options http;
  http.base_url = options.base_url;
  // The provider's edge refuses requests without one before its API sees them.
  http.user_agent = "herald/" HERALD_VERSION;
  http.secret_headers.emplace_back("Authorization",
                                   secret{"Bearer " + std::string{options.api_key.reveal()}});
  http.connect_timeout = options.connect_timeout;
  http.request_timeout = options.request_timeout;
  http.ca_file = options.ca_file;
  return open_http_client(http);
}

result<std::unique_ptr<mail_transport>> open_resend_transport(const resend_options& options) {
  auto client = open_resend_client(options);
  if (client.has_error())
    return client.error();
  return std::unique_ptr<mail_transport>{
      std::make_unique<resend_transport>(std::move(*client), options.api_key)};
}

mail_answer to_mail_answer(http_exchange exchange) {
  mail_answer out;
  if (!exchange.response) {
    out.error = std::move(exchange.error);
    out.maybe_delivered = exchange.maybe_reached;
    return out;
  }
  auto& response = *exchange.response;
  out.status = response.status;
  out.limit_per_second = limit_per_second(response);
  out.remaining = count(response, "ratelimit-remaining");
  out.reset_after = wait(response, "ratelimit-reset");
  out.retry_after = retry_after(response);
  out.daily_used = count(response, "x-resend-daily-quota");
  out.monthly_used = count(response, "x-resend-monthly-quota");
  out.body = std::move(response.body);
  return out;
}

} // namespace herald
