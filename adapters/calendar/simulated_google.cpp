#include "adapters/calendar/simulated_google.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace herald {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view token_path = "/token";
constexpr std::string_view stop_path = "/calendar/v3/channels/stop";
constexpr std::string_view watch_prefix = "/calendar/v3/calendars/";
constexpr std::string_view watch_suffix = "/events/watch";

// -- errors -------------------------------------------------------------------------------------------------

/// The two endpoints, and the newer services behind the second, have forms of their own.
enum class error_form : std::uint8_t { oauth, calendar, detailed };

struct known_error {
  std::string_view name;
  int status;
  error_form form;
  std::string_view message;
};

constexpr std::array known_errors{
    known_error{"invalid_grant", 400, error_form::oauth, "Token has been expired or revoked."},
    known_error{"invalid_client", 401, error_form::oauth, "The OAuth client was not found."},
    known_error{"unauthorized_client", 401, error_form::oauth, "Unauthorized"},
    known_error{"invalid_request", 400, error_form::oauth, "Missing required parameter."},
    known_error{"unsupported_grant_type", 400, error_form::oauth, "Invalid grant_type."},
    known_error{"admin_policy_enforced", 400, error_form::oauth, "Access blocked by the administrator."},
    known_error{"org_internal", 403, error_form::oauth, "Restricted to users within its organization."},
    known_error{"internal_failure", 500, error_form::oauth, "Internal failure."},
    known_error{"authError", 401, error_form::calendar, "Invalid Credentials"},
    known_error{"required", 400, error_form::calendar, "Required"},
    known_error{"invalid", 400, error_form::calendar, "Invalid Value"},
    known_error{"parseError", 400, error_form::calendar, "Parse Error"},
    known_error{"channelIdNotUnique", 400, error_form::calendar, "Channel id not unique"},
    known_error{"pushNotSupportedForRequestedResource", 400, error_form::calendar,
                "Push notifications are not supported by this resource."},
    known_error{"push.webhookUrlNotHttps", 400, error_form::calendar, "WebHook callback must be HTTPS"},
    known_error{"push.webhookUrlUnauthorized", 401, error_form::calendar,
                "Unauthorized WebHook callback channel"},
    known_error{"rateLimitExceeded", 403, error_form::calendar, "Rate Limit Exceeded"},
    known_error{"userRateLimitExceeded", 403, error_form::calendar, "User Rate Limit Exceeded"},
    known_error{"quotaExceeded", 403, error_form::calendar, "Calendar usage limits exceeded."},
    known_error{"insufficientPermissions", 403, error_form::calendar, "Insufficient Permission"},
    known_error{"ACCESS_TOKEN_SCOPE_INSUFFICIENT", 403, error_form::detailed,
                "Request had insufficient authentication scopes."},
    known_error{"SERVICE_DISABLED", 403, error_form::detailed,
                "Google Calendar API has not been used in project."},
    known_error{"accessNotConfigured", 403, error_form::calendar, "Access Not Configured."},
    known_error{"forbidden", 403, error_form::calendar, "Forbidden"},
    known_error{"notACalendarUser", 403, error_form::calendar,
                "The user must be signed up for Google Calendar."},
    known_error{"notFound", 404, error_form::calendar, "Not Found"},
    known_error{"fullSyncRequired", 410, error_form::calendar, "Sync token is no longer valid."},
    known_error{"updatedMinTooLongAgo", 410, error_form::calendar,
                "The requested minimum time is too long ago."},
    known_error{"deleted", 410, error_form::calendar, "Resource has been deleted"},
    known_error{"backendError", 503, error_form::calendar, "Backend Error"},
};

const known_error& error_named(std::string_view name) {
  auto found = std::ranges::find(known_errors, name, &known_error::name);
  if (found == known_errors.end())
    throw std::invalid_argument{"unknown error of Google: " + std::string{name}};
  return *found;
}

