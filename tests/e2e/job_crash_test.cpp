// kill -9 between every pair of durable steps of a time-driven job: nothing is created twice, nothing is left out,
// and no calendar is ever without its watch.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/jobs_world.hpp"

namespace herald::testing {
namespace {

using ::testing::IsEmpty;
using json = nlohmann::json;

struct crash_point {
  std::string_view job;
  const char* step;
  const char* when;
  int hit;
};

std::string failpoint_of(const crash_point& x) {
  return std::string{x.step} + ":" + x.when + ":" + std::to_string(x.hit);
}

std::string title_of(const crash_point& x) {
  auto out = name_of(x.job) + "_" + x.step + "_" + x.when + "_" + std::to_string(x.hit);
  std::ranges::replace(out, '-', '_');
  return out;
}

void PrintTo(const crash_point& x, std::ostream* out) {
  *out << title_of(x);
}

/// Chunks so small that every job has several, and enough meetings for it.
const std::vector<std::string> small_chunks{"jobs.chunk=2", "jobs.meeting_reminders.ahead_minutes=1440",
                                            "store.sqlite.durability=normal"};

child_process start_with_failpoint(const workplace& place, const std::string& failpoint,
                                   std::vector<std::string> args, child_process::environment env = {}) {
  if (!failpoint.empty())
    env["HERALD_FAILPOINT"] = failpoint;
  args.insert(args.end(), {"--database", place.database()});
  return child_process{HERALD_FAILPOINT_PROGRAM, std::move(args), env, place.file("")};
}

json counts_of(const outcome& x) {
  EXPECT_EQ(x.status, 0) << x.err;
  return json::parse(last_line(x.out), nullptr, false)["counts"];
}

// -- jobs that create events, by hand -----------------------------------------------------------------------

class job_crash : public ::testing::TestWithParam<crash_point> {
protected:
  job_crash() {
    prepare_store(calm_.database(), 0);
    std::filesystem::copy_file(calm_.database(), rough_.database());
  }

  /// As of one moment, so that what comes out can be compared to the letter.
  outcome once(const workplace& place, const std::string& failpoint = {}) const {
    return start_with_failpoint(
               place, failpoint,
               with_settings({"once", name_of(GetParam().job), "--json", "--at", as_of_}, small_chunks))
        .wait();
  }

  workplace calm_;
  workplace rough_;
  std::string as_of_ = to_iso8601(system_clock{}.now());
};

TEST_P(job_crash, ends_in_the_rows_of_an_undisturbed_run) {
  ASSERT_GT(counts_of(once(calm_)).value("created", 0), 5);

  ASSERT_EQ(once(rough_, failpoint_of(GetParam())).status, 128 + SIGKILL) << "it never came to this step";
  end_leases(rough_.database());
  counts_of(once(rough_));
  EXPECT_EQ(nudges_in(rough_.database()), nudges_in(calm_.database()));
  // And then there is nothing left to do.
  EXPECT_FALSE(counts_of(once(rough_)).contains("created"));
  EXPECT_EQ(nudges_in(rough_.database()), nudges_in(calm_.database()));
  EXPECT_EQ(number_in(rough_.database(), "SELECT COUNT(*) FROM herald_job_runs WHERE state = 'running'"), 0);
  EXPECT_EQ(ledger_of(rough_.database(), GetParam().job).back(), "ran 1 1");
}

std::vector<crash_point> nudge_points() {
  std::vector<crash_point> out;
  for (auto job : {meeting_reminders_job, unread_nudges_job, resume_nudges_job})
    for (auto when : {"before", "after"})
      for (auto& x : {crash_point{job, "begin_run", when, 1}, crash_point{job, "chunk", when, 1},
                      crash_point{job, "chunk", when, 2}, crash_point{job, "chunk", when, 3},
                      crash_point{job, "finish_run", when, 1}})
        out.push_back(x);
  return out;
}

INSTANTIATE_TEST_SUITE_P(steps, job_crash, ::testing::ValuesIn(nudge_points()),
                         [](const auto& x) { return title_of(x.param); });

// -- the daemon's own instants ------------------------------------------------------------------------------

class instant_crash : public ::testing::TestWithParam<crash_point> {
protected:
  instant_crash() {
    prepare_store(calm_.database(), 0);
    std::filesystem::copy_file(calm_.database(), rough_.database());
    // Known since before the last full hour, which is due at once.
    auto since = std::to_string(to_epoch_ms(system_clock{}.now() - std::chrono::minutes{90}));
    change(rough_.database(),
           "INSERT INTO herald_jobs VALUES ('" + name_of(unread_nudges_job) + "', " + since + ")");
  }

