// The demo as its users run it, and its books: what went in is the sum of what came out.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/handlers.hpp"
#include "tests/e2e/herald.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using json = nlohmann::json;

/// One run serves all tests of this file.
class demo : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    place_ = new workplace;
    result_ = new outcome{place_->run({"demo", "--json"})};
    report_ = new json(json::parse(last_line(result_->out), nullptr, false));
  }

  static void TearDownTestSuite() {
    delete report_;
    delete result_;
    delete place_;
  }

  void SetUp() override {
    ASSERT_EQ(result_->status, 0) << result_->err;
    ASSERT_TRUE(report_->is_object()) << result_->out;
  }

  static std::uint64_t number(const json& x) { return x.get<std::uint64_t>(); }

  static workplace* place_;
  static outcome* result_;
  static json* report_;
};

workplace* demo::place_ = nullptr;
outcome* demo::result_ = nullptr;
json* demo::report_ = nullptr;

TEST_F(demo, settles_every_event) {
  auto& events = (*report_)["events"];
  EXPECT_GT(number(events["in"]), 200u);
  EXPECT_EQ(number(events["pending"]), 0u);
  EXPECT_EQ(number(events["in"]),
            number(events["completed"]) + number(events["dead"]) + number(events["expired"]));
  EXPECT_EQ(number(events["expired"]), 1u);
}

TEST_F(demo, plays_every_event_type) {
  auto& by_type = (*report_)["by_type"];
  for (auto& row : handlers())
    EXPECT_TRUE(by_type.contains(std::string{row.event_type})) << row.event_type;
  std::uint64_t events = 0;
  for (auto& [type, x] : by_type.items()) {
    EXPECT_EQ(number(x["events"]),
              number(x["completed"]) + number(x["dead"]) + number(x["pending"]) + number(x["expired"]))
        << type;
    events += number(x["events"]);
  }
  EXPECT_EQ(events, number((*report_)["events"]["in"]));
}

TEST_F(demo, balances_its_books) {
  auto& conservation = (*report_)["conservation"];
  EXPECT_TRUE(conservation["holds"].get<bool>()) << conservation.dump(2);
  EXPECT_GE(conservation["checks"].size(), 4u);
}

TEST_F(demo, goes_all_the_way_to_captured_mail) {
  auto& emails = (*report_)["emails"];
  auto mails = number(emails["immediate"]) + number(emails["digests"]);
  EXPECT_GT(number(emails["immediate"]), 20u);
  EXPECT_GT(number(emails["digests"]), 5u);
  EXPECT_GT(number(emails["merged"]), number(emails["digests"]));
  EXPECT_EQ(number(emails["failed"]) + number(emails["parked"]) + number(emails["pending"]), 0u);
  std::uint64_t files = 0;
  for (auto& x : std::filesystem::directory_iterator{place_->database() + ".mail"})
    files += x.path().extension() == ".eml" ? 1U : 0U;
  EXPECT_EQ(files, mails);
}

TEST_F(demo, keeps_muted_people_out_and_says_so) {
  std::uint64_t muted = 0;
  for (auto& [type, x] : (*report_)["by_type"].items())
    for (auto& [reason, n] : x["skipped_by_reason"].items())
      if (reason.ends_with(":muted"))
        muted += number(n);
  EXPECT_GT(muted, 0u);
}

TEST_F(demo, quarantines_the_poison_event_alone) {
  auto& quarantined = (*report_)["quarantined"];
  ASSERT_EQ(quarantined.size(), 1u) << quarantined.dump(2);
  EXPECT_EQ(quarantined[0]["event_type"], "demo_crash");
  EXPECT_FALSE(quarantined[0]["reason"].get<std::string>().empty());
  // Its healthy siblings came through.
  auto& crash = (*report_)["by_type"]["demo_crash"];
  EXPECT_EQ(number(crash["dead"]), 1u);
  EXPECT_EQ(number(crash["completed"]), number(crash["events"]) - 1);
}

TEST_F(demo, restarts_the_crashed_handler_and_nothing_else) {
  EXPECT_GE(number((*report_)["restarts"]), 1u);
  for (auto& x : (*report_)["supervision"]) {
    if (x["what"] == "crashed") {
      EXPECT_EQ(x["child"], "demo_crash");
    }
  }
}

TEST_F(demo, completes_an_unknown_type_with_a_warning) {
  auto& unknown = (*report_)["by_type"]["lender_quote_received"];
  EXPECT_EQ(number(unknown["completed"]), number(unknown["events"]));
}

// -- the day ------------------------------------------------------------------------------------------------

