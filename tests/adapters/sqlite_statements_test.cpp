// The embedded store's costs: a number of statements that does not grow with the batch, and no table scans.
#include <gtest/gtest.h>

#include "adapters/store/sqlite/calendar_watches.hpp"
#include "adapters/store/sqlite/claim.hpp"
#include "adapters/store/sqlite/commit.hpp"
#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/leases.hpp"
#include "adapters/store/sqlite/nudges.hpp"
#include "adapters/store/sqlite/operator_queries.hpp"
#include "adapters/store/sqlite/schema.hpp"
#include "tests/support/store_world.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

class sqlite_statements : public testing::Test {
protected:
  sqlite_statements() : db{in_memory()} {
    sqlite::prepare_schema(db, true);
    sqlite::insert_platform_rows(db, make_world(), t0);
  }

  static sqlite_options in_memory() {
    sqlite_options out;
    out.path = ":memory:";
    return out;
  }

  /// Events of every kind that makes the context load something.
  void emit(std::size_t n) {
    new_event document;
    document.type = "document_uploaded";
    document.actor_id = ids::olga;
    document.project_id = ids::tower;
    document.resource_id = ids::file;
    new_event chat;
    chat.type = "chat_message_sent";
    chat.thread_id = ids::closing_thread;
    new_event meeting;
    meeting.type = "meeting_updated";
    meeting.meeting_id = ids::kick_off;
    new_event nudge;
    nudge.type = "resume_incomplete_nudge";
    nudge.project_id = ids::tower;
    nudge.payload = R"({"user_id":")" + to_string(ids::olga) + R"("})";
    for (auto& x : {document, chat, meeting, nudge})
      sqlite::insert_events(db, std::vector(n, x), t0);
  }

  claimed_batch claim(std::uint32_t limit) {
    claim_request x;
    x.worker = "worker-1";
    x.now = t0;
    x.limit = limit;
    return sqlite::claim_events(db, x);
  }

  /// One notification, roll-up and e-mail per event, for two people each.
  static commit_request fan_out(const claimed_batch& batch) {
    auto plans = std::make_shared<plan_batch>();
    for (auto& x : batch.events) {
      fan_out_plan plan;
      plan.claims = {x.ref()};
      plan.event_type = x.event.type;
      plan.notifications = {{"t", "b", "/", R"({"type":"x"})", {ids::olga, ids::mia}, ""}};
      plan.roll_ups = {{ids::closing_thread, "#Closing", "Tower", "/", {ids::max, ids::ada}}};
      plans->plans.push_back(std::move(plan));
    }
    return {"worker-1", t0, {plans}, {}};
  }

  /// As many meetings, threads and projects, in each of which two people are to be told.
  void add_due(std::uint8_t kind, std::uint8_t size) {
    platform_rows rows;
    auto at = t0 - std::chrono::hours{48};
    for (std::uint8_t n = 1; n <= size; ++n) {
      auto id = make_id(kind, n);
      rows.projects.push_back({id, "Project", ids::borrower_org, at});
      rows.threads.push_back({id, id, "Talk"});
      rows.messages.push_back({id, ids::max, "hello", t0 - std::chrono::hours{5}});
      rows.meetings.push_back(
          {id, "Call", t0 + std::chrono::minutes{20}, 45, {}, ids::olga, {}, "scheduled"});
      for (auto& user : {ids::olga, ids::oskar}) {
        rows.participants.push_back({id, user, {}});
        auto place = make_id(static_cast<std::uint8_t>(kind + 1), n);
        place.data[1] = user.data[15];
        rows.meeting_participants.push_back({place, id, user, "pending", false});
      }
    }
    sqlite::insert_platform_rows(db, rows, at);
  }

  /// A chunk on behalf of a run that "worker-1" holds.
  job_chunk_request chunk() {
    db.run("INSERT INTO herald_jobs (job, known_since) VALUES ('a', 0)");
    db.run("INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no, "
           "lease_until)"
           " VALUES ('a', 0, 0, 'hand', 'running', 'worker-1', 1, 0)");
    job_chunk_request out;
    out.run = {db.last_insert_id(), 1};
    out.worker = "worker-1";
    out.now = t0;
    return out;
  }

  /// Every job that creates events; how many it created.
  static std::uint64_t run_jobs(sqlite::database& where, const job_chunk_request& x) {
    meeting_reminders_request meetings;
    meetings.chunk = x;
    unread_nudges_request threads;
    threads.chunk = x;
    resume_nudges_request resumes;
    resumes.chunk = x;
    return sqlite::remind_of_meetings(where, meetings).counts["created"]
           + sqlite::nudge_unread_threads(where, threads).counts["created"]
           + sqlite::nudge_incomplete_resumes(where, resumes).counts["created"];
  }

