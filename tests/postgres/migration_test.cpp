// herald migrate: what a plan holds, and what becomes of databases that are new, old, in use, damaged or somebody
// else's.
#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "adapters/store/postgres/migration.hpp"
#include "tests/postgres/catalog.hpp"
#include "tests/postgres/fake_pooler.hpp"
#include "tests/postgres/postgres_fixture.hpp"

namespace herald::test {

namespace {

using namespace postgres;

// -- plans --------------------------------------------------------------------------------------------------

/// Two files and one outside a transaction.
migration_files sample_files() {
  return {3,
          {{"001_base.sql", "create table public.projects (\n);\n"}},
          {{"001_a.sql", "-- Locks: SHARE on projects\nbegin;\nset local lock_timeout = '3s';\n"
                         "create table if not exists public.herald_a (\n);\ncommit;\n"},
           {"002_b.sql", "begin;\ncreate or replace function public.herald_b(x int) returns int\ncommit;\n"},
           {"010_c_concurrently.sql", "-- two; of them\ncreate index concurrently if not exists herald_c\n"
                                      "  on public.projects (id);\n\ncreate index concurrently if not exists "
                                      "herald_d on public.projects (id);\n"}}};
}

/// A database of the platform without Herald.
schema_state platform_state() {
  schema_state out;
  for (auto x : {"calendar_connections",
                 "chat_thread_participants",
                 "chat_threads",
                 "domain_events",
                 "meeting_participants",
                 "meeting_reminders_sent",
                 "meetings",
                 "notification_processing",
                 "notifications",
                 "org_members",
                 "orgs",
                 "pending_emails",
                 "permissions",
                 "profiles",
                 "project_access_grants",
                 "project_messages",
                 "project_resumes",
                 "project_workspace_activity",
                 "projects",
                 "resources",
                 "borrower_resumes",
                 "unread_thread_stale_log",
                 "user_notification_preferences"})
    out.objects.insert(std::string{"table "} + x);
  for (auto x : {"role anon", "role authenticated", "role service_role"})
    out.objects.insert(x);
  return out;
}

/// The same after all of `files`.
schema_state migrated_state(const migration_files& files) {
  auto out = platform_state();
  out.version = files.version;
  for (auto& file : files.herald) {
    out.files.push_back({std::string{file.name}, checksum(file.text), {}});
    for (auto& object : objects_of(file))
      out.objects.insert(object);
  }
  // Indexes have records of their own.
  for (auto& x : plan_migration(files, out).value().records)
    out.files.push_back(x);
  return out;
}

std::vector<std::string> names_of(const std::vector<migration_step>& steps) {
  std::vector<std::string> out;
  for (auto& x : steps)
    out.push_back(x.file + ": " + x.reason);
  return out;
}

using names = std::vector<std::string>;

TEST(migration_plan, a_platform_without_herald_gets_every_file) {
  auto plan = plan_migration(sample_files(), platform_state()).value();
  EXPECT_EQ(names_of(plan.scripts), (names{"001_a.sql: new", "002_b.sql: new"}));
  EXPECT_EQ(names_of(plan.statements), (names{"010_c_concurrently.sql: lacks index herald_c",
                                              "010_c_concurrently.sql: lacks index herald_d"}));
  ASSERT_EQ(plan.records.size(), 3u);
  EXPECT_EQ(plan.records[0].name, "010_c_concurrently.sql: herald_c");
  EXPECT_EQ(plan.records[2].name, "010_c_concurrently.sql");
}

TEST(migration_plan, scripts_leave_the_transaction_to_the_migration_and_say_what_they_lock) {
  auto step = plan_migration(sample_files(), platform_state()).value().scripts.front();
  EXPECT_EQ(step.sql, "-- Locks: SHARE on projects\ncreate table if not exists public.herald_a (\n);\n");
  EXPECT_EQ(step.locks, names{"SHARE on projects"});
}

TEST(migration_plan, a_current_database_gets_nothing) {
  auto files = sample_files();
  EXPECT_TRUE(plan_migration(files, migrated_state(files)).value().empty());
}

TEST(migration_plan, what_changed_or_went_missing_is_applied_again_and_nothing_else) {
  auto files = sample_files();
  auto state = migrated_state(files);
  state.files[0].checksum = "another";
  state.objects.erase("function herald_b");
  state.objects.erase("index herald_d");
  auto plan = plan_migration(files, state).value();
  EXPECT_EQ(names_of(plan.scripts), (names{"001_a.sql: changed", "002_b.sql: lacks function herald_b"}));
  EXPECT_EQ(names_of(plan.statements), (names{"010_c_concurrently.sql: lacks index herald_d"}));
}

TEST(migration_plan, an_invalid_index_is_dropped_before_it_is_built_anew) {
  auto files = sample_files();
  auto state = migrated_state(files);
  state.invalid_indexes.insert("herald_c");
  auto plan = plan_migration(files, state).value();
  ASSERT_EQ(plan.statements.size(), 2u);
  EXPECT_EQ(plan.statements[0].sql, "drop index concurrently if exists public.herald_c;");
  EXPECT_TRUE(plan.statements[1].sql.starts_with("create index concurrently if not exists herald_c\n"));
}

TEST(migration_plan, an_index_with_another_definition_than_recorded_is_built_anew) {
  auto files = sample_files();
  auto state = migrated_state(files);
  files.herald.back().text =
      "create index concurrently if not exists herald_c\n  on public.projects (name);\n";
  auto plan = plan_migration(files, state).value();
  ASSERT_EQ(plan.statements.size(), 2u);
  EXPECT_EQ(plan.statements[1].reason, "index herald_c has changed");
  ASSERT_EQ(plan.records.size(), 2u);
  EXPECT_EQ(plan.records[0].checksum, checksum(plan.statements[1].sql));
}

TEST(migration_plan, again_applies_what_is_there_already) {
  auto files = sample_files();
  auto plan = plan_migration(files, migrated_state(files), {.again = true}).value();
  EXPECT_EQ(names_of(plan.scripts), (names{"001_a.sql: again", "002_b.sql: again"}));
  EXPECT_TRUE(plan.statements.empty());
}

TEST(migration_plan, a_database_that_is_not_fit_is_refused_with_a_remedy) {
  auto files = sample_files();
  auto refusal = [&](auto change, migration_options options = {}) {
    auto state = platform_state();
    change(state);
    auto out = plan_migration(files, state, options);
    EXPECT_TRUE(out.has_error() && out.error().kind == failure_class::permanent);
    return out.has_error() ? out.error() : failure{};
  };
  expect_says(refusal([](auto& x) { x.version = 4; }), "use the newer program");
  expect_says(refusal([](auto& x) { x.objects.erase("table domain_events"); }), "(domain_events)");
  expect_says(refusal([](auto& x) { x.objects.erase("table domain_events"); }), "--with-base");
  expect_says(refusal([](auto& x) { x.objects.erase("role anon"); }), "roles of the platform (anon)");
  expect_says(refusal([](auto& x) { x.foreign_tables = {"profiles"}; }), "does not own");
  files.base.push_back({"002.sql", "create table public.orders (\n);\n"});
  expect_says(refusal([](auto&) {}, {.with_base = true}), "not all (orders)");
}

TEST(migration_plan, the_base_is_made_in_an_empty_database_only) {
  auto files = sample_files();
  auto empty = plan_migration(files, {}, {.with_base = true}).value();
  EXPECT_EQ(names_of(empty.scripts), (names{"base/001_base.sql: new", "001_a.sql: new", "002_b.sql: new"}));
  auto there = plan_migration(files, platform_state(), {.with_base = true}).value();
  EXPECT_EQ(names_of(there.scripts), (names{"001_a.sql: new", "002_b.sql: new"}));
}

TEST(migration_plan, a_checksum_tells_texts_apart) {
  EXPECT_EQ(checksum(""), "cbf29ce484222325");
  EXPECT_EQ(checksum("a"), "af63dc4c8601ec8c");
  EXPECT_NE(checksum("ab"), checksum("ba"));
}

TEST(migration_plan, the_embedded_files_make_what_the_program_calls) {
  auto functions = objects_of(embedded_migration(), "function");
  for (auto x : remote_functions())
    EXPECT_TRUE(std::ranges::binary_search(functions, std::string{x})) << x;
  EXPECT_EQ(objects_of(embedded_migration(), "trigger"), (names{"herald_ring_emails", "herald_ring_events"}));
  EXPECT_EQ(objects_of(embedded_migration(), "column").size(), 6u);
  // A unique index is one as well: what keeps a run from being begun twice must not go missing unnoticed.
  auto indexes = objects_of(embedded_migration(), "index");
  for (auto x : {"herald_job_runs_instant", "herald_job_runs_running"})
    EXPECT_TRUE(std::ranges::binary_search(indexes, std::string{x})) << x;
}

// -- databases ----------------------------------------------------------------------------------------------

class migration_test : public postgres_test {
protected:
  void SetUp() override {
    postgres_test::SetUp();
    if (IsSkipped())
      return;
    run.what.with_base = true;
    run.min_pause = duration{1};
    run.max_pause = duration{20};
    run.progress = [this](const std::string& x) { said += x + "\n"; };
  }

