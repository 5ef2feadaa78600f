#include "adapters/http/client.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "adapters/http/url.hpp"

namespace herald {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t max_response_headers = 128;
constexpr std::uint32_t max_header_bytes = 64U * 1024U;
/// 100 Continue, 103 Early Hints: a server that sends nothing else is broken.
constexpr int max_interim_responses = 8;

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// -- what may stand in a request ----------------------------------------------------------------------------

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [=](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || marks.find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && byte != '\t') || byte == 0x7f;
  });
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_client_header(std::string_view name) {
  constexpr std::array<std::string_view, 9> names{"host",       "user-agent", "accept",
                                                  "connection", "keep-alive", "content-length",
                                                  "upgrade",    "expect",     "transfer-encoding"};
  return std::ranges::any_of(names, [&](std::string_view x) { return same_name(x, name); });
}

/// Why the header cannot be sent; empty when it can. Shows no value.
std::string header_defect(std::string_view name, std::string_view value) {
  if (!is_token(name))
    return "a header's name is empty or holds a character that no name has";
  if (is_client_header(name))
    return "the header " + std::string{name} + " is the client's own and cannot be set";
  if (!is_header_value(value))
    return "the value of the header " + std::string{name} + " holds a line break or control character";
  return {};
}

std::string request_defect(const http_request& x) {
  if (!is_token(x.method) || x.method == "CONNECT")
    return "the method is none that can be sent";
  if (!is_target(x.target))
    return "the target does not start with / or holds a blank, a control character or one beyond ASCII";
  for (auto& [name, value] : x.headers)
    if (auto defect = header_defect(name, value); !defect.empty())
      return defect;
  return {};
}

// -- connections --------------------------------------------------------------------------------------------

/// The bytes of a connection, encrypted or not.
class wire {
public:
  using on_bytes = std::function<void(const error_code&, std::size_t)>;
  using on_done = std::function<void(const error_code&)>;

  virtual ~wire() = default;

  virtual tcp::socket& socket() = 0;
  virtual void handshake(on_done) = 0;
  virtual void read_some(asio::mutable_buffer, on_bytes) = 0;
  virtual void write(asio::const_buffer, on_bytes) = 0;
  /// Why the peer's certificate was refused; empty when it was not.
  virtual std::string certificate_defect() = 0;
};

class plain_wire final : public wire {
public:
  explicit plain_wire(asio::io_context& io) : socket_{io} {}

  tcp::socket& socket() override { return socket_; }

  void handshake(on_done done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done({}); });
  }

  void read_some(asio::mutable_buffer to, on_bytes done) override {
    socket_.async_read_some(to, std::move(done));
  }

  void write(asio::const_buffer from, on_bytes done) override {
    asio::async_write(socket_, from, std::move(done));
  }

  std::string certificate_defect() override { return {}; }

private:
  tcp::socket socket_;
};

class tls_wire final : public wire {
public:
  tls_wire(asio::io_context& io, asio::ssl::context& context, const http_url& server) : stream_{io, context} {
    auto* handle = stream_.native_handle();
    auto* wanted = SSL_get0_param(handle);
    // OpenSSL compares the certificate with what is set here, as part of the chain's verification.
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    auto named = is_ip_address(server)
                     ? X509_VERIFY_PARAM_set1_ip_asc(wanted, server.host.c_str())
                     : X509_VERIFY_PARAM_set1_host(wanted, server.host.c_str(), 0)
                           & static_cast<int>(SSL_set_tlsext_host_name(handle, server.host.c_str()));
    if (named != 1)
      throw std::runtime_error("cannot set the name that the server's certificate must have");
  }

  tcp::socket& socket() override { return stream_.next_layer(); }

  void handshake(on_done done) override {
    stream_.async_handshake(asio::ssl::stream_base::client, std::move(done));
  }

  void read_some(asio::mutable_buffer to, on_bytes done) override {
    stream_.async_read_some(to, std::move(done));
  }

  void write(asio::const_buffer from, on_bytes done) override {
    asio::async_write(stream_, from, std::move(done));
  }

  std::string certificate_defect() override {
    auto verdict = SSL_get_verify_result(stream_.native_handle());
    return verdict == X509_V_OK ? std::string{} : X509_verify_cert_error_string(verdict);
  }

private:
  asio::ssl::stream<tcp::socket> stream_;
};

