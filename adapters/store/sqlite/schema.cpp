#include "adapters/store/sqlite/schema.hpp"

#include <string>

extern "C" const char herald_sqlite_schema[];
extern "C" const char herald_sqlite_schema_end[];

namespace herald::sqlite {

namespace {

/// "HRLD", so that file(1) and Herald itself know whose database a file is.
constexpr std::int64_t application_id = 0x48524c44;

database_error refused(const database& db, const std::string& why) {
  return database_error{{failure_class::permanent, "SQLite database '" + db.path() + "': " + why}};
}

std::int64_t version_of(database& db) {
  return db.read_integer("PRAGMA user_version");
}

bool is_empty(database& db) {
  return db.read_integer("SELECT count(*) FROM sqlite_schema") == 0;
}

void create_schema(database& db) {
  auto tx = transaction{db, transaction::mode::write};
  // Another process may have been faster while we waited for the lock.
  if (!is_empty(db))
    return;
  db.execute_script({herald_sqlite_schema, herald_sqlite_schema_end});
  db.execute_script("PRAGMA application_id = " + std::to_string(application_id));
  db.execute_script("PRAGMA user_version = " + std::to_string(schema_version));
  tx.commit();
}

} // namespace

void prepare_schema(database& db, bool create) {
  if (is_empty(db)) {
    if (!create)
      throw refused(db, "the file holds no schema yet; run `herald migrate`, or let Herald create it");
    create_schema(db);
  }
  if (db.read_integer("PRAGMA application_id") != application_id)
    throw refused(db, "the file belongs to another program; choose another path for Herald");
  if (auto version = version_of(db); version != schema_version)
    throw refused(
        db, "its schema has version " + std::to_string(version) + " and this program knows version "
                + std::to_string(schema_version)
                + "; nothing was changed; use the release of Herald that wrote the file, or a newer one");
}

} // namespace herald::sqlite
