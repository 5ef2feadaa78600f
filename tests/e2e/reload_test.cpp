// SIGHUP: the daemon reads its configuration again while it works.
#include <csignal>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/jobs_world.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class reload : public ::testing::Test {
protected:
  reload() {
    prepare_store(place_.database(), 0);
    // Known since before the last full hour: with an hourly schedule a run is due at once.
    auto since = std::to_string(to_epoch_ms(system_clock{}.now() - std::chrono::minutes{90}));
    change(place_.database(),
           "INSERT INTO herald_jobs VALUES ('" + name_of(unread_nudges_job) + "', " + since + ")");
  }

  /// A configuration in which only the unread nudges may have a schedule.
  void write_configuration(const std::string& unread_schedule, int batch_size = 500) {
    std::ofstream{file_} << R"({"jobs": {"meeting_reminders": {"schedule": ""},
      "resume_incomplete_nudges": {"schedule": ""}, "renew_calendar_watches": {"schedule": ""},
      "unread_thread_nudges": {"schedule": ")"
                         << unread_schedule
                         << R"("}}, "email": {"enabled": false}, "poller": {"batch_size": )" << batch_size
                         << "}}";
  }

  child_process start() { return place_.start({"run", "--config", file_, "--log-level", "INFO"}); }

  static void wait_for(child_process& daemon, const std::string& words) {
    while (daemon.said_so_far().find(words) == std::string::npos)
      ASSERT_FALSE(daemon.ended_within(5)) << daemon.said_so_far();
  }

  void expect_clean_end(child_process& daemon) {
    daemon.signal(SIGTERM);
    auto end = daemon.wait();
    EXPECT_EQ(end.status, 0) << end.err;
  }

  workplace place_;
  std::string file_ = place_.database() + ".json";
};

TEST_F(reload, of_a_schedule_takes_effect_at_once) {
  write_configuration("");
  auto daemon = start();
  // Before it has begun to listen, a signal is its end.
  wait_for(daemon, "working on");
  EXPECT_THAT(ledger_of(place_.database(), unread_nudges_job), ::testing::IsEmpty());
  write_configuration("0 * * * *", 7);
  daemon.signal(SIGHUP);
  wait_for(daemon, "in effect from now on: /jobs/unread_thread_nudges/schedule");
  wait_for(daemon, "takes effect when Herald is started again: /poller/batch_size 500 -> 7");
  while (number_in(place_.database(), "SELECT COUNT(*) FROM herald_job_runs WHERE state IN ('ran', 'late')")
         == 0)
    ASSERT_FALSE(daemon.ended_within(5)) << daemon.said_so_far();
  expect_clean_end(daemon);
}

TEST_F(reload, of_a_configuration_that_is_not_valid_changes_nothing_and_says_why) {
  write_configuration("");
  auto daemon = start();
  // Before it has begun to listen, a signal is its end.
  wait_for(daemon, "working on");
  write_configuration("99 * * * *");
  daemon.signal(SIGHUP);
  wait_for(daemon, "the configuration is not valid");
  wait_for(daemon, "/jobs/unread_thread_nudges/schedule");
  EXPECT_THAT(daemon.said_so_far(), Not(HasSubstr("in effect from now on")));
  expect_clean_end(daemon);
  EXPECT_THAT(ledger_of(place_.database(), unread_nudges_job), ::testing::IsEmpty());
}

} // namespace
} // namespace herald::testing