/// Passes once, some time after start().
class deadline {
public:
  explicit deadline(asio::io_context& io) : timer_{io} {}

  void start(duration limit) {
    timer_.expires_after(limit);
    passed_ = false;
    // A handler that was queued before a stop() still runs; its turn tells it apart.
    timer_.async_wait([this, turn = ++turn_](const error_code& error) {
      if (!error && turn == turn_)
        passed_ = true;
    });
  }

  void stop() {
    ++turn_;
    passed_ = false;
    timer_.cancel();
  }

  bool passed() const { return passed_; }

private:
  asio::steady_timer timer_;
  unsigned turn_ = 0;
  bool passed_ = false;
};

// -- the client ---------------------------------------------------------------------------------------------

class beast_client final : public http_client {
public:
  beast_client(http_client_options options, http_url server, asio::ssl::context context)
      : options_{std::move(options)}, server_{std::move(server)}, context_{std::move(context)} {}

  ~beast_client() override { drop(); }

  http_exchange exchange(const http_request& request) override;

  std::size_t connections_made() const override { return connections_made_; }

private:
  using parser = http::response_parser<http::string_body>;

  /// How one try on one connection ended.
  struct attempt {
    std::optional<http_response> response;
    std::string error;
    bool wrote = false;
    bool heard = false;
    bool oversized = false;
  };

  // -- one exchange, top down -------------------------------------------------------------------------------

  attempt try_twice(const http_request& request, asio::const_buffer bytes);
  attempt try_once(const http_request& request, asio::const_buffer bytes);
  bool reusable();
  std::string connect();
  std::string resolve(std::vector<tcp::endpoint>& out);
  std::string connect_socket(const std::vector<tcp::endpoint>& endpoints);
  std::string shake_hands();
  void send(asio::const_buffer bytes, attempt& out);
  void receive(const http_request& request, attempt& out);
  void feed(parser& to, attempt& out);
  std::string finish_at_close(parser& to);
  static http_response take(parser& from);

  // -- helpers ----------------------------------------------------------------------------------------------

  std::string bytes_of(const http_request& request) const;
  bool await(const bool& done);
  void start_reading();
  void drop();
  std::string connect_timeout_text(std::string_view doing) const;
  std::string request_timeout_text() const;
  std::string parse_error_text(const error_code& error) const;

  // -- member variables -------------------------------------------------------------------------------------

  http_client_options options_;
  http_url server_;
  asio::ssl::context context_;
  asio::io_context io_;
  // Without it the loop would stop whenever it has nothing to do.
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::resolver resolver_{io_};
  deadline request_deadline_{io_};
  deadline connect_deadline_{io_};
  deadline idle_deadline_{io_};
  std::size_t connections_made_ = 0;

  // The connection; null for none.
  std::unique_ptr<wire> wire_;
  /// Operations whose handlers still refer to the connection.
  int pending_ = 0;
  // A read is under way even while the connection is idle: that is how its end is noticed.
  bool reading_ = false;
  bool read_ended_ = false;
  error_code read_error_;
  std::size_t read_size_ = 0;
  std::array<char, 16'384> input_{};
  /// Received and not yet parsed.
  std::string unparsed_;
};

http_exchange beast_client::exchange(const http_request& request) {
  http_exchange out;
  // A query may identify a person or carry a key.
  auto shown = request.shown_target.empty() ? request.target.substr(0, request.target.find('?'))
                                            : request.shown_target;
  auto where = request.method + " " + to_string(server_) + server_.path + shown + ": ";
  if (auto defect = request_defect(request); !defect.empty()) {
    out.error = "a request to " + to_string(server_) + " was not sent: " + defect;
    return out;
  }
  std::string bytes;
  attempt last;
  try {
    bytes = bytes_of(request);
    request_deadline_.start(options_.request_timeout);
    last = try_twice(request, asio::buffer(bytes));
  } catch (const std::exception& x) {
    last = {std::nullopt, std::string{"the HTTP client failed: "} + x.what(), true, true, false};
  }
  secret::wipe(bytes);
  request_deadline_.stop();
  connect_deadline_.stop();
  if (!last.response) {
    drop();
    out.error = where + last.error;
    out.maybe_reached = last.wrote;
    out.oversized = last.oversized;
    return out;
  }
  out.response = std::move(last.response);
  return out;
}

