// The store over functions that the test makes up: what is called, what comes back, and what a database
// without them is told.
#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/store/remote/codec.hpp"
#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

class postgres_store_test : public postgres_test {
protected:
  /// Every function, answering with the request it got.
  void make_functions() {
    auto db = connect();
    for (auto x : remote_functions())
      define(db, std::string{x}, "json_build_object('result', 7, 'got', request)");
  }

  static void define(postgres::connection& db, const std::string& name, const std::string& answer) {
    ask(db, "CREATE OR REPLACE FUNCTION public." + name
                + "(request json) RETURNS json LANGUAGE sql AS $f$ SELECT " + answer + " $f$");
  }

  std::unique_ptr<postgres_store> open() {
    auto out = open_postgres_store(options());
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  template <class T> static failure error_of(const result<T>& x) {
    if (!x.has_error())
      throw std::runtime_error("the call succeeded");
    return x.error();
  }

  failure refused(const postgres_options& x) {
    auto out = open_postgres_store(x);
    if (!out.has_error())
      throw std::runtime_error("the store was opened");
    return out.error();
  }
};

TEST_F(postgres_store_test, a_database_without_functions_is_told_to_migrate) {
  auto why = refused(options());
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "has none of Herald's functions; run herald migrate");
}

TEST_F(postgres_store_test, functions_that_are_missing_are_named) {
  make_functions();
  auto db = connect();
  ask(db, "DROP FUNCTION public.herald_seal(json)");
  expect_says(refused(options()), "lacks functions that this version of Herald calls (herald_seal)");
}

TEST_F(postgres_store_test, a_role_that_may_not_execute_is_named) {
  make_functions();
  auto db = connect();
  ask(db, "CREATE ROLE weak LOGIN");
  ask(db, "REVOKE EXECUTE ON FUNCTION public.herald_claim(json) FROM public");
  auto x = options();
  x.url = database->url("weak");
  expect_says(refused(x), "grant EXECUTE on herald_claim to weak");
  ask(db, "DROP ROLE weak");
}

TEST_F(postgres_store_test, a_call_carries_its_request_and_its_answer) {
  make_functions();
  auto store = open();
  auto db = connect();
  ask(db, "CREATE TABLE calls (request json)");
  ask(db, "CREATE OR REPLACE FUNCTION public.herald_release(request json) RETURNS json LANGUAGE sql AS"
          " $f$ INSERT INTO calls VALUES (request); SELECT '{\"result\": 7}'::json $f$");
  EXPECT_EQ(store->release({"w", t0, {{1, 2}}}).value(), 7u);
  EXPECT_EQ(ask(db, "SELECT request FROM calls"),
            R"({"worker":"w","now":1768919445000,"claims":[{"event_id":1,"claim_no":2}]})");
}

TEST_F(postgres_store_test, an_answer_of_null_is_a_failure_unless_nothing_is_asked) {
  make_functions();
  auto db = connect();
  for (auto name : {"herald_release_outbox", "herald_record_supervision"})
    define(db, name, "NULL::json");
  auto store = open();
  EXPECT_EQ(error_of(store->release_outbox({"w", t0})).kind, failure_class::transient);
  EXPECT_FALSE(store->record_supervision({}).has_error());
}

TEST_F(postgres_store_test, a_refusal_of_the_function_keeps_its_class) {
  make_functions();
  auto db = connect();
  define(db, "herald_purge_bodies", "json_build_object('result', 1/0)");
  auto store = open();
  auto why = error_of(store->purge_bodies({t0}));
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_says(why, "could not call herald_purge_bodies: division by zero (SQLSTATE 22012)");
}

TEST_F(postgres_store_test, a_session_that_is_killed_in_a_call_is_an_outage_and_the_next_call_reconnects) {
  make_functions();
  auto db = connect();
  define(db, "herald_purge_bodies", "json_build_object('result', pg_terminate_backend(pg_backend_pid()))");
  auto store = open();
  EXPECT_EQ(error_of(store->purge_bodies({t0})).kind, failure_class::outage);
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 7u);
}

TEST_F(postgres_store_test, a_session_that_was_killed_in_between_is_replaced_unnoticed) {
  make_functions();
  auto store = open();
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 7u);
  auto db = connect();
  EXPECT_EQ(ask(db, "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"),
            "1");
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 7u);
}

TEST_F(postgres_store_test, while_the_server_is_away_calls_fail_and_work_again_when_it_is_back) {
  make_functions();
  auto store = open();
  auto& server = postgres_server::instance();
  server.stop();
  EXPECT_EQ(error_of(store->release({"w", t0, {}})).kind, failure_class::outage);
  server.start();
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 7u);
}

} // namespace

} // namespace herald::test
