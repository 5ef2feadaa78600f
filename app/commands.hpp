// The commands that look and repair: everything of the command line that does not run the pipeline. Each
// returns an exit code; results go to stdout, errors to stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/clock.hpp"
#include "config/configuration.hpp"

namespace herald {

/// What `herald emit` was given: either a file (`-` for standard input) or a type with fields.
struct emit_arguments {
  std::string file;
  std::string type;
  std::vector<std::string> fields;
  std::optional<std::string> payload;
};

int emit_events(const configuration&, const clock&, const emit_arguments&, bool json);

int print_status(const configuration&, const clock&, bool json);

int explain_event(const configuration&, std::int64_t event_id, bool json);

enum class dead_action : std::uint8_t { list, retry, drop };

struct dead_arguments {
  dead_action action = dead_action::list;
  std::vector<std::int64_t> event_ids;
  /// Retry or drop every dead letter. Without it and without ids nothing is done.
  bool all = false;
  std::uint32_t limit = 100;
};

int handle_dead_letters(const configuration&, const clock&, const dead_arguments&, bool json);

// -- the database -------------------------------------------------------------------------------------------

struct migrate_arguments {
  /// Look only: versions, applied and pending files.
  bool status = false;
  /// See postgres::migration_options.
  bool with_base = false;
  bool again = false;
  /// The pooler in front of the database is in session mode.
  bool session_pooler = false;
};

/// Migrates the PostgreSQL database of store.postgres.url, whatever store.kind says. With `dry_run` of the
/// configuration it prints what would be done and does nothing.
int migrate_database(const configuration&, const migrate_arguments&, bool json);

/// Looks at the configuration, the store and the provider, and says what is wrong. Fails when a check does.
int examine(const configuration&, const clock&, bool json);

// -- e-mail -------------------------------------------------------------------------------------------------

struct preview_arguments {
  /// An event type, or `digest`; ignored with a row.
  std::string name;
  /// A row of `pending_emails`: shows the mail it goes out in.
  std::optional<std::int64_t> row;
  /// Where the HTML goes; empty for stdout.
  std::string out;
  /// Print the text part instead of the HTML.
  bool text = false;
};

int preview_mail(const configuration&, const clock&, const preview_arguments&, bool json);

enum class mail_action : std::uint8_t { list, resend, drop };

struct mail_arguments {
  mail_action action = mail_action::list;
  std::vector<std::int64_t> mail_ids;
  /// Every failed mail; never the parked ones, which may have reached somebody.
  bool all_failed = false;
  std::uint32_t limit = 100;
};

int handle_stuck_mails(const configuration&, const clock&, const mail_arguments&, bool json);

// -- time-driven jobs ---------------------------------------------------------------------------------------

struct jobs_arguments {
  /// Entries of the ledger to show per job (≥ 1).
  std::uint32_t history = 1;
};

/// Shows when each job runs next, how its last runs ended, and how the calendar watches stand.
int print_jobs(const configuration&, const clock&, const jobs_arguments&, bool json);

} // namespace herald
