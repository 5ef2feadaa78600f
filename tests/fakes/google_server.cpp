#include "tests/fakes/google_server.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace herald::test {

using nlohmann::json;

namespace {

// -- JSON of the control interface --------------------------------------------------------------------------

constexpr std::array call_names{
    std::pair{std::string_view{"token"}, google_call::token},
    std::pair{std::string_view{"watch"}, google_call::watch},
    std::pair{std::string_view{"stop"}, google_call::stop},
};

constexpr std::array delivery_names{
    std::pair{std::string_view{"whole"}, google_delivery::whole},
    std::pair{std::string_view{"lost"}, google_delivery::lost},
    std::pair{std::string_view{"reset"}, google_delivery::reset},
    std::pair{std::string_view{"cut"}, google_delivery::cut},
    std::pair{std::string_view{"held"}, google_delivery::held},
    std::pair{std::string_view{"garbage"}, google_delivery::garbage},
};

template <class Names> auto value_of(const Names& names, const std::string& name) {
  auto row = std::ranges::find(names, std::string_view{name}, [](auto& x) { return x.first; });
  if (row == names.end())
    throw std::runtime_error("unknown name in a fault: " + name);
  return row->second;
}

/// Throws on unknown names and fields of the wrong type: a fault that never strikes proves nothing.
google_fault fault_from(const json& x) {
  google_fault out;
  std::set<std::string> fields;
  auto take = [&]<class T>(const char* field, T& to) {
    fields.insert(field);
    if (x.contains(field))
      to = x.at(field).get<T>();
  };
  std::string call;
  std::string delivery = "whole";
  std::string body;
  std::map<std::string, std::string> headers;
  take("times", out.times);
  take("call", call);
  take("account", out.account);
  take("error", out.error);
  take("status", out.status);
  take("headers", headers);
  take("body", body);
  take("delivery", delivery);
  take("effect", out.effect);
  if (!call.empty())
    out.call = value_of(call_names, call);
  out.delivery = value_of(delivery_names, delivery);
  out.headers.assign(headers.begin(), headers.end());
  if (x.contains("body"))
    out.body = body;
  for (auto& [key, value] : x.items())
    if (!fields.contains(key))
      throw std::runtime_error("unknown field of a fault: " + key);
  return out;
}

simulated_account account_from(const json& x) {
  return {x.at("name"), x.at("refresh_token"), x.value("calendars", std::vector<std::string>{}),
          x.value("unwatchable", std::vector<std::string>{})};
}

json to_json(const simulated_request& x) {
  auto headers = json::array();
  for (auto& [name, value] : x.request.headers)
    headers.push_back({name, value});
  return {{"call", to_string(x.call)},  {"account", x.account},       {"status", x.status},
          {"method", x.request.method}, {"target", x.request.target}, {"headers", std::move(headers)},
          {"body", x.request.body}};
}

json to_json(const simulated_channel& x) {
  return {{"id", x.id},
          {"account", x.account},
          {"calendar", x.calendar},
          {"resource_id", x.resource_id},
          {"address", x.address},
          {"token", x.token},
          {"expires_at", to_epoch_ms(x.expires_at)},
          {"stopped", x.stopped_at.has_value()}};
}

template <class T> std::string list(const std::vector<T>& from) {
  auto out = json::array();
  for (auto& x : from)
    out.push_back(to_json(x));
  return out.dump();
}

} // namespace

class google_server::state {
public:
  explicit state(simulated_google_options options) : google{std::move(options), time} {}

  void serve(conversation& with) {
    while (auto request = with.read_request())
      if (!(request->target.starts_with("/control/") ? control(with, *request) : call(with, *request)))
        return;
  }

  void release() {
    std::lock_guard guard{mutex_};
    ++releases_;
    changed_.notify_all();
  }

  void stop() {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }

  bool wait_for_held(std::size_t answers, std::chrono::milliseconds limit) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, limit, [&] { return held_ >= answers; });
  }

  const std::shared_ptr<manual_clock> time = std::make_shared<manual_clock>();
  simulated_google google;

private:
  /// Answers; false when the connection has to end.
  bool call(conversation& with, const raw_request& request) {
    http_request asked;
    asked.method = request.method;
    asked.target = request.target;
    asked.headers = request.headers;
    asked.body = request.body;
    auto [response, delivery] = google.answer(asked);
    switch (delivery) {
    case google_delivery::lost:
      return false;
    case google_delivery::reset:
      with.close_by_reset();
      return false;
    case google_delivery::cut:
      with.write(
          "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{\"kind\":");
      with.close_by_cut();
      return false;
    case google_delivery::garbage:
      with.write("\x16\x03\x01 this is no HTTP\r\n\r\n");
      return false;
    case google_delivery::held:
      hold();
      break;
    case google_delivery::whole:
      break;
    }
    return send(with, response);
  }

  static bool send(conversation& with, const http_response& x) {
    // As in RFC 9110: no content, and so no length of one.
    if (x.status == 204)
      return with.write("HTTP/1.1 204 No Content\r\n\r\n");
    return with.answer(x.status, x.body, x.headers);
  }

  void hold() {
    std::unique_lock lock{mutex_};
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this, before = releases_] { return stopping_ || releases_ != before; });
    --held_;
  }

  bool control(conversation& with, const raw_request& request) {
    try {
      return with.answer(200, answer_control(request), {{"content-type", "application/json"}});
    } catch (const std::exception& x) {
      return with.answer(400, json{{"error", x.what()}}.dump(), {{"content-type", "application/json"}});
    }
  }

  std::string answer_control(const raw_request& request) {
    auto what = request.method + " " + request.target.substr(std::string_view{"/control/"}.size());
    auto body = request.body.empty() ? json::object() : json::parse(request.body);
    if (what == "GET requests")
      return list(google.requests());
    if (what == "GET channels")
      return list(google.channels());
    if (what == "POST accounts")
      google.add_account(account_from(body));
    else if (what == "POST faults")
      for (auto& x : body.is_array() ? body : json::array({body}))
        google.queue(fault_from(x));
    else if (what == "POST revoke")
      google.revoke(body.at("account"));
    else if (what == "POST advance")
      time->advance(duration{body.at("ms").get<std::int64_t>()});
    else if (what == "POST release")
      release();
    else if (what == "POST reset")
      google.reset();
    else
      throw std::runtime_error("no such control: " + what);
    return "{}";
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t releases_ = 0;
  std::size_t held_ = 0;
};

google_server::google_server(google_server_options options)
    : state_{std::make_unique<state>(std::move(options.google))} {
  server_ = std::make_unique<loopback_server>([this](conversation& with) { state_->serve(with); },
                                              options.identity);
}

google_server::~google_server() {
  state_->stop();
  server_.reset();
}

std::string google_server::base_url() const {
  return server_->base_url();
}

std::string google_server::token_url() const {
  return base_url() + "/token";
}

std::size_t google_server::connections() const {
  return server_->connections();
}

simulated_google& google_server::google() {
  return state_->google;
}

std::shared_ptr<manual_clock> google_server::time() const {
  return state_->time;
}

void google_server::release_held() {
  state_->release();
}

bool google_server::wait_for_held(std::size_t answers, std::chrono::milliseconds limit) const {
  return state_->wait_for_held(answers, limit);
}

} // namespace herald::test
