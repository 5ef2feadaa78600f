// Everything an operator may set, in the structs that stand beside their users. Defaults are those structs'
// own member initialisers and stand nowhere else; config/option_table.hpp says how each is called, bounded
// and described.
#pragma once

#include <cstdint>
#include <string>

#include "actors/email_batcher.hpp"
#include "actors/event_poller.hpp"
#include "actors/log.hpp"
#include "actors/mail_gate.hpp"
#include "actors/notification_writer.hpp"
#include "actors/resend_sender.hpp"
#include "actors/store_gate.hpp"
#include "actors/supervisor.hpp"
#include "adapters/mail/resend_transport.hpp"
#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "adapters/store/supabase/supabase_store.hpp"
#include "core/email/settings.hpp"
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

enum class store_kind : std::uint8_t {
  sqlite,
  postgres,
  supabase,
};

struct store_options {
  store_kind kind = store_kind::sqlite;
  sqlite_options sqlite;
  postgres_options postgres;
  supabase_options supabase;
  /// Ask the database to be woken (LISTEN). Without, and where it cannot be had, `look_every` is the pace.
  bool listen = true;
  /// How often Herald looks for new work in a store that cannot wake it.
  duration look_every{1'000};
};

enum class mail_transport_kind : std::uint8_t {
  automatic, ///< resend with an API key, capture without
  resend,
  capture,
};

struct email_options {
  /// Off: e-mails are queued and stay queued, for another program or for later.
  bool enabled = true;
  mail_transport_kind transport = mail_transport_kind::automatic;
  /// Where captured mails go as .eml files.
  std::string capture_dir = "captured-mail";
  /// Files here replace built-in templates of the same name; empty for none.
  std::string templates_dir;
  /// Every mail goes to `test_recipient`.
  bool test_mode = false;
  std::string test_recipient;
  /// Every mail goes here, whatever test_mode says; empty for the recipients.
  std::string force_to;
  email_settings look;
  email_batcher_config batcher;
};

/// The restart budgets. Strategies are not configured: they follow from how the stages are wired.
struct supervision_options {
  supervisor_options root;
  supervisor_options pipeline;
  supervisor_options email;
  /// A poison event legitimately crashes its handler a few times before it is found alone and quarantined.
  supervisor_options handlers{.max_restarts = 50};
};

struct configuration {
  /// Read and plan, write and send nothing. The loader hands it on to the fan-out and the e-mail stages, which
  /// have switches of their own besides.
  bool dry_run = false;
  daemon_options daemon;
  store_options store;
  event_poller_config poller;
  notification_writer_config writer;
  store_gate_config gate;
  handler_settings handlers;
  email_options email;
  resend_options resend;
  resend_sender_config sender;
  mail_gate_config mail_gate;
  supervision_options supervision;
  log_options log;
};

} // namespace herald
