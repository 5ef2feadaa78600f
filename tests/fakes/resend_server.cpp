#include "tests/fakes/resend_server.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <nlohmann/json.hpp>

namespace herald::test {

using nlohmann::json;

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;
using steady = std::chrono::steady_clock;

// -- the API's errors ---------------------------------------------------------------------------------------

struct api_error {
  int status;
  std::string_view name;
  std::string_view message;
};

constexpr std::array known_errors{
    api_error{400, "invalid_idempotency_key", "The key must be between 1-256 chars."},
    api_error{401, "missing_api_key", "Missing API key in the authorization header."},
    api_error{401, "restricted_api_key", "This API key is restricted to only send emails."},
    api_error{403, "invalid_api_key", "API key is invalid."},
    api_error{404, "not_found", "The requested endpoint does not exist."},
    api_error{405, "method_not_allowed", "Method is not allowed for the requested path."},
    api_error{409, "invalid_idempotent_request",
              "Same idempotency key used with a different request payload."},
    api_error{409, "concurrent_idempotent_requests",
              "Same idempotency key used while original request is still in progress."},
    api_error{422, "missing_required_field", "The request body is missing one or more required fields."},
    api_error{422, "validation_error", "We found an error with one or more fields in the request."},
    api_error{422, "invalid_from_address", "Invalid `from` field."},
    api_error{422, "invalid_parameter", "The parameter must be a valid UUID."},
    api_error{429, "rate_limit_exceeded",
              "Too many requests. You can only make 10 requests per second. See rate limit response headers "
              "for more "
              "information. Or contact support to increase rate limit."},
    api_error{429, "daily_quota_exceeded", "You have reached your daily email quota."},
    api_error{429, "monthly_quota_exceeded", "You have reached your monthly email quota."},
    api_error{451, "security_error", "We may have found a security issue with the request."},
    api_error{500, "application_error", "An unexpected error occurred."},
    api_error{500, "internal_server_error", "An unexpected error occurred."},
};

struct reply {
  int status = 200;
  std::string body;
  header_list headers;
};

reply error_reply(int status, std::string_view name, std::string_view message) {
  // In this order, as the API sends it.
  nlohmann::ordered_json body;
  body["statusCode"] = status;
  body["message"] = message;
  body["name"] = name;
  return {status, body.dump(), {}};
}

reply error_reply(std::string_view name, std::string_view message = {}) {
  auto i = std::ranges::find(known_errors, name, &api_error::name);
  if (i == known_errors.end())
    return error_reply(500, name, message);
  return error_reply(i->status, name, message.empty() ? i->message : message);
}

// -- the rules for a mail -----------------------------------------------------------------------------------

/// The address in `Name <address>` or `address`.
std::string bare_address(const std::string& text) {
  auto open = text.rfind('<');
  if (open == std::string::npos || !text.ends_with('>'))
    return text;
  return text.substr(open + 1, text.size() - open - 2);
}

std::string domain_of(const std::string& text) {
  auto address = bare_address(text);
  return address.substr(address.find('@') + 1);
}

bool is_address(const std::string& text) {
  auto address = bare_address(text);
  auto at = address.find('@');
  return at != std::string::npos && at > 0 && address.find('@', at + 1) == std::string::npos
         && address.find('.', at) != std::string::npos && !address.ends_with('.')
         && address.find_first_of(" \t\r\n<>,") == std::string::npos;
}

std::vector<std::string> strings_of(const json& x) {
  std::vector<std::string> out;
  if (x.is_string())
    out.push_back(x.get<std::string>());
  else if (x.is_array())
    for (auto& y : x)
      out.push_back(y.is_string() ? y.get<std::string>() : std::string{});
  return out;
}

std::optional<reply> recipients_defect(const json& mail) {
  auto to = mail.contains("to") ? strings_of(mail["to"]) : std::vector<std::string>{};
  if (to.empty())
    return error_reply("missing_required_field", "The `to` field is missing.");
  if (to.size() > 50)
    return error_reply("validation_error", "Invalid `to` field. The maximum number of recipients is 50.");
  for (auto& x : to) {
    if (!is_address(x))
      return error_reply("validation_error", "Invalid `to` field. The email address needs to follow the "
                                             "`email@example.com` or `Name <email@example.com>` format.");
    if (auto domain = domain_of(x); domain == "example.com" || domain == "test.com")
      return error_reply("validation_error",
                         "Invalid `to` field. Please use our testing email address instead of "
                         "domains like `"
                             + domain + "`.");
  }
  return std::nullopt;
}

std::optional<reply> tags_defect(const json& mail) {
  if (!mail.contains("tags"))
    return std::nullopt;
  auto fine = [](const json& tag, const char* field) {
    if (!tag.is_object() || !tag.contains(field) || !tag[field].is_string())
      return false;
    auto text = tag[field].get<std::string>();
    return !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
             || c == '-';
    });
  };
  if (mail["tags"].is_array()
      && std::ranges::all_of(mail["tags"], [&](auto& x) { return fine(x, "name") && fine(x, "value"); }))
    return std::nullopt;
  return error_reply("validation_error",
                     "Tags should only contain ASCII letters, numbers, underscores, or dashes.");
}