  /// The n-th run of a job, from its beginning to its end.
  void run_job(int n) {
    begin_run_request x;
    x.job = "j";
    x.worker = "worker-1";
    x.now = t0;
    x.lease = duration{60'000};
    x.scheduled_at = t0 + duration{n};
    auto begun = sqlite::begin_run(db, x);
    sqlite::finish_run(db,
                       {begun.run, "worker-1", t0, run_state::ran, std::nullopt, std::nullopt, false, {}});
  }

  /// Connections with a due channel, each of which has just got a new one.
  std::vector<watch_update> renewals(std::uint8_t first, std::uint8_t n) {
    platform_rows rows;
    std::vector<watch_update> out;
    for (auto i = first; i < first + n; ++i) {
      auto& row = rows.calendar_connections.emplace_back();
      row.id = make_id(10, i);
      row.user_id = ids::olga;
      row.provider_account_id = std::to_string(i);
      row.watch_channel_id = "old";
      row.watch_expiration = t0;
      auto& update = out.emplace_back();
      update.connection_id = row.id;
      update.token = watch_update::tokens{secret{"access"}, {}, t0, {}};
      update.planned = "new";
      update.created = watch_update::channel{"new", "resource", t0, "old"};
      update.failed = watch_update::trouble{{failure_class::transient, "why"}, ""};
    }
    sqlite::insert_platform_rows(db, rows, t0);
    return out;
  }

  template <class F> std::uint64_t statements(F call) {
    auto before = db.statements_run();
    call();
    return db.statements_run() - before;
  }

  sqlite::database db;
};

/// A plan's line that reads a whole table, where the table holds more than open work.
bool is_table_scan(const std::string& line) {
  if (!line.starts_with("SCAN "))
    return false;
  for (auto harmless :
       {"VIRTUAL TABLE", "CONSTANT ROW", "SCAN (", "SCAN c", "USING INDEX notification_processing_",
        "USING COVERING INDEX notification_processing_"})
    if (line.find(harmless) != std::string::npos)
      return false;
  return true;
}

} // namespace

TEST_F(sqlite_statements, a_claim_of_500_events_takes_as_many_statements_as_a_claim_of_four) {
  emit(1);
  auto few = statements([&] { ASSERT_EQ(claim(500).events.size(), 4u); });
  emit(125);
  auto many = statements([&] { ASSERT_EQ(claim(500).events.size(), 500u); });
  EXPECT_EQ(many, few);
  EXPECT_LE(many, 30u);
}

TEST_F(sqlite_statements, an_idle_claim_takes_few_statements_and_writes_nothing) {
  auto changes = [this] { return db.read_integer("SELECT total_changes()"); };
  auto before = changes();
  EXPECT_LE(statements([&] { claim(500); }), 10u);
  EXPECT_EQ(changes(), before);
}

TEST_F(sqlite_statements, a_commit_takes_a_few_statements_per_event_beyond_its_rows) {
  emit(1);
  auto one = claim(1);
  auto base = statements([&] { sqlite::commit_plans(db, fan_out(one)); });
  emit(125);
  auto many = claim(500);
  auto all = statements([&] { sqlite::commit_plans(db, fan_out(many)); });
  // Per event: two notification rows and two groups of outcomes; the roll-ups of all 500 are two rows.
  EXPECT_LE(all, base + 4 * many.events.size());
}