  migration_report migrate_with(const migration_files& files) {
    auto db = connect_for_migration(options());
    auto out = migrate(db.value(), files, run);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return *out;
  }

  migration_report migrate_all() { return migrate_with(embedded_migration()); }

  failure refused_with(const migration_files& files) {
    auto db = connect_for_migration(options());
    auto out = migrate(db.value(), files, run);
    if (!out.has_error())
      throw std::runtime_error("the migration succeeded");
    return out.error();
  }

  migration_plan plan() {
    auto db = connect();
    return plan_migration(embedded_migration(), read_schema(db).value()).value();
  }

  void run_file(const std::string& name) {
    std::ifstream in{std::string{HERALD_SOURCE_DIR} + "/deploy/sql/" + name};
    auto db = connect();
    auto done = db.run_script(std::string{std::istreambuf_iterator<char>{in}, {}});
    ASSERT_FALSE(done.has_error()) << done.error().reason;
  }

  /// The platform's schema without Herald.
  void make_base() {
    migration_files files;
    files.base = embedded_migration().base;
    migrate_with(files);
  }

  std::string catalog() {
    auto db = connect();
    return catalog_of(db);
  }

  migration_run run;
  std::string said;
};

TEST_F(migration_test, an_empty_database_becomes_what_psql_makes_of_the_same_files) {
  auto report = migrate_all();
  EXPECT_EQ(report.from, std::nullopt);
  EXPECT_EQ(report.to, schema_version);
  EXPECT_EQ(report.statements, 9u);
  EXPECT_NE(said.find("applying 001_tables.sql (new)"), std::string::npos);
  test_database by_psql;
  postgres_options other;
  other.url = by_psql.url();
  auto reference = connect(other);
  EXPECT_EQ(catalog(), catalog_of(reference));
  auto db = connect();
  EXPECT_EQ(ask(db, "SELECT public.herald_schema_version() ->> 'result'"), std::to_string(schema_version));
}

TEST_F(migration_test, a_second_run_finds_nothing_to_do) {
  migrate_all();
  auto report = migrate_all();
  EXPECT_EQ(report.from, schema_version);
  EXPECT_EQ(report.scripts, 0u);
  EXPECT_EQ(report.statements, 0u);
  EXPECT_TRUE(plan().empty());
}

TEST_F(migration_test, a_database_that_psql_has_migrated_is_taken_over) {
  database.emplace(test_database::kind::herald);
  auto before = catalog();
  auto report = migrate_all();
  EXPECT_EQ(report.from, schema_version);
  EXPECT_GT(report.scripts, 0u);
  EXPECT_EQ(report.statements, 0u);
  EXPECT_EQ(catalog(), before);
  EXPECT_TRUE(plan().empty());
}

/// The files that run in a transaction; that of the indexes is statements.
std::size_t script_count() {
  return static_cast<std::size_t>(std::ranges::count_if(
      embedded_migration().herald, [](auto& x) { return x.name.find("concurrently") == std::string::npos; }));
}

TEST_F(migration_test, two_runs_at_once_do_it_once) {
  make_base();
  std::array<result<migration_report>, 2> reports{failure{}, failure{}};
  // Nothing may throw on a thread of its own.
  auto work = [this](result<migration_report>& out) {
    auto own = run;
    own.progress = {};
    auto db = connect_for_migration(options());
    if (db.has_error())
      out = db.error();
    else
      out = migrate(*db, embedded_migration(), own);
  };
  auto other = std::thread{[&] { work(reports[1]); }};
  work(reports[0]);
  other.join();
  for (auto& x : reports)
    ASSERT_FALSE(x.has_error()) << x.error().reason;
  EXPECT_EQ(reports[0]->statements + reports[1]->statements, 9u);
  EXPECT_EQ(reports[0]->scripts + reports[1]->scripts, script_count());
  EXPECT_TRUE(plan().empty());
}

TEST_F(migration_test, it_waits_for_another_migration_without_a_transaction) {
  make_base();
  auto other = connect();
  ask(other, "SELECT pg_advisory_lock(1212502636, 1)");
  run.pause = [&](duration) {
    EXPECT_EQ(ask(other, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"),
              "0");
    ask(other, "SELECT pg_advisory_unlock_all()");
  };
  migrate_all();
  EXPECT_NE(said.find("another migration is running"), std::string::npos);
}

TEST_F(migration_test, an_earlier_version_gets_only_what_is_new_without_touching_the_platform) {
  auto files = embedded_migration();
  auto older = files;
  std::erase_if(older.herald, [](auto& x) { return x.name == "007_doctor.sql"; });
  auto changed = std::ranges::find(older.herald, "005_operations.sql", &sql_file::name);
  auto text = std::string{changed->text} + "-- as it was\n";
  changed->text = text;
  migrate_with(older);
  // Held by a program at work: whoever wants to change the tables would wait for it.
  auto busy = connect();
  ASSERT_FALSE(
      busy.run_script("BEGIN; LOCK TABLE domain_events, pending_emails, notification_processing, profiles"
                      " IN ROW EXCLUSIVE MODE")
          .has_error());
  said.clear();
  auto report = migrate_with(files);
  EXPECT_EQ(report.retries, 0u);
  EXPECT_EQ(said, "applying 005_operations.sql (changed)\napplying 007_doctor.sql (not recorded)\n");
}

TEST_F(migration_test, everything_again_takes_no_lock_that_a_program_at_work_would_notice) {
  migrate_all();
  auto before = catalog();
  auto busy = connect();
  ASSERT_FALSE(
      busy.run_script("BEGIN; LOCK TABLE domain_events, pending_emails, notification_processing, profiles,"
                      " notifications, project_messages IN ROW EXCLUSIVE MODE")
          .has_error());
  run.what.again = true;
  auto report = migrate_all();
  EXPECT_EQ(report.scripts, script_count());
  EXPECT_EQ(report.retries, 0u);
  ask(busy, "COMMIT");
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, rights_that_were_given_away_are_taken_back_by_a_run_again) {
  migrate_all();
  auto before = catalog();
  auto db = connect();
  ask(db, "GRANT EXECUTE ON FUNCTION herald_claim(json) TO anon");
  ask(db, "GRANT SELECT ON herald_mails TO authenticated");
  run.what.again = true;
  migrate_all();
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, only_functions_that_queries_take_in_leave_the_search_path_open) {
  migrate_all();
  auto db = connect();
  EXPECT_EQ(ask(db, "SELECT string_agg(proname, ' ' ORDER BY proname COLLATE \"C\") FROM pg_proc"
                    " WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'herald\\_%'"
                    " AND coalesce(array_to_string(proconfig, ';'), '') NOT LIKE '%search_path%'"),
            "herald_at herald_due_ms herald_email_row_json herald_event_json herald_ids herald_json"
            " herald_lone_mail_json herald_markdown_escape herald_ms herald_one_line herald_thread_label "
            "herald_uuid");
}

TEST_F(migration_test, a_database_that_is_newer_is_left_alone) {
  migrate_all();
  auto db = connect();
  ask(db, "INSERT INTO herald_schema (version) VALUES (99)");
  auto before = catalog();
  auto why = refused_with(embedded_migration());
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_says(why, "has version 99");
  expect_says(why, database->name());
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, an_index_that_was_not_finished_is_built_anew) {
  migrate_all();
  auto before = catalog();
  auto db = connect();
  ask(db, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'herald_processing_due'::regclass");
  ask(db, "DROP INDEX herald_domain_events_thread");
  EXPECT_NE(catalog(), before);
  EXPECT_EQ(migrate_all().statements, 3u);
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, what_somebody_dropped_comes_back) {
  migrate_all();
  auto before = catalog();
  auto db = connect();
  ask(db, "DROP TRIGGER herald_ring_events ON domain_events");
  ask(db, "DROP FUNCTION herald_seal(json)");
  EXPECT_EQ(migrate_all().scripts, 2u);
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, a_table_in_use_makes_it_give_way_and_try_again) {
  make_base();
  auto busy = connect();
  ASSERT_FALSE(busy.run_script("BEGIN; INSERT INTO domain_events (event_type) VALUES ('a')").has_error());
  run.lock_timeout = duration{20};
  auto pauses = 0;
  run.pause = [&](duration) {
    // Nobody who came later queues behind it while it waits.
    auto guest = connect();
    ask(guest, "INSERT INTO domain_events (event_type) VALUES ('b')");
    if (++pauses == 2)
      ask(busy, "COMMIT");
  };
  EXPECT_EQ(migrate_all().retries, 2u);
  EXPECT_TRUE(plan().empty());
}

TEST_F(migration_test, a_table_that_stays_in_use_is_an_outage_that_names_who_is_in_the_way) {
  make_base();
  auto before = catalog();
  auto busy = connect();
  ASSERT_FALSE(busy.run_script("BEGIN; INSERT INTO domain_events (event_type) VALUES ('a')").has_error());
  run.lock_timeout = duration{5};
  run.lock_tries = 3;
  auto why = refused_with(embedded_migration());
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "process " + ask(busy, "SELECT pg_backend_pid()"));
  expect_says(why, "idle in transaction");
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, an_index_that_waits_too_long_is_left_for_the_next_run) {
  make_base();
  run.index_patience = duration{20};
  // A snapshot of a transaction that has nothing to do with the tables.
  auto old = connect();
  ASSERT_FALSE(old.run_script("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").has_error());
  auto why = refused_with(embedded_migration());
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "oldest open transaction");
  ask(old, "COMMIT");
  migrate_all();
  EXPECT_TRUE(plan().empty());
  auto db = connect();
  EXPECT_EQ(ask(db, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
}

TEST_F(migration_test, a_file_that_fails_undoes_all_and_the_next_run_completes) {
  make_base();
  auto before = catalog();
  auto files = embedded_migration();
  std::ranges::find(files.herald, "006_triggers.sql", &sql_file::name)->text = "select no_such_thing();\n";
  auto why = refused_with(files);
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_says(why, "could not apply 006_triggers.sql");
  EXPECT_EQ(why.reason.find("run herald migrate"), std::string::npos) << why.reason;
  EXPECT_EQ(catalog(), before);
  migrate_all();
  EXPECT_TRUE(plan().empty());
}

TEST_F(migration_test, a_half_filled_database_is_nobody_to_put_a_platform_into) {
  auto db = connect();
  ask(db, "CREATE TABLE public.projects (id uuid)");
  auto before = catalog();
  expect_says(refused_with(embedded_migration()), "some of the platform's tables (projects)");
  EXPECT_EQ(catalog(), before);
}

TEST_F(migration_test, an_empty_database_is_not_taken_for_the_platform) {
  run.what.with_base = false;
  expect_says(refused_with(embedded_migration()), "herald migrate --with-base");
}

TEST_F(migration_test, a_role_that_does_not_own_the_platform_is_told_who_does) {
  make_base();
  auto db = connect();
  ask(db, "CREATE ROLE guest_of_migration LOGIN");
  auto guest = options();
  guest.url = database->url("guest_of_migration");
  {
    auto session = connect_for_migration(guest);
    auto out = migrate(session.value(), embedded_migration(), run);
    ASSERT_TRUE(out.has_error());
    expect_says(out.error(), "does not own the platform's tables");
  }
  ask(db, "DROP ROLE guest_of_migration");
}

TEST_F(migration_test, behind_a_pooler_it_refuses_unless_told_that_sessions_are_kept) {
  make_base();
  fake_pooler pooler{postgres_server::instance().directory()};
  postgres_options pooled;
  pooled.url = pooler.url(database->name());
  auto db = connect_for_migration(pooled).value();
  auto why = migrate(db, embedded_migration(), run);
  ASSERT_TRUE(why.has_error());
  EXPECT_EQ(why.error().kind, failure_class::permanent);
  expect_says(why.error(), "connection pooler");
  run.through_pooler = true;
  EXPECT_FALSE(migrate(db, embedded_migration(), run).has_error());
}

TEST_F(migration_test, the_downgrade_leaves_the_platform_as_it_was) {
  make_base();
  auto before = catalog();
  migrate_all();
  EXPECT_NE(catalog(), before);
  run_file("herald/downgrade.sql");
  EXPECT_EQ(catalog(), before);
  // Harmless without Herald, and no obstacle to its return.
  run_file("herald/downgrade.sql");
  migrate_all();
  EXPECT_TRUE(plan().empty());
}

} // namespace

} // namespace herald::test