/// Why the mail is refused; nothing when it is not.
std::optional<reply> mail_defect(const json& mail, bool in_batch, const std::vector<std::string>& verified) {
  auto text = [&](const char* field) {
    return mail.contains(field) && mail[field].is_string() ? mail[field].get<std::string>() : std::string{};
  };
  if (!mail.is_object())
    return error_reply("validation_error");
  if (auto defect = recipients_defect(mail))
    return defect;
  if (text("from").empty())
    return error_reply("missing_required_field", "Missing `from` field.");
  if (!is_address(text("from")))
    return error_reply("invalid_from_address");
  if (!verified.empty() && std::ranges::find(verified, domain_of(text("from"))) == verified.end())
    return error_reply(403, "validation_error",
                       "The " + domain_of(text("from"))
                           + " domain is not verified. Please, add and verify your domain.");
  if (text("subject").empty())
    return error_reply("missing_required_field", "Missing `subject` field.");
  if (text("html").empty() && text("text").empty())
    return error_reply("missing_required_field", "Missing `html` or `text` field.");
  if (in_batch && (mail.contains("attachments") || mail.contains("scheduled_at")))
    return error_reply("validation_error", "Batch emails support neither `attachments` nor `scheduled_at`.");
  return tags_defect(mail);
}

std::map<std::string, std::string> string_fields(const json& x) {
  std::map<std::string, std::string> out;
  if (x.is_object())
    for (auto& [key, value] : x.items())
      out[key] = value.is_string() ? value.get<std::string>() : value.dump();
  return out;
}

// -- JSON of the control interface --------------------------------------------------------------------------

constexpr std::array<std::pair<std::string_view, resend_fault_kind>, 9> kind_names{{
    {"error", resend_fault_kind::error},
    {"answer", resend_fault_kind::answer},
    {"lose_answer", resend_fault_kind::lose_answer},
    {"reset", resend_fault_kind::reset},
    {"cut_answer", resend_fault_kind::cut_answer},
    {"hold", resend_fault_kind::hold},
    {"garbage", resend_fault_kind::garbage},
    {"huge", resend_fault_kind::huge},
    {"close_after", resend_fault_kind::close_after},
}};

/// Throws on unknown kinds and fields of the wrong type: a fault that never strikes proves nothing.
resend_fault fault_from(const json& x) {
  resend_fault out;
  auto name = x.at("kind").get<std::string>();
  auto kind = std::ranges::find(kind_names, name, &std::pair<std::string_view, resend_fault_kind>::first);
  if (kind == kind_names.end())
    throw std::runtime_error("unknown kind of fault: " + name);
  out.kind = kind->second;
  std::set<std::string> fields{"kind"};
  auto take = [&]<class T>(const char* field, T& to) {
    fields.insert(field);
    if (x.contains(field))
      to = x.at(field).get<T>();
  };
  take("times", out.times);
  take("accept", out.accept);
  take("name", out.name);
  take("message", out.message);
  take("status", out.status);
  take("body", out.body);
  take("size", out.size);
  take("path", out.path);
  auto delay = -1;
  take("delay_ms", delay);
  if (delay >= 0)
    out.delay = std::chrono::milliseconds{delay};
  std::map<std::string, std::string> headers;
  take("headers", headers);
  out.headers.assign(headers.begin(), headers.end());
  for (auto& [key, value] : x.items())
    if (!fields.contains(key))
      throw std::runtime_error("unknown field of a fault: " + key);
  return out;
}

