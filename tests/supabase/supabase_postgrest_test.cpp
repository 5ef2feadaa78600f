// The store before a real PostgREST, behind a gateway that checks keys and disturbs: who is let in, what the database
// refuses, and what was done when an answer was lost.
#include <future>
#include <optional>
#include <string>

#include "adapters/store/postgres/connection.hpp"
#include "tests/supabase/supabase_fixture.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/postgrest_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

class supabase_postgrest_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    if (!postgrest_server::installed())
      GTEST_SKIP() << "PostgREST is not installed";
    database.emplace();
  }

  /// Once the database is as the test wants it: what it holds is read at the start.
  void start(const std::string& settings = {}) {
    postgrest.emplace(database->name(), settings);
    gateway.emplace(supabase_gateway_options{authority.issue({"DNS:localhost"}), postgrest->socket()});
  }

  supabase_options options(const std::string& key = supabase_gateway::secret_key()) {
    auto out = options_for(gateway->base_url(), key);
    out.ca_file = authority.write_pem(files.file("ca.pem"));
    return out;
  }

  std::unique_ptr<remote_store> open() { return test::open(options()); }

  failure refused(const std::string& key) { return error_of(open_supabase_store(options(key))); }

  postgres::connection connect() const {
    postgres_options x;
    x.url = database->url();
    auto out = postgres::connection::open(x);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  /// The first value of a statement by the superuser.
  std::string ask(const std::string& sql) const {
    auto db = connect();
    auto out = db.run(sql);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return out->size() > 0 ? std::string{out->text(0, 0)} : "";
  }

  /// Puts `answer` in the place of a function of Herald.
  void redefine(const std::string& name, const std::string& answer) const {
    ask("CREATE OR REPLACE FUNCTION public." + name
        + "(request json) RETURNS json LANGUAGE sql AS $f$ SELECT " + answer + " $f$");
  }

  static std::vector<new_event> events(std::size_t n) {
    new_event event;
    event.type = "document_uploaded";
    return std::vector(n, event);
  }

  static claim_request claim_of(std::uint32_t limit) {
    claim_request out;
    out.worker = "w";
    out.now = t0;
    out.limit = limit;
    return out;
  }

  static gateway_fault fault(gateway_fault_kind kind, bool after_forwarding) {
    gateway_fault out;
    out.kind = kind;
    out.after_forwarding = after_forwarding;
    return out;
  }

  test_authority authority;
  temp_dir files;
  std::optional<test_database> database;
  std::optional<postgrest_server> postgrest;
  std::optional<supabase_gateway> gateway;
};

// -- who is let in ------------------------------------------------------------------------------------------

TEST_F(supabase_postgrest_test, both_kinds_of_key_open_the_store) {
  start();
  for (auto& key : {supabase_gateway::secret_key(), supabase_gateway::token("service_role")}) {
    auto store = test::open(options(key));
    EXPECT_EQ(store->insert_events(events(2), t0).value().size(), 2U);
    auto x = options(key);
    x.bearer = true;
    EXPECT_TRUE(test::open(x)->restarts().value().empty());
  }
}

TEST_F(supabase_postgrest_test, keys_that_are_not_the_projects_are_refused) {
  start();
  auto forged = supabase_gateway::token("service_role");
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  for (auto& key : {std::string{"sb_secret_of_another_project"}, forged,
                    supabase_gateway::token("service_role", 1'000)}) {
    auto why = refused(key);
    EXPECT_EQ(why.kind, failure_class::outage);
    expect_says(why, "HTTP 401");
    expect_says(why, "the key is not, or no longer, one of this project");
  }
}

TEST_F(supabase_postgrest_test, a_role_without_grants_is_refused) {
  ask("CREATE ROLE weak NOLOGIN");
  ask("GRANT weak TO authenticator");
  start();
  auto why = refused(supabase_gateway::token("weak"));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "permission denied");
  expect_says(why, "run herald migrate as the owner");
  postgrest.reset();
  ask("DROP ROLE weak");
}

TEST_F(supabase_postgrest_test, no_function_of_herald_is_open_to_browsers) {
  for (auto role : {"anon", "authenticated"})
    EXPECT_EQ(ask("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE "
                  "'herald%'"
                  " AND has_function_privilege('"
                  + std::string{role} + "', oid, 'EXECUTE')"),
              "0");
}

TEST_F(supabase_postgrest_test, a_database_without_functions_is_told_to_migrate) {
  ask("DROP FUNCTION public.herald_schema_version(json)");
  start();
  auto why = refused(supabase_gateway::secret_key());
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "(HTTP 404, PGRST202)");
  expect_says(why, "run herald migrate");
}

TEST_F(supabase_postgrest_test, a_function_that_went_missing_is_named_by_the_call) {
  ask("DROP FUNCTION public.herald_seal(json)");
  start();
  auto why = error_of(open()->seal({}));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "could not call herald_seal");
  expect_says(why, "run herald migrate");
}

// -- what the database does ---------------------------------------------------------------------------------

