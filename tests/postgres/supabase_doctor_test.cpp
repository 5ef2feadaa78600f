// herald doctor through PostgREST: the same function, the same verdicts.
#include <algorithm>

#include "adapters/store/postgres/examine.hpp"
#include "adapters/store/postgres/migration.hpp"
#include "adapters/store/supabase/examine.hpp"
#include "adapters/system_clock.hpp"
#include "tests/fakes/supabase_gateway.hpp"
#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/postgrest_server.hpp"

namespace herald::test {

namespace {

class supabase_doctor_test : public postgres_test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    if (!postgrest_server::installed())
      GTEST_SKIP() << "PostgREST is not installed";
    database.emplace(test_database::kind::herald);
  }

  void do_in_database(const std::string& sql) {
    auto db = connect();
    ask(db, sql);
  }

  std::vector<health_check> examined() {
    postgrest_server postgrest{database->name()};
    supabase_gateway gateway{{std::nullopt, postgrest.socket()}};
    supabase_options x;
    x.url = gateway.base_url();
    x.service_role_key = secret{supabase_gateway::secret_key()};
    return examined(x);
  }

  static std::vector<health_check> examined(const supabase_options& x) {
    doctor_facts facts;
    facts.store = doctor_store::supabase;
    facts.wanted_version = postgres::schema_version;
    examine_supabase(x, wanted_in_database(duration{60'000}, std::chrono::hours{24}), system_clock{}, facts);
    return judge(facts);
  }

  static health_check named(const std::vector<health_check>& checks, std::string_view name) {
    auto found = std::ranges::find(checks, name, &health_check::name);
    return found == checks.end() ? health_check{} : *found;
  }
};

TEST_F(supabase_doctor_test, a_good_database_has_nothing_to_complain_about) {
  auto checks = examined();
  for (auto& x : checks)
    EXPECT_TRUE(x.outcome == verdict::ok || x.name == "encryption" || x.name == "sender")
        << x.name << ": " << x.reason;
  EXPECT_NE(named(checks, "functions").reason.find("service_role"), std::string::npos);
  EXPECT_NE(named(checks, "max-rows").reason.find("one JSON value"), std::string::npos);
}

TEST_F(supabase_doctor_test, what_somebody_has_tampered_with_is_named) {
  do_in_database("GRANT EXECUTE ON FUNCTION herald_claim(json) TO anon");
  do_in_database("DROP INDEX herald_notifications_event");
  auto checks = examined();
  EXPECT_NE(named(checks, "functions").reason.find("herald_claim (anon)"), std::string::npos);
  EXPECT_NE(named(checks, "indexes").reason.find("herald_notifications_event"), std::string::npos);
}

TEST_F(supabase_doctor_test, a_missing_function_is_told_from_a_service_that_is_away) {
  do_in_database("DROP FUNCTION herald_doctor(json)");
  auto checks = examined();
  EXPECT_EQ(named(checks, "connection").outcome, verdict::ok);
  EXPECT_EQ(named(checks, "functions").outcome, verdict::failed);
  supabase_options nowhere;
  nowhere.url = "http://127.0.0.1:1";
  nowhere.service_role_key = secret{supabase_gateway::secret_key()};
  EXPECT_EQ(named(examined(nowhere), "connection").outcome, verdict::failed);
}

} // namespace

} // namespace herald::test
