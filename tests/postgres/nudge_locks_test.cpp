// Two callers of a job that have both looked before either of them wrote: what keeps their events single.
#include <future>
#include <memory>
#include <vector>

#include "adapters/store/postgres/postgres_store.hpp"
#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/sql_platform.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

using namespace std::chrono_literals;

class nudge_locks_test : public postgres_test {
protected:
  void SetUp() override {
    postgres_test::SetUp();
    if (IsSkipped())
      return;
    database.emplace();
    auto done = sql_platform{options()}.insert_platform_rows(make_world(), t0 - 48h);
    ASSERT_FALSE(done.has_error());
    side.emplace(options());
    side->run("INSERT INTO herald_jobs (job, known_since) VALUES ('ours', $1), ('theirs', $1)", t0);
  }

  job_chunk_request chunk_of(std::string_view job) {
    auto id =
        side->run("INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no,"
                  " lease_until) VALUES ($1, $2, $2, 'hand', 'running', 'w', 1, $2) RETURNING id",
                  job, t0);
    job_chunk_request out;
    out.run = {std::stoll(std::string{id.text(0, 0)}), 1};
    out.worker = "w";
    out.now = t0;
    return out;
  }

  /// Has `call` made for each chunk at once, none of which can write before all of them wait for a lock.
  template <class Call> std::vector<job_chunk> race(const std::vector<job_chunk_request>& chunks, Call call) {
    side->run("BEGIN");
    side->run("SELECT FROM projects FOR UPDATE");
    std::vector<std::future<job_chunk>> calls;
    for (auto& chunk : chunks)
      calls.push_back(std::async(std::launch::async, [this, &chunk, call] {
        auto store = open_postgres_store(options());
        return call(*store.value(), chunk).value();
      }));
    auto watch = connect();
    while (ask(watch, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                      " AND wait_event_type = 'Lock'")
           != std::to_string(chunks.size())) {
      // The test's own time limit ends what never comes to wait.
    }
    side->run("COMMIT");
    std::vector<job_chunk> out;
    for (auto& x : calls)
      out.push_back(x.get());
    return out;
  }

  std::uint64_t events() {
    return std::stoull(std::string{side->run("SELECT count(*) FROM domain_events").text(0, 0)});
  }

  static std::uint64_t sum(const std::vector<job_chunk>& chunks, const std::string& reason) {
    std::uint64_t out = 0;
    for (auto& x : chunks)
      if (auto found = x.counts.find(reason); found != x.counts.end())
        out += found->second;
    return out;
  }

  std::optional<sql_session> side;
};

result<job_chunk> remind(nudge_store& store, const job_chunk_request& chunk) {
  meeting_reminders_request request;
  request.chunk = chunk;
  request.chunk.now = t0 + 150min;
  return store.remind_of_meetings(request);
}

TEST_F(nudge_locks_test, owners_are_nudged_once_because_one_run_holds_only_one_chunk_at_a_time) {
  auto chunk = chunk_of("ours");
  auto done = race({chunk, chunk}, [](nudge_store& store, const job_chunk_request& x) {
    resume_nudges_request request;
    request.chunk = x;
    return store.nudge_incomplete_resumes(request);
  });
  // The depot's two resumes, for two owners.
  EXPECT_EQ(events(), 4u);
  EXPECT_EQ(sum(done, "created"), 4u);
  EXPECT_EQ(sum(done, "already"), 4u);
}

TEST_F(nudge_locks_test, people_are_reminded_once_because_the_reminders_row_decides) {
  auto done = race({chunk_of("ours"), chunk_of("theirs")}, remind);
  EXPECT_EQ(events(), 2u);
  EXPECT_EQ(sum(done, "created"), 2u);
  EXPECT_EQ(sum(done, "already"), 2u);
}

TEST_F(nudge_locks_test, people_are_reminded_of_a_moved_meeting_once) {
  side->run("INSERT INTO meeting_reminders_sent (meeting_id, user_id, reminder_type, sent_at)"
            " SELECT meeting_id, user_id, '30min', $1 FROM meeting_participants",
            t0 - 24h);
  auto done = race({chunk_of("ours"), chunk_of("theirs")}, remind);
  EXPECT_EQ(events(), 2u);
  EXPECT_EQ(sum(done, "moved"), 2u);
  EXPECT_EQ(sum(done, "already"), 2u);
}

TEST_F(nudge_locks_test, readers_are_nudged_once_because_the_logs_row_decides) {
  side->run("INSERT INTO project_messages (thread_id, user_id, created_at) VALUES ($1, $2, $3)",
            ids::general_thread, ids::max, t0 - 4h);
  auto done =
      race({chunk_of("ours"), chunk_of("theirs")}, [](nudge_store& store, const job_chunk_request& x) {
        unread_nudges_request request;
        request.chunk = x;
        return store.nudge_unread_threads(request);
      });
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(sum(done, "created"), 1u);
  EXPECT_EQ(sum(done, "already"), 1u);
}

// The log keeps what the database's own times are made of, or a second look would not find it again.
TEST_F(nudge_locks_test, the_log_names_the_newest_message_to_the_microsecond) {
  side->run("INSERT INTO project_messages (thread_id, user_id, created_at)"
            " VALUES ($1, $2, '2026-01-20 10:30:45.123456+00')",
            ids::general_thread, ids::max);
  unread_nudges_request request;
  request.chunk = chunk_of("ours");
  auto store = open_postgres_store(options()).value();
  EXPECT_EQ(store->nudge_unread_threads(request).value().counts, (job_counts{{"created", 1}}));
  EXPECT_EQ(store->nudge_unread_threads(request).value().counts, (job_counts{{"already", 1}}));
  auto x = side->run("SELECT count(*) FROM unread_thread_stale_log WHERE latest_message_at ="
                     " '2026-01-20 10:30:45.123456+00'");
  EXPECT_EQ(x.text(0, 0), "1");
}

} // namespace

} // namespace herald::test