TEST_F(sqlite_statements, renewing_and_releasing_take_a_constant_number) {
  emit(125);
  auto batch = claim(500);
  std::vector<claim_ref> refs;
  for (auto& x : batch.events)
    refs.push_back(x.ref());
  auto one = std::vector{refs.front()};
  EXPECT_EQ(statements([&] {
              sqlite::renew_leases(db, {"worker-1", t0, duration{60'000}, refs});
            }),
            statements([&] {
              sqlite::renew_leases(db, {"worker-1", t0, duration{60'000}, one});
            }));
  auto few = statements([&] { ASSERT_EQ(sqlite::release_leases(db, {"worker-1", t0, one}), 1u); });
  refs.erase(refs.begin());
  auto many = statements([&] { ASSERT_EQ(sqlite::release_leases(db, {"worker-1", t0, refs}), 499u); });
  EXPECT_EQ(many, few);
}

TEST_F(sqlite_statements, chunks_of_jobs_take_as_many_statements_for_many_people_as_for_two) {
  add_due(20, 1);
  auto x = chunk();
  auto few = statements([&] { ASSERT_GE(run_jobs(db, x), 8u); });
  add_due(30, 200);
  auto many = statements([&] { ASSERT_GE(run_jobs(db, x), 1'600u); });
  EXPECT_EQ(many, few);
  EXPECT_LE(many, 30u);
}

TEST_F(sqlite_statements, a_dry_run_of_a_job_needs_no_write_lock) {
  temp_dir dir;
  sqlite_options options;
  options.path = dir.file("herald.db");
  options.busy_timeout = duration{0};
  sqlite::database writer{options};
  sqlite::prepare_schema(writer, true);
  writer.use_write_ahead_log();
  sqlite::insert_platform_rows(writer, make_world(), t0 - std::chrono::hours{48});
  sqlite::database reader{options};
  auto busy = sqlite::transaction{writer, sqlite::transaction::mode::write};
  job_chunk_request dry;
  dry.dry_run = true;
  dry.now = t0;
  EXPECT_GT(run_jobs(reader, dry), 0u);
}

// The log takes any text for a payload; PostgreSQL's does not.
TEST_F(sqlite_statements, a_nudge_whose_payload_is_no_json_stands_in_nobodys_way) {
  add_due(20, 1);
  new_event broken;
  broken.type = "resume_incomplete_nudge";
  broken.project_id = make_id(20, 1);
  broken.payload = "{\"user_id\":";
  sqlite::insert_events(db, std::vector{broken}, t0);
  EXPECT_GE(run_jobs(db, chunk()), 8u);
}

TEST_F(sqlite_statements, a_run_takes_as_many_statements_after_a_hundred_others_as_after_one) {
  sqlite::open_jobs(db, {{"j"}, t0});
  run_job(1);
  auto early = statements([&] { run_job(2); });
  for (auto n = 3; n <= 100; ++n)
    run_job(n);
  EXPECT_EQ(statements([&] { run_job(101); }), early);
  EXPECT_LE(early, 12u);
}

TEST_F(sqlite_statements, states_of_many_jobs_take_as_many_statements_as_that_of_one) {
  auto one = statements([&] { sqlite::open_jobs(db, {{"a"}, t0}); });
  EXPECT_EQ(statements([&] { sqlite::open_jobs(db, {{"a", "b", "c", "d"}, t0}); }), one);
}

TEST_F(sqlite_statements, a_hundred_renewals_are_recorded_with_as_many_statements_as_one) {
  begin_run_request x;
  x.job = "j";
  x.worker = "worker-1";
  x.now = t0;
  x.lease = duration{60'000};
  x.cause = run_cause::hand;
  auto run = sqlite::begin_run(db, x).run;
  auto first = renewals(0, 1);
  auto others = renewals(1, 100);
  auto record = [&](const std::vector<watch_update>& updates) {
    return statements([&] {
      EXPECT_TRUE(sqlite::record_watches(db, {run, "worker-1", t0, updates}).lost.empty());
    });
  };
  auto one = record(first);
  EXPECT_EQ(record(others), one);
  EXPECT_LE(one, 10u);
}

TEST_F(sqlite_statements, no_call_of_the_pipeline_scans_a_table) {
  sqlite::open_jobs(db, {{"j"}, t0});
  run_job(1);
  sqlite::record_watches(db, {{1, 1}, "worker-1", t0, renewals(0, 1)});
  sqlite::find_due_watches(db, {t0, duration{1}, 1, std::nullopt});
  emit(3);
  add_due(20, 2);
  run_jobs(db, chunk());
  auto batch = claim(500);
  auto commit = fan_out(batch);
  commit.failures = {{{batch.events[0].ref(), "x", 0, 0, {failure_class::transient, "later"}}, t0}};
  sqlite::release_leases(db, {"worker-1", t0, {batch.events[1].ref()}});
  sqlite::renew_leases(db, {"worker-1", t0, duration{60'000}, {batch.events[2].ref()}});
  sqlite::commit_plans(db, commit);
  sqlite::commit_plans(db, fan_out(claim(500)));
  auto dry = claim_request{};
  dry.dry_run = true;
  sqlite::claim_events(db, dry);
  sqlite::release_leases(db, {"worker-1", t0, {}});
  auto plans = 0;
  for (auto& sql : db.prepared_texts()) {
    for (auto row = db.prepare("EXPLAIN QUERY PLAN " + sql); row.step(); ++plans)
      EXPECT_FALSE(is_table_scan(row.text(3))) << row.text(3) << " in" << sql;
  }
  EXPECT_GT(plans, 40) << "the plans of all statements were looked at";
}

} // namespace herald::test
