// Local time: zones found by name, clocks that skip and repeat hours, and the way there and back.
#include <chrono>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/iso8601.hpp"
#include "core/time_zone.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

time_zone zone(std::string_view name) {
  auto x = time_zone::find(name);
  EXPECT_TRUE(x.has_value()) << (x ? "" : x.error().reason);
  return *x;
}

timestamp at(std::string_view iso8601) {
  return from_iso8601(iso8601).value();
}

/// A local time, written as if it were UTC.
local_time local(std::string_view iso8601) {
  return local_time{at(std::string{iso8601} + "Z").time_since_epoch()};
}

TEST(a_time_zone, is_found_by_its_name_and_knows_it) {
  EXPECT_EQ(zone("America/Los_Angeles").name(), "America/Los_Angeles");
  EXPECT_EQ(zone("UTC"), zone("UTC"));
  EXPECT_FALSE(zone("UTC") == zone("Europe/Berlin"));
}

TEST(a_time_zone, that_does_not_exist_is_refused_with_its_name_and_advice) {
  for (auto name : {"America/Los Angeles", "", "PDT8", "../../etc/passwd", "/etc/passwd",
                    "america/los_angeles", "Europe/Berlin\n"}) {
    auto x = time_zone::find(name);
    ASSERT_FALSE(x.has_value()) << name;
    EXPECT_EQ(x.error().kind, failure_class::permanent);
    EXPECT_NE(x.error().reason.find("America/Los_Angeles"), std::string::npos);
  }
  EXPECT_NE(time_zone::find("Mars/Olympus").error().reason.find("Mars/Olympus"), std::string::npos);
}

TEST(local_time, follows_daylight_saving) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(la.to_local(at("2026-01-20T14:30:45.250Z")), local("2026-01-20T06:30:45.250"));
  EXPECT_EQ(la.to_local(at("2026-07-20T14:30:45Z")), local("2026-07-20T07:30:45"));
  EXPECT_EQ(zone("Asia/Kolkata").to_local(at("2026-07-20T20:00:00Z")), local("2026-07-21T01:30:00"));
}

TEST(local_time, falls_apart_into_the_fields_of_a_calendar) {
  EXPECT_EQ(civil(local("2026-03-08T23:59:07.999")), (civil_time{2026, 3, 8, 23, 59, 7, 0}));
  EXPECT_EQ(civil(local("1969-12-31T00:00:00")), (civil_time{1969, 12, 31, 0, 0, 0, 3}));
  EXPECT_EQ(civil(local_time{}), civil_time{});
}

TEST(a_skipped_hour, counts_as_the_moment_after_it) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(la.first_instant(local("2026-03-08T01:59:00")), at("2026-03-08T09:59:00Z"));
  EXPECT_EQ(la.first_instant(local("2026-03-08T02:00:00")), at("2026-03-08T10:00:00Z"));
  EXPECT_EQ(la.first_instant(local("2026-03-08T02:59:59.999")), at("2026-03-08T10:00:00Z"));
  EXPECT_EQ(la.first_instant(local("2026-03-08T03:00:00")), at("2026-03-08T10:00:00Z"));
}

TEST(a_skipped_day, counts_as_the_moment_after_it) {
  auto apia = zone("Pacific/Apia");
  EXPECT_EQ(apia.first_instant(local("2011-12-30T12:00:00")), at("2011-12-30T10:00:00Z"));
  EXPECT_EQ(apia.to_local(at("2011-12-30T10:00:00Z")), local("2011-12-31T00:00:00"));
  EXPECT_EQ(apia.to_local(at("2011-12-30T09:59:59Z")), local("2011-12-29T23:59:59"));
}

TEST(a_repeated_hour, counts_as_its_first_time) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(la.first_instant(local("2026-11-01T01:00:00")), at("2026-11-01T08:00:00Z"));
  EXPECT_EQ(la.first_instant(local("2026-11-01T01:59:59")), at("2026-11-01T08:59:59Z"));
  EXPECT_EQ(la.first_instant(local("2026-11-01T02:00:00")), at("2026-11-01T10:00:00Z"));
  EXPECT_EQ(zone("Australia/Lord_Howe").first_instant(local("2026-04-05T01:45:00")),
            at("2026-04-04T14:45:00Z"));
}

