// herald doctor on real databases: a good one, and ones that somebody has tampered with.
#include <algorithm>

#include "adapters/store/postgres/examine.hpp"
#include "adapters/store/postgres/migration.hpp"
#include "adapters/system_clock.hpp"
#include "tests/postgres/fake_pooler.hpp"
#include "tests/postgres/postgres_fixture.hpp"

namespace herald::test {

namespace {

class doctor_test : public postgres_test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database.emplace(test_database::kind::herald);
    // As an operator would have it: with a record of what was applied.
    auto db = postgres::connect_for_migration(options());
    ASSERT_FALSE(postgres::migrate(db.value(), postgres::embedded_migration(), {}).has_error());
  }

  void do_in_database(const std::string& sql) {
    auto db = connect();
    ask(db, sql);
  }

  static std::vector<health_check> examined(const postgres_options& x, const clock& time = system_clock{}) {
    doctor_facts facts;
    facts.store = doctor_store::postgres;
    examine_postgres(x, time, duration{60'000}, std::chrono::hours{24}, facts);
    return judge(facts);
  }

  std::vector<health_check> examined() const { return examined(options()); }

  static health_check named(const std::vector<health_check>& checks, std::string_view name) {
    auto found = std::ranges::find(checks, name, &health_check::name);
    return found == checks.end() ? health_check{} : *found;
  }

  /// The one check that is not well, besides those that are skipped.
  static health_check complaint(const std::vector<health_check>& checks) {
    health_check out;
    for (auto& x : checks)
      if (x.outcome == verdict::failed || x.outcome == verdict::warning) {
        EXPECT_EQ(out.name, "") << x.name << ": " << x.reason;
        out = x;
      }
    return out;
  }

  void expect_complaint(std::string_view check, verdict outcome, std::string_view says) const {
    auto found = complaint(examined());
    EXPECT_EQ(found.name, check);
    EXPECT_EQ(to_string(found.outcome), to_string(outcome));
    EXPECT_NE(found.reason.find(says), std::string::npos) << found.reason;
    EXPECT_NE(found.remedy, "");
  }
};

/// A clock that is wrong.
class wrong_clock final : public clock {
public:
  explicit wrong_clock(duration by) : by_{by} {}

  timestamp now() const override { return system_clock{}.now() + by_; }

private:
  duration by_;
};

TEST_F(doctor_test, a_good_database_has_nothing_to_complain_about) {
  auto checks = examined();
  for (auto& x : checks)
    EXPECT_TRUE(x.outcome == verdict::ok || x.name == "max-rows" || x.name == "sender")
        << x.name << ": " << x.reason;
  EXPECT_GE(checks.size(), 17u);
}

TEST_F(doctor_test, it_leases_and_writes_nothing) {
  do_in_database("INSERT INTO domain_events (event_type) SELECT 'a' FROM generate_series(1, 20)");
  auto db = connect();
  auto figures = [&] {
    return ask(db, "SELECT concat_ws(' ', (SELECT count(*) FROM notification_processing),"
                   " (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables),"
                   " (SELECT c::text FROM herald_cursor c), pg_current_snapshot())");
  };
  auto before = figures();
  EXPECT_EQ(named(examined(), "claim").outcome, verdict::ok);
  EXPECT_EQ(figures(), before);
}

TEST_F(doctor_test, a_missing_index_is_named) {
  do_in_database("DROP INDEX herald_notifications_event");
  auto checks = examined();
  EXPECT_EQ(named(checks, "indexes").outcome, verdict::failed);
  EXPECT_NE(named(checks, "indexes").reason.find("missing: herald_notifications_event"), std::string::npos);
}

TEST_F(doctor_test, an_invalid_index_is_named) {
  do_in_database(
      "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'herald_processing_dead'::regclass");
  expect_complaint("indexes", verdict::failed, "invalid: herald_processing_dead");
}

TEST_F(doctor_test, a_function_that_anonymous_users_may_execute_is_named) {
  do_in_database("GRANT EXECUTE ON FUNCTION herald_claim(json) TO anon");
  expect_complaint("functions", verdict::failed, "herald_claim (anon)");
}

TEST_F(doctor_test, a_function_that_everybody_may_execute_is_named) {
  do_in_database("GRANT EXECUTE ON FUNCTION herald_seal(json) TO public");
  expect_complaint("functions", verdict::failed, "herald_seal (public)");
}

TEST_F(doctor_test, a_missing_function_is_named) {
  do_in_database("DROP FUNCTION herald_seal(json)");
  auto checks = examined();
  EXPECT_EQ(named(checks, "functions").reason, "missing: herald_seal");
  EXPECT_EQ(named(checks, "schema").outcome, verdict::warning);
}

TEST_F(doctor_test, a_database_without_doctors_own_function_is_told_to_migrate) {
  do_in_database("DROP FUNCTION herald_doctor(json)");
  auto checks = examined();
  EXPECT_EQ(named(checks, "functions").outcome, verdict::failed);
  EXPECT_NE(named(checks, "functions").reason.find("herald_doctor"), std::string::npos);
  EXPECT_EQ(named(checks, "functions").remedy, "run herald migrate");
  EXPECT_EQ(named(checks, "connection").outcome, verdict::ok);
}

TEST_F(doctor_test, a_database_without_herald_is_told_to_migrate) {
  database.emplace(test_database::kind::bare);
  auto checks = examined();
  EXPECT_EQ(named(checks, "schema").outcome, verdict::failed);
  EXPECT_EQ(named(checks, "schema").remedy, "run herald migrate");
}

TEST_F(doctor_test, tables_that_others_may_read_are_named) {
  do_in_database("GRANT SELECT ON herald_mails TO authenticated");
  expect_complaint("rights", verdict::failed, "herald_mails (authenticated)");
}

TEST_F(doctor_test, tables_without_row_security_are_named) {
  do_in_database("ALTER TABLE herald_envelopes DISABLE ROW LEVEL SECURITY");
  expect_complaint("rights", verdict::failed, "herald_envelopes (row security is off)");
}

TEST_F(doctor_test, triggers_that_are_gone_or_off_are_named) {
  do_in_database("ALTER TABLE pending_emails DISABLE TRIGGER herald_ring_emails");
  expect_complaint("triggers", verdict::warning, "disabled: herald_ring_emails");
  do_in_database("DROP TRIGGER herald_ring_events ON domain_events");
  EXPECT_NE(named(examined(), "triggers").reason.find("missing: herald_ring_events"), std::string::npos);
}

TEST_F(doctor_test, a_role_that_may_too_little_is_told_what_it_lacks) {
  do_in_database("CREATE ROLE weak_herald LOGIN");
  auto x = options();
  x.url = database->url("weak_herald");
  auto checks = examined(x);
  EXPECT_EQ(named(checks, "functions").outcome, verdict::failed);
  EXPECT_NE(named(checks, "functions").reason.find("herald_doctor"), std::string::npos);
  do_in_database("GRANT service_role TO weak_herald");
  checks = examined(x);
  EXPECT_EQ(named(checks, "functions").outcome, verdict::ok) << named(checks, "functions").reason;
  EXPECT_EQ(named(checks, "rights").outcome, verdict::ok) << named(checks, "rights").reason;
  EXPECT_EQ(named(checks, "row-security").outcome, verdict::failed);
  EXPECT_NE(named(checks, "row-security").remedy.find("ALTER ROLE weak_herald BYPASSRLS"), std::string::npos);
  do_in_database("ALTER ROLE weak_herald BYPASSRLS");
  EXPECT_EQ(named(examined(x), "row-security").outcome, verdict::ok);
  EXPECT_EQ(named(examined(x), "schema").outcome, verdict::ok);
  do_in_database("UPDATE herald_schema_files SET checksum = 'x' WHERE name = '003_events.sql'");
  EXPECT_EQ(named(examined(x), "schema").outcome, verdict::warning);
  do_in_database("REVOKE UPDATE ON profiles FROM service_role");
  EXPECT_NE(named(examined(x), "rights").reason.find("profiles (update)"), std::string::npos);
  do_in_database("REVOKE UPDATE ON calendar_connections FROM service_role");
  do_in_database("REVOKE INSERT ON meeting_reminders_sent, unread_thread_stale_log FROM service_role");
  do_in_database("REVOKE USAGE ON SEQUENCE meeting_reminders_sent_id_seq FROM service_role");
  auto lacks = named(examined(x), "rights").reason;
  for (auto right : {"calendar_connections (update)", "meeting_reminders_sent (insert)",
                     "meeting_reminders_sent_id_seq (usage)", "unread_thread_stale_log (insert)"})
    EXPECT_NE(lacks.find(right), std::string::npos) << lacks;
  do_in_database("DROP ROLE weak_herald");
}

TEST_F(doctor_test, a_pooler_in_between_is_noticed) {
  fake_pooler pooler{postgres_server::instance().directory()};
  postgres_options pooled;
  pooled.url = pooler.url(database->name());
  auto found = complaint(examined(pooled));
  EXPECT_EQ(found.name, "pooler");
  EXPECT_EQ(found.outcome, verdict::warning);
}

TEST_F(doctor_test, a_newer_schema_is_refused) {
  do_in_database("INSERT INTO herald_schema (version) VALUES (99)");
  expect_complaint("schema", verdict::failed, "version 99");
}

TEST_F(doctor_test, a_platform_with_other_access_functions_is_noticed) {
  do_in_database("CREATE OR REPLACE FUNCTION can_view(p_user_id uuid, p_resource_id uuid) RETURNS boolean"
                 " LANGUAGE sql AS 'SELECT true'");
  expect_complaint("access-rule", verdict::warning, "can_view is asked for every pair");
}

TEST_F(doctor_test, clocks_that_disagree_are_noticed) {
  auto check = named(examined(options(), wrong_clock{duration{-5'000}}), "clock");
  EXPECT_EQ(check.outcome, verdict::warning);
  EXPECT_NE(check.reason.find("ahead"), std::string::npos);
  EXPECT_EQ(named(examined(options(), wrong_clock{duration{60'000}}), "clock").outcome, verdict::failed);
}

TEST_F(doctor_test, rows_that_the_old_jobs_left_in_processing_are_counted) {
  do_in_database("WITH e AS (INSERT INTO domain_events (event_type, created_at)"
                 " SELECT 'a', now() - make_interval(hours => h) FROM unnest(array[1, 2, 30]) h RETURNING "
                 "id, created_at)"
                 " INSERT INTO notification_processing (event_id, processing_status, claimed_at, created_at)"
                 " SELECT id, 'processing', created_at, created_at FROM e");
  expect_complaint("left-behind", verdict::warning, "2 events without a lease");
  EXPECT_NE(named(examined(), "left-behind").reason.find("1 are too old"), std::string::npos);
}

TEST_F(doctor_test, a_program_that_still_claims_events_is_noticed) {
  do_in_database("WITH e AS (INSERT INTO domain_events (event_type) VALUES ('a') RETURNING id)"
                 " INSERT INTO notification_processing (event_id, processing_status, claimed_at)"
                 " SELECT id, 'completed', now() FROM e");
  expect_complaint("other-programs", verdict::warning, "1 events");
}

TEST_F(doctor_test, dead_letters_and_mails_that_wait_are_counted) {
  do_in_database("WITH e AS (INSERT INTO domain_events (event_type) VALUES ('a'), ('b') RETURNING id)"
                 " INSERT INTO notification_processing (event_id, processing_status, herald_claim_no)"
                 " SELECT id, 'failed', 1 FROM e");
  expect_complaint("dead-letters", verdict::warning, "2 events");
  do_in_database("UPDATE notification_processing SET herald_dropped_at = now()");
  do_in_database("INSERT INTO herald_mails (user_id, lane, state, created_at, updated_at)"
                 " VALUES (gen_random_uuid(), 'immediate', 'parked', now(), now())");
  expect_complaint("mails", verdict::warning, "1 mails are parked");
}

TEST_F(doctor_test, a_server_that_is_not_there_is_one_failure) {
  auto x = options();
  x.url = secret{"host=" + postgres_server::instance().directory() + "/nowhere dbname=x user=y"};
  auto found = complaint(examined(x));
  EXPECT_EQ(found.name, "connection");
  EXPECT_EQ(found.outcome, verdict::failed);
}

TEST_F(doctor_test, the_search_is_measured_behind_a_long_history) {
  do_in_database(
      "WITH e AS (INSERT INTO domain_events (event_type, created_at)"
      " SELECT 'a', now() - interval '3 days' FROM generate_series(1, 20000) RETURNING id)"
      " INSERT INTO notification_processing (event_id, processing_status) SELECT id, 'completed' FROM e");
  do_in_database("ANALYZE");
  auto check = named(examined(), "claim");
  EXPECT_EQ(check.outcome, verdict::ok) << check.reason;
  EXPECT_NE(check.reason.find("pages"), std::string::npos);
}

} // namespace

} // namespace herald::test
