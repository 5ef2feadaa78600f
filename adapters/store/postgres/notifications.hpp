// Wake-ups from the database: LISTEN on a connection of its own. They save time and nothing else: one may be
// lost, so whoever waits here polls as well, at a slower pace.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/store/postgres/postgres_store.hpp"
#include "core/idle_backoff.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald {

struct notification_options {
  postgres_options database;
  std::vector<std::string> channels;
  /// Pauses before a broken connection is opened again: the first, twice that, and so on up to the last.
  duration min_reconnect{500};
  duration max_reconnect{30'000};
  /// A pooler in session mode passes notifications on, one in transaction mode loses them, and from here they
  /// look the same. False: behind either, wait() fails.
  bool through_pooler = false;
};

/// Belongs to one thread; only interrupt() may be called from others. Connects in the first wait().
class notifications {
public:
  virtual ~notifications() = default;

  /// Waits until a channel is notified, and returns the names of those that were; none when `limit` has
  /// passed or somebody interrupted. After a new connection, the first one included, all channels are
  /// returned: what was notified before is lost. Fails
  ///  - `outage` when there is no connection, after a pause of at most `limit`: it may be called in a loop;
  ///  - `permanent` behind a connection pooler, and when the URL is none: poll instead.
  virtual result<std::vector<std::string>> wait(duration limit) = 0;

  /// Ends the wait that is under way, or else the next one.
  virtual void interrupt() = 0;
};

/// Does not connect yet. Fails (outage) when the process has no file descriptors left.
result<std::unique_ptr<notifications>> open_notifications(const notification_options& options);

} // namespace herald
