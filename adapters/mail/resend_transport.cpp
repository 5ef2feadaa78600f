#include "adapters/mail/resend_transport.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace herald {

namespace {

constexpr duration longest_wait = std::chrono::hours{24};

std::string_view trimmed(std::string_view x) {
  auto begin = x.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view{}
                                         : x.substr(begin, x.find_last_not_of(" \t") - begin + 1);
}

/// The number at the start of the text, which may go on with `,` or `;` as lists and parameters do.
std::optional<double> leading_number(std::string_view text) {
  text = trimmed(text);
  double out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(out) || std::signbit(out))
    return std::nullopt;
  auto rest = trimmed({end, static_cast<std::size_t>(text.data() + text.size() - end)});
  if (!rest.empty() && rest.front() != ',' && rest.front() != ';')
    return std::nullopt;
  return out;
}

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

duration wait_of_seconds(double x) {
  auto longest = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(longest_wait).count());
  return duration{static_cast<std::int64_t>(std::ceil(std::min(x, longest) * 1000))};
}

std::optional<duration> wait(const http_response& from, std::string_view name) {
  auto x = number(from, name);
  return x ? std::optional{wait_of_seconds(*x)} : std::nullopt;
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that HTTP lets servers send.
std::optional<std::int64_t> http_date(std::string_view text) {
  text = trimmed(text);
  constexpr std::string_view form = "Www, dd Mmm yyyy hh:mm:ss GMT";
  if (text.size() != form.size() || !text.ends_with(" GMT"))
    return std::nullopt;
  auto digits = [&](std::size_t at, std::size_t size) {
    auto out = -1;
    auto* end = text.data() + at + size;
    return std::from_chars(text.data() + at, end, out).ptr == end ? out : -1;
  };
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto month = 0U;
  while (month < names.size() && text.substr(8, 3) != names[month])
    ++month;
  auto day = digits(5, 2);
  auto year = digits(12, 4);
  auto hours = digits(17, 2);
  auto minutes = digits(20, 2);
  auto seconds = digits(23, 2);
  auto date =
      std::chrono::year{year} / std::chrono::month{month + 1} / std::chrono::day{static_cast<unsigned>(day)};
  if (year < 0 || day < 0 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0
      || seconds > 60 || !date.ok())
    return std::nullopt;
  auto days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((std::int64_t{days} * 24 + hours) * 60 + minutes) * 60 + seconds;
}

std::optional<duration> retry_after(const http_response& from) {
  if (auto seconds = wait(from, "retry-after"))
    return seconds;
  auto* until = from.header("retry-after");
  auto* now = from.header("date");
  if (!until || !now)
    return std::nullopt;
  // Against the server's own clock: ours may differ.
  auto then = http_date(*until);
  auto sent = http_date(*now);
  if (!then || !sent)
    return std::nullopt;
  return wait_of_seconds(static_cast<double>(std::max<std::int64_t>(*then - *sent, 0)));
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
  explicit resend_transport(std::unique_ptr<http_client> client) : client_{std::move(client)} {}

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
    return to_mail_answer(client_->exchange(request));
  }

private:
  std::unique_ptr<http_client> client_;
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
  return std::unique_ptr<mail_transport>{std::make_unique<resend_transport>(std::move(*client))};
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
