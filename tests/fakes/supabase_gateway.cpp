#include "tests/fakes/supabase_gateway.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace herald::test {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using nlohmann::json;

namespace {

constexpr std::string_view prefix = "/rest/v1";

// -- tokens -------------------------------------------------------------------------------------------------

std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  auto held = 0U;
  for (auto c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += digits[bits >> held & 63U];
    }
  }
  if (held > 0)
    out += digits[bits << (6 - held) & 63U];
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

// -- what the gateway lets through --------------------------------------------------------------------------

struct reply {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool chunked = false;
  bool bodyless = false;
};

reply refusal(int status, const std::string& message, const std::string& hint) {
  json body{{"message", message}, {"hint", hint}};
  return {status, body.dump(), {{"content-type", "application/json"}}};
}

bool is_token(std::string_view key) {
  return key.starts_with("eyJ");
}

/// What goes into Authorization on the way to PostgREST, or why nothing does.
struct admission {
  std::string authorization;
  std::optional<reply> refused;
};

admission admit(const raw_request& x) {
  auto* key = x.header("apikey");
  if (!key)
    return {
        {},
        refusal(401, "No API key found in request", "No `apikey` request header or url param was found.")};
  auto* bearer = x.header("authorization");
  if (bearer && *bearer != "Bearer " + *key && !is_token(bearer->substr(bearer->find(' ') + 1)))
    return {{}, refusal(401, "Invalid API key", "The bearer is neither a JWT nor the apikey.")};
  if (is_token(*key))
    return {bearer ? *bearer : "", std::nullopt};
  // Browsers must not hold a secret key.
  auto* agent = x.header("user-agent");
  if (*key == supabase_gateway::secret_key() && !(agent && agent->starts_with("Mozilla/")))
    return {"Bearer " + supabase_gateway::token("service_role"), std::nullopt};
  if (*key == supabase_gateway::publishable_key())
    return {"Bearer " + supabase_gateway::token("anon"), std::nullopt};
  return {{}, refusal(401, "Invalid API key", "Double check your Supabase API key.")};
}

// -- the way to PostgREST -----------------------------------------------------------------------------------

/// One kept connection. Not for several threads.
class upstream {
public:
  reply ask(const raw_request& x, const std::string& authorization, const std::string& path) {
    if (path != path_)
      socket_ = asio::local::stream_protocol::socket{io_};
    path_ = path;
    if (path_.empty())
      return {503, "", {}};
    http::request<http::string_body> request;
    request.method_string(x.method);
    request.target(x.target.substr(prefix.size()));
    request.version(11);
    for (auto& [name, value] : x.headers)
      if (!beast::iequals(name, "authorization") && !beast::iequals(name, "connection"))
        request.insert(name, value);
    if (!authorization.empty())
      request.set(http::field::authorization, authorization);
    request.body() = x.body;
    request.prepare_payload();
    try {
      return exchange(request);
    } catch (const boost::system::system_error&) {
      buffer_.clear();
      socket_ = asio::local::stream_protocol::socket{io_};
      return {502, "", {}};
    }
  }

private:
  reply exchange(http::request<http::string_body>& request) {
    if (!socket_.is_open())
      socket_.connect({path_});
    http::write(socket_, request);
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    http::read(socket_, buffer_, parser);
    auto& answer = parser.get();
    reply out{static_cast<int>(answer.result_int()), answer.body(), {}};
    for (auto& x : answer)
      if (x.name() != http::field::content_length && x.name() != http::field::transfer_encoding
          && x.name() != http::field::connection)
        out.headers.emplace_back(std::string{x.name_string()}, std::string{x.value()});
    out.chunked = answer.chunked();
    out.bodyless = answer.result() == http::status::no_content;
    if (!answer.keep_alive())
      socket_ = asio::local::stream_protocol::socket{io_};
    return out;
  }

  std::string path_;
  asio::io_context io_;
  asio::local::stream_protocol::socket socket_{io_};
  beast::flat_buffer buffer_;
};

/// Framed as PostgREST framed it: in chunks, with a length, or without a body.
bool write(conversation& to, const reply& x) {
  if (!x.chunked && !x.bodyless)
    return to.answer(x.status, x.body, x.headers);
  auto out = "HTTP/1.1 " + std::to_string(x.status) + " \r\n";
  for (auto& [name, value] : x.headers)
    out.append(name).append(": ").append(value).append("\r\n");
  if (x.bodyless)
    return to.write(out + "\r\n");
  out += "transfer-encoding: chunked\r\n\r\n";
  constexpr std::size_t chunk = 4'096;
  std::array<char, 20> size{};
  for (std::size_t at = 0; at < x.body.size(); at += chunk) {
    auto part = x.body.substr(at, chunk);
    auto n = std::snprintf(size.data(), size.size(), "%zx\r\n", part.size());
    out.append(size.data(), static_cast<std::size_t>(n)).append(part).append("\r\n");
  }
  return to.write(out + "0\r\n\r\n");
}

} // namespace

// -- the gateway --------------------------------------------------------------------------------------------

