#include "adapters/store/sqlite/schema.hpp"

#include <array>
#include <string>
#include <string_view>

extern "C" const char herald_sqlite_schema[];
extern "C" const char herald_sqlite_schema_end[];
extern "C" const char herald_sqlite_upgrade_3[];
extern "C" const char herald_sqlite_upgrade_3_end[];
extern "C" const char herald_sqlite_upgrade_4[];
extern "C" const char herald_sqlite_upgrade_4_end[];

namespace herald::sqlite {

namespace {

/// "HRLD", so that file(1) and Herald itself know whose database a file is.
constexpr std::int64_t application_id = 0x48524c44;

/// The version that schema.sql makes; everything later comes as an upgrade, to new files as well.
constexpr std::int64_t first_version = 2;

struct upgrade {
  std::int64_t to;
  std::string_view script;
};

const std::array upgrades{upgrade{3, {herald_sqlite_upgrade_3, herald_sqlite_upgrade_3_end}},
                          upgrade{4, {herald_sqlite_upgrade_4, herald_sqlite_upgrade_4_end}}};

static_assert(first_version + static_cast<std::int64_t>(upgrades.size()) == schema_version);

database_error refused(const database& db, const std::string& why) {
  return database_error{{failure_class::permanent, "SQLite database '" + db.path() + "': " + why}};
}

std::int64_t version_of(database& db) {
  return db.read_integer("PRAGMA user_version");
}

bool is_empty(database& db) {
  return db.read_integer("SELECT count(*) FROM sqlite_schema") == 0;
}

void run_upgrades(database& db, std::int64_t from) {
  for (auto& x : upgrades)
    if (x.to > from)
      db.execute_script(std::string{x.script});
  db.execute_script("PRAGMA user_version = " + std::to_string(schema_version));
}

void upgrade_schema(database& db) {
  auto tx = transaction{db, transaction::mode::write};
  // Another process may have been faster while we waited for the lock.
  if (auto version = version_of(db); version >= first_version && version < schema_version)
    run_upgrades(db, version);
  tx.commit();
}

void create_schema(database& db) {
  auto tx = transaction{db, transaction::mode::write};
  // Another process may have been faster while we waited for the lock.
  if (!is_empty(db))
    return;
  db.execute_script({herald_sqlite_schema, herald_sqlite_schema_end});
  db.execute_script("PRAGMA application_id = " + std::to_string(application_id));
  run_upgrades(db, first_version);
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
  if (auto version = version_of(db); version >= first_version && version < schema_version)
    upgrade_schema(db);
  if (auto version = version_of(db); version != schema_version)
    throw refused(
        db, "its schema has version " + std::to_string(version) + " and this program knows version "
                + std::to_string(schema_version)
                + "; nothing was changed; use the release of Herald that wrote the file, or a newer one");
}

} // namespace herald::sqlite
