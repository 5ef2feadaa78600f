// A PostgreSQL session of a benchmark: statements, numbers and COPY. Throws what goes wrong.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "messages/secret.hpp"

// libpq's own names, so that its header stays in the source file.
struct pg_conn;
struct pg_result;

namespace herald::bench {

class client {
public:
  using table = std::vector<std::vector<std::string>>;

  explicit client(const secret& url);

  /// Runs one statement with parameters in text form; NULL reads as an empty text.
  table query(const std::string& sql, std::initializer_list<std::string> values = {});

  /// Runs any number of statements.
  void run(const std::string& sql);

  /// The one number that a statement returns.
  double number(const std::string& sql);

  /// What `COPY (query) TO STDOUT` gives, and its way back.
  std::string copy_out(const std::string& query);
  void copy_in(const std::string& target, std::string_view data);

private:
  struct closer {
    void operator()(pg_conn* x) const noexcept;
    void operator()(pg_result* x) const noexcept;
  };
  using answer = std::unique_ptr<pg_result, closer>;

  answer checked(pg_result* x);

  std::unique_ptr<pg_conn, closer> connection_;
};

} // namespace herald::bench
