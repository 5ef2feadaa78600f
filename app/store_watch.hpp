// Notices that somebody changed the store: from the database where it can tell, by looking now and then where
// it cannot.
#pragma once

#include <memory>

#include "actors/log.hpp"
#include "config/configuration.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald {

/// What may have changed.
struct store_changes {
  bool events = false;
  bool emails = false;
};

/// Belongs to one thread; only interrupt() may be called from others.
class store_watch {
public:
  virtual ~store_watch() = default;

  /// Waits for a change, at most for `limit`. What cannot be known counts as changed. Never fails: what keeps
  /// it from listening goes to the log, once, and it looks instead.
  virtual store_changes wait(duration limit) = 0;

  /// Ends the wait that is under way, or else the next one.
  virtual void interrupt() = 0;
};

std::unique_ptr<store_watch> watch_store(const store_options& options, const logger& log);

} // namespace herald
