// Stands between a client and the server as a connection pooler does: passes everything on, but names itself
// as the process behind the session. On demand it loses an answer, and the connection with it.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "messages/secret.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

/// For one client at a time.
class fake_pooler {
public:
  explicit fake_pooler(const std::string& server_directory)
      : server_{server_directory + "/.s.PGSQL.5432"}, listener_{make_socket()}, stop_{
                                                                                    eventfd(0, EFD_CLOEXEC)} {
    auto address = address_of(dir_.file(".s.PGSQL.5432"));
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0
        || listen(listener_, 4) != 0)
      throw std::runtime_error("the fake pooler cannot listen");
    thread_ = std::thread{[this] { serve(); }};
  }

  fake_pooler(const fake_pooler&) = delete;
  fake_pooler& operator=(const fake_pooler&) = delete;

  ~fake_pooler() {
    eventfd_write(stop_, 1);
    thread_.join();
    close(stop_);
    close(listener_);
  }

  /// The server will get the next request and the client will not get its answer: both are cut off instead.
  void lose_next_answer() { lose_answer_ = true; }

  secret url(const std::string& database) const {
    return secret{"host=" + dir_.path().string() + " port=5432 dbname=" + database + " user=postgres"};
  }

private:
  static int make_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    path.copy(out.sun_path, sizeof out.sun_path - 1);
    return out;
  }

  /// False when the pooler is to stop.
  bool readable(std::array<pollfd, 3>& on, nfds_t n) const {
    on[0] = {stop_, POLLIN, 0};
    return poll(on.data(), n, -1) > 0 && on[0].revents == 0;
  }

  void serve() {
    std::array<pollfd, 3> on{};
    on[1] = {listener_, POLLIN, 0};
    while (readable(on, 2)) {
      auto client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      auto server = make_socket();
      auto address = address_of(server_);
      if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        pass_on(client, server);
      close(client);
      close(server);
    }
  }

  void pass_on(int client, int server) {
    std::array<pollfd, 3> on{pollfd{}, pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    while (readable(on, 3)) {
      if (on[1].revents != 0 && !copy(client, server, false))
        return;
      if (on[2].revents != 0 && lose_answer_.exchange(false)) {
        await_end_of_answer(server);
        return;
      }
      if (on[2].revents != 0 && !copy(server, client, true))
        return;
    }
  }

  /// The server is done with a request when it says that it is ready for the next one.
  static void await_end_of_answer(int server) {
    constexpr auto ready = std::string_view{"Z\0\0\0\5", 5};
    std::string answer;
    std::array<char, 65'536> buffer;
    while (answer.find(ready) == std::string::npos) {
      auto n = read(server, buffer.data(), buffer.size());
      if (n <= 0)
        return;
      answer.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  static bool copy(int from, int to, bool rename) {
    std::array<char, 65'536> buffer;
    auto n = read(from, buffer.data(), buffer.size());
    if (n <= 0)
      return false;
    // BackendKeyData: the type, the length, the process, its key.
    auto head = std::string_view{"K\0\0\0\x0c", 5};
    auto at = std::string_view{buffer.data(), static_cast<std::size_t>(n)}.find(head);
    if (rename && at != std::string_view::npos)
      std::memset(buffer.data() + at + head.size(), 1, 4);
    return write(to, buffer.data(), static_cast<std::size_t>(n)) == n;
  }

  temp_dir dir_;
  std::string server_;
  int listener_;
  int stop_;
  std::atomic<bool> lose_answer_{false};
  std::thread thread_;
};

} // namespace herald::test
