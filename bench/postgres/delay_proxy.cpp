// One thread and poll(): what was read waits in a queue with the time at which it may go on.
#include "bench/postgres/delay_proxy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace herald::bench {

namespace {

using clock_type = std::chrono::steady_clock;

sockaddr_un address_in(const std::string& directory) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  auto path = directory + "/.s.PGSQL.5432";
  if (path.size() >= sizeof(out.sun_path))
    throw std::runtime_error("the path of the socket is too long: " + path);
  std::memcpy(out.sun_path, path.c_str(), path.size() + 1);
  return out;
}

int new_socket(int more_flags) {
  auto out = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | more_flags, 0);
  if (out < 0)
    throw std::runtime_error("cannot make a socket");
  return out;
}

/// One direction of a connection.
struct direction {
  struct piece {
    clock_type::time_point due;
    std::vector<char> bytes;
    std::size_t sent = 0;
  };

  int from = -1;
  int to = -1;
  std::deque<piece> waiting;
  bool ended = false;

  /// Takes what has come in.
  void take(std::chrono::milliseconds delay) {
    std::vector<char> buffer(std::size_t{1} << 18);
    auto n = read(from, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    buffer.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    ended = n <= 0;
    waiting.push_back({clock_type::now() + delay, std::move(buffer)});
  }

  bool due(clock_type::time_point now) const { return !waiting.empty() && waiting.front().due <= now; }

  /// Passes on what is due. False when the connection is over.
  bool pass_on(clock_type::time_point now) {
    while (due(now)) {
      auto& x = waiting.front();
      if (x.bytes.empty())
        return false;
      auto n = send(to, x.bytes.data() + x.sent, x.bytes.size() - x.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      x.sent += static_cast<std::size_t>(n);
      if (x.sent < x.bytes.size())
        return true;
      waiting.pop_front();
    }
    return true;
  }
};

struct link {
  direction to_server;
  direction to_client;

  link(int client, int server) : to_server{client, server, {}}, to_client{server, client, {}} {}
  link(const link&) = delete;
  link& operator=(const link&) = delete;
  ~link() {
    close(to_server.from);
    close(to_client.from);
  }
};

} // namespace

delay_proxy::delay_proxy(const std::string& directory, const std::string& server,
                         std::chrono::milliseconds one_way)
    : server_{server}, one_way_{one_way}, listener_{new_socket(SOCK_NONBLOCK)} {
  auto here = address_in(directory);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&here), sizeof(here)) != 0 || listen(listener_, 64) != 0)
    throw std::runtime_error("cannot listen in " + directory);
  thread_ = std::jthread{[this] { work(); }};
}

delay_proxy::~delay_proxy() {
  ending_ = true;
  thread_.join();
  close(listener_);
}

void delay_proxy::work() {
  std::list<link> links;
  while (!ending_) {
    auto now = clock_type::now();
    auto wake = now + std::chrono::milliseconds{100};
    std::vector<pollfd> polled{{listener_, POLLIN, 0}};
    for (auto& x : links)
      for (auto* d : {&x.to_server, &x.to_client}) {
        // The other direction's socket is this one's target: one entry tells of both.
        auto* back = d == &x.to_server ? &x.to_client : &x.to_server;
        auto events = (d->ended ? 0 : POLLIN) | (back->due(now) ? POLLOUT : 0);
        polled.push_back({d->from, static_cast<short>(events), 0});
        if (!d->waiting.empty() && !d->due(now))
          wake = std::min(wake, d->waiting.front().due);
      }
    auto pause =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::max(wake - now, clock_type::duration{0}));
    timespec limit{pause.count() / 1'000'000'000, pause.count() % 1'000'000'000};
    ppoll(polled.data(), polled.size(), &limit, nullptr);
    std::size_t i = 1;
    now = clock_type::now();
    for (auto at = links.begin(); at != links.end();) {
      for (auto* d : {&at->to_server, &at->to_client})
        if ((polled[i++].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !d->ended)
          d->take(one_way_);
      auto alive = at->to_server.pass_on(now) && at->to_client.pass_on(now);
      at = alive ? std::next(at) : links.erase(at);
    }
    auto client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
      continue;
    auto server = new_socket(0);
    auto there = address_in(server_);
    if (connect(server, reinterpret_cast<sockaddr*>(&there), sizeof(there)) != 0) {
      close(client);
      close(server);
      continue;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    links.emplace_back(client, server);
  }
}

} // namespace herald::bench
