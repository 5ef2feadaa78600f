#include "adapters/store/sqlite/examine.hpp"

#include <exception>
#include <utility>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/schema.hpp"

namespace herald {

namespace {

file_facts look_at(sqlite::database& db) {
  file_facts out;
  out.schema_version = db.read_integer("PRAGMA user_version");
  auto found = db.query("PRAGMA quick_check(1)");
  out.integrity = found.step() ? found.text(0) : "ok";
  return out;
}

/// Why the file cannot be written. Takes the write lock and gives it back.
std::string why_not_writable(sqlite::database& db) {
  try {
    sqlite::transaction probe{db, sqlite::transaction::mode::write};
    return {};
  } catch (const sqlite::database_error& e) {
    return e.why().reason;
  }
}

/// Figures that the store knows anyway.
result<work_facts> work_of(sqlite_store& store, timestamp now, duration max_age) {
  auto status = store.status(now, max_age);
  if (!status)
    return status.error();
  auto outbox = store.summarize_outbox();
  if (!outbox)
    return outbox.error();
  work_facts out;
  out.left_behind = static_cast<std::int64_t>(status->stale);
  out.dead_letters = static_cast<std::int64_t>(status->dead);
  out.parked_mails = static_cast<std::int64_t>(outbox->parked);
  out.failed_mails = static_cast<std::int64_t>(outbox->failed);
  return out;
}

} // namespace

void examine_sqlite(const sqlite_options& options, const clock& time, duration max_age, doctor_facts& out) {
  out.where = "SQLite database '" + options.path + "'";
  out.wanted_version = sqlite::schema_version;
  auto existing = options;
  existing.create = false;
  auto store = open_sqlite_store(existing);
  if (!store) {
    out.unreachable = store.error().reason;
    return;
  }
  // A database in memory lives in its own connection alone.
  if (options.path != ":memory:")
    try {
      sqlite::database db{existing};
      out.file = look_at(db);
      out.file->not_writable = why_not_writable(db);
    } catch (const std::exception& e) {
      out.unreachable = e.what();
      return;
    }
  auto work = work_of(**store, time.now(), max_age);
  if (work)
    out.work = *work;
  else
    out.unreachable = work.error().reason;
}

} // namespace herald
