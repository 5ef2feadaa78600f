// Everything an operator may set, in the structs that stand beside their users. Defaults are those structs'
// own member initialisers and stand nowhere else; config/option_table.hpp says how each is called, bounded
// and described.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "actors/email_batcher.hpp"
#include "actors/event_poller.hpp"
#include "actors/jobs/job_runner.hpp"
#include "actors/jobs/watch_renewal_job.hpp"
#include "actors/log.hpp"
#include "actors/mail_gate.hpp"
#include "actors/notification_writer.hpp"
#include "actors/resend_sender.hpp"
#include "actors/store_gate.hpp"
#include "actors/supervisor.hpp"
#include "adapters/calendar/google_calendar.hpp"
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

/// What all time-driven jobs have in common.
struct job_options {
  schedule_settings schedule;
  /// A run that takes longer is broken off.
  duration deadline{10 * 60'000};
};

struct jobs_options {
  /// Off: no job runs by itself, because other programs still do their work; by hand they run.
  bool enabled = true;
  job_options meeting_reminders{{.job = std::string{meeting_reminders_job}, .rule = "*/5 * * * *"}};
  job_options unread_nudges{{.job = std::string{unread_nudges_job}, .rule = "*/15 * * * *"}};
  job_options resume_nudges{{.job = std::string{resume_nudges_job}, .rule = "0 */6 * * *"}};
  job_options calendar_watches{{.job = std::string{calendar_watches_job}, .rule = "0 2,8,14,20 * * *"}};
  /// What is asked of the store; chunk, time and claim are the run's.
  meeting_reminders_request reminders;
  unread_nudges_request unread;
  resume_nudges_request resumes;
  watch_renewal_config watches;
  /// The platform's own address, which the calendar provider calls.
  std::string backend_url;
  /// Rows of the outer table per store call.
  std::uint32_t chunk = 1'000;
  job_retry_policy retries;
  /// How long the ledger of runs is kept.
  duration keep{std::chrono::hours{24 * 90}};

  /// Every job, in the order in which people are shown them.
  std::array<const job_options*, 4> all() const {
    return {&meeting_reminders, &unread_nudges, &resume_nudges, &calendar_watches};
  }

  std::array<job_options*, 4> all() {
    return {&meeting_reminders, &unread_nudges, &resume_nudges, &calendar_watches};
  }
};

/// The restart budgets. Strategies are not configured: they follow from how the stages are wired.
struct supervision_options {
  supervisor_options root;
  supervisor_options pipeline;
  supervisor_options email;
  supervisor_options jobs;
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
  jobs_options jobs;
  google_options google;
  supervision_options supervision;
  log_options log;
};

} // namespace herald