TEST_F(demo, accounts_for_every_instant_of_the_day) {
  constexpr std::uint64_t five_minutes_of_a_day = 288;
  auto& runs = (*report_)["jobs"]["meeting-reminders"]["runs"];
  std::uint64_t instants = 0;
  for (auto& [state, n] : runs.items())
    instants += number(n);
  EXPECT_GE(instants, five_minutes_of_a_day - 1) << runs;
  EXPECT_LE(instants, five_minutes_of_a_day + 1) << runs;
  // Two hours off: the last instant gets the run of them all.
  EXPECT_GE(number(runs["missed"]), 22u) << runs;
  EXPECT_LE(number(runs["missed"]), 24u) << runs;
  EXPECT_EQ(runs.value("late", 0) + runs.value("ran", 0) + runs.value("missed", 0),
            static_cast<int>(instants));
}

TEST_F(demo, brings_about_everything_that_time_does) {
  auto& jobs = (*report_)["jobs"];
  for (auto job : {"meeting-reminders", "unread-thread-nudges", "resume-incomplete-nudges"})
    EXPECT_GT(jobs[job]["counts"].value("created", 0), 0) << job;
  auto& renewals = jobs["renew-calendar-watches"]["counts"];
  EXPECT_GT(renewals.value("renewed", 0), 0) << renewals;
  // The same one at every look.
  EXPECT_GE(renewals.value("needs_reconnect", 0), 1) << renewals;
  EXPECT_GT(number((*report_)["emails"]["digests"]), 0u);
  auto& by_type = (*report_)["by_type"];
  // Beyond what the feed had of them.
  for (auto type : {"meeting_reminder", "thread_unread_stale", "resume_incomplete_nudge"})
    EXPECT_EQ(number(by_type[type]["events"]),
              number(by_type[type]["completed"]) + number(by_type[type]["dead"]))
        << type;
}

TEST_F(demo, watches_every_calendar_but_that_of_whoever_took_the_access_away) {
  auto& watches = (*report_)["watches"];
  EXPECT_EQ(number(watches["connections"]), 5u);
  EXPECT_EQ(number(watches["watched"]) + number(watches["expired"]), 5u) << watches;
  EXPECT_EQ(number(watches["needs_reconnect"]), 1u) << watches;
  EXPECT_EQ(number((*report_)["channels"]["live"]), 4u) << (*report_)["channels"];
}

TEST_F(demo, shows_the_day_to_the_other_commands) {
  auto jobs = place_->run({"jobs", "--json", "--history", "300"});
  ASSERT_EQ(jobs.status, 0) << jobs.err;
  auto table = json::parse(jobs.out);
  ASSERT_EQ(table["jobs"].size(), 4u);
  for (auto& x : table["jobs"])
    EXPECT_FALSE(x["runs"].empty()) << x["job"];
  EXPECT_EQ(table["watches"]["needs_reconnect"], 1);
}

TEST(demo_without_a_day, skips_what_time_brings_about) {
  workplace place;
  auto out = place.run({"demo", "--json", "--hours", "0", "--events", "60"});
  ASSERT_EQ(out.status, 0) << out.err;
  auto report = json::parse(last_line(out.out));
  EXPECT_TRUE(report["jobs"].empty()) << report["jobs"];
  // As the people of the company connected them.
  EXPECT_EQ(report["channels"]["live"], 6);
  EXPECT_EQ(report["channels"]["stopped"], 0);
  EXPECT_TRUE(report["conservation"]["holds"].get<bool>());
  EXPECT_EQ(out.err.find("hours pass"), std::string::npos);
}

TEST_F(demo, leaves_a_database_that_the_other_commands_can_read) {
  auto status = place_->run({"status", "--json"});
  ASSERT_EQ(status.status, 0) << status.err;
  EXPECT_EQ(json::parse(status.out)["events"]["dead"], (*report_)["events"]["dead"]);
  auto explained = place_->run({"explain", "1", "--json"});
  ASSERT_EQ(explained.status, 0) << explained.err;
  EXPECT_EQ(json::parse(explained.out)["event"]["id"], 1);
  auto poison = std::to_string((*report_)["quarantined"][0]["event_id"].get<std::int64_t>());
  auto chain = place_->run({"explain", poison});
  EXPECT_THAT(chain.out, HasSubstr("crash"));
}

TEST_F(demo, may_be_run_again_and_replaces_its_own_database_only) {
  EXPECT_EQ(place_->run({"demo", "--json", "--events", "60"}).status, 0);
  workplace other;
  ASSERT_EQ(other.run({"emit", "some_type"}).status, 0);
  auto refused = other.run({"demo", "--json"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("was not made by a demo"));
}

} // namespace
} // namespace herald::testing