json error_body(const known_error& x, int status, std::string_view message) {
  if (x.form == error_form::oauth)
    return {{"error", x.name}, {"error_description", message}};
  json error{{"code", status}, {"message", message}};
  if (x.form == error_form::detailed) {
    error["status"] = "PERMISSION_DENIED";
    error["details"] = json::array({{{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                                     {"reason", x.name},
                                     {"domain", "googleapis.com"}}});
  } else {
    auto domain = x.name.ends_with("Exceeded") ? "usageLimits" : "global";
    error["errors"] = json::array({{{"message", message}, {"domain", domain}, {"reason", x.name}}});
  }
  return {{"error", std::move(error)}};
}

http_response answer_of(int status, const json& body) {
  return {status, {{"content-type", "application/json; charset=UTF-8"}}, body.dump()};
}

http_response error_answer(std::string_view name, int status = 0, std::string_view message = {}) {
  auto& error = error_named(name);
  auto code = status == 0 ? error.status : status;
  auto out = answer_of(code, error_body(error, code, message.empty() ? error.message : message));
  if (name == "authError")
    out.headers.emplace_back("www-authenticate",
                             R"(Bearer realm="https://accounts.google.com/", error="invalid_token")");
  return out;
}

// -- requests -----------------------------------------------------------------------------------------------

int hex_digit(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  auto lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  auto at = digits.find(lower);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// Nothing for what is not well encoded. In forms, `+` is a blank.
std::optional<std::string> percent_decoded(std::string_view text, bool in_form) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += in_form && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::map<std::string, std::string> form_fields(std::string_view body) {
  std::map<std::string, std::string> out;
  while (!body.empty()) {
    auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    auto equals = pair.find('=');
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (name && value)
      out[*name] = *value;
  }
  return out;
}

std::string_view path_of(const http_request& x) {
  return std::string_view{x.target}.substr(0, x.target.find('?'));
}

google_call call_of(const http_request& x) {
  auto path = path_of(x);
  if (x.method != "POST")
    return google_call::unknown;
  if (path == token_path)
    return google_call::token;
  if (path == stop_path)
    return google_call::stop;
  return path.starts_with(watch_prefix) && path.ends_with(watch_suffix)
                 && path.size() > watch_prefix.size() + watch_suffix.size()
             ? google_call::watch
             : google_call::unknown;
}

/// The one segment that names the calendar; nothing when it is more than one, or badly encoded.
std::optional<std::string> calendar_in(const http_request& x) {
  auto path = path_of(x);
  auto size = path.size() - watch_prefix.size() - watch_suffix.size();
  auto segment = path.substr(watch_prefix.size(), size);
  if (segment.find('/') != std::string_view::npos)
    return std::nullopt;
  return percent_decoded(segment, false);
}

std::string header_of(const http_request& x, std::string_view name) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (auto& [key, value] : x.headers)
    if (std::ranges::equal(key, name, {}, lower, lower))
      return value;
  return {};
}

std::string text_at(const json& x, const char* key) {
  return x.contains(key) && x[key].is_string() ? x[key].get<std::string>() : std::string{};
}

std::optional<std::int64_t> number_at(const json& x, const char* key) {
  if (!x.is_object() || !x.contains(key))
    return std::nullopt;
  if (x[key].is_number_integer())
    return x[key].get<std::int64_t>();
  auto text = text_at(x, key);
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{out} : std::nullopt;
}

bool is_channel_id(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
                  || std::string_view{"-_+/="}.find(c) != std::string_view::npos;
         });
}

/// Why no channel is made of it; nothing when one is.
std::optional<http_response> channel_defect(const json& body) {
  if (!body.is_object())
    return error_answer("parseError");
  for (auto* field : {"id", "type", "address"})
    if (text_at(body, field).empty())
      return error_answer("required", 0, std::string{"Required: "} + field);
  if (text_at(body, "type") != "web_hook" || !is_channel_id(text_at(body, "id"))
      || text_at(body, "token").size() > 256)
    return error_answer("invalid");
  if (!text_at(body, "address").starts_with("https://"))
    return error_answer("push.webhookUrlNotHttps");
  return std::nullopt;
}

} // namespace

