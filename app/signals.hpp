// Signals as values: blocked in every thread, taken by the main thread when it chooses to.
#pragma once

#include <csignal>
#include <optional>

#include "messages/time.hpp"

namespace herald {

/// Create one in main() before the first thread starts: threads inherit the block.
class signal_watch {
public:
  /// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1, ignores SIGPIPE.
  signal_watch();

  /// The next signal, or nothing after `limit`.
  std::optional<int> wait(duration limit) const;

  /// Makes wait() return SIGUSR1. From any thread.
  void interrupt() const;

  /// From now on a further SIGTERM or SIGINT, or the end of `limit`, ends the process at once with `code`.
  void end_on_next(duration limit, int code) const;

private:
  sigset_t set_{};
};

} // namespace herald