beast_client::attempt beast_client::try_twice(const http_request& request, asio::const_buffer bytes) {
  auto on_kept = reusable();
  auto first = try_once(request, bytes);
  if (first.response || !on_kept || first.heard || request_deadline_.passed())
    return first;
  // The server may have closed the kept connection just before our bytes came, or just after it took them.
  if (first.wrote && !request.repeatable)
    return first;
  drop();
  auto second = try_once(request, bytes);
  second.wrote = second.wrote || first.wrote;
  return second;
}

beast_client::attempt beast_client::try_once(const http_request& request, asio::const_buffer bytes) {
  attempt out;
  if (!wire_) {
    out.error = connect();
    if (!out.error.empty())
      return out;
  }
  idle_deadline_.stop();
  send(bytes, out);
  if (out.error.empty() || read_ended_)
    receive(request, out);
  return out;
}

/// Whether there is a kept connection that the server has not closed as far as we can know. Drops it
/// otherwise.
bool beast_client::reusable() {
  io_.poll();
  if (wire_ && (read_ended_ || idle_deadline_.passed()))
    drop();
  return wire_ != nullptr;
}

std::string beast_client::connect() {
  connect_deadline_.start(options_.connect_timeout);
  std::vector<tcp::endpoint> endpoints;
  auto error = resolve(endpoints);
  if (error.empty())
    error = connect_socket(endpoints);
  if (error.empty())
    error = shake_hands();
  connect_deadline_.stop();
  if (!error.empty())
    drop();
  return error;
}

std::string beast_client::resolve(std::vector<tcp::endpoint>& out) {
  error_code no_address;
  auto literal = asio::ip::make_address(server_.host, no_address);
  if (!no_address) {
    out.emplace_back(literal, server_.port);
    return {};
  }
  // A lookup cannot be interrupted: one that outlasts its deadline ends later, into a state of its own.
  struct lookup {
    bool done = false;
    error_code error;
    tcp::resolver::results_type found;
  };
  auto state = std::make_shared<lookup>();
  resolver_.async_resolve(server_.host, std::to_string(server_.port),
                          [state](const error_code& error, tcp::resolver::results_type found) {
                            state->done = true;
                            state->error = error;
                            state->found = std::move(found);
                          });
  if (!await(state->done)) {
    resolver_.cancel();
    return connect_timeout_text("looking the host name up");
  }
  if (state->error)
    return "cannot look up the host name " + server_.host + ": " + state->error.message()
           + "; check the address and this machine's DNS";
  auto local_only = !server_.tls && !options_.allow_plaintext;
  for (auto& x : state->found)
    if (!local_only || x.endpoint().address().is_loopback())
      out.push_back(x.endpoint());
  if (out.empty())
    return "the host name " + server_.host
           + " has no address of this machine; use https, or allow plain text";
  return {};
}

std::string beast_client::connect_socket(const std::vector<tcp::endpoint>& endpoints) {
  if (server_.tls)
    wire_ = std::make_unique<tls_wire>(io_, context_, server_);
  else
    wire_ = std::make_unique<plain_wire>(io_);
  auto done = false;
  error_code failed;
  ++pending_;
  asio::async_connect(wire_->socket(), endpoints, [&](const error_code& error, const tcp::endpoint&) {
    --pending_;
    done = true;
    failed = error;
  });
  if (!await(done)) {
    drop();
    return connect_timeout_text("connecting");
  }
  if (failed)
    return "cannot connect: " + failed.message()
           + "; check that the server runs, and the address and firewalls on the way to it";
  wire_->socket().set_option(tcp::no_delay{true}, failed);
  ++connections_made_;
  return {};
}

std::string beast_client::shake_hands() {
  auto done = false;
  error_code failed;
  ++pending_;
  wire_->handshake([&](const error_code& error) {
    --pending_;
    done = true;
    failed = error;
  });
  if (!await(done)) {
    drop();
    return connect_timeout_text("shaking hands for TLS");
  }
  if (!failed)
    return {};
  if (auto defect = wire_->certificate_defect(); !defect.empty())
    return "the server's certificate was refused (" + defect
           + "); check the host name, and for an authority of your own the file with its certificate";
  return "the TLS handshake failed: " + failed.message() + "; check that the port is one for https";
}