class simulated_google::state {
public:
  state(simulated_google_options options, std::shared_ptr<const clock> time)
      : options_{std::move(options)}, time_{std::move(time)} {}

  // -- accounts ---------------------------------------------------------------------------------------------

  void add_account(simulated_account x) {
    std::lock_guard guard{mutex_};
    if (x.calendars.empty())
      x.calendars.push_back(x.name);
    accounts_[x.name] = std::move(x);
  }

  void revoke(const std::string& account) {
    std::lock_guard guard{mutex_};
    if (auto found = accounts_.find(account); found != accounts_.end())
      found->second.refresh_token.clear();
    drop_access_tokens(account);
  }

  void expire_access_tokens(const std::string& account) {
    std::lock_guard guard{mutex_};
    drop_access_tokens(account);
  }

  std::string issue_access_token(const std::string& account) {
    std::lock_guard guard{mutex_};
    if (!accounts_.contains(account))
      throw std::invalid_argument{"no such account"};
    return new_access_token(account);
  }

  // -- faults -----------------------------------------------------------------------------------------------

  void queue(google_fault x) {
    if (!x.error.empty())
      error_named(x.error);
    std::lock_guard guard{mutex_};
    faults_.push_back(std::move(x));
  }

  std::size_t queued_faults() const {
    std::lock_guard guard{mutex_};
    return faults_.size();
  }

  // -- calls ------------------------------------------------------------------------------------------------

  simulated_answer answer(const http_request& request) {
    std::lock_guard guard{mutex_};
    auto call = call_of(request);
    auto account = account_of(call, request);
    auto fault = next_fault(call, account);
    simulated_answer out;
    if (!fault || fault->effect || !replaces_effect(*fault))
      out.response = carry_out(call, account, request);
    if (fault) {
      out.delivery = fault->delivery;
      replace(out.response, *fault);
    }
    requests_.push_back({call, account, request, out.response.status, time_->now()});
    return out;
  }

  // -- what there was ---------------------------------------------------------------------------------------

  std::vector<simulated_request> requests() const {
    std::lock_guard guard{mutex_};
    return requests_;
  }

  std::vector<simulated_channel> channels() const {
    std::lock_guard guard{mutex_};
    return channels_;
  }

  std::vector<simulated_channel> live_channels(const std::string& account,
                                               const std::string& calendar) const {
    std::lock_guard guard{mutex_};
    std::vector<simulated_channel> out;
    for (auto& x : channels_)
      if (x.account == account && x.calendar == calendar && is_live(x))
        out.push_back(x);
    return out;
  }

  std::vector<channel_count> coverage(const std::string& account, const std::string& calendar) const {
    std::lock_guard guard{mutex_};
    std::vector<change> changes;
    for (auto& x : channels_)
      if (x.account == account && x.calendar == calendar)
        add_changes(x, changes);
    std::ranges::sort(changes, {}, [](auto& x) { return std::pair{x.at, x.no}; });
    std::vector<channel_count> out;
    std::size_t live = 0;
    for (auto& x : changes) {
      live = x.begins ? live + 1 : live - 1;
      out.push_back({x.at, live});
    }
    return out;
  }

  void reset() {
    std::lock_guard guard{mutex_};
    accounts_.clear();
    access_tokens_.clear();
    faults_.clear();
    requests_.clear();
    channels_.clear();
    resources_.clear();
  }

private:
  struct access {
    std::string account;
    timestamp expires_at{};
  };

  struct change {
    timestamp at{};
    std::uint64_t no = 0;
    bool begins = false;
  };

  // -- the token endpoint -----------------------------------------------------------------------------------

