// A thin, safe layer over libpq: a connection, its statements, and errors as failures.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/store/postgres/postgres_store.hpp"
#include "core/doctor.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

// libpq's own names, so that its header stays in the source file.
struct pg_conn;
struct pg_result;

namespace herald::postgres {

/// What a statement returned. Texts live as long as this does.
class rows {
public:
  explicit rows(pg_result* handle) : handle_{handle} {}

  int size() const;
  bool is_null(int row, int column) const;
  /// Empty for NULL.
  std::string_view text(int row, int column) const;
  /// Rows that an INSERT, UPDATE or DELETE touched.
  std::int64_t affected() const;

private:
  struct deleter {
    void operator()(pg_result* x) const noexcept;
  };

  std::unique_ptr<pg_result, deleter> handle_;
};

/// Parameters of a statement, in text form; null for NULL.
using parameters = std::initializer_list<const char*>;

/// One session. Belongs to one thread at a time. No call throws but for lack of memory.
class connection {
public:
  /// Fails as open_postgres_store does, except that it does not look for Herald's functions.
  static result<connection> open(const postgres_options& options);

  /// Runs one statement and waits for its result. A statement whose connection broke may have been carried
  /// out. `doing` completes "could not …" in failures.
  result<rows> run(const std::string& sql, parameters values = {},
                   std::string_view doing = "run a statement");

  /// As run(), but the server plans the statement once per session. Behind a pooler it is run().
  result<rows> run_prepared(const std::string& sql, parameters values, std::string_view doing);

  /// Runs any number of statements as one request, to the first that fails. Results are thrown away.
  result<void> run_script(const std::string& sql, std::string_view doing = "run a script");

  /// Of the last statement that failed; empty when the connection broke, or none has failed yet.
  const std::string& sqlstate() const { return sqlstate_; }

  /// How it reaches its server.
  session_facts facts() const;

  /// False once the connection is broken; it stays so. Notices what the server said while nobody asked, for
  /// example that it ends the session.
  bool alive();

  bool pooled() const { return pooled_; }

  /// Which database this is, for messages: never with a password.
  const std::string& where() const { return where_; }

  // -- notifications ----------------------------------------------------------------------------------------

  /// Readable when something came in.
  int socket() const;

  /// Starts to listen. Channel names are quoted.
  result<void> listen(const std::string& channel);

  /// Channels that were notified since the last call, each once, in the order of their first notification.
  /// Does not wait.
  result<std::vector<std::string>> take_notifications();

private:
  struct deleter {
    void operator()(pg_conn* x) const noexcept;
  };

  explicit connection(pg_conn* handle) : handle_{handle} {}

  result<void> set_up(const postgres_options& options);
  /// Sends the rest of the request and waits for the last result of it.
  result<rows> finish(bool sent, std::string_view doing);
  /// Until libpq has something new to say; false when the server has been silent for too long.
  bool await_input();
  failure lost(std::string_view doing);
  failure silent(std::string_view doing);

  std::unique_ptr<pg_conn, deleter> handle_;
  std::string where_;
  std::string sqlstate_;
  duration answer_timeout_{};
  bool pooled_ = false;
  /// Statement by text: the server knows it by a short name, of which it looks at 63 characters.
  std::unordered_map<std::string, std::string> prepared_;
};

/// Checks the URL without connecting; the failure does not repeat it.
result<void> check_url(const secret& url);

/// "PostgreSQL database 'x' at host:port", as far as the URL says it; never with a password.
std::string describe_url(const secret& url);

} // namespace herald::postgres