void beast_client::send(asio::const_buffer bytes, attempt& out) {
  auto done = false;
  error_code failed;
  std::size_t size = 0;
  ++pending_;
  // From here on, bytes may be on their way without our being told.
  out.wrote = true;
  wire_->write(bytes, [&](const error_code& error, std::size_t n) {
    --pending_;
    done = true;
    failed = error;
    size = n;
  });
  if (!await(done)) {
    drop();
    out.error = request_timeout_text();
    return;
  }
  if (!failed)
    return;
  out.wrote = size > 0;
  out.error = "the connection broke while the request was being sent: " + failed.message();
}

void beast_client::receive(const http_request& request, attempt& out) {
  auto broken_write = std::exchange(out.error, {});
  for (auto interim = 0; interim <= max_interim_responses; ++interim) {
    parser answer;
    answer.body_limit(options_.max_response_bytes);
    answer.header_limit(max_header_bytes);
    answer.eager(true);
    answer.skip(request.method == "HEAD");
    feed(answer, out);
    while (out.error.empty() && !answer.is_done()) {
      start_reading();
      if (!await(read_ended_)) {
        out.error = request_timeout_text();
        break;
      }
      read_ended_ = false;
      out.heard = out.heard || read_size_ > 0;
      unparsed_.append(input_.data(), read_size_);
      feed(answer, out);
      if (out.error.empty() && read_error_ && !answer.is_done())
        out.error = finish_at_close(answer);
    }
    if (!out.error.empty()) {
      if (!broken_write.empty() && !out.heard)
        out.error = broken_write;
      return;
    }
    if (answer.get().result_int() / 100 == 1)
      continue;
    auto keep = answer.keep_alive() && unparsed_.empty() && !read_error_ && broken_write.empty();
    out.response = take(answer);
    if (keep) {
      start_reading();
      idle_deadline_.start(options_.idle_timeout);
    } else {
      drop();
    }
    return;
  }
  out.error = "the server sent interim answers only";
}

/// Parses what was received.
void beast_client::feed(parser& to, attempt& out) {
  while (!unparsed_.empty() && !to.is_done()) {
    error_code error;
    auto used = to.put(asio::buffer(unparsed_), error);
    unparsed_.erase(0, used);
    if (error == http::error::need_more) {
      if (unparsed_.size() > max_header_bytes)
        out.error =
            "the server's answer has a line of more than " + std::to_string(max_header_bytes) + " bytes";
      break;
    }
    out.oversized = error == http::error::body_limit;
    if (error)
      out.error = parse_error_text(error);
    if (error || used == 0)
      break;
  }
  if (out.error.empty() && to.is_header_done()) {
    auto& fields = to.get();
    if (static_cast<std::size_t>(std::distance(fields.begin(), fields.end())) > max_response_headers)
      out.error = "the server's answer has more than " + std::to_string(max_response_headers) + " headers";
  }
}

std::string beast_client::parse_error_text(const error_code& error) const {
  if (error == http::error::body_limit)
    return "the server's answer is larger than the limit of " + std::to_string(options_.max_response_bytes)
           + " bytes";
  if (error == http::error::header_limit)
    return "the headers of the server's answer are larger than " + std::to_string(max_header_bytes)
           + " bytes";
  return "the server's answer is no valid HTTP (" + error.message()
         + "); check that the address is the service's own and no proxy's";
}

/// The connection ended inside an answer: right only for one that lasts until then.
std::string beast_client::finish_at_close(parser& to) {
  // TLS tells an end from a cut: only the former counts.
  if (read_error_ == asio::error::eof && to.got_some()) {
    error_code error;
    to.put_eof(error);
    if (!error && to.is_done())
      return {};
  }
  return to.got_some() ? "the connection ended inside the server's answer: " + read_error_.message()
                       : "the server closed the connection without an answer: " + read_error_.message();
}

http_response beast_client::take(parser& from) {
  http_response out;
  out.status = static_cast<int>(from.get().result_int());
  for (auto& x : from.get())
    out.headers.emplace_back(std::string{x.name_string()}, std::string{x.value()});
  out.body = std::move(from.get().body());
  return out;
}

