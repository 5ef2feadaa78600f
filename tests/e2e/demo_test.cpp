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