json to_json(const accepted_mail& x) {
  return {{"id", x.id},           {"path", x.path},      {"idempotency_key", x.idempotency_key},
          {"index", x.index},     {"from", x.from},      {"to", x.to},
          {"subject", x.subject}, {"html", x.html},      {"text", x.text},
          {"tags", x.tags},       {"headers", x.headers}};
}

json to_json(const raw_request& x) {
  auto headers = json::array();
  for (auto& [name, value] : x.headers)
    headers.push_back({name, value});
  return {{"method", x.method}, {"target", x.target}, {"headers", headers}, {"body", x.body}};
}

json to_json(const resend_stats& x) {
  json by_status = json::object();
  for (auto& [status, count] : x.by_status)
    by_status[std::to_string(status)] = count;
  return {{"requests", x.requests},
          {"accepted_requests", x.accepted_requests},
          {"accepted_mails", x.accepted_mails},
          {"replays", x.replays},
          {"conflicts", x.conflicts},
          {"concurrent", x.concurrent},
          {"rate_limited", x.rate_limited},
          {"faults", x.faults},
          {"by_status", by_status},
          {"busiest_second", x.busiest_second}};
}

} // namespace

class resend_server::state {
public:
  explicit state(resend_server_options options)
      : options_{std::move(options)}, limit_{options_.requests_per_second} {}

  void serve(conversation& with) {
    while (auto request = with.read_request())
      if (!(request->target.starts_with("/control/") ? control(with, *request) : api(with, *request)))
        return;
  }

  void stop() {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }

  template <class F> auto locked(F f) const {
    std::lock_guard guard{mutex_};
    return f(*this);
  }

  template <class F> auto change(F f) {
    std::lock_guard guard{mutex_};
    changed_.notify_all();
    return f(*this);
  }

  template <class F> bool wait_for(std::chrono::milliseconds most, F reached) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, most, [&] { return reached(*this); });
  }

  void reset() {
    faults.clear();
    accepted.clear();
    requests.clear();
    keys_.clear();
    stats = {};
    window_count_ = 0;
    ++releases_;
  }

  void release() { ++releases_; }

  void set_limit(std::optional<int> requests_per_second) {
    limit_ = requests_per_second;
    window_count_ = 0;
  }

  void expire_keys() {
    std::erase_if(keys_, [](auto& x) { return x.second.answer.has_value(); });
  }

  // Guarded by the mutex: reach them through locked() and change().
  std::deque<resend_fault> faults;
  std::vector<accepted_mail> accepted;
  std::vector<raw_request> requests;
  resend_stats stats;
  std::size_t held = 0;