  http_response refresh(const std::string& account, const http_request& request) {
    auto fields = form_fields(request.body);
    for (auto* field : {"grant_type", "refresh_token", "client_id", "client_secret"})
      if (fields[field].empty())
        return error_answer("invalid_request", 0, std::string{"Missing required parameter: "} + field);
    if (!header_of(request, "content-type").starts_with("application/x-www-form-urlencoded"))
      return error_answer("invalid_request", 0, "Unsupported content type.");
    if (fields["grant_type"] != "refresh_token")
      return error_answer("unsupported_grant_type");
    if (!options_.client_id.empty() && fields["client_id"] != options_.client_id)
      return error_answer("invalid_client");
    if (!options_.client_secret.empty() && fields["client_secret"] != options_.client_secret)
      return error_answer("invalid_client", 0, "Unauthorized");
    return account.empty() ? error_answer("invalid_grant") : tokens_for(account);
  }

  http_response tokens_for(const std::string& account) {
    auto life = std::chrono::duration_cast<std::chrono::seconds>(options_.access_token_life).count();
    json body{{"access_token", new_access_token(account)},
              {"expires_in", life},
              {"scope", "https://www.googleapis.com/auth/calendar.readonly"},
              {"token_type", "Bearer"}};
    if (options_.rotates_refresh_tokens) {
      accounts_[account].refresh_token = "1//simulated-" + std::to_string(++last_no_);
      body["refresh_token"] = accounts_[account].refresh_token;
    }
    return answer_of(200, body);
  }

  std::string new_access_token(const std::string& account) {
    auto token = "ya29.simulated-" + std::to_string(++last_no_);
    access_tokens_[token] = {account, time_->now() + options_.access_token_life};
    return token;
  }

  void drop_access_tokens(const std::string& account) {
    std::erase_if(access_tokens_, [&](auto& x) { return x.second.account == account; });
  }

  // -- Calendar ---------------------------------------------------------------------------------------------

  http_response watch(const std::string& account, const http_request& request) {
    if (account.empty())
      return error_answer("authError");
    auto calendar = known_calendar(accounts_[account], calendar_in(request));
    if (!calendar)
      return error_answer("notFound");
    auto body = json::parse(request.body, nullptr, false);
    if (auto defect = channel_defect(body))
      return *defect;
    if (std::ranges::count(accounts_[account].unwatchable, *calendar) > 0)
      return error_answer("pushNotSupportedForRequestedResource");
    auto id = text_at(body, "id");
    // Nor may the id of one that has ended be used again.
    if (std::ranges::find(channels_, id, &simulated_channel::id) != channels_.end())
      return error_answer("channelIdNotUnique");
    auto expires_at = end_of_life(body);
    if (!expires_at)
      return error_answer("invalid");
    return keep({id, account, *calendar, resource_of(account, *calendar), text_at(body, "address"),
                 text_at(body, "token"), time_->now(), *expires_at, std::nullopt, ++last_no_, 0});
  }

  http_response keep(simulated_channel x) {
    auto end = to_epoch_ms(x.expires_at);
    json body{{"kind", "api#channel"},
              {"id", x.id},
              {"resourceId", x.resource_id},
              {"resourceUri", "https://www.googleapis.com/calendar/v3/calendars/events?alt=json"}};
    if (!x.token.empty())
      body["token"] = x.token;
    body["expiration"] = options_.numeric_expiration ? json(end) : json(std::to_string(end));
    channels_.push_back(std::move(x));
    return answer_of(200, body);
  }

  static std::optional<std::string> known_calendar(const simulated_account& account,
                                                   const std::optional<std::string>& id) {
    if (id == "primary")
      return account.calendars.front();
    if (!id || std::ranges::find(account.calendars, *id) == account.calendars.end())
      return std::nullopt;
    return id;
  }

