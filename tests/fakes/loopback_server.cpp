#include "tests/fakes/loopback_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <sys/socket.h>

namespace herald::test {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// Bytes of a connection through blocking calls. Other threads end them by ::shutdown of the socket.
template <class Stream> class talk final : public conversation {
public:
  talk(Stream& stream, tcp::socket& socket, std::size_t number)
      : stream_{stream}, socket_{socket}, number_{number} {}

  std::size_t number() const override { return number_; }

  std::string server_name() const override {
    const char* name = nullptr;
    if constexpr (!std::is_same_v<Stream, tcp::socket>)
      name = SSL_get_servername(stream_.native_handle(), TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
  }

  std::optional<raw_request> read_request() override {
    http::request_parser<http::string_body> parser;
    parser.body_limit(64U * 1024U * 1024U);
    parser.header_limit(256U * 1024U);
    parser.eager(true);
    while (!parser.is_done()) {
      error_code error;
      if (!unparsed_.empty()) {
        unparsed_.erase(0, parser.put(asio::buffer(unparsed_), error));
        if (error && error != http::error::need_more)
          return std::nullopt;
        if (parser.is_done() || (!error && !unparsed_.empty()))
          continue;
      }
      if (!read_some())
        return std::nullopt;
    }
    auto& message = parser.get();
    raw_request out{std::string{message.method_string()}, std::string{message.target()}, {}, message.body()};
    for (auto& x : message)
      out.headers.emplace_back(std::string{x.name_string()}, std::string{x.value()});
    return out;
  }

  bool write(std::string_view bytes) override {
    error_code error;
    asio::write(stream_, asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
  }

  void wait_for_close() override {
    while (read_some())
      unparsed_.clear();
  }

  void close_by_reset() override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    polite_ = false;
  }

  void close_by_cut() override { polite_ = false; }

  bool polite() const { return polite_; }

private:
  bool read_some() {
    std::array<char, 16U * 1024U> bytes;
    error_code error;
    auto n = stream_.read_some(asio::buffer(bytes), error);
    unparsed_.append(bytes.data(), n);
    return !error;
  }

  Stream& stream_;
  tcp::socket& socket_;
  std::size_t number_;
  std::string unparsed_;
  bool polite_ = true;
};

} // namespace

const std::string* raw_request::header(std::string_view name) const {
  auto i = std::ranges::find_if(headers, [&](auto& x) { return same_name(x.first, name); });
  return i == headers.end() ? nullptr : &i->second;
}

bool conversation::answer(int status, std::string_view body,
                          const std::vector<std::pair<std::string, std::string>>& headers) {
  auto out = "HTTP/1.1 " + std::to_string(status) + " "
             + std::string{http::obsolete_reason(static_cast<http::status>(status))} + "\r\n";
  for (auto& [name, value] : headers)
    out += name + ": " + value + "\r\n";
  out += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
  return write(out.append(body));
}

struct loopback_server::state {
  asio::io_context io;
  tcp::acceptor acceptor{io, {asio::ip::make_address("127.0.0.1"), 0}};
  std::optional<asio::ssl::context> tls;
  script play;
  std::atomic<std::size_t> accepted{0};

  std::mutex mutex;
  std::condition_variable ended;
  std::size_t ended_count = 0;
  bool stopping = false;
  struct connection {
    tcp::socket socket;
    std::thread thread;
  };
  std::list<connection> open;
  std::list<connection> finished;
  std::thread accepting;

  explicit state(script x) : play{std::move(x)} {}

  void accept() {
    while (true) {
      error_code error;
      auto socket = acceptor.accept(error);
      std::lock_guard guard{mutex};
      if (stopping)
        return;
      if (error)
        continue;
      join(finished);
      auto place = open.insert(open.end(), connection{std::move(socket), {}});
      place->thread = std::thread{[this, place, number = accepted++] { serve(place, number); }};
    }
  }

  void serve(std::list<connection>::iterator place, std::size_t number) {
    converse(place->socket, number);
    std::lock_guard guard{mutex};
    error_code ignored;
    place->socket.close(ignored);
    finished.splice(finished.end(), open, place);
    ++ended_count;
    ended.notify_all();
  }

  void converse(tcp::socket& socket, std::size_t number) {
    error_code error;
    socket.set_option(tcp::no_delay{true}, error);
    if (!tls) {
      talk side{socket, socket, number};
      play(side);
      return;
    }
    asio::ssl::stream<tcp::socket&> stream{socket, *tls};
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error)
      return;
    talk side{stream, socket, number};
    play(side);
    // Sends the end mark, and waits for the client's.
    if (side.polite())
      stream.shutdown(error);
  }

  static void join(std::list<connection>& all) {
    for (auto& x : all)
      x.thread.join();
    all.clear();
  }
};

loopback_server::loopback_server(script play, const std::optional<server_identity>& identity)
    : state_{std::make_unique<state>(std::move(play))} {
  if (identity) {
    state_->tls.emplace(asio::ssl::context::tls_server);
    state_->tls->use_certificate_chain(asio::buffer(identity->certificate));
    state_->tls->use_private_key(asio::buffer(identity->key), asio::ssl::context::pem);
  }
  state_->accepting = std::thread{[this] { state_->accept(); }};
}

loopback_server::~loopback_server() {
  {
    std::lock_guard guard{state_->mutex};
    state_->stopping = true;
    ::shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
    for (auto& x : state_->open)
      ::shutdown(x.socket.native_handle(), SHUT_RDWR);
  }
  state_->accepting.join();
  std::unique_lock lock{state_->mutex};
  state_->ended.wait(lock, [this] { return state_->open.empty(); });
  state::join(state_->finished);
}

std::uint16_t loopback_server::port() const {
  return state_->acceptor.local_endpoint().port();
}

std::string loopback_server::base_url() const {
  return (state_->tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port());
}

std::size_t loopback_server::connections() const {
  return state_->accepted;
}

bool loopback_server::wait_for_ended(std::size_t conversations, std::chrono::milliseconds limit) const {
  std::unique_lock lock{state_->mutex};
  return state_->ended.wait_for(lock, limit, [&] { return state_->ended_count >= conversations; });
}

} // namespace herald::test
