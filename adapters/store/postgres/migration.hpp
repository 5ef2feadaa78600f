// Puts Herald's tables, functions, triggers and indexes into a platform's database, and says what is missing there. Works
// out what to do in a pure function, so that a dry run shows exactly what a run would do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/store/postgres/connection.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald::postgres {

/// The version that deploy/sql makes; 001_tables.sql writes the same number.
inline constexpr std::int64_t schema_version = 1;

// -- files --------------------------------------------------------------------------------------------------

struct sql_file {
  std::string_view name;
  std::string_view text;
};

/// Each list in the order in which its files are applied. A file whose name ends with `_concurrently.sql` is sent
/// statement by statement, outside a transaction.
struct migration_files {
  std::int64_t version = 0;
  /// The platform's own schema, for a database that has nothing.
  std::vector<sql_file> base;
  std::vector<sql_file> herald;
};

/// The files that the program was built with.
migration_files embedded_migration();

/// Changes whenever the text does. It finds changes, not forgeries.
std::string checksum(std::string_view text);

/// What a file makes, as `KIND NAME`: function, table, column, trigger, index. In the file's order.
std::vector<std::string> objects_of(const sql_file& x);

/// The names of one kind that all of Herald's files make, sorted.
std::vector<std::string> objects_of(const migration_files& x, std::string_view kind);

// -- what is there ------------------------------------------------------------------------------------------

struct recorded_file {
  /// Of a file, or of an index in one: `010_indexes_concurrently.sql: herald_x`.
  std::string name;
  std::string checksum;
  /// ISO 8601, UTC.
  std::string applied_at;
};

struct schema_state {
  /// Nothing: Herald has never been here.
  std::optional<std::int64_t> version;
  std::vector<recorded_file> files;
  /// As objects_of() names them, in the schema `public`; besides, `role anon` and the like.
  std::set<std::string, std::less<>> objects;
  /// Names of indexes whose build did not end.
  std::set<std::string, std::less<>> invalid_indexes;
  /// Tables of the platform that the session's role may not change.
  std::vector<std::string> foreign_tables;
};

result<schema_state> read_schema(connection& db);

// -- what to do ---------------------------------------------------------------------------------------------

struct migration_options {
  /// First make the platform's tables, where there are none at all. For self-hosting, tests and demonstrations.
  bool with_base = false;
  /// Apply every file, also those that are recorded as applied and whose objects are there: gives back rights.
  bool again = false;
};

struct migration_step {
  /// `001_tables.sql`, or `base/001_roles.sql`.
  std::string file;
  /// Why: `new`, `changed`, `lacks function herald_claim`, …
  std::string reason;
  /// What is sent, without the lines that manage the transaction.
  std::string sql;
  /// What the file says about locks; empty when it locks none of the platform's tables.
  std::vector<std::string> locks;
};

struct migration_plan {
  /// In one transaction.
  std::vector<migration_step> scripts;
  /// One by one, outside a transaction.
  std::vector<migration_step> statements;
  /// What is recorded in the end, besides the scripts: indexes, and the files that they are in. Without a time.
  std::vector<recorded_file> records;

  bool empty() const { return scripts.empty() && statements.empty() && records.empty(); }
};

/// Pure. Fails (permanent) when the database must not or cannot be migrated: its version is newer than the files',
/// roles or tables of the platform are missing (or, with_base, there in part), the role does not own the tables.
result<migration_plan> plan_migration(const migration_files& files, const schema_state& state,
                                      const migration_options& options = {});

// -- doing it -----------------------------------------------------------------------------------------------

struct migration_run {
  migration_options what;
  /// How long a transaction waits for a lock before it gives way to those who queue behind it, and tries again.
  duration lock_timeout{1'000};
  /// How often, with pauses that grow from the first to the last.
  std::uint32_t lock_tries = 20;
  duration min_pause{500};
  duration max_pause{10'000};
  /// How long the build of an index waits for transactions that are older than it; nobody queues behind it.
  duration index_patience{600'000};
  /// The pooler in front of the database is in session mode: migrate through it.
  bool through_pooler = false;
  /// Told in sentences how it goes; may be empty.
  std::function<void(const std::string&)> progress;
  /// Waits; sleeps when empty.
  std::function<void(duration)> pause;
};

struct migration_report {
  /// Before; nothing for a new database.
  std::optional<std::int64_t> from;
  std::int64_t to = 0;
  /// Files and statements that were carried out.
  std::size_t scripts = 0;
  std::size_t statements = 0;
  /// How often it gave way to somebody's lock.
  std::uint32_t retries = 0;
};

/// Connects without a statement time-out, for looking or for migrating.
result<connection> connect_for_migration(postgres_options options);

/// Brings the database up to the files, alone among all that try: the others wait for it. A run that was interrupted at
/// any point is completed by the next one. Fails
///  - `permanent` as plan_migration does, behind a connection pooler, and on SQL that the server refuses;
///  - `outage` when the connection cannot be made or breaks, or a lock was not granted in all tries.
result<migration_report> migrate(connection& db, const migration_files& files, const migration_run& run);

} // namespace herald::postgres
