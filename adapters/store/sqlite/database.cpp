#include "adapters/store/sqlite/database.hpp"

#include <utility>

#include <sqlite3.h>

#include "adapters/store/sqlite/error_text.hpp"

namespace herald::sqlite {

namespace {

/// 16 MiB of pages per connection: enough for the hot ends of all indexes, small beside the process.
constexpr auto cache_pragma = "PRAGMA cache_size = -16384";
/// A checkpoint after 16 MiB of log bounds the file that every reader has to look through.
constexpr auto checkpoint_pragma = "PRAGMA wal_autocheckpoint = 4096";
/// What a long reader made the log grow to is given back to the file system.
constexpr auto log_limit_pragma = "PRAGMA journal_size_limit = 67108864";

} // namespace

// -- statement ----------------------------------------------------------------------------------------------

statement::statement(statement&& other) noexcept
    : db_{other.db_}, handle_{std::exchange(other.handle_, nullptr)}, started_{other.started_} {}

statement::~statement() {
  if (!handle_)
    return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

statement& statement::set(int index, std::nullptr_t) {
  if (sqlite3_bind_null(handle_, index) != SQLITE_OK)
    throw db_->last_error("bind a value");
  return *this;
}

statement& statement::set(int index, std::int64_t value) {
  if (sqlite3_bind_int64(handle_, index, value) != SQLITE_OK)
    throw db_->last_error("bind a value");
  return *this;
}

statement& statement::set(int index, std::string_view value) {
  // A null pointer would bind NULL, and an empty view may have one.
  auto data = value.data() ? value.data() : "";
  if (sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK)
    throw db_->last_error("bind a value");
  return *this;
}

statement& statement::set(int index, const uuid& value) {
  return set(index, std::string_view{to_string(value)});
}

statement& statement::set(int index, timestamp value) {
  return set(index, to_epoch_ms(value));
}

bool statement::step() {
  if (!std::exchange(started_, true))
    ++db_->statements_run_;
  switch (sqlite3_step(handle_)) {
  case SQLITE_ROW:
    return true;
  case SQLITE_DONE:
    return false;
  default:
    throw db_->last_error("run a statement");
  }
}

std::int64_t statement::run() {
  while (step()) {
    // Rows of a RETURNING clause: the change is only finished once all of them are fetched.
  }
  auto changed = sqlite3_changes64(db_->handle_);
  reset();
  return changed;
}

void statement::reset() {
  sqlite3_reset(handle_);
  started_ = false;
}

bool statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::int32_t statement::small_integer(int column) const {
  return sqlite3_column_int(handle_, column);
}

std::uint64_t statement::count(int column) const {
  return static_cast<std::uint64_t>(integer(column));
}

std::string_view statement::view(int column) const {
  auto text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return text ? std::string_view{text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))}
              : std::string_view{};
}

std::string statement::text(int column) const {
  return std::string{view(column)};
}

uuid statement::id(int column) const {
  return parse_uuid(view(column)).value_or(nil_uuid);
}

std::optional<uuid> statement::optional_id(int column) const {
  return parse_uuid(view(column));
}

timestamp statement::time(int column) const {
  return from_epoch_ms(integer(column));
}

std::optional<timestamp> statement::optional_time(int column) const {
  return is_null(column) ? std::nullopt : std::optional{time(column)};
}

std::optional<std::int64_t> statement::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional{integer(column)};
}

// -- database -----------------------------------------------------------------------------------------------

database::database(sqlite_options options) : options_{std::move(options)} {
  try {
    open();
    configure();
  } catch (...) {
    close();
    throw;
  }
}

database::~database() {
  close();
}

void database::open() {
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (options_.create)
    flags |= SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(options_.path.c_str(), &handle_, flags, nullptr) != SQLITE_OK)
    throw last_error("open it");
  sqlite3_busy_timeout(handle_, static_cast<int>(options_.busy_timeout.count()));
  // SQLite falls back to reading alone when the file may not be written, and says so only at the first write.
  if (sqlite3_db_readonly(handle_, "main") == 1)
    throw database_error{describe(SQLITE_READONLY, "the file is write-protected", options_, "open it")};
}

void database::configure() {
  execute_script("PRAGMA foreign_keys = ON");
  execute_script(cache_pragma);
  execute_script("PRAGMA temp_store = MEMORY");
  execute_script("PRAGMA mmap_size = 0");
  execute_script(options_.durability == sqlite_durability::full ? "PRAGMA synchronous = FULL"
                                                                : "PRAGMA synchronous = NORMAL");
  execute_script(checkpoint_pragma);
  execute_script(log_limit_pragma);
}

// The switch needs the file alone, so it is made once and not on every start.
void database::use_write_ahead_log() {
  if (options_.path == ":memory:")
    return;
  auto mode = prepare("PRAGMA journal_mode");
  if (mode.step() && mode.text(0) == "wal")
    return;
  mode.reset();
  execute_script("PRAGMA journal_mode = WAL");
}

void database::close() noexcept {
  for (auto& [sql, handle] : cache_)
    sqlite3_finalize(handle);
  cache_.clear();
  sqlite3_close(std::exchange(handle_, nullptr));
}

statement database::prepare(std::string_view sql) {
  auto [entry, fresh] = cache_.try_emplace(std::string{sql}, nullptr);
  if (fresh) {
    auto size = static_cast<int>(sql.size());
    if (sqlite3_prepare_v3(handle_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &entry->second, nullptr)
        != SQLITE_OK) {
      cache_.erase(entry);
      throw last_error("prepare a statement");
    }
  }
  return statement{*this, entry->second};
}

void database::execute_script(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw last_error("set it up");
}

std::int64_t database::read_integer(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK)
    throw last_error("read it");
  auto code = sqlite3_step(raw);
  auto value = code == SQLITE_ROW ? sqlite3_column_int64(raw, 0) : 0;
  sqlite3_finalize(raw);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    throw last_error("read it");
  return value;
}

std::int64_t database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}

bool database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

database_error database::last_error(std::string_view doing) const {
  auto code = handle_ ? sqlite3_extended_errcode(handle_) : SQLITE_NOMEM;
  auto text = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
  return database_error{describe(code, text, options_, doing)};
}

std::vector<std::string> database::prepared_texts() const {
  std::vector<std::string> out;
  for (auto& [sql, handle] : cache_)
    out.push_back(sql);
  return out;
}

// -- transaction --------------------------------------------------------------------------------------------

transaction::transaction(database& db, mode wanted) : db_{db} {
  db_.run(wanted == mode::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

transaction::~transaction() {
  // A full disk or a damaged file has SQLite roll back on its own.
  if (!open_ || !db_.in_transaction())
    return;
  try {
    db_.run("ROLLBACK");
  } catch (const database_error&) {
    // Nothing is left to do: the connection drops what is open when it is closed, and the error that brought
    // us here is already on its way.
  }
}

void transaction::commit() {
  db_.run("COMMIT");
  open_ = false;
}

} // namespace herald::sqlite
