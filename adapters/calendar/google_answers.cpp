#include "adapters/calendar/google_answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "adapters/calendar/google_requests.hpp"
#include "adapters/http/header_values.hpp"

namespace herald {

namespace {

using nlohmann::json;
using verdict = calendar_verdict;

/// Google's tokens live for an hour.
constexpr std::chrono::seconds longest_token_life = std::chrono::hours{24};
/// How far the provider's clock may be from ours.
constexpr duration clock_slack = std::chrono::hours{24};
constexpr std::size_t most_reasons = 4;

// -- reading ------------------------------------------------------------------------------------------------

const json* member(const json& x, const char* key) {
  if (!x.is_object())
    return nullptr;
  auto found = x.find(key);
  return found == x.end() ? nullptr : &*found;
}

std::string text_at(const json& x, const char* key) {
  auto* found = member(x, key);
  return found && found->is_string() ? found->get<std::string>() : std::string{};
}

/// Google writes 64-bit numbers as strings, and some as numbers.
std::optional<std::int64_t> whole_number(const json* x) {
  if (!x)
    return std::nullopt;
  if (x->is_number_unsigned() && x->get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  if (x->is_number_integer())
    return x->get<std::int64_t>();
  if (!x->is_string())
    return std::nullopt;
  auto& text = x->get_ref<const std::string&>();
  std::int64_t out = 0;
  auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && stop == end ? std::optional{out} : std::nullopt;
}

/// Whether the text is a reason's name, and so nothing that could not be shown.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '.'
           || c == '-';
  });
}

void add_reasons(const json* list, std::vector<std::string>& out) {
  if (!list || !list->is_array())
    return;
  for (auto& x : *list)
    if (auto reason = text_at(x, "reason"); is_name(reason) && out.size() < most_reasons)
      out.push_back(std::move(reason));
}

/// The reasons of an error of Calendar, the most telling first; empty for what is no such error.
std::vector<std::string> reasons_in(const std::string& body) {
  std::vector<std::string> out;
  auto parsed = json::parse(body, nullptr, false);
  if (auto* error = member(parsed, "error")) {
    add_reasons(member(*error, "errors"), out);
    add_reasons(member(*error, "details"), out);
  }
  return out;
}

// -- meanings -----------------------------------------------------------------------------------------------

struct meaning {
  verdict means = verdict::try_later;
  failure_class kind = failure_class::transient;
  std::string_view advice;
};

constexpr meaning throttled{verdict::try_later, failure_class::transient,
                            "too many requests; it is tried again later"};
constexpr meaning bad_client{
    verdict::misconfigured, failure_class::permanent,
    "our own client is not accepted; check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET"};
constexpr meaning grant_gone{
    verdict::needs_reconnect, failure_class::permanent,
    "the grant was revoked, has expired or was replaced by too many others; its owner "
    "has to connect the calendar again"};
constexpr meaning blocked{verdict::needs_reconnect, failure_class::permanent,
                          "an administrator of the account's organisation keeps this application out; its "
                          "owner has to connect the calendar again once it is let in"};
constexpr meaning bad_request{verdict::misconfigured, failure_class::permanent,
                              "the request is none that is understood there; check the address in the "
                              "configuration, and report it if that is right"};
constexpr meaning not_allowed{verdict::needs_reconnect, failure_class::permanent,
                              "the grant does not reach this calendar; its owner has to connect it again and "
                              "to allow access to the calendar"};
constexpr meaning webhook_refused{verdict::misconfigured, failure_class::permanent,
                                  "the webhook's address is not accepted; it has to be https with a publicly "
                                  "trusted certificate, on a domain that the project may use"};
constexpr meaning api_off{verdict::misconfigured, failure_class::permanent,
                          "the project of our client may not use the Calendar API; enable it in the Google "
                          "Cloud console"};
constexpr meaning taken{verdict::channel_taken, failure_class::transient,
                        "a channel of this id existed before; the next try takes another one"};
constexpr meaning no_channels{verdict::not_watchable, failure_class::permanent,
                              "this calendar has no push channels; it can only be looked at now and then"};
constexpr meaning gone{verdict::not_watchable, failure_class::permanent,
                       "the calendar is gone, or no longer open to the connection; connect it again, or take "
                       "it off the list"};
constexpr meaning not_ours{verdict::not_watchable, failure_class::permanent,
                           "the channel was made by another client or for somebody else; it stays until it "
                           "expires"};
constexpr meaning stale{verdict::stale_token, failure_class::transient,
                        "the access token is not accepted; a refresh replaces it"};

struct token_error {
  std::string_view name;
  meaning means;
};