TEST_F(supabase_postgrest_test, answers_are_whole_beyond_the_ceiling_for_rows) {
  start("db-max-rows = 10\n");
  auto store = open();
  EXPECT_EQ(store->insert_events(events(1'500), t0).value().size(), 1'500U);
  EXPECT_EQ(store->claim(claim_of(1'500)).value().events.size(), 1'500U);
}

TEST_F(supabase_postgrest_test, a_statement_beyond_its_time_is_transient_and_the_next_call_works) {
  redefine("herald_purge_bodies", "json_build_object('result', 1) FROM pg_sleep(60)");
  ask("ALTER ROLE authenticator IN DATABASE " + database->name() + " SET statement_timeout = '200ms'");
  start();
  auto store = open();
  auto why = error_of(store->purge_bodies({t0}));
  EXPECT_EQ(why.kind, failure_class::transient);
  expect_says(why, "statement timeout (HTTP 500, 57014): it took longer than the database allows");
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 0U);
}

TEST_F(supabase_postgrest_test, a_value_that_the_database_does_not_take_is_permanent) {
  redefine("herald_purge_bodies", "json_build_object('result', 1/0)");
  start();
  auto why = error_of(open()->purge_bodies({t0}));
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_says(why, "division by zero (HTTP 400, 22012)");
}

TEST_F(supabase_postgrest_test, a_session_that_is_killed_in_a_call_is_an_outage) {
  redefine("herald_purge_bodies", "json_build_object('result', pg_terminate_backend(pg_backend_pid()))");
  start();
  auto store = open();
  EXPECT_EQ(error_of(store->purge_bodies({t0})).kind, failure_class::outage);
  EXPECT_EQ(gateway->forwarded(), 2U);
}

TEST_F(supabase_postgrest_test, a_pool_without_a_free_connection_is_an_outage) {
  redefine("herald_purge_bodies", "json_build_object('result', 7) FROM (SELECT pg_advisory_lock(1)) AS held");
  start("db-pool = 1\ndb-pool-acquisition-timeout = 1\n");
  auto holder = connect();
  ASSERT_FALSE(holder.run("SELECT pg_advisory_lock(1)").has_error());
  auto slow = open();
  auto other = open();
  auto pending = std::async(std::launch::async, [&] { return slow->purge_bodies({t0}); });
  // Until the call has the one connection.
  while (ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == "0")
    continue;
  auto why = error_of(other->release({"w", t0, {}}));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "PGRST003): the REST interface has no free connection");
  ASSERT_FALSE(holder.run("SELECT pg_advisory_unlock(1)").has_error());
  EXPECT_EQ(pending.get().value(), 7U);
}

TEST_F(supabase_postgrest_test, while_the_database_is_away_calls_fail_and_work_again_when_it_is_back) {
  start();
  auto store = open();
  auto& server = postgres_server::instance();
  server.stop();
  EXPECT_EQ(error_of(store->release({"w", t0, {}})).kind, failure_class::outage);
  server.start();
  // PostgREST looks again in steps of its own.
  auto deadline = std::chrono::steady_clock::now() + patience;
  auto again = store->release({"w", t0, {}});
  while (again.has_error() && std::chrono::steady_clock::now() < deadline) {
    EXPECT_EQ(again.error().kind, failure_class::outage) << again.error().reason;
    again = store->release({"w", t0, {}});
  }
  EXPECT_FALSE(again.has_error()) << again.error().reason;
}

// -- what is lost on the way --------------------------------------------------------------------------------

TEST_F(supabase_postgrest_test, a_call_is_carried_out_once_or_not_at_all_whatever_becomes_of_its_answer) {
  start();
  auto store = open();
  auto expected = 0;
  for (auto after : {false, true})
    for (auto kind : {gateway_fault_kind::answer, gateway_fault_kind::close, gateway_fault_kind::reset}) {
      auto before = gateway->requests().size();
      gateway->queue(fault(kind, after));
      EXPECT_EQ(error_of(store->insert_events(events(1), t0)).kind, failure_class::outage);
      EXPECT_EQ(gateway->requests().size(), before + 1);
      expected += after ? 1 : 0;
      EXPECT_EQ(ask("SELECT count(*) FROM domain_events"), std::to_string(expected));
    }
  EXPECT_FALSE(store->insert_events(events(1), t0).has_error());
}

TEST_F(supabase_postgrest_test, a_claim_whose_answer_was_lost_can_be_made_again_once_its_lease_is_over) {
  start();
  auto store = open();
  EXPECT_EQ(store->insert_events(events(3), t0).value().size(), 3U);
  gateway->queue(fault(gateway_fault_kind::close, true));
  EXPECT_TRUE(store->claim(claim_of(3)).has_error());
  EXPECT_TRUE(store->claim(claim_of(3)).value().events.empty());
  auto later = claim_of(3);
  later.now = t0 + later.lease + std::chrono::seconds{1};
  EXPECT_EQ(store->claim(later).value().events.size(), 3U);
}

TEST_F(supabase_postgrest_test, an_answer_that_takes_its_time_is_waited_for) {
  start();
  auto store = open();
  gateway->queue({gateway_fault_kind::delay, true, 0, "", "", std::chrono::milliseconds{100}});
  EXPECT_EQ(store->release({"w", t0, {}}).value(), 0U);
}

TEST_F(supabase_postgrest_test, an_answer_that_never_comes_is_given_up) {
  start();
  auto x = options();
  x.answer_timeout = std::chrono::milliseconds{500};
  auto store = test::open(x);
  gateway->queue(fault(gateway_fault_kind::hold, true));
  auto why = error_of(store->insert_events(events(1), t0));
  EXPECT_EQ(why.kind, failure_class::outage);
  EXPECT_EQ(ask("SELECT count(*) FROM domain_events"), "1");
}

} // namespace

} // namespace herald::test
