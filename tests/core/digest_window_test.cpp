// Digest windows: the same for everybody who asks, none missing and none twice, also when clocks are set.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/digest_window.hpp"
#include "core/iso8601.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

const digest_schedule& usual() {
  static const auto x = digest_schedule::parse().value();
  return x;
}

timestamp at(std::string_view iso8601) {
  return from_iso8601(iso8601).value();
}

TEST(a_digest_schedule, is_hourly_in_working_hours_of_california_by_default) {
  EXPECT_EQ(usual().rule.text(), "0 6-18 * * *");
  EXPECT_EQ(usual().zone.name(), "America/Los_Angeles");
}

TEST(a_digest_schedule, that_cannot_be_read_is_refused_with_the_reason) {
  EXPECT_NE(digest_schedule::parse("0 25 * * *").error().reason.find("hour"), std::string::npos);
  EXPECT_NE(digest_schedule::parse("@daily", "Mars/Olympus").error().reason.find("Mars/Olympus"),
            std::string::npos);
}

TEST(a_window, closes_at_its_instant) {
  auto seven = at("2026-01-20T15:00:00Z");
  EXPECT_EQ(latest_window(usual(), seven), seven);
  EXPECT_EQ(latest_window(usual(), seven - 1ms), seven - 1h);
  EXPECT_EQ(next_window(usual(), seven), seven + 1h);
  EXPECT_EQ(next_window(usual(), seven - 1ms), seven);
}

TEST(the_first_window_of_a_day, takes_in_the_night) {
  EXPECT_EQ(latest_window(usual(), at("2026-01-21T13:59:59Z")), at("2026-01-21T02:00:00Z"));
  EXPECT_EQ(next_window(usual(), at("2026-01-21T02:00:00Z")), at("2026-01-21T14:00:00Z"));
}

TEST(a_downtime, ends_with_the_one_newest_window) {
  EXPECT_EQ(latest_window(usual(), at("2026-01-25T20:30:00Z")), at("2026-01-25T20:00:00Z"));
}

TEST(the_windows_of_three_years, are_thirteen_a_day_and_one_hour_apart) {
  std::map<std::string, int> of_day;
  auto last = at("2025-01-01T08:00:00Z"); // midnight
  auto until = at("2028-01-01T08:00:00Z");
  for (auto t = next_window(usual(), last); t < until; t = next_window(usual(), t)) {
    auto day = usual().zone.format(t, "%F");
    ++of_day[day];
    auto clock = usual().zone.format(t, "%H:%M:%S");
    EXPECT_GE(clock, "06:00:00");
    EXPECT_LE(clock, "18:00:00");
    EXPECT_EQ(clock.substr(2), ":00:00");
    EXPECT_TRUE(t - last == 1h || of_day[day] == 1) << to_iso8601(t);
    EXPECT_EQ(latest_window(usual(), t), t);
    EXPECT_EQ(latest_window(usual(), t + 59min), t);
    last = t;
  }
  EXPECT_EQ(of_day.size(), 3u * 365);
  for (auto& [day, windows] : of_day)
    EXPECT_EQ(windows, 13) << day;
}

TEST(the_days_on_which_clocks_are_set, have_every_hourly_window_once) {
  // All hours of the day: 23 of them in spring; in autumn the repeated hour counts once.
  auto around_the_clock = digest_schedule::parse("0 * * * *").value();
  for (auto [day, windows] : std::map<std::string, int>{{"2025-03-09", 23},
                                                        {"2025-11-02", 24},
                                                        {"2026-03-08", 23},
                                                        {"2026-11-01", 24},
                                                        {"2027-03-14", 23},
                                                        {"2027-11-07", 24},
                                                        {"2026-06-01", 24}}) {
    auto n = 0;
    for (auto t = at(day + "T00:00:00Z"); t < at(day + "T00:00:00Z") + 48h;
         t = next_window(around_the_clock, t))
      n += around_the_clock.zone.format(t, "%F %M:%S") == day + " 00:00"
           && latest_window(around_the_clock, t) == t;
    EXPECT_EQ(n, windows) << day;
  }
}

RC_GTEST_PROP(windows, follow_each_other_without_a_gap, ()) {
  auto now =
      at("2025-01-01T00:00:00Z") + duration{*rc::gen::inRange<std::int64_t>(0, 3LL * 365 * 86'400'000)};
  auto latest = latest_window(usual(), now);
  auto next = next_window(usual(), now);
  RC_ASSERT(latest <= now);
  RC_ASSERT(next > now);
  RC_ASSERT(next_window(usual(), latest) == next);
  RC_ASSERT(latest_window(usual(), latest) == latest);
}

} // namespace
} // namespace herald