TEST(the_latest_local_time, stands_while_an_hour_is_repeated) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(la.latest_local(at("2026-11-01T08:30:00Z")), local("2026-11-01T01:30:00"));
  EXPECT_EQ(la.latest_local(at("2026-11-01T09:30:00Z")), local("2026-11-01T01:59:59.999"));
  EXPECT_EQ(la.to_local(at("2026-11-01T09:30:00Z")), local("2026-11-01T01:30:00"));
  EXPECT_EQ(la.latest_local(at("2026-11-01T10:00:00Z")), local("2026-11-01T02:00:00"));
}

TEST(a_local_time, is_printed_by_a_pattern) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(la.format(at("2026-07-20T14:30:45.678Z"), "%a %d %b %Y, %H:%M %Z"), "Mon 20 Jul 2026, 07:30 PDT");
  EXPECT_EQ(la.format(at("2026-01-20T14:30:45.678Z"), "%FT%T%z"), "2026-01-20T06:30:45-0800");
  EXPECT_EQ(la.format(at("2026-01-20T14:30:45Z"), ""), "");
}

TEST(a_pattern_of_nonsense, is_harmless) {
  auto la = zone("America/Los_Angeles");
  for (auto pattern : {"%", "%Q %", "%E", "%O", "%EQ", "%\x01", "100 %!"})
    EXPECT_NO_THROW(la.format(at("2026-07-20T14:30:45Z"), pattern)) << pattern;
}

TEST(times_beyond_the_calendar, count_as_its_ends) {
  auto la = zone("America/Los_Angeles");
  for (auto ms : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_NO_THROW(la.to_local(from_epoch_ms(ms)));
    EXPECT_NO_THROW(la.latest_local(from_epoch_ms(ms)));
    EXPECT_NO_THROW(la.first_instant(local_time{duration{ms}}));
    EXPECT_NO_THROW(la.format(from_epoch_ms(ms), "%c"));
  }
  EXPECT_EQ(civil(la.to_local(from_epoch_ms(std::numeric_limits<std::int64_t>::max()))).year, 9999);
}

// -- properties ---------------------------------------------------------------------------------------------

time_zone any_zone() {
  return zone(*rc::gen::element<std::string>("America/Los_Angeles", "UTC", "Europe/Berlin", "Pacific/Apia",
                                             "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"));
}

/// Of 2009 to 2037: the database has rules for these years.
timestamp any_time() {
  return at("2009-01-01T00:00:00Z") + duration{*rc::gen::inRange<std::int64_t>(0, 28LL * 365 * 86'400'000)};
}

RC_GTEST_PROP(a_local_time, leads_back_to_its_instant_or_its_first_one, ()) {
  auto z = any_zone();
  auto t = any_time();
  auto first = z.first_instant(z.to_local(t));
  RC_ASSERT(first <= t);
  RC_ASSERT(z.to_local(first) == z.to_local(t));
  RC_ASSERT((first == t) == (z.latest_local(t) == z.to_local(t)));
}

RC_GTEST_PROP(first_instant_and_latest_local, answer_the_same_question, ()) {
  auto z = any_zone();
  auto t = any_time();
  auto y = z.to_local(t) + duration{*rc::gen::inRange(-3 * 3'600'000, 3 * 3'600'000)};
  RC_ASSERT((z.first_instant(y) <= t) == (y <= z.latest_local(t)));
}

RC_GTEST_PROP(first_instant, never_goes_back, ()) {
  auto z = any_zone();
  auto x = z.to_local(any_time());
  auto y = x + duration{*rc::gen::inRange(0, 26 * 3'600'000)};
  RC_ASSERT(z.first_instant(x) <= z.first_instant(y));
}

} // namespace
} // namespace herald
