// A longer way to PostgreSQL: passes bytes between a socket of its own and the server's, each after a delay,
// as a network would. Bandwidth is not limited.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace herald::bench {

class delay_proxy {
public:
  /// Listens in `directory` as a server on port 5432 would; `server` is the directory of the real one's socket.
  /// Every byte takes `one_way` longer in either direction.
  delay_proxy(const std::string& directory, const std::string& server, std::chrono::milliseconds one_way);
  delay_proxy(const delay_proxy&) = delete;
  delay_proxy& operator=(const delay_proxy&) = delete;

  /// Breaks all connections.
  ~delay_proxy();

private:
  void work();

  std::string server_;
  std::chrono::milliseconds one_way_;
  int listener_ = -1;
  std::atomic<bool> ending_{false};
  std::jthread thread_;
};

} // namespace herald::bench
