// Puts rows of the platform's own tables into PostgreSQL, for tests and benchmarks.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/store/platform_rows.hpp"
#include "adapters/store/postgres/connection.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald::test {

// -- SQL with values ----------------------------------------------------------------------------------------

/// A parameter as text; nothing for NULL.
class sql_value {
public:
  sql_value(const std::string& x) : text_{x} {}
  sql_value(std::string_view x) : text_{x} {}
  sql_value(const char* x) : text_{x} {}
  sql_value(const uuid& x) : text_{to_string(x)} {}
  sql_value(timestamp x) : text_{to_iso8601(x)} {}
  sql_value(std::int64_t x) : text_{std::to_string(x)} {}
  sql_value(bool x) : text_{x ? "true" : "false"} {}
  template <class T> sql_value(const std::optional<T>& x) {
    if (x)
      text_ = sql_value{*x}.text_;
  }

  const char* get() const { return text_ ? text_->c_str() : nullptr; }

private:
  std::optional<std::string> text_;
};

/// A session that throws what goes wrong.
class sql_session {
public:
  explicit sql_session(const postgres_options& options);

  /// With as many values as there are parameters.
  template <class... Ts> postgres::rows run(const std::string& sql, const Ts&... xs) {
    return run_with(sql, {sql_value{xs}.get()...});
  }

private:
  postgres::rows run_with(const std::string& sql, postgres::parameters values);

  postgres::connection connection_;
};

// -- the platform's rows ------------------------------------------------------------------------------------

class sql_platform final : public platform_writer {
public:
  explicit sql_platform(const postgres_options& options) : db_{options} {}

  result<void> insert_platform_rows(const platform_rows& rows, timestamp now) override;

private:
  void people(const platform_rows& rows, timestamp now);
  void projects(const platform_rows& rows, timestamp now);
  void documents(const platform_rows& rows, timestamp now);
  void resumes(const platform_rows& rows, timestamp now);
  void chat(const platform_rows& rows, timestamp now);
  void meetings(const platform_rows& rows, timestamp now);
  void calendars(const platform_rows& rows, timestamp now);

  sql_session db_;
};

} // namespace herald::test
