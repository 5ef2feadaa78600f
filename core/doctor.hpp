// What facts about a store and its surroundings mean for Herald: a list of checks with a verdict, a reason and a remedy
// each. Pure; others gather the facts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"

namespace herald {

// -- facts --------------------------------------------------------------------------------------------------

/// A session over libpq.
struct session_facts {
  bool encrypted = false;
  /// E.g. `TLSv1.3`; empty without encryption.
  std::string protocol;
  /// As libpq understood it: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`, …
  std::string sslmode;
  /// Through a socket file or the loopback interface: nothing leaves the machine.
  bool local = false;
  /// Behind a connection pooler.
  bool pooled = false;
};

/// What the search for new events costs the database.
struct claim_facts {
  /// Ids between the newest event and the one up to which all is known to be settled.
  std::int64_t events_ahead = 0;
  /// Pages of 8 KiB; nothing when it was not tried because it would take too long.
  std::optional<std::int64_t> blocks;
  std::optional<std::int64_t> milliseconds;
  /// Tables that would be read from end to end.
  std::vector<std::string> scans;
};

struct access_facts {
  /// Names the platform's definition of who may view what.
  std::string fingerprint;
  /// Herald applies the rule itself, to all pairs at once.
  bool known = false;
};

/// What waits, or waits for a person.
struct work_facts {
  /// Events that a program without leases has claimed and never ended: those that Herald will take over, and those that
  /// are too old for it.
  std::int64_t left_behind = 0;
  std::int64_t left_behind_expired = 0;
  std::optional<timestamp> oldest_left_behind;
  /// The same for e-mails; nobody takes these over.
  std::int64_t emails_left_behind = 0;
  /// Events that a program other than Herald has claimed in the last ten minutes.
  std::int64_t foreign_claims = 0;
  std::int64_t dead_letters = 0;
  std::int64_t parked_mails = 0;
  std::int64_t failed_mails = 0;
};

/// The answer of `herald_doctor`, by the same names.
struct database_facts {
  /// E.g. 150008.
  std::int64_t server_version = 0;
  std::string server_version_text;
  /// A standby, or read-only by its settings.
  bool read_only = false;
  timestamp now{};
  std::optional<std::int64_t> schema_version;
  std::string role;
  bool bypasses_row_security = false;
  std::vector<std::string> missing_functions;
  /// This role may not execute them.
  std::vector<std::string> closed_functions;
  /// Others may, e.g. `herald_claim (anon)`.
  std::vector<std::string> open_functions;
  std::vector<std::string> missing_tables;
  /// Tables and sequences with what this role lacks on them, e.g. `profiles (update)`.
  std::vector<std::string> missing_rights;
  std::vector<std::string> open_tables;
  std::vector<std::string> missing_indexes;
  std::vector<std::string> invalid_indexes;
  std::vector<std::string> missing_triggers;
  std::vector<std::string> disabled_triggers;
  // Nothing where the role may not look.
  std::optional<claim_facts> claim;
  std::optional<access_facts> access;
  std::optional<work_facts> work;
};

/// The embedded store.
struct file_facts {
  /// What the integrity check found; `ok` when nothing.
  std::string integrity;
  std::int64_t schema_version = 0;
  /// Why it cannot be written; empty when it can.
  std::string not_writable;
};

/// What the mail provider says of the sender's domain.
struct sender_facts {
  enum class answer : std::uint8_t {
    not_asked,   ///< `why` says why not
    listed,      ///< the provider gave its list
    restricted,  ///< the key may only send
    refused,     ///< the provider does not take the key
    unreachable, ///< no answer, or none that can be read
  };

  answer outcome = answer::not_asked;
  std::string why;
  /// Of the address that mails come from.
  std::string domain;
  /// As the provider calls it, e.g. `verified`; empty when the domain is not on its list.
  std::string status;
};

/// A key or password that the configuration may need.
struct key_facts {
  std::string name;
  bool present = false;
  bool needed = false;
  /// What it is for.
  std::string purpose;
};

enum class doctor_store : std::uint8_t { sqlite, postgres, supabase };

struct doctor_facts {
  doctor_store store = doctor_store::sqlite;
  /// What to call the store in messages.
  std::string where;
  /// Why it cannot be reached or opened; empty when it can.
  std::string unreachable;
  std::optional<session_facts> session;
  /// Why the database did not tell about itself, while it can be reached.
  std::string unanswered;
  std::optional<database_facts> database;
  std::optional<file_facts> file;
  /// Of the embedded store; in a database these are among its own facts.
  std::optional<work_facts> work;
  /// The program's.
  std::int64_t wanted_version = 0;
  /// Of the database, by other ways than its own answer; nothing when it is not known.
  std::optional<std::int64_t> schema_version;
  /// Files of the migration that this program would apply.
  std::vector<std::string> pending_files;
  /// How far the database's clock is ahead of this machine's, give or take half of `round_trip`.
  std::optional<duration> clock_skew;
  duration round_trip{};
  /// How long a claim holds.
  duration lease{60'000};
  sender_facts sender;
  std::vector<key_facts> keys;
  /// What is wrong with the configuration of mails; empty when nothing is.
  std::string mail_error;
};

// -- verdicts -----------------------------------------------------------------------------------------------

enum class verdict : std::uint8_t {
  ok,
  warning, ///< it works, and somebody should know
  failed,  ///< it does not work, or not safely
  skipped, ///< it could not be, or need not be, looked at
};

std::string_view to_string(verdict x);

struct health_check {
  /// Stable, for scripts.
  std::string name;
  verdict outcome = verdict::ok;
  std::string reason;
  /// What to do; empty when there is nothing.
  std::string remedy;
};

/// In the order in which an operator would look.
std::vector<health_check> judge(const doctor_facts& facts);

/// The worst of them: failed, else warning, else ok.
verdict overall(const std::vector<health_check>& checks);

} // namespace herald