private:
  /// What is known about an idempotency key.
  struct key_state {
    std::string path;
    std::string payload;
    /// Nothing while its first request runs.
    std::optional<reply> answer;
  };

  // -- the API, in the order of its checks ------------------------------------------------------------------

  /// Answers; false when the connection has to end.
  bool api(conversation& with, const raw_request& request) {
    reply out;
    std::optional<resend_fault> fault;
    auto to_settle = std::string{};
    {
      std::lock_guard guard{mutex_};
      requests.push_back(request);
      ++stats.requests;
      auto budget = count_request();
      auto refusal = refuse_early(request);
      if (!refusal)
        fault = next_fault(request.target);
      if (refusal)
        out = std::move(*refusal);
      else if (fault && !lets_accept(*fault))
        out = fault->kind == resend_fault_kind::error ? fault_error(*fault)
                                                      : reply{fault->status, fault->body, fault->headers};
      else
        out = process(request, to_settle);
      if (out.status != 403 || out.body != edge_refusal)
        out.headers.insert(out.headers.end(), budget.begin(), budget.end());
      changed_.notify_all();
    }
    if (fault && fault->kind == resend_fault_kind::hold)
      hold(fault->delay);
    // Before anything is sent: whoever has heard from us may ask again at once.
    if (!to_settle.empty()) {
      std::lock_guard guard{mutex_};
      settle(to_settle, out);
    }
    return deliver(with, out, fault);
  }

  static bool lets_accept(const resend_fault& x) {
    switch (x.kind) {
    case resend_fault_kind::error:
    case resend_fault_kind::answer:
      return false;
    case resend_fault_kind::hold:
    case resend_fault_kind::close_after:
      return true;
    default:
      return x.accept;
    }
  }

  std::optional<resend_fault> next_fault(const std::string& path) {
    auto i = std::ranges::find_if(faults, [&](auto& x) { return x.path.empty() || x.path == path; });
    if (i == faults.end())
      return std::nullopt;
    auto out = *i;
    if (--i->times <= 0)
      faults.erase(i);
    ++stats.faults;
    return out;
  }

  /// Counts the request in its window; the headers that tell the client about it, empty without a limiter.
  header_list count_request() {
    auto now = steady::now();
    if (now - window_start_ >= std::chrono::seconds{1}) {
      window_start_ = now;
      window_count_ = 0;
    }
    ++window_count_;
    stats.busiest_second = std::max(stats.busiest_second, window_count_);
    auto per_second = static_cast<std::uint64_t>(limit_.value_or(10));
    auto left = !limit_ ? per_second - 1 : per_second - std::min(per_second, window_count_);
    return {{"ratelimit-limit", std::to_string(per_second)},
            {"ratelimit-policy", std::to_string(per_second) + ";w=1"},
            {"ratelimit-remaining", std::to_string(left)},
            {"ratelimit-reset", "1"}};
  }

  std::optional<reply> refuse_early(const raw_request& request) const {
    // The edge, before the API.
    auto* agent = request.header("user-agent");
    if (!agent || agent->empty())
      return reply{403, edge_refusal, {{"content-type", "text/plain; charset=UTF-8"}}};
    auto* key = request.header("authorization");
    if (!key)
      return error_reply("missing_api_key");
    if (options_.api_key.empty() ? !key->starts_with("Bearer re_") : *key != "Bearer " + options_.api_key)
      return error_reply("invalid_api_key");
    if (limit_ && window_count_ > static_cast<std::uint64_t>(*limit_)) {
      auto out =
          error_reply("rate_limit_exceeded",
                      "Too many requests. You can only make " + std::to_string(*limit_)
                          + " requests per second. See rate limit response headers for more information. Or "
                            "contact support to increase rate limit.");
      out.headers.emplace_back("retry-after", "1");
      return out;
    }
    if (request.target != "/emails" && request.target != "/emails/batch")
      return error_reply("not_found");
    if (request.method != "POST")
      return error_reply("method_not_allowed");
    return std::nullopt;
  }

  static reply fault_error(const resend_fault& x) {
    auto out = error_reply(x.name, x.message);
    out.headers = x.headers;
    if (x.name == "rate_limit_exceeded" && x.headers.empty())
      out.headers.emplace_back("retry-after", "1");
    return out;
  }

  reply process(const raw_request& request, std::string& to_settle) {
    auto* key = request.header("idempotency-key");
    if (!key)
      return accept(request, {});
    if (key->empty() || key->size() > 256)
      return error_reply("invalid_idempotency_key");
    if (auto known = keys_.find(*key); known != keys_.end()) {
      auto& first = known->second;
      if (first.path != request.target || first.payload != request.body) {
        ++stats.conflicts;
        return error_reply("invalid_idempotent_request");
      }
      if (!first.answer) {
        ++stats.concurrent;
        return error_reply("concurrent_idempotent_requests");
      }
      ++stats.replays;
      return *first.answer;
    }
    auto out = accept(request, *key);
    // Nothing says that a refusal occupies its key.
    if (out.status == 200) {
      keys_[*key] = {request.target, request.body, std::nullopt};
      to_settle = *key;
    }
    return out;
  }

  void settle(const std::string& key, const reply& answer) {
    if (auto i = keys_.find(key); i != keys_.end()) {
      i->second.answer = answer;
      std::erase_if(i->second.answer->headers, [](auto& x) { return x.first.starts_with("ratelimit-"); });
    }
  }

  reply accept(const raw_request& request, const std::string& key) {
    auto body = json::parse(request.body, nullptr, false);
    if (body.is_discarded())
      return error_reply(400, "validation_error", "The request body is no valid JSON.");
    return request.target == "/emails" ? accept_single(body, key)
                                       : accept_batch(body, key, permissive(request));
  }

  static bool permissive(const raw_request& request) {
    auto* mode = request.header("x-batch-validation");
    return mode && *mode == "permissive";
  }

  reply accept_single(const json& body, const std::string& key) {
    if (auto defect = mail_defect(body, false, options_.verified_domains))
      return *defect;
    ++stats.accepted_requests;
    return {200, json{{"id", keep(body, "/emails", key, 0)}}.dump(), {}};
  }

  reply accept_batch(const json& body, const std::string& key, bool permissive) {
    if (!body.is_array() || body.empty())
      return error_reply("validation_error", "The request body must be an array with at least one email.");
    if (body.size() > 100)
      return error_reply("validation_error", "The batch must have at most 100 emails.");
    std::map<std::size_t, reply> defects;
    for (std::size_t i = 0; i < body.size(); ++i)
      if (auto defect = mail_defect(body[i], true, options_.verified_domains))
        defects.emplace(i, std::move(*defect));
    if (!permissive && !defects.empty())
      return defects.begin()->second;
    auto out = json{{"data", json::array()}};
    for (std::size_t i = 0; i < body.size(); ++i)
      if (!defects.contains(i))
        out["data"].push_back({{"id", keep(body[i], "/emails/batch", key, i)}});
    if (permissive) {
      out["errors"] = json::array();
      for (auto& [index, defect] : defects)
        out["errors"].push_back({{"index", index}, {"message", json::parse(defect.body)["message"]}});
    }
    ++stats.accepted_requests;
    return {200, out.dump(), {}};
  }

  std::string keep(const json& mail, const std::string& path, const std::string& key, std::size_t index) {
    accepted_mail out;
    out.id = boost::uuids::to_string(make_id_());
    out.path = path;
    out.idempotency_key = key;
    out.index = index;
    out.from = mail.value("from", "");
    out.to = strings_of(mail["to"]);
    out.subject = mail.value("subject", "");
    out.html = mail.value("html", "");
    out.text = mail.value("text", "");
    if (mail.contains("tags"))
      for (auto& x : mail["tags"])
        out.tags[x["name"].get<std::string>()] = x["value"].get<std::string>();
    if (mail.contains("headers"))
      out.headers = string_fields(mail["headers"]);
    ++stats.accepted_mails;
    accepted.push_back(out);
    return out.id;
  }

  // -- how the answer travels -------------------------------------------------------------------------------

  bool deliver(conversation& with, const reply& out, const std::optional<resend_fault>& fault) {
    using kind = resend_fault_kind;
    switch (fault ? fault->kind : kind::answer) {
    case kind::lose_answer:
      return false;
    case kind::reset:
      with.close_by_reset();
      return false;
    case kind::cut_answer:
      with.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"id\":");
      with.close_by_cut();
      return false;
    case kind::garbage:
      with.write("\x16\x03\x01 this is no HTTP\r\n\r\n");
      return false;
    case kind::huge:
      return send(with, {200, std::string(fault->size, 'x'), {}});
    case kind::close_after:
      send(with, out);
      return false;
    default:
      return send(with, out);
    }
  }

  bool send(conversation& with, const reply& out) {
    {
      std::lock_guard guard{mutex_};
      ++stats.by_status[out.status];
      if (out.status == 429)
        ++stats.rate_limited;
      changed_.notify_all();
    }
    auto headers = out.headers;
    if (std::ranges::find(headers, "content-type", &header_list::value_type::first) == headers.end())
      headers.insert(headers.begin(), {"content-type", "application/json; charset=utf-8"});
    return with.answer(out.status, out.body, headers);
  }

  void hold(std::optional<std::chrono::milliseconds> delay) {
    std::unique_lock lock{mutex_};
    ++held;
    changed_.notify_all();
    auto released = [this, before = releases_] { return stopping_ || releases_ != before; };
    if (delay)
      changed_.wait_for(lock, *delay, released);
    else
      changed_.wait(lock, released);
    --held;
  }

  // -- the control interface --------------------------------------------------------------------------------

  bool control(conversation& with, const raw_request& request) {
    reply out;
    try {
      out = answer_control(request);
    } catch (const std::exception& x) {
      out = {400, json{{"error", x.what()}}.dump(), {}};
    }
    out.headers.emplace_back("content-type", "application/json");
    return with.answer(out.status, out.body, out.headers);
  }

  reply answer_control(const raw_request& request) {
    auto what = request.method + " " + request.target.substr(std::string_view{"/control/"}.size());
    auto body = request.body.empty() ? json{} : json::parse(request.body);
    std::lock_guard guard{mutex_};
    changed_.notify_all();
    if (what == "GET accepted")
      return list(accepted);
    if (what == "GET requests")
      return list(requests);
    if (what == "GET stats")
      return {200, to_json(stats).dump(), {}};
    if (what == "POST faults") {
      for (auto& x : body.is_array() ? body : json::array({body}))
        faults.push_back(fault_from(x));
    } else if (what == "POST release") {
      release();
    } else if (what == "POST limit") {
      auto& x = body.at("per_second");
      set_limit(x.is_null() ? std::nullopt : std::optional{x.get<int>()});
    } else if (what == "POST expire") {
      expire_keys();
    } else if (what == "POST reset") {
      reset();
    } else {
      return {404, json{{"error", "no such control: " + what}}.dump(), {}};
    }
    return {200, "{}", {}};
  }

  template <class T> static reply list(const std::vector<T>& from) {
    auto out = json::array();
    for (auto& x : from)
      out.push_back(to_json(x));
    return {200, out.dump(), {}};
  }

  static constexpr const char* edge_refusal = "error code: 1010";

  resend_server_options options_;
  std::optional<int> limit_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t releases_ = 0;
  std::map<std::string, key_state> keys_;
  boost::uuids::random_generator make_id_;
  steady::time_point window_start_{};
  std::uint64_t window_count_ = 0;
};

