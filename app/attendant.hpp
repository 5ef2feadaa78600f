// What the daemon keeps an eye on beside the pipeline: changes to the store by others, and restarts worth
// keeping.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "actors/log.hpp"
#include "adapters/store/store.hpp"
#include "app/session.hpp"
#include "app/store_watch.hpp"
#include "config/configuration.hpp"

namespace herald {

/// Watches on a thread of its own from construction on: a database that hangs must not keep the main thread
/// from its signals.
class attendant {
public:
  /// @pre `pipeline` outlives this
  attendant(const configuration& cfg, session& pipeline, std::string worker, logger log);

  /// Stops.
  ~attendant();

  attendant(const attendant&) = delete;
  attendant& operator=(const attendant&) = delete;

  /// Asks the watch to end, without waiting for it.
  void interrupt();

  /// Ends the watch; waits for as long as a database that hangs may take to connect to.
  void stop();

  /// Keeps restarts for `herald status`. What cannot be written now is tried again next time.
  /// @pre stopped, but for the watch's own use
  void record();

private:
  void watch();

  const configuration& cfg_;
  session& pipeline_;
  std::string worker_;
  logger log_;
  std::unique_ptr<store_watch> changes_;
  std::unique_ptr<full_store> store_;
  std::vector<supervision_note> unrecorded_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace herald