constexpr std::array token_errors{
    token_error{"invalid_grant", grant_gone},
    token_error{"admin_policy_enforced", blocked},
    token_error{"org_internal", blocked},
    token_error{"invalid_client", bad_client},
    token_error{"unauthorized_client", bad_client},
    token_error{"deleted_client", bad_client},
    token_error{"disabled_client", bad_client},
    token_error{"invalid_request", bad_request},
    token_error{"unsupported_grant_type", bad_request},
    token_error{
        "internal_failure",
        {verdict::try_later, failure_class::transient, "the fault is there; it is tried again later"}},
};

struct calendar_error {
  int status;
  std::string_view reason;
  meaning means;
};

constexpr std::array calendar_errors{
    calendar_error{400, "channelIdNotUnique", taken},
    calendar_error{400, "pushNotSupportedForRequestedResource", no_channels},
    calendar_error{403, "rateLimitExceeded", throttled},
    calendar_error{403, "userRateLimitExceeded", throttled},
    calendar_error{403, "quotaExceeded", throttled},
    calendar_error{403, "insufficientPermissions", not_allowed},
    calendar_error{403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", not_allowed},
    calendar_error{403, "forbidden", not_allowed},
    calendar_error{403, "notACalendarUser", not_allowed},
    calendar_error{403, "accessNotConfigured", api_off},
    calendar_error{403, "SERVICE_DISABLED", api_off},
    calendar_error{404, "notFound", gone},
    calendar_error{410, "deleted", gone},
};

/// Where no reason decides. What is not known stops nobody else's calendars: it is tried again, and counted.
meaning meaning_of(int status) {
  if (status == 429)
    return throttled;
  if (status == 502 || status == 503 || status == 504)
    return {verdict::try_later, failure_class::outage,
            "the service is not available; it is tried again later"};
  if (status >= 500 || status == 408)
    return {verdict::try_later, failure_class::transient, "the fault is there; it is tried again later"};
  if ((status >= 300 && status < 400) || status == 404 || status == 405 || status == 407)
    return {
        verdict::misconfigured, failure_class::permanent,
        "this is not the service that was meant; check its address in the configuration (google.token_url, "
        "google.api_url) and any proxy before it"};
  return {verdict::try_later, failure_class::transient,
          "this answer is not documented; it is tried again later, and worth a report if it stays"};
}

meaning meaning_of_reason(int status, std::string_view reason) {
  if (reason.starts_with("push.webhookUrl") && status < 500)
    return webhook_refused;
  auto row = std::ranges::find_if(calendar_errors,
                                  [&](auto& x) { return x.status == status && x.reason == reason; });
  return row == calendar_errors.end() ? meaning{} : row->means;
}

meaning calendar_meaning(int status, const std::vector<std::string>& reasons) {
  for (auto& reason : reasons)
    if (auto found = meaning_of_reason(status, reason); !found.advice.empty())
      return found;
  return status == 401 ? stale : meaning_of(status);
}

meaning token_meaning(int status, std::string_view name) {
  auto row = std::ranges::find(token_errors, name, &token_error::name);
  return row == token_errors.end() ? meaning_of(status) : row->means;
}

// -- answers ------------------------------------------------------------------------------------------------

constexpr std::string_view refreshing = "asked for a new access token";
constexpr std::string_view creating = "asked for a channel";
constexpr std::string_view stopping = "told to end a channel";

calendar_answer refusal(const meaning& x, std::string_view asked, const std::string& said) {
  calendar_answer out;
  out.verdict = x.means;
  out.why = {x.kind, "Google, " + std::string{asked} + ", answered " + said + ": " + std::string{x.advice}};
  return out;
}

calendar_answer refusal(const meaning& x, std::string_view asked, const http_response& from,
                        const std::string& name) {
  auto out = refusal(x, asked, std::to_string(from.status) + (name.empty() ? "" : " " + name));
  if (x.means == verdict::try_later)
    out.retry_after = retry_after(from);
  return out;
}

/// An answer that says success and cannot be used.
calendar_answer not_understood(std::string_view asked, std::string_view what) {
  return refusal({verdict::try_later, failure_class::transient,
                  "nothing can be done with that; it is tried again later, and worth a report if it stays"},
                 asked, std::string{what});
}

calendar_answer no_answer(const http_exchange& exchange, std::string_view asked) {
  calendar_answer out;
  out.verdict = verdict::try_later;
  out.why = {exchange.oversized ? failure_class::transient : failure_class::outage,
             "no answer from Google, " + std::string{asked} + ": " + exchange.error};
  return out;
}

calendar_answer calendar_refusal(const http_response& from, std::string_view asked) {
  auto reasons = reasons_in(from.body);
  return refusal(calendar_meaning(from.status, reasons), asked, from, reasons.empty() ? "" : reasons.front());
}

/// Takes the text out of the answer, which would else keep it in freed memory.
secret take_secret(json& from, const char* key) {
  auto found = from.find(key);
  if (found == from.end() || !found->is_string())
    return {};
  auto& text = found->get_ref<std::string&>();
  secret out{text};
  secret::wipe(text);
  return out;
}

calendar_answer refreshed(const http_response& from) {
  auto body = json::parse(from.body, nullptr, false);
  if (!body.is_object())
    return not_understood(refreshing, "200 without a JSON object");
  calendar_answer out;
  out.access_token = take_secret(body, "access_token");
  out.refresh_token = take_secret(body, "refresh_token");
  if (!is_token_text(out.access_token.reveal()))
    return not_understood(refreshing, "200 without an access token that may stand in a header");
  if (!out.refresh_token.empty() && !is_token_text(out.refresh_token.reveal()))
    return not_understood(refreshing, "200 with a refresh token that is none");
  auto seconds = whole_number(member(body, "expires_in"));
  if (!seconds || *seconds < 1 || *seconds > longest_token_life.count())
    return not_understood(refreshing, "200 without a life of the token (expires_in) of a second to a day");
  out.expires_in = std::chrono::seconds{*seconds};
  return out;
}

/// What names the error in the token endpoint's answer, and how it is shown.
std::pair<std::string, std::string> token_error_in(const std::string& body) {
  auto parsed = json::parse(body, nullptr, false);
  auto name = text_at(parsed, "error");
  if (!is_name(name))
    return {};
  auto subtype = text_at(parsed, "error_subtype");
  return {name, is_name(subtype) ? name + " (" + subtype + ")" : name};
}

calendar_answer created(const http_response& from, const watch_creation& x, timestamp now) {
  auto body = json::parse(from.body, nullptr, false);
  if (!body.is_object() || text_at(body, "id") != x.channel_id)
    return not_understood(creating, "200 with something else than that channel");
  calendar_answer out;
  out.resource_id = text_at(body, "resourceId");
  if (!is_resource_id(out.resource_id))
    return not_understood(creating, "200 without a resource that the channel could be ended by");
  auto expires_at = whole_number(member(body, "expiration"));
  if (!expires_at || *expires_at <= to_epoch_ms(now) || *expires_at > to_epoch_ms(now + x.ttl + clock_slack))
    return not_understood(creating, "200 with an end of the channel that is missing, past or beyond the life "
                                    "that was asked for (is the clock right?)");
  out.expires_at = from_epoch_ms(*expires_at);
  return out;
}

bool has(const std::vector<std::string>& reasons, std::string_view reason) {
  return std::ranges::find(reasons, reason) != reasons.end();
}

bool is_gone(const http_response& x) {
  auto reasons = reasons_in(x.body);
  return (x.status == 404 && has(reasons, "notFound")) || (x.status == 410 && !reasons.empty());
}

/// Only the person and the client that made a channel can end it, which says nothing about the grant.
bool is_of_others(const http_response& x) {
  return x.status == 403 && has(reasons_in(x.body), "forbidden");
}

} // namespace