class supabase_gateway::state {
public:
  explicit state(supabase_gateway_options options) : options_{std::move(options)} {}

  void serve(conversation& x) {
    upstream postgrest;
    while (auto request = x.read_request())
      if (!answer(x, *request, postgrest))
        return;
  }

  void stop() {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }

  void queue(gateway_fault fault) {
    std::lock_guard guard{mutex_};
    faults_.push_back(std::move(fault));
  }

  std::size_t queued_faults() const {
    std::lock_guard guard{mutex_};
    return faults_.size();
  }

  void pass_to(std::string socket) {
    std::lock_guard guard{mutex_};
    options_.socket = std::move(socket);
  }

  std::vector<raw_request> requests() const {
    std::lock_guard guard{mutex_};
    return requests_;
  }

  std::size_t forwarded() const { return forwarded_; }

private:
  bool answer(conversation& x, const raw_request& request, upstream& postgrest) {
    if (request.target.starts_with("/control/"))
      return control(x, request);
    auto fault = note(request);
    if (options_.delay > std::chrono::milliseconds{0})
      wait(options_.delay);
    if (fault && !fault->after_forwarding && fault->kind != gateway_fault_kind::delay)
      return misbehave(x, *fault);
    auto admitted = admit(request);
    auto out = admitted.refused ? *admitted.refused : forward(request, admitted.authorization, postgrest);
    if (fault && fault->kind != gateway_fault_kind::delay)
      return misbehave(x, *fault);
    if (fault)
      wait(fault->delay);
    return write(x, out);
  }

  reply forward(const raw_request& request, const std::string& authorization, upstream& postgrest) {
    if (!request.target.starts_with(prefix))
      return refusal(404, "no Route matched with those values", "");
    auto out = postgrest.ask(request, authorization, socket());
    ++forwarded_;
    return out;
  }

  /// Remembers the request and takes the next fault for it.
  std::optional<gateway_fault> note(const raw_request& request) {
    std::lock_guard guard{mutex_};
    if (options_.keep_requests)
      requests_.push_back(request);
    if (faults_.empty())
      return std::nullopt;
    auto out = std::move(faults_.front());
    faults_.pop_front();
    return out;
  }

  std::string socket() const {
    std::lock_guard guard{mutex_};
    return options_.socket;
  }

  static bool misbehave(conversation& x, const gateway_fault& fault) {
    switch (fault.kind) {
    case gateway_fault_kind::answer:
      return x.answer(fault.status, fault.body, {{"content-type", fault.content_type}});
    case gateway_fault_kind::reset:
      x.close_by_reset();
      return false;
    case gateway_fault_kind::hold:
      x.wait_for_close();
      return false;
    default:
      return false;
    }
  }

  void wait(std::chrono::milliseconds limit) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, limit, [this] { return stopping_; });
  }

  bool control(conversation& x, const raw_request& request) {
    std::unique_lock lock{mutex_};
    auto out = json::array();
    if (request.target == "/control/reset")
      requests_.clear();
    for (auto& y : requests_)
      out.push_back({{"method", y.method}, {"target", y.target}, {"headers", y.headers}, {"body", y.body}});
    lock.unlock();
    return x.answer(200, out.dump(), {{"content-type", "application/json"}});
  }

  supabase_gateway_options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<gateway_fault> faults_;
  std::vector<raw_request> requests_;
  std::atomic<std::size_t> forwarded_{0};
};

supabase_gateway::supabase_gateway(supabase_gateway_options options)
    : state_{std::make_unique<state>(options)}, server_{std::make_unique<loopback_server>(
                                                    [this](conversation& x) { state_->serve(x); },
                                                    options.identity)} {}

supabase_gateway::~supabase_gateway() {
  state_->stop();
  server_.reset();
}

std::string supabase_gateway::base_url() const {
  return server_->base_url();
}

std::size_t supabase_gateway::connections() const {
  return server_->connections();
}

const std::string& supabase_gateway::jwt_secret() {
  static const std::string out = "a-secret-for-tests-of-at-least-32-characters";
  return out;
}

std::string supabase_gateway::token(const std::string& role, std::int64_t expires) {
  auto out = base64url(R"({"alg":"HS256","typ":"JWT"})") + "."
             + base64url(json{{"iss", "supabase"}, {"role", role}, {"exp", expires}}.dump());
  return out + "." + base64url(hmac_sha256(jwt_secret(), out));
}

std::string supabase_gateway::secret_key() {
  return "sb_secret_0123456789abcdefghijkl_01234567";
}

std::string supabase_gateway::publishable_key() {
  return "sb_publishable_0123456789abcdefghijkl_01234567";
}

void supabase_gateway::queue(gateway_fault fault) {
  state_->queue(std::move(fault));
}

std::size_t supabase_gateway::queued_faults() const {
  return state_->queued_faults();
}

void supabase_gateway::pass_to(std::string socket) {
  state_->pass_to(std::move(socket));
}

std::vector<raw_request> supabase_gateway::requests() const {
  return state_->requests();
}

std::size_t supabase_gateway::forwarded() const {
  return state_->forwarded();
}

} // namespace herald::test
