// Everything an operator may set, in the structs that stand beside their users. Defaults are those structs'
// own member initialisers and stand nowhere else; config/option_table.hpp says how each is called, bounded
// and described.
#pragma once

#include <cstdint>
#include <string>

#include "actors/event_poller.hpp"
#include "actors/log.hpp"
#include "actors/notification_writer.hpp"
#include "actors/store_gate.hpp"
#include "actors/supervisor.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "core/handlers.hpp"
#include "messages/time.hpp"

namespace herald {

struct daemon_options {
  /// Names this daemon in claims, unique among all replicas; empty: host name and process id.
  std::string worker_id;
  /// How long a shutdown may take to finish or release what is in flight.
  duration drain_deadline{25'000};
  /// Threads of the actor scheduler (1 to 64).
  std::uint32_t scheduler_threads = 2;
  /// Where all jitter starts from; the same seed gives the same back-offs. The loader derives the seeds of
  /// the writer and the supervisors from it.
  std::uint64_t seed = 1;
};

enum class store_kind : std::uint8_t { sqlite };

struct store_options {
  store_kind kind = store_kind::sqlite;
  sqlite_options sqlite;
};

/// The restart budgets. Strategies are not configured: they follow from how the stages are wired.
struct supervision_options {
  supervisor_options root;
  supervisor_options pipeline;
  /// A poison event legitimately crashes its handler a few times before it is found alone and quarantined.
  supervisor_options handlers{.max_restarts = 50};
};

struct configuration {
  /// Read and plan, write nothing. The loader copies it to poller.dry_run and writer.dry_run.
  bool dry_run = false;
  daemon_options daemon;
  store_options store;
  event_poller_config poller;
  notification_writer_config writer;
  store_gate_config gate;
  handler_settings handlers;
  supervision_options supervision;
  log_options log;
};

} // namespace herald