  child_process start(const std::string& worker, const std::string& failpoint = {}) const {
    auto args = with_settings({"run"}, small_chunks);
    return start_with_failpoint(
        rough_, failpoint,
        with_settings(std::move(args),
                      {"daemon.worker_id=" + worker, "email.enabled=false",
                       "jobs.unread_thread_nudges.schedule=0 * * * *", "jobs.meeting_reminders.schedule=",
                       "jobs.resume_incomplete_nudges.schedule=", "jobs.renew_calendar_watches.schedule="}));
  }

  /// Another daemon does what is due, and stops.
  void make_good(const std::string& worker) const {
    auto daemon = start(worker);
    // Before it has begun to listen, a signal is its end.
    while (
        daemon.said_so_far().find("working on") == std::string::npos
        || number_in(rough_.database(), "SELECT COUNT(*) FROM herald_job_runs WHERE state IN ('ran', 'late')")
               == 0)
      ASSERT_FALSE(daemon.ended_within(5)) << daemon.said_so_far();
    daemon.signal(SIGTERM);
    auto end = daemon.wait();
    EXPECT_EQ(end.status, 0) << end.err;
  }

  void expect_each_reader_nudged_once() const {
    auto calm = start_with_failpoint(calm_, {}, {"once", name_of(unread_nudges_job), "--json"}).wait();
    auto who = "SELECT thread_id, user_id, latest_message_at FROM unread_thread_stale_log";
    ASSERT_GT(counts_of(calm).value("created", 0), 5);
    EXPECT_EQ(rows_of(rough_.database(), who), rows_of(calm_.database(), who));
    EXPECT_EQ(
        rows_of(rough_.database(), "SELECT thread_id, json_extract(payload, '$.user_id') FROM domain_events"),
        rows_of(rough_.database(), "SELECT thread_id, user_id FROM unread_thread_stale_log"));
  }

  workplace calm_;
  workplace rough_;
};

TEST_P(instant_crash, is_made_good_by_another_daemon_under_the_same_entry) {
  ASSERT_EQ(start("w1", failpoint_of(GetParam())).wait().status, 128 + SIGKILL);
  auto begun = number_in(rough_.database(), "SELECT COUNT(*) FROM herald_job_runs WHERE state = 'running'");
  end_leases(rough_.database());
  make_good("w2");
  expect_each_reader_nudged_once();
  auto took_over = begun == 1 ? "late 2 2" : "late 1 1";
  // What was finished before it died is not run again.
  auto finished =
      std::string_view{GetParam().step} == "finish_run" && std::string_view{GetParam().when} == "after";
  EXPECT_EQ(ledger_of(rough_.database(), unread_nudges_job).front(), finished ? "late 1 1" : took_over);
}

TEST_P(instant_crash, is_made_good_at_once_by_a_daemon_of_the_same_name) {
  ASSERT_EQ(start("w1", failpoint_of(GetParam())).wait().status, 128 + SIGKILL);
  make_good("w1");
  expect_each_reader_nudged_once();
}

INSTANTIATE_TEST_SUITE_P(steps, instant_crash,
                         ::testing::Values(crash_point{unread_nudges_job, "begin_run", "before", 1},
                                           crash_point{unread_nudges_job, "begin_run", "after", 1},
                                           crash_point{unread_nudges_job, "chunk", "after", 2},
                                           crash_point{unread_nudges_job, "finish_run", "before", 1},
                                           crash_point{unread_nudges_job, "finish_run", "after", 1}),
                         [](const auto& x) { return title_of(x.param); });

// -- calendar watches ---------------------------------------------------------------------------------------

class watch_crash : public ::testing::TestWithParam<crash_point> {
protected:
  watch_crash() {
    prepare_store(place_.database(), 0);
    calendars_.emplace(place_.database());
  }

