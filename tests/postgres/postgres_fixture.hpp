// A database of a test's own and sessions with it; skipped, and shown so, where PostgreSQL is not installed.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "adapters/store/postgres/connection.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::test {

class postgres_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database.emplace(test_database::kind::bare);
  }

  postgres_options options() const {
    postgres_options out;
    out.url = database->url();
    return out;
  }

  static postgres::connection connect(const postgres_options& x) {
    auto out = postgres::connection::open(x);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  postgres::connection connect() const { return connect(options()); }

  /// The first value of a statement that has to succeed.
  static std::string ask(postgres::connection& db, const std::string& sql) {
    auto out = db.run(sql);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return out->size() > 0 ? std::string{out->text(0, 0)} : "";
  }

  /// How a statement fails.
  static failure refusal(postgres::connection& db, const std::string& sql) {
    auto out = db.run(sql);
    if (!out.has_error())
      throw std::runtime_error("the statement succeeded");
    return out.error();
  }

  std::optional<test_database> database;
};

inline void expect_says(const failure& x, std::string_view words) {
  EXPECT_NE(x.reason.find(words), std::string::npos) << x.reason;
}

} // namespace herald::test
