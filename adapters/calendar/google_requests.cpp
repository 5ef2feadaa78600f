#include "adapters/calendar/google_requests.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/http/url.hpp"

namespace herald {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t longest_token = 4'096;
constexpr std::size_t longest_channel_id = 64;
constexpr std::size_t longest_resource_id = 256;
constexpr std::size_t longest_calendar_id = 1'024;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

void append_encoded(std::string& to, std::string_view text) {
  constexpr std::string_view marks = "-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (is_alphanumeric(c) || marks.find(c) != std::string_view::npos)
      to += c;
    else
      to.append({'%', digits[byte >> 4], digits[byte & 0x0f]});
  }
}

/// An id that no encoding keeps in its place: servers resolve the segments `.` and `..`, encoded or not.
bool is_calendar_id(std::string_view text) {
  return !text.empty() && text.size() <= longest_calendar_id && text != "." && text != "..";
}

/// An https URL with a host; a query is welcome, which base addresses do not have.
bool is_webhook_address(std::string_view text) {
  if (!is_visible(text) || text.find('#') != std::string_view::npos)
    return false;
  auto base = parse_http_url(text.substr(0, text.find('?')));
  return base.has_value() && base->tls;
}

calendar_answer not_sent(calendar_verdict verdict, failure_class kind, std::string reason) {
  calendar_answer out;
  out.verdict = verdict;
  out.why = {kind, std::move(reason)};
  return out;
}

std::optional<calendar_answer> access_token_defect(const secret& token) {
  if (is_token_text(token.reveal()))
    return std::nullopt;
  return not_sent(calendar_verdict::stale_token, failure_class::transient,
                  "Google Calendar was not asked: the connection's access token is missing, or no text that "
                  "may stand in a header; a refresh replaces it");
}

http_request calendar_request(const secret& access_token, std::string target, const json& body) {
  http_request out;
  out.method = "POST";
  out.target = std::move(target);
  std::string bearer;
  bearer.reserve(7 + access_token.reveal().size());
  bearer.append("Bearer ").append(access_token.reveal());
  out.headers.emplace_back("Authorization", std::move(bearer));
  out.headers.emplace_back("Content-Type", "application/json");
  out.body = body.dump();
  return out;
}

} // namespace

std::string percent_encoded(std::string_view text) {
  std::string out;
  out.reserve(3 * text.size());
  append_encoded(out, text);
  return out;
}

bool is_token_text(std::string_view text) {
  return !text.empty() && text.size() <= longest_token && is_visible(text);
}

bool is_channel_id(std::string_view text) {
  constexpr std::string_view marks = "-_+/=";
  return !text.empty() && text.size() <= longest_channel_id && std::ranges::all_of(text, [=](char c) {
    return is_alphanumeric(c) || marks.find(c) != std::string_view::npos;
  });
}

bool is_resource_id(std::string_view text) {
  return !text.empty() && text.size() <= longest_resource_id && is_visible(text);
}

std::optional<calendar_answer> defect_of(const watch_creation& x) {
  if (!is_webhook_address(x.address))
    return not_sent(calendar_verdict::misconfigured, failure_class::permanent,
                    "no channel was asked for: the webhook's address is no https:// URL, and Google calls no "
                    "other; correct the address in the configuration");
  if (!is_channel_id(x.channel_id) || x.ttl < std::chrono::seconds{1})
    return not_sent(
        calendar_verdict::misconfigured, failure_class::permanent,
        "no channel was asked for: its id has to be 1 to 64 of A-Z a-z 0-9 - _ + / = and its life "
        "a second or more, which is for Herald to see to; report this");
  if (!is_calendar_id(x.calendar_id))
    return not_sent(calendar_verdict::not_watchable, failure_class::permanent,
                    "no channel was asked for: the id of the connection's calendar is empty, too long or a "
                    "step in a path; correct the connection's list of calendars");
  return access_token_defect(x.access_token);
}

std::optional<calendar_answer> defect_of(const watch_stop& x) {
  if (!is_channel_id(x.channel_id) || !is_resource_id(x.resource_id))
    return not_sent(calendar_verdict::not_watchable, failure_class::permanent,
                    "the old channel was not ended: its id or its resource's id is none that Google gives "
                    "out, so it stays until it expires");
  return access_token_defect(x.access_token);
}

http_request token_request(std::string target, std::string_view client_id, const secret& client_secret,
                           const secret& refresh_token) {
  http_request out;
  out.method = "POST";
  out.target = std::move(target);
  out.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8");
  // In one piece: a buffer that grows would leave secrets behind in freed memory.
  out.body.reserve(3 * (refresh_token.reveal().size() + client_id.size() + client_secret.reveal().size())
                   + 128);
  out.body += "refresh_token=";
  append_encoded(out.body, refresh_token.reveal());
  out.body += "&client_id=";
  append_encoded(out.body, client_id);
  out.body += "&client_secret=";
  append_encoded(out.body, client_secret.reveal());
  out.body += "&grant_type=refresh_token";
  // The refresh token stays valid, so asking twice only makes two access tokens.
  out.repeatable = true;
  return out;
}

http_request watch_request(const watch_creation& x, const std::string& token) {
  json body{{"id", x.channel_id}, {"type", "web_hook"}, {"address", x.address}};
  if (!token.empty())
    body["token"] = token;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(x.ttl).count();
  body["params"] = {{"ttl", std::to_string(seconds)}};
  auto out = calendar_request(
      x.access_token, "/calendar/v3/calendars/" + percent_encoded(x.calendar_id) + "/events/watch", body);
  // A calendar's id is mostly somebody's e-mail address.
  out.shown_target = "/calendar/v3/calendars/…/events/watch";
  // No channel's id may be used twice: a repetition would be refused although the channel exists.
  out.repeatable = false;
  return out;
}

http_request stop_request(const watch_stop& x) {
  auto out = calendar_request(x.access_token, "/calendar/v3/channels/stop",
                              json{{"id", x.channel_id}, {"resourceId", x.resource_id}});
  out.repeatable = true;
  return out;
}

} // namespace herald