std::string beast_client::bytes_of(const http_request& request) const {
  std::string out;
  // In one piece: a buffer that grows would leave secrets behind in freed memory.
  auto size = request.method.size() + server_.path.size() + request.target.size() + server_.host.size()
              + options_.user_agent.size() + request.body.size() + 256;
  for (auto& [name, value] : request.headers)
    size += name.size() + value.size() + 4;
  for (auto& [name, value] : options_.secret_headers)
    size += name.size() + value.reveal().size() + 4;
  out.reserve(size);
  auto add = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.append(request.method).append(" ").append(server_.path).append(request.target).append(" HTTP/1.1\r\n");
  add("Host", authority(server_));
  add("User-Agent", options_.user_agent);
  add("Accept", "*/*");
  for (auto& [name, value] : options_.secret_headers)
    add(name, value.reveal());
  for (auto& [name, value] : request.headers)
    add(name, value);
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD"))
    add("Content-Length", std::to_string(request.body.size()));
  out.append("\r\n").append(request.body);
  return out;
}

/// Works until `done` is set; false when a deadline passed before.
bool beast_client::await(const bool& done) {
  while (!done && !request_deadline_.passed() && !connect_deadline_.passed())
    io_.run_one();
  return done;
}

void beast_client::start_reading() {
  if (reading_ || read_ended_)
    return;
  reading_ = true;
  ++pending_;
  wire_->read_some(asio::buffer(input_), [this](const error_code& error, std::size_t n) {
    --pending_;
    reading_ = false;
    read_ended_ = true;
    read_error_ = error;
    read_size_ = n;
  });
}

/// Closes the connection, if there is one, and lets its operations end: their handlers refer to it.
void beast_client::drop() {
  if (!wire_)
    return;
  error_code ignored;
  wire_->socket().close(ignored);
  while (pending_ > 0)
    io_.run_one();
  wire_.reset();
  reading_ = false;
  read_ended_ = false;
  read_error_ = {};
  read_size_ = 0;
  unparsed_.clear();
  idle_deadline_.stop();
}

std::string beast_client::connect_timeout_text(std::string_view doing) const {
  auto whole = request_deadline_.passed();
  auto limit = whole ? options_.request_timeout : options_.connect_timeout;
  return "no connection within " + std::to_string(limit.count()) + " ms (" + std::string{doing}
         + "); check the network and that the server runs";
}

std::string beast_client::request_timeout_text() const {
  return "no complete answer within " + std::to_string(options_.request_timeout.count())
         + " ms; the server may have done what was asked";
}

// -- opening ------------------------------------------------------------------------------------------------

failure refused(std::string reason) {
  return {failure_class::permanent, std::move(reason)};
}

result<asio::ssl::context> make_context(const http_client_options& options) {
  asio::ssl::context out{asio::ssl::context::tls_client};
  error_code error;
  out.set_verify_mode(asio::ssl::verify_peer, error);
  if (!error)
    out.set_default_verify_paths(error);
  if (error || SSL_CTX_set_min_proto_version(out.native_handle(), TLS1_2_VERSION) != 1)
    return refused("cannot set TLS up: " + error.message() + "; check the installation of OpenSSL");
  if (!options.ca_file.empty()) {
    out.load_verify_file(options.ca_file, error);
    if (error)
      return refused("cannot read certificates from " + options.ca_file + ": " + error.message()
                     + "; the file has to hold certificate authorities in PEM form");
  }
  return out;
}

std::string options_defect(const http_client_options& x) {
  if (x.user_agent.empty() || !is_header_value(x.user_agent))
    return "the user agent is empty or holds a control character";
  for (auto& [name, value] : x.secret_headers)
    if (auto defect = header_defect(name, value.reveal()); !defect.empty())
      return defect;
  if (x.connect_timeout <= duration::zero() || x.request_timeout <= duration::zero())
    return "a timeout is not positive";
  return {};
}

} // namespace

const std::string* http_response::header(std::string_view name) const {
  auto i = std::ranges::find_if(headers, [&](auto& x) { return same_name(x.first, name); });
  return i == headers.end() ? nullptr : &i->second;
}

result<std::unique_ptr<http_client>> open_http_client(const http_client_options& options) {
  auto server = parse_http_url(options.base_url);
  if (server.has_error())
    return server.error();
  if (!server->tls && !options.allow_plaintext && !is_loopback(*server))
    return refused("the address " + to_string(*server)
                   + " would send everything unencrypted; use https, or allow plain text");
  if (auto defect = options_defect(options); !defect.empty())
    return refused("cannot talk to " + to_string(*server) + ": " + defect);
  auto context = make_context(options);
  if (context.has_error())
    return context.error();
  return std::unique_ptr<http_client>{
      std::make_unique<beast_client>(options, std::move(*server), std::move(*context))};
}

} // namespace herald