resend_server::resend_server(resend_server_options options) {
  auto identity = options.identity;
  state_ = std::make_unique<state>(std::move(options));
  server_ = std::make_unique<loopback_server>([this](conversation& with) { state_->serve(with); }, identity);
}

resend_server::~resend_server() {
  state_->stop();
  server_.reset();
}

std::string resend_server::base_url() const {
  return server_->base_url();
}

std::uint16_t resend_server::port() const {
  return server_->port();
}

std::size_t resend_server::connections() const {
  return server_->connections();
}

void resend_server::queue(resend_fault fault) {
  state_->change([&](auto& x) { x.faults.push_back(std::move(fault)); });
}

std::size_t resend_server::queued_faults() const {
  return state_->locked([](auto& x) { return x.faults.size(); });
}

std::vector<accepted_mail> resend_server::accepted() const {
  return state_->locked([](auto& x) { return x.accepted; });
}

std::vector<raw_request> resend_server::requests() const {
  return state_->locked([](auto& x) { return x.requests; });
}

resend_stats resend_server::stats() const {
  return state_->locked([](auto& x) { return x.stats; });
}

void resend_server::release_held() {
  state_->change([](auto& x) { x.release(); });
}

void resend_server::set_limit(std::optional<int> requests_per_second) {
  state_->change([&](auto& x) { x.set_limit(requests_per_second); });
}

void resend_server::expire_keys() {
  state_->change([](auto& x) { x.expire_keys(); });
}

void resend_server::reset() {
  state_->change([](auto& x) { x.reset(); });
}

bool resend_server::wait_for_accepted(std::size_t mails, std::chrono::milliseconds limit) const {
  return state_->wait_for(limit, [=](auto& x) { return x.accepted.size() >= mails; });
}

bool resend_server::wait_for_requests(std::size_t requests, std::chrono::milliseconds limit) const {
  return state_->wait_for(limit, [=](auto& x) { return x.stats.requests >= requests; });
}

bool resend_server::wait_for_held(std::size_t answers, std::chrono::milliseconds limit) const {
  return state_->wait_for(limit, [=](auto& x) { return x.held >= answers; });
}

} // namespace herald::test
