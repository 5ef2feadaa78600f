// Two callers of a job that have both looked before either of them wrote: what keeps their events single. And people who
// are deleted while a job is at work: what keeps the two from waiting for each other.
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

  /// Makes the call in a session of its own, beside the test.
  template <class Call> std::future<job_chunk> begin(const job_chunk_request& chunk, Call call) {
    return std::async(std::launch::async, [this, chunk, call] {
      auto store = open_postgres_store(options());
      return call(*store.value(), chunk).value();
    });
  }

  /// Deletes a user as the platform does, in a session of its own, beside the test.
  std::future<void> begin_to_delete(const uuid& user) {
    return std::async(std::launch::async, [this, user] {
      auto db = connect();
      ask(db, "DELETE FROM auth.users WHERE id = '" + to_string(user) + "'");
    });
  }

  /// How many sessions wait for a lock.
  std::uint64_t waiting() {
    if (!watch)
      watch.emplace(connect());
    return std::stoull(ask(*watch, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                   " AND wait_event_type = 'Lock'"));
  }

  /// Has a user deleted and `call` made so that the deletion, which has come as far as auth.users, is ahead.
  template <class Call> job_chunk overtake(const uuid& user, Call call) {
    auto chunk = chunk_of("ours");
    side->run("BEGIN");
    side->run("SELECT FROM profiles WHERE id = $1 FOR UPDATE", user);
    auto deletion = begin_to_delete(user);
    while (waiting() != 1) {
      // The test's own time limit ends what never comes to wait.
    }
    auto done = begin(chunk, call);
    while (waiting() != 2) {
      // As above.
    }
    side->run("COMMIT");
    deletion.get();
    return done.get();
  }

  /// Has a user deleted after `call` has looked and before it writes.
  template <class Call> job_chunk delete_meanwhile(const uuid& user, Call call) {
    auto chunk = chunk_of("ours");
    side->run("BEGIN");
    side->run("SELECT FROM projects FOR UPDATE");
    auto done = begin(chunk, call);
    while (waiting() != 1) {
      // The test's own time limit ends what never comes to wait.
    }
    auto deletion = begin_to_delete(user);
    while (waiting() != 2 && deletion.wait_for(0s) != std::future_status::ready) {
      // It waits where the call holds the person's profile.
    }
    side->run("COMMIT");
    deletion.get();
    return done.get();
  }

  /// Has `call` made for each chunk at once, none of which can write before all of them wait for a lock.
  template <class Call> std::vector<job_chunk> race(const std::vector<job_chunk_request>& chunks, Call call) {
    side->run("BEGIN");
    side->run("SELECT FROM projects FOR UPDATE");
    std::vector<std::future<job_chunk>> calls;
    for (auto& chunk : chunks)
      calls.push_back(begin(chunk, call));
    while (waiting() != chunks.size()) {
      // The test's own time limit ends what never comes to wait.
    }
    side->run("COMMIT");
    std::vector<job_chunk> out;
    for (auto& x : calls)
      out.push_back(x.get());
    return out;
  }

  /// The mark of a reminder from when the meeting was to be at another time.
  void remind_long_ago() {
    side->run("INSERT INTO meeting_reminders_sent (meeting_id, user_id, reminder_type, sent_at)"
              " SELECT meeting_id, user_id, '30min', $1 FROM meeting_participants",
              t0 - 24h);
  }

  std::uint64_t reminders() {
    return std::stoull(std::string{side->run("SELECT count(*) FROM meeting_reminders_sent").text(0, 0)});
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
  std::optional<postgres::connection> watch;
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
  remind_long_ago();
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

// -- beside the deletion of a user --------------------------------------------------------------------------

TEST_F(nudge_locks_test, who_is_deleted_before_the_reminder_is_written_counts_as_reminded_already) {
  auto done = delete_meanwhile(ids::mia, remind);
  EXPECT_EQ(done.counts, (job_counts{{"already", 1}, {"created", 1}}));
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(reminders(), 1u);
}

TEST_F(nudge_locks_test, a_reminder_that_a_deletion_has_overtaken_is_written_for_the_others) {
  EXPECT_EQ(overtake(ids::mia, remind).counts, (job_counts{{"created", 1}}));
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(reminders(), 1u);
}

TEST_F(nudge_locks_test, a_meeting_is_locked_after_its_organizer_whose_deletion_takes_it_along) {
  side->run("UPDATE meetings SET organizer_id = $1", ids::mia);
  EXPECT_EQ(overtake(ids::mia, remind).counts, job_counts{});
  EXPECT_EQ(events(), 0u);
  EXPECT_EQ(reminders(), 0u);
}

TEST_F(nudge_locks_test, a_reminders_row_is_locked_after_the_person_whose_deletion_takes_it_along) {
  remind_long_ago();
  EXPECT_EQ(overtake(ids::mia, remind).counts, (job_counts{{"moved", 1}}));
  EXPECT_EQ(events(), 1u);
  EXPECT_EQ(reminders(), 1u);
}

TEST_F(nudge_locks_test, a_reader_is_nudged_before_a_deletion_that_comes_later) {
  side->run("DELETE FROM user_notification_preferences");
  side->run("INSERT INTO project_messages (thread_id, user_id, created_at) VALUES ($1, $2, $3)",
            ids::closing_thread, ids::max, t0 - 4h);
  auto done = delete_meanwhile(ids::mia, [](nudge_store& store, const job_chunk_request& x) {
    unread_nudges_request request;
    request.chunk = x;
    return store.nudge_unread_threads(request);
  });
  EXPECT_EQ(done.counts, (job_counts{{"created", 2}}));
  EXPECT_EQ(side->run("SELECT count(*) FROM unread_thread_stale_log").text(0, 0), "1");
}

TEST_F(nudge_locks_test, reminders_that_cannot_be_written_leave_nothing_behind_and_may_be_tried_again) {
  side->run("ALTER TABLE profiles DROP CONSTRAINT profiles_id_fkey");
  side->run("DELETE FROM auth.users WHERE id = $1", ids::mia);
  auto chunk = chunk_of("ours");
  auto store = open_postgres_store(options()).value();
  auto failed = remind(*store, chunk);
  ASSERT_TRUE(failed.has_error());
  EXPECT_EQ(failed.error().kind, failure_class::transient);
  expect_says(failed.error(), "kept changing");
  EXPECT_EQ(events(), 0u);
  EXPECT_EQ(reminders(), 0u);
  side->run("INSERT INTO auth.users (id) VALUES ($1)", ids::mia);
  EXPECT_EQ(remind(*store, chunk).value().counts, (job_counts{{"created", 2}}));
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
