// A thin, safe layer over SQLite's C interface: connection, prepared statements, transactions, error texts.
//
// Inside this adapter errors travel as exceptions of type database_error, because every call chain here is
// "do all of it or roll back"; sqlite_store.cpp turns them into failure values, so none leaves the adapter.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace herald::sqlite {

/// What every function of this adapter throws, and the only thing.
class database_error : public std::exception {
public:
  explicit database_error(failure why) : why_{std::move(why)} {}

  const failure& why() const noexcept { return why_; }

  const char* what() const noexcept override { return why_.reason.c_str(); }

private:
  failure why_;
};

class database;

/// A prepared statement on loan from its database's cache; one user at a time. Its destructor resets it: a
/// statement that is stepped and then left alone keeps its read snapshot, and the next write of the
/// connection would fail.
class statement {
public:
  statement(statement&& other) noexcept;
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  statement& operator=(statement&&) = delete;
  ~statement();

  /// Binds parameter ?index (from 1); what is bound stays bound over reset().
  statement& set(int index, std::nullptr_t);
  statement& set(int index, std::int64_t value);
  statement& set(int index, std::string_view value);
  statement& set(int index, const uuid& value);
  statement& set(int index, timestamp value);

  template <class T> statement& set(int index, const std::optional<T>& value) {
    return value ? set(index, *value) : set(index, nullptr);
  }

  template <std::integral T> statement& set(int index, T value) {
    return set(index, static_cast<std::int64_t>(value));
  }

  /// Binds ?1, ?2, … in order.
  template <class... Ts> statement& bind(const Ts&... values) {
    auto index = 0;
    (set(++index, values), ...);
    return *this;
  }

  /// Advances to the next row; false at the end.
  bool step();

  /// Runs to the end, ready to run again. Returns the number of rows it changed.
  std::int64_t run();

  /// Ready to run again, parameters kept.
  void reset();

  // Columns of the current row, from 0. NULL reads as 0, empty or nothing.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::int32_t small_integer(int column) const;
  std::uint64_t count(int column) const;
  std::string text(int column) const;
  /// The nil UUID when the text is none.
  uuid id(int column) const;
  std::optional<uuid> optional_id(int column) const;
  timestamp time(int column) const;
  std::optional<timestamp> optional_time(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;

private:
  friend class database;

  statement(database& db, sqlite3_stmt* handle) : db_{&db}, handle_{handle} {}

  std::string_view view(int column) const;

  database* db_;
  sqlite3_stmt* handle_;
  bool started_ = false;
};

/// One connection. Belongs to one thread at a time.
class database {
public:
  /// Opens the file and sets the connection up; changes nothing in the file and does not look at the schema.
  explicit database(sqlite_options options);
  ~database();

  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Readers no longer wait for the writer, nor it for them. A lasting change to the file: only for one that
  /// is ours.
  void use_write_ahead_log();

  /// Borrows the statement with this text from the cache, preparing it on first use.
  statement prepare(std::string_view sql);

  /// Prepares, binds and leaves the stepping to the caller.
  template <class... Ts> statement query(std::string_view sql, const Ts&... values) {
    auto out = prepare(sql);
    out.bind(values...);
    return out;
  }

  /// Prepares, binds and runs; returns the number of rows changed.
  template <class... Ts> std::int64_t run(std::string_view sql, const Ts&... values) {
    return query(sql, values...).run();
  }

  /// Runs a script of several statements without parameters, uncached and uncounted.
  void execute_script(const std::string& sql);

  /// The first column of the first row of an uncached statement.
  std::int64_t read_integer(const std::string& sql);

  std::int64_t last_insert_id() const;

  bool in_transaction() const;

  /// The failure for what SQLite reported last on this connection.
  database_error last_error(std::string_view doing) const;

  /// Statements run since the connection was opened, transaction control included.
  std::uint64_t statements_run() const { return statements_run_; }

  /// The texts in the statement cache, e.g. to ask for their query plans.
  std::vector<std::string> prepared_texts() const;

  const std::string& path() const { return options_.path; }

private:
  friend class statement;

  void open();
  void configure();
  void close() noexcept;

  sqlite_options options_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> cache_;
  std::uint64_t statements_run_ = 0;
};

/// A transaction that is rolled back unless it was committed.
class transaction {
public:
  enum class mode : std::uint8_t {
    read,  ///< one snapshot for all reads
    write, ///< takes the write lock at once: a read lock that grows later can fail whatever the timeout
  };

  transaction(database& db, mode wanted);
  ~transaction();

  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  void commit();

private:
  database& db_;
  bool open_ = true;
};

} // namespace herald::sqlite
