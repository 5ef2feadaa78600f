// Time-driven jobs in a daemon's session, on a real SQLite file and a clock that the test sets: what is due is run,
// once, whoever was there and whoever was not.
#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "app/demo/day.hpp"
#include "app/session.hpp"
#include "core/iso8601.hpp"
#include "tests/e2e/prepared_store.hpp"
#include "tests/support/child_process.hpp"

namespace herald::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

using names = std::vector<std::string>;

/// Far more than a step's work takes.
constexpr duration patience{30'000};

class jobs_session : public ::testing::Test {
protected:
  jobs_session() {
    cfg.store.sqlite.path = dir_ / "herald.db";
    cfg.store.sqlite.durability = sqlite_durability::normal;
    cfg.email.enabled = false;
    cfg.jobs.watches.renewal.address = "https://backend.example.com/hook";
    store_ = open_store(cfg.store.sqlite.path);
    company_ = make_company({.seed = 7, .now = at("12:02")});
    google_ = connect_calendars(company_, time);
    if (store_->insert_platform_rows(company_.rows, company_.now).has_error())
      throw std::runtime_error("cannot insert the company");
  }

  static timestamp at(const std::string& clock_time) {
    return from_iso8601("2026-01-20T" + clock_time + ":00Z").value();
  }

  std::unique_ptr<session> start(const std::string& worker = "w1", bool scheduled = true) {
    session_options out;
    out.cfg = cfg;
    out.cfg.daemon.worker_id = worker;
    out.rows = {handlers().begin(), handlers().end()};
    out.time = time;
    out.scheduled_jobs = scheduled;
    out.open_calendar = [this] { return open_demo_calendar(google_, time); };
    return std::make_unique<session>(std::move(out));
  }

  static void let_run(session& x) {
    auto idle = x.until_jobs_ran(patience);
    ASSERT_TRUE(idle.has_value()) << idle.error().reason;
    ASSERT_TRUE(*idle);
  }

  void let_run_at(session& x, const std::string& clock_time) {
    time->jump_to(at(clock_time));
    let_run(x);
  }

  std::vector<job_run> runs() { return store_->job_runs(1'000).value(); }

  /// The ledger of a job from old to new: `STATE HH:MM`, with `xN` for several instants.
  names ledger_of(std::string_view job) {
    names out;
    for (auto& x : runs())
      if (x.job == job)
        out.insert(out.begin(), std::string{to_string(x.state)} + " " + to_iso8601(x.first_at).substr(11, 5)
                                    + (x.instants > 1 ? " x" + std::to_string(x.instants) : ""));
    return out;
  }

  std::uint64_t count_of(std::string_view job, const std::string& reason) {
    std::uint64_t out = 0;
    for (auto& x : runs())
      if (auto n = x.counts.find(reason); x.job == job && n != x.counts.end())
        out += n->second;
    return out;
  }

  std::uint64_t created_by(std::string_view job) { return count_of(job, "created"); }

  std::multiset<std::string> rows(const std::string& sql) { return rows_of(cfg.store.sqlite.path, sql); }

  configuration cfg;
  std::shared_ptr<demo_clock> time =
      std::make_shared<demo_clock>(std::make_shared<const system_clock>(), at("12:02"));

private:
  temp_dir dir_;
  company company_;
  std::shared_ptr<simulated_google> google_;
  std::unique_ptr<sqlite_store> store_;
};

TEST_F(jobs_session, runs_each_instant_of_the_schedules_and_writes_it_down) {
  auto herald = start();
  let_run(*herald);
  EXPECT_THAT(runs(), IsEmpty()) << "a new installation catches up with nothing";
  for (auto clock_time : {"12:05", "12:10", "12:15"})
    let_run_at(*herald, clock_time);
  EXPECT_THAT(ledger_of(meeting_reminders_job), ElementsAre("ran 12:05", "ran 12:10", "ran 12:15"));
  EXPECT_THAT(ledger_of(unread_nudges_job), ElementsAre("ran 12:15"));
  EXPECT_THAT(ledger_of(resume_nudges_job), IsEmpty());
  EXPECT_GT(created_by(meeting_reminders_job), 0u);
  EXPECT_GT(created_by(unread_nudges_job), 0u);
  auto idle = herald->until_idle(patience);
  ASSERT_TRUE(idle && *idle);
  EXPECT_THAT(rows("SELECT id FROM notifications WHERE json_extract(payload, '$.type') = 'meeting_reminder'"),
              ::testing::Not(IsEmpty()))
      << "and what they created is notified of";
}

TEST_F(jobs_session, one_run_stands_for_the_instants_of_a_downtime) {
  let_run(*start());
  time->jump_to(at("15:07"));
  let_run(*start("w2"));
  EXPECT_THAT(ledger_of(meeting_reminders_job), ElementsAre("missed 12:05 x36", "late 15:05"));
  EXPECT_THAT(ledger_of(unread_nudges_job), ElementsAre("missed 12:15 x11", "late 15:00"));
  // A restart does not make it again.
  let_run(*start("w3"));
  EXPECT_EQ(ledger_of(meeting_reminders_job).size(), 2u);
}

TEST_F(jobs_session, renews_watches_at_night) {
  auto herald = start();
  let_run(*herald);
  time->jump_to(at("12:02") + 14h);
  let_run(*herald);
  EXPECT_THAT(ledger_of(calendar_watches_job), ElementsAre("missed 14:00 x2", "late 02:00"));
  EXPECT_GT(count_of(calendar_watches_job, "renewed"), 0u);
  EXPECT_EQ(count_of(calendar_watches_job, "needs_reconnect"), 1u);
}

TEST_F(jobs_session, without_schedules_nothing_runs_by_itself_but_by_hand) {
  auto herald = start("w1", false);
  let_run(*herald);
  time->jump_to(at("18:00"));
  let_run(*herald);
  EXPECT_THAT(runs(), IsEmpty());
  auto done = herald->run({std::string{unread_nudges_job}, {}, false}).get();
  ASSERT_TRUE(done.has_value()) << done.error().reason;
  EXPECT_EQ(done->verdict, begin_verdict::begun);
  EXPECT_EQ(runs().size(), 1u);
}

TEST_F(jobs_session, an_empty_schedule_silences_its_job_alone) {
  cfg.jobs.meeting_reminders.schedule.rule = "";
  auto herald = start();
  let_run(*herald);
  let_run_at(*herald, "12:15");
  EXPECT_THAT(ledger_of(meeting_reminders_job), IsEmpty());
  EXPECT_THAT(ledger_of(unread_nudges_job), ElementsAre("ran 12:15"));
}

TEST_F(jobs_session, a_dry_run_leaves_the_ledger_and_the_events_alone) {
  cfg.dry_run = true;
  auto herald = start();
  let_run(*herald);
  let_run_at(*herald, "12:15");
  EXPECT_THAT(rows("SELECT job FROM herald_jobs"), IsEmpty());
  EXPECT_THAT(runs(), IsEmpty());
  EXPECT_THAT(rows("SELECT id FROM domain_events"), IsEmpty());
}

TEST_F(jobs_session, two_daemons_share_the_instants_of_one_database) {
  auto first = start("w1");
  auto second = start("w2");
  let_run(*first);
  let_run(*second);
  constexpr int steps = 12;
  for (int i = 0; i < steps; ++i) {
    time->jump_to(at("12:05") + 5min * i);
    auto other = std::async(std::launch::async, [&] { let_run(*second); });
    let_run(*first);
    other.get();
  }
  auto reminders = ledger_of(meeting_reminders_job);
  EXPECT_EQ(reminders.size(), static_cast<std::size_t>(steps));
  EXPECT_EQ(std::set<std::string>(reminders.begin(), reminders.end()).size(), reminders.size());
  for (auto& x : runs())
    EXPECT_EQ(x.state, run_state::ran) << x.job << " " << x.error;
  EXPECT_EQ(created_by(unread_nudges_job), rows("SELECT id FROM unread_thread_stale_log").size());
  EXPECT_EQ(rows("SELECT id FROM domain_events WHERE event_type = 'thread_unread_stale'").size(),
            rows("SELECT DISTINCT thread_id, user_id FROM unread_thread_stale_log").size());
}

TEST_F(jobs_session, a_run_by_hand_is_made_however_early_it_is_asked_for) {
  // The stages are still coming up.
  auto herald = start("w1", false);
  auto done = herald->run({std::string{meeting_reminders_job}, {}, false}).get();
  ASSERT_TRUE(done.has_value()) << done.error().reason;
  EXPECT_FALSE(done->report.why);
}

TEST_F(jobs_session, asking_for_a_job_that_is_not_there_is_an_error) {
  auto herald = start();
  auto done = herald->run({"paint-the-shed", {}, false}).get();
  ASSERT_TRUE(done.has_error());
  EXPECT_THAT(done.error().reason, HasSubstr("there is no job 'paint-the-shed'"));
}

TEST_F(jobs_session, a_question_that_is_open_when_everything_stops_is_answered) {
  auto herald = start();
  herald->stop();
  auto late = herald->run({std::string{meeting_reminders_job}, {}, false}).get();
  EXPECT_TRUE(late.has_error());
}

} // namespace
} // namespace herald::testing