  outcome renew(const std::string& failpoint = {}) const {
    auto args = with_settings({"once", name_of(calendar_watches_job), "--json"}, calendars_->settings());
    // One after the other, so that a hit is the same moment each time.
    return start_with_failpoint(
               place_, failpoint,
               with_settings(std::move(args), {"jobs.renew_calendar_watches.max_concurrent=1"}),
               calendars_->environment())
        .wait();
  }

  /// Renews every watch, has the second renewal die on its way, and makes it good.
  void die_and_make_good() {
    calendars_->begin_days_ago();
    ASSERT_EQ(counts_of(renew()).value("renewed", 0), 5);
    calendars_->come_back_to_today();
    ASSERT_EQ(renew(failpoint_of(GetParam())).status, 128 + SIGKILL) << "it never came to this step";
    end_leases(place_.database());
    ASSERT_FALSE(counts_of(renew()).contains("failed"));
    EXPECT_THAT(counts_of(renew()), IsEmpty());
    EXPECT_EQ(number_in(place_.database(),
                        "SELECT COUNT(*) FROM herald_calendar_watches WHERE planned_channel <> ''"),
              0);
  }

  workplace place_;
  std::optional<calendar_world> calendars_;
};

TEST_P(watch_crash, leaves_one_channel_each_and_no_calendar_without) {
  die_and_make_good();
  calendars_->expect_one_channel_each();
}

/// Deaths after the new channel was kept and before the old one was stopped.
class watch_crash_before_the_stop : public watch_crash {};

TEST_P(watch_crash_before_the_stop, leaves_the_old_channel_to_expire_as_it_would_have_anyway) {
  die_and_make_good();
  std::size_t live = 0;
  for (auto& account : calendars_->accounts())
    live += calendars_->google().live_channels(account, account).size();
  EXPECT_EQ(live, 6u);
  calendars_->let_old_channels_expire();
  calendars_->expect_one_channel_each();
}

std::vector<crash_point> renewal_points() {
  constexpr auto job = calendar_watches_job;
  std::vector<crash_point> out;
  for (auto when : {"before", "after"}) {
    for (auto step : {"begin_run", "finish_run"})
      out.push_back({job, step, when, 1});
    for (auto step : {"refresh", "watch"})
      for (auto hit : {1, 3})
        out.push_back({job, step, when, hit});
  }
  for (auto hit : {1, 3})
    out.push_back({job, "stop", "after", hit});
  // A token, a plan and a channel of the first connection, and of the second.
  for (auto hit : {1, 2, 3, 4, 5, 6})
    out.push_back({job, "keep", "before", hit});
  for (auto hit : {1, 2, 4, 5})
    out.push_back({job, "keep", "after", hit});
  return out;
}

INSTANTIATE_TEST_SUITE_P(steps, watch_crash, ::testing::ValuesIn(renewal_points()),
                         [](const auto& x) { return title_of(x.param); });

INSTANTIATE_TEST_SUITE_P(steps, watch_crash_before_the_stop,
                         ::testing::Values(crash_point{calendar_watches_job, "keep", "after", 3},
                                           crash_point{calendar_watches_job, "keep", "after", 6},
                                           crash_point{calendar_watches_job, "stop", "before", 1},
                                           crash_point{calendar_watches_job, "stop", "before", 3}),
                         [](const auto& x) { return title_of(x.param); });

} // namespace
} // namespace herald::testing