  std::string resource_of(const std::string& account, const std::string& calendar) {
    auto [place, is_new] = resources_.try_emplace({account, calendar});
    if (is_new)
      place->second = "resource-" + std::to_string(++last_no_);
    return place->second;
  }

  /// The sooner of what is asked for and what is granted.
  std::optional<timestamp> end_of_life(const json& body) const {
    auto now = time_->now();
    auto out = now + options_.longest_channel;
    auto params = body.contains("params") ? body["params"] : json::object();
    if (params.contains("ttl")) {
      auto ttl = number_at(params, "ttl");
      if (!ttl || *ttl < 1)
        return std::nullopt;
      auto most = std::chrono::duration_cast<std::chrono::seconds>(options_.longest_channel).count();
      out = std::min(out, now + std::chrono::seconds{std::min<std::int64_t>(*ttl, most)});
    }
    if (body.contains("expiration")) {
      auto end = number_at(body, "expiration");
      if (!end || *end <= to_epoch_ms(now))
        return std::nullopt;
      out = std::min(out, from_epoch_ms(*end));
    }
    return out;
  }

  http_response stop(const std::string& account, const http_request& request) {
    if (account.empty())
      return error_answer("authError");
    auto body = json::parse(request.body, nullptr, false);
    if (!body.is_object())
      return error_answer("parseError");
    auto id = text_at(body, "id");
    auto channel = std::ranges::find(channels_, id, &simulated_channel::id);
    if (channel == channels_.end() || !is_live(*channel) || channel->account != account
        || channel->resource_id != text_at(body, "resourceId"))
      return error_answer("notFound", 0, "Channel '" + id + "' not found for project '000000000000'");
    channel->stopped_at = time_->now();
    channel->stopped_no = ++last_no_;
    return {204, {}, {}};
  }

  bool is_live(const simulated_channel& x) const { return !x.stopped_at && time_->now() < x.expires_at; }

  void add_changes(const simulated_channel& x, std::vector<change>& out) const {
    out.push_back({x.created_at, x.created_no, true});
    if (x.stopped_at)
      out.push_back({*x.stopped_at, x.stopped_no, false});
    else if (!is_live(x))
      // Behind whatever else happened in that millisecond: it lived through it.
      out.push_back({x.expires_at, std::numeric_limits<std::uint64_t>::max(), false});
  }

  // -- the way of a call ------------------------------------------------------------------------------------

  /// Empty where no account's token comes with the request.
  std::string account_of(google_call call, const http_request& request) const {
    return call == google_call::token ? account_of_refresh(form_fields(request.body)["refresh_token"])
                                      : account_of_access(header_of(request, "authorization"));
  }

  std::string account_of_refresh(const std::string& token) const {
    for (auto& [name, x] : accounts_)
      if (!token.empty() && x.refresh_token == token)
        return name;
    return {};
  }

  std::string account_of_access(const std::string& authorization) const {
    constexpr std::string_view scheme = "Bearer ";
    if (!authorization.starts_with(scheme))
      return {};
    auto found = access_tokens_.find(authorization.substr(scheme.size()));
    return found != access_tokens_.end() && time_->now() < found->second.expires_at ? found->second.account
                                                                                    : std::string{};
  }

  http_response carry_out(google_call call, const std::string& account, const http_request& request) {
    switch (call) {
    case google_call::token:
      return refresh(account, request);
    case google_call::watch:
      return watch(account, request);
    case google_call::stop:
      return stop(account, request);
    case google_call::unknown:
      break;
    }
    return {404, {{"content-type", "text/html; charset=UTF-8"}}, "<!DOCTYPE html><title>Error 404</title>"};
  }

  std::optional<google_fault> next_fault(google_call call, const std::string& account) {
    auto strikes = [&](const google_fault& x) {
      return (!x.call || *x.call == call) && (x.account.empty() || x.account == account);
    };
    auto found = std::ranges::find_if(faults_, strikes);
    if (found == faults_.end())
      return std::nullopt;
    auto out = *found;
    if (--found->times <= 0)
      faults_.erase(found);
    return out;
  }