calendar_answer token_answer(http_exchange exchange, std::string token_fingerprint) {
  if (!exchange.response)
    return no_answer(exchange, refreshing);
  auto& response = *exchange.response;
  if (response.status == 200) {
    auto out = refreshed(response);
    secret::wipe(response.body);
    return out;
  }
  auto [name, shown] = token_error_in(response.body);
  auto out = refusal(token_meaning(response.status, name), refreshing, response, shown);
  if (out.verdict == verdict::needs_reconnect)
    out.refused_token = std::move(token_fingerprint);
  return out;
}

calendar_answer creation_answer(const http_exchange& exchange, const watch_creation& x, timestamp now) {
  if (!exchange.response) {
    auto out = no_answer(exchange, creating);
    if (exchange.maybe_reached)
      out.why.reason += "; the channel may exist, and the next try takes another id";
    return out;
  }
  return exchange.response->status == 200 ? created(*exchange.response, x, now)
                                          : calendar_refusal(*exchange.response, creating);
}

calendar_answer stop_answer(const http_exchange& exchange) {
  if (!exchange.response)
    return no_answer(exchange, stopping);
  auto& response = *exchange.response;
  if (response.status == 204 || response.status == 200 || is_gone(response))
    return {};
  if (is_of_others(response))
    return refusal(not_ours, stopping, "403 forbidden");
  return calendar_refusal(response, stopping);
}

} // namespace herald
