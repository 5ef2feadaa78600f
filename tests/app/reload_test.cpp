// What a changed configuration does to a daemon that is running.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/reload.hpp"

namespace herald {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(a_reload, of_the_same_configuration_changes_nothing) {
  auto plan = plan_reload({}, {});
  EXPECT_TRUE(plan.empty());
  EXPECT_THAT(plan.schedules, IsEmpty());
}

TEST(a_reload, of_a_schedule_takes_effect_at_once_for_that_job_alone) {
  configuration after;
  after.jobs.unread_nudges.schedule.rule = "@hourly";
  auto plan = plan_reload({}, after);
  EXPECT_THAT(plan.at_once,
              ElementsAre(R"(/jobs/unread_thread_nudges/schedule "*/15 * * * *" -> "@hourly")"));
  EXPECT_THAT(plan.at_next_start, IsEmpty());
  ASSERT_EQ(plan.schedules.size(), 1u);
  EXPECT_EQ(plan.schedules[0].job, unread_nudges_job);
  EXPECT_EQ(plan.schedules[0].rule, "@hourly");
}

TEST(a_reload, that_switches_jobs_off_takes_away_every_schedule_and_on_gives_them_back) {
  configuration off;
  off.jobs.enabled = false;
  auto plan = plan_reload({}, off);
  ASSERT_EQ(plan.schedules.size(), 4u);
  for (auto& x : plan.schedules)
    EXPECT_EQ(x.rule, "");
  auto back = plan_reload(off, {});
  ASSERT_EQ(back.schedules.size(), 4u);
  EXPECT_EQ(back.schedules[0].rule, "*/5 * * * *");
}

TEST(a_reload, of_other_options_waits_for_the_next_start_and_shows_no_secret) {
  configuration after;
  after.poller.batch_size = 7;
  after.resend.api_key = secret{"re_secret"};
  after.log.level = log_level::debug;
  auto plan = plan_reload({}, after);
  EXPECT_THAT(plan.at_once, ElementsAre(R"(/log/level "INFO" -> "DEBUG")"));
  ASSERT_EQ(plan.at_next_start.size(), 2u);
  EXPECT_EQ(plan.at_next_start[0], "/poller/batch_size 500 -> 7");
  for (auto& x : plan.at_next_start)
    EXPECT_EQ(x.find("re_secret"), std::string::npos) << x;
}

} // namespace

} // namespace herald