  /// Its own answer, though it comes late or with other headers, is a sign of its effect.
  static bool replaces_effect(const google_fault& x) {
    auto arrives = x.delivery == google_delivery::whole || x.delivery == google_delivery::held;
    return !arrives || !x.error.empty() || x.body;
  }

  static void replace(http_response& out, const google_fault& x) {
    if (!x.error.empty())
      out = error_answer(x.error, x.status);
    else if (x.body)
      out = {x.status == 0 ? 200 : x.status, {}, *x.body};
    out.headers.insert(out.headers.end(), x.headers.begin(), x.headers.end());
  }

  simulated_google_options options_;
  std::shared_ptr<const clock> time_;
  mutable std::mutex mutex_;
  std::map<std::string, simulated_account> accounts_;
  std::map<std::string, access> access_tokens_;
  std::deque<google_fault> faults_;
  std::vector<simulated_request> requests_;
  std::vector<simulated_channel> channels_;
  std::map<std::pair<std::string, std::string>, std::string> resources_;
  std::uint64_t last_no_ = 0;
};

namespace {

class simulated_client final : public http_client {
public:
  explicit simulated_client(std::shared_ptr<simulated_google> google) : google_{std::move(google)} {}

  http_exchange exchange(const http_request& request) override {
    auto answer = google_->answer(request);
    http_exchange out;
    if (answer.delivery == google_delivery::whole) {
      out.response = std::move(answer.response);
      return out;
    }
    out.error = "the simulated provider did not answer";
    out.maybe_reached = true;
    return out;
  }

  std::size_t connections_made() const override { return 1; }

private:
  std::shared_ptr<simulated_google> google_;
};

} // namespace

std::string_view to_string(google_call x) {
  switch (x) {
  case google_call::token:
    return "token";
  case google_call::watch:
    return "watch";
  case google_call::stop:
    return "stop";
  case google_call::unknown:
    break;
  }
  return "unknown";
}

simulated_google::simulated_google(simulated_google_options options, std::shared_ptr<const clock> time)
    : state_{std::make_unique<state>(std::move(options), std::move(time))} {}

simulated_google::~simulated_google() = default;

void simulated_google::add_account(simulated_account account) {
  state_->add_account(std::move(account));
}

void simulated_google::revoke(const std::string& account) {
  state_->revoke(account);
}

void simulated_google::expire_access_tokens(const std::string& account) {
  state_->expire_access_tokens(account);
}

std::string simulated_google::issue_access_token(const std::string& account) {
  return state_->issue_access_token(account);
}

void simulated_google::queue(google_fault fault) {
  state_->queue(std::move(fault));
}

std::size_t simulated_google::queued_faults() const {
  return state_->queued_faults();
}

simulated_answer simulated_google::answer(const http_request& request) {
  return state_->answer(request);
}

std::vector<simulated_request> simulated_google::requests() const {
  return state_->requests();
}

std::vector<simulated_channel> simulated_google::channels() const {
  return state_->channels();
}

std::vector<simulated_channel> simulated_google::live_channels(const std::string& account,
                                                               const std::string& calendar) const {
  return state_->live_channels(account, calendar);
}

std::vector<channel_count> simulated_google::coverage(const std::string& account,
                                                      const std::string& calendar) const {
  return state_->coverage(account, calendar);
}

bool simulated_google::was_unwatched(const std::string& account, const std::string& calendar) const {
  return std::ranges::any_of(coverage(account, calendar), [](auto& x) { return x.live == 0; });
}

void simulated_google::reset() {
  state_->reset();
}

std::unique_ptr<http_client> make_simulated_client(std::shared_ptr<simulated_google> google) {
  return std::make_unique<simulated_client>(std::move(google));
}

} // namespace herald
