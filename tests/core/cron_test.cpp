// Cron: what is a schedule and what is none, and the instants of a schedule, also on days when clocks are
// set.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/cron.hpp"
#include "core/iso8601.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;
using std::chrono::minutes;

time_zone zone(std::string_view name) {
  return time_zone::find(name).value();
}

cron_rule rule(std::string_view text) {
  auto x = cron_rule::parse(text);
  EXPECT_TRUE(x.has_value()) << text << ": " << (x ? "" : x.error().reason);
  return x.value();
}

timestamp at(std::string_view iso8601) {
  return from_iso8601(iso8601).value();
}

std::string refusal(std::string_view text) {
  auto x = cron_rule::parse(text);
  EXPECT_FALSE(x.has_value()) << text;
  return x ? "" : x.error().reason;
}

/// Instants after `from`, up to and with `until`.
std::vector<std::string> instants(const cron_rule& r, const time_zone& z, timestamp from, timestamp until) {
  std::vector<std::string> out;
  for (auto t = next_after(r, z, from); t <= until; t = next_after(r, z, t))
    out.push_back(to_iso8601(t));
  return out;
}

using texts = std::vector<std::string>;

// -- what is a schedule -------------------------------------------------------------------------------------

TEST(a_schedule, may_use_lists_ranges_steps_and_names) {
  EXPECT_EQ(rule("*/15 * * * *"), rule("0,15,30,45 * * * *"));
  EXPECT_EQ(rule("10-40/10 * * * *"), rule("10,20,30,40 * * * *"));
  EXPECT_EQ(rule("0 0 * jan-mar,DEC *"), rule("0 0 * 1-3,12 *"));
  EXPECT_EQ(rule("0 0 * * Mon-fri"), rule("0 0 * * 1-5"));
  EXPECT_EQ(rule("0 0 * * 7"), rule("0 0 * * sun"));
  EXPECT_EQ(rule("0 0 * * fri-sun"), rule("0 0 * * 0,5,6"));
  EXPECT_EQ(rule("0 0 * * 5-7"), rule("0 0 * * 5,6,0"));
  EXPECT_EQ(rule("  0\t6-18  * * * "), rule("0 6-18 * * *"));
  EXPECT_FALSE(rule("0 6-18 * * *") == rule("0 6-17 * * *"));
}

TEST(a_schedule, may_be_a_nickname) {
  EXPECT_EQ(rule("@hourly"), rule("0 * * * *"));
  EXPECT_EQ(rule("@daily"), rule("0 0 * * *"));
  EXPECT_EQ(rule("@midnight"), rule("@daily"));
  EXPECT_EQ(rule("@weekly"), rule("0 0 * * 0"));
  EXPECT_EQ(rule("@monthly"), rule("0 0 1 * *"));
  EXPECT_EQ(rule("@yearly"), rule("0 0 1 1 *"));
  EXPECT_EQ(rule("@Annually"), rule("@yearly"));
  EXPECT_EQ(rule("@hourly").text(), "@hourly");
}

TEST(a_refusal, names_the_field_and_what_it_expects) {
  const std::map<std::string, texts> expected{
      {"60 * * * *", {"minute:", "'60'", "0 to 59"}},
      {"0 24 * * *", {"hour:", "'24'", "0 to 23"}},
      {"0 0 0 * *", {"day of month:", "'0'", "1 to 31"}},
      {"0 0 32 * *", {"day of month:", "'32'"}},
      {"0 0 1 13 *", {"month:", "'13'", "jan to dec"}},
      {"0 0 1 january *", {"month:", "'january'"}},
      {"0 0 * * 8", {"day of week:", "'8'", "sun to sat"}},
      {"0 0 * * mon-", {"day of week:", "''"}},
      {"0 0 mon * *", {"day of month:", "'mon'"}},
      {"-1 * * * *", {"minute:"}},
      {"+1 * * * *", {"minute:", "'+1'"}},
      {"1.5 * * * *", {"minute:", "'1.5'"}},
      {"1,,2 * * * *", {"minute:", "''"}},
      {"99999999999999999999 * * * *", {"minute:"}},
      {"0 22-6 * * *", {"hour:", "'22-6' runs backwards"}},
      {"*/0 * * * *", {"minute:", "'*/0'", "1 to 60"}},
      {"*/61 * * * *", {"minute:", "1 to 60"}},
      {"*/x * * * *", {"minute:", "'*/x'"}},
      {"1-5/2/2 * * * *", {"minute:"}},
      {"5/15 * * * *", {"minute:", "write '5-59/15'"}},
      {"0 6-18 * *", {"five fields", "4"}},
      {"0 0 6-18 * * *", {"five fields", "6"}},
      {"", {"five fields", "0"}},
      {"@reboot", {"@hourly"}},
      {"*5 * * * *", {"minute:", "'*5'"}},
      {"*-5 * * * *", {"minute:", "'*'"}},
  };
  for (auto& [text, parts] : expected) {
    auto why = refusal(text);
    EXPECT_NE(why.find("'" + text + "'"), std::string::npos) << why;
    for (auto& part : parts)
      EXPECT_NE(why.find(part), std::string::npos) << why << " should say " << part;
  }
}

TEST(a_refusal, of_a_stranger_is_short_and_on_one_line) {
  auto why = refusal("1\n" + std::string(5000, 'x') + " * * * *");
  EXPECT_LT(why.size(), 500u);
  EXPECT_EQ(why.find('\n'), std::string::npos);
}

TEST(a_day_that_never_comes, is_refused) {
  refusal("0 0 31 2 *");
  refusal("0 0 30 feb *");
  refusal("0 0 31 apr,jun,sep,nov *");
  rule("0 0 29 2 *");
  rule("0 0 31 2,3 *");
  rule("0 0 31 2 mon"); // or a Monday in February
}

// -- instants -----------------------------------------------------------------------------------------------

TEST(next_after, is_strictly_after) {
  auto r = rule("*/5 * * * *");
  auto utc = zone("UTC");
  EXPECT_EQ(next_after(r, utc, at("2026-03-01T10:00:00Z")), at("2026-03-01T10:05:00Z"));
  EXPECT_EQ(next_after(r, utc, at("2026-03-01T09:59:59.999Z")), at("2026-03-01T10:00:00Z"));
  EXPECT_EQ(next_after(r, utc, at("2026-12-31T23:55:00Z")), at("2027-01-01T00:00:00Z"));
}

TEST(last_at_or_before, takes_the_instant_itself) {
  auto r = rule("*/5 * * * *");
  auto utc = zone("UTC");
  EXPECT_EQ(last_at_or_before(r, utc, at("2026-03-01T10:00:00Z")), at("2026-03-01T10:00:00Z"));
  EXPECT_EQ(last_at_or_before(r, utc, at("2026-03-01T09:59:59.999Z")), at("2026-03-01T09:55:00Z"));
  EXPECT_EQ(last_at_or_before(rule("@yearly"), utc, at("2026-12-31T23:59:59Z")), at("2026-01-01T00:00:00Z"));
}

TEST(two_restricted_day_fields, mean_either) {
  auto utc = zone("UTC");
  // 13 November 2026 is a Friday.
  EXPECT_EQ(instants(rule("0 0 13 * fri"), utc, at("2026-10-31T00:00:00Z"), at("2026-11-14T00:00:00Z")),
            (texts{"2026-11-06T00:00:00.000Z", "2026-11-13T00:00:00.000Z"}));
  EXPECT_EQ(instants(rule("0 0 10 * fri"), utc, at("2026-10-31T00:00:00Z"), at("2026-11-14T00:00:00Z")),
            (texts{"2026-11-06T00:00:00.000Z", "2026-11-10T00:00:00.000Z", "2026-11-13T00:00:00.000Z"}));
}

TEST(a_day_field_with_a_star, has_to_fit_together_with_the_other) {
  auto utc = zone("UTC");
  EXPECT_EQ(instants(rule("0 0 * * fri"), utc, at("2026-11-01T00:00:00Z"), at("2026-11-14T00:00:00Z")),
            (texts{"2026-11-06T00:00:00.000Z", "2026-11-13T00:00:00.000Z"}));
  EXPECT_EQ(instants(rule("0 0 */2 * fri"), utc, at("2026-11-01T00:00:00Z"), at("2026-11-28T00:00:00Z")),
            (texts{"2026-11-13T00:00:00.000Z", "2026-11-27T00:00:00.000Z"}));
  EXPECT_EQ(instants(rule("0 0 10 * *"), utc, at("2026-10-31T00:00:00Z"), at("2026-12-01T00:00:00Z")),
            (texts{"2026-11-10T00:00:00.000Z"}));
}

TEST(a_leap_day, is_found_across_a_century_without_one) {
  auto utc = zone("UTC");
  EXPECT_EQ(next_after(rule("0 0 29 2 *"), utc, at("2096-03-01T00:00:00Z")), at("2104-02-29T00:00:00Z"));
  EXPECT_EQ(last_at_or_before(rule("0 0 29 2 *"), utc, at("2104-02-28T00:00:00Z")),
            at("2096-02-29T00:00:00Z"));
  // The rarest rule of all: 29 February as a Sunday.
  EXPECT_EQ(next_after(rule("0 0 29 2 */7"), utc, at("2088-03-01T00:00:00Z")), at("2128-02-29T00:00:00Z"));
  EXPECT_EQ(last_at_or_before(rule("0 0 29 2 */7"), utc, at("2128-02-28T00:00:00Z")),
            at("2088-02-29T00:00:00Z"));
}

TEST(a_minute_that_clocks_skip, happens_at_the_first_moment_after) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(instants(rule("30 2 * * *"), la, at("2026-03-07T12:00:00Z"), at("2026-03-09T12:00:00Z")),
            (texts{"2026-03-08T10:00:00.000Z", "2026-03-09T09:30:00.000Z"}));
  // Together with what happens then anyway.
  EXPECT_EQ(instants(rule("0 * * * *"), la, at("2026-03-08T08:30:00Z"), at("2026-03-08T11:30:00Z")),
            (texts{"2026-03-08T09:00:00.000Z", "2026-03-08T10:00:00.000Z", "2026-03-08T11:00:00.000Z"}));
}

TEST(a_minute_that_clocks_repeat, happens_once) {
  auto la = zone("America/Los_Angeles");
  EXPECT_EQ(instants(rule("30 1 * * *"), la, at("2026-10-31T12:00:00Z"), at("2026-11-02T12:00:00Z")),
            (texts{"2026-11-01T08:30:00.000Z", "2026-11-02T09:30:00.000Z"}));
  EXPECT_EQ(last_at_or_before(rule("*/20 * * * *"), la, at("2026-11-01T09:50:00Z")),
            at("2026-11-01T08:40:00Z"));
  EXPECT_EQ(next_after(rule("*/20 * * * *"), la, at("2026-11-01T09:30:00Z")), at("2026-11-01T10:00:00Z"));
}

TEST(a_day_that_clocks_skip, happens_at_the_first_moment_after) {
  auto apia = zone("Pacific/Apia");
  EXPECT_EQ(instants(rule("0 12 * * *"), apia, at("2011-12-28T12:00:00Z"), at("2011-12-31T00:00:00Z")),
            (texts{"2011-12-28T22:00:00.000Z", "2011-12-29T22:00:00.000Z", "2011-12-30T10:00:00.000Z",
                   "2011-12-30T22:00:00.000Z"}));
}

TEST(times_at_the_ends_of_the_calendar, are_answered) {
  auto la = zone("America/Los_Angeles");
  for (auto ms : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    next_after(rule("0 0 29 2 mon"), la, from_epoch_ms(ms));
    last_at_or_before(rule("0 0 29 2 */7"), la, from_epoch_ms(ms));
  }
}

// -- agreement with a reference that looks at every minute --------------------------------------------------

/// A schedule as sets, which know nothing of the parser.
struct plain_schedule {
  std::set<unsigned> minute;
  std::set<unsigned> hour;
  std::set<unsigned> day;     ///< empty: *
  std::set<unsigned> month;   ///< empty: *
  std::set<unsigned> weekday; ///< empty: *

  std::string text() const {
    auto field = [](const std::set<unsigned>& values) {
      std::string out;
      for (auto x : values)
        out += (out.empty() ? "" : ",") + std::to_string(x);
      return out.empty() ? "*" : out;
    };
    return field(minute) + " " + field(hour) + " " + field(day) + " " + field(month) + " " + field(weekday);
  }
};

/// Every minute of some years in one zone: the local minutes that came up for the first time then.
struct minute_table {
  struct row {
    std::int64_t utc = 0; ///< in minutes since the epoch
    civil_time local;
  };
  std::vector<row> rows;
};

/// Calls `f` with the time and each local minute that comes up for the first time then.
template <class F> void for_every_minute(const time_zone& z, timestamp from, timestamp until, F f) {
  auto newest = std::chrono::floor<minutes>(z.to_local(from - 1min));
  for (auto t = from; t < until; t += 1min) {
    auto now = std::chrono::floor<minutes>(z.to_local(t));
    // None while the clocks repeat an hour, many when they skip one.
    for (; newest < now; newest += 1min)
      f(t, civil(newest + 1min));
  }
}

minute_table every_minute(const time_zone& z, timestamp from, timestamp until) {
  minute_table out;
  for_every_minute(z, from, until, [&](timestamp t, const civil_time& local) {
    out.rows.push_back({std::chrono::floor<minutes>(t.time_since_epoch()).count(), local});
  });
  return out;
}

struct span {
  std::string_view zone;
  std::string_view from;
  std::string_view until;
};

const std::vector<span> spans{
    {"UTC", "2025-12-30T00:00:00Z", "2026-03-02T00:00:00Z"},
    {"America/Los_Angeles", "2025-10-28T00:00:00Z", "2026-11-03T00:00:00Z"},
    {"Europe/Berlin", "2027-03-20T00:00:00Z", "2028-03-30T00:00:00Z"},
    {"Australia/Lord_Howe", "2026-03-28T00:00:00Z", "2026-10-12T00:00:00Z"},
    {"Pacific/Apia", "2011-12-20T00:00:00Z", "2012-04-10T00:00:00Z"},
    {"Asia/Kolkata", "2024-02-20T00:00:00Z", "2024-03-10T00:00:00Z"},
};

const minute_table& table_of(std::size_t i) {
  static std::map<std::size_t, minute_table> tables;
  auto& x = tables[i];
  if (x.rows.empty())
    x = every_minute(zone(spans[i].zone), at(spans[i].from), at(spans[i].until));
  return x;
}

std::vector<timestamp> by_looking_at_every_minute(const plain_schedule& x, const minute_table& table) {
  auto mask = [](const std::set<unsigned>& values) {
    std::uint64_t out = values.empty() ? ~std::uint64_t{0} : 0;
    for (auto v : values)
      out |= std::uint64_t{1} << v;
    return out;
  };
  auto minute = mask(x.minute);
  auto hour = mask(x.hour);
  auto day = mask(x.day);
  auto month = mask(x.month);
  auto weekday = mask(x.weekday);
  std::vector<timestamp> out;
  for (auto& [utc, local] : table.rows) {
    // The first test drops most minutes, and this is the inner loop.
    if ((minute >> local.minute & hour >> local.hour & 1U) == 0 || (month >> local.month & 1U) == 0)
      continue;
    auto by_date = (day >> local.day & 1U) != 0;
    auto by_weekday = (weekday >> local.weekday & 1U) != 0;
    if (x.day.empty() || x.weekday.empty() ? !(by_date && by_weekday) : !(by_date || by_weekday))
      continue;
    auto t = timestamp{minutes{utc}};
    if (out.empty() || out.back() != t)
      out.push_back(t);
  }
  return out;
}

/// Uniform in [min, max), also for the first and smallest cases.
template <class T> T any_of(T min, T max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max));
}

std::set<unsigned> any_values(unsigned min, unsigned max, std::size_t most, bool maybe_all) {
  std::set<unsigned> out;
  if (maybe_all && any_of(0, 2) == 0)
    return out;
  for (auto n = any_of<std::size_t>(1, most + 1); n > 0; --n)
    out.insert(any_of(min, max + 1));
  return out;
}

plain_schedule any_schedule() {
  plain_schedule x;
  x.minute = any_values(0, 59, 4, true);
  // Clocks are set between 1 and 3 o'clock, or at midnight.
  x.hour = any_of(0, 3) == 0 ? any_values(0, 23, 3, true) : any_values(0, 3, 3, false);
  x.day = any_values(1, 28, 3, true);
  x.month = any_values(1, 12, 4, true);
  x.weekday = any_values(0, 6, 2, true);
  return x;
}

RC_GTEST_PROP(cron, agrees_with_looking_at_every_minute, ()) {
  auto i = any_of<std::size_t>(0, spans.size());
  auto schedule = any_schedule();
  auto z = zone(spans[i].zone);
  auto r = rule(schedule.text());
  auto expected = by_looking_at_every_minute(schedule, table_of(i));
  // A long list is checked up to its first 800, and around its clock changes by the other properties.
  expected.resize(std::min<std::size_t>(expected.size(), 800));
  auto t = at(spans[i].from) - 1ms;
  for (auto x : expected) {
    auto next = next_after(r, z, t);
    RC_ASSERT(next == x);
    t = next;
  }
  // And backwards.
  for (auto k = expected.size(); k-- > 1;) {
    RC_ASSERT(last_at_or_before(r, z, expected[k] - 1ms) == expected[k - 1]);
    RC_ASSERT(last_at_or_before(r, z, expected[k]) == expected[k]);
  }
}

/// A time of 2009 to 2037, in most cases close to a change of the zone's clocks.
timestamp any_time(std::string_view zone_name) {
  static const std::multimap<std::string_view, std::string_view> changes{
      {"America/Los_Angeles", "2026-03-08T10:00:00Z"}, {"America/Los_Angeles", "2026-11-01T09:00:00Z"},
      {"Europe/Berlin", "2027-03-28T01:00:00Z"},       {"Europe/Berlin", "2027-10-31T01:00:00Z"},
      {"Australia/Lord_Howe", "2026-04-04T15:00:00Z"}, {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
      {"Pacific/Apia", "2011-12-30T10:00:00Z"},        {"Pacific/Apia", "2012-03-31T14:00:00Z"},
  };
  auto [first, last] = changes.equal_range(zone_name);
  if (first == last || any_of(0, 4) == 0)
    return at("2009-01-01T00:00:00Z") + duration{any_of<std::int64_t>(0, 28LL * 365 * 86'400'000)};
  std::advance(first, any_of<std::ptrdiff_t>(0, std::distance(first, last)));
  return at(first->second) + duration{any_of(-7'200'000, 7'200'000)};
}

/// A schedule of Herald's, and what it means minute by minute, written down by hand.
struct written_out {
  std::string_view text;
  bool (*fits)(const civil_time&);
};

const std::vector<written_out> ten_year_schedules{
    {"*/5 * * * *", [](const civil_time& x) { return x.minute % 5 == 0; }},
    {"0 6-18 * * *", [](const civil_time& x) { return x.minute == 0 && x.hour >= 6 && x.hour <= 18; }},
    {"0 */6 * * *", [](const civil_time& x) { return x.minute == 0 && x.hour % 6 == 0; }},
    {"30 2 * * *", [](const civil_time& x) { return x.minute == 30 && x.hour == 2; }},
    {"15 1 29 feb *",
     [](const civil_time& x) { return x.minute == 15 && x.hour == 1 && x.day == 29 && x.month == 2; }},
    {"0 9 1,15 * mon",
     [](const civil_time& x) {
       return x.minute == 0 && x.hour == 9 && (x.day == 1 || x.day == 15 || x.weekday == 1);
     }},
};

class cron_over_ten_years : public testing::TestWithParam<std::string_view> {};

TEST_P(cron_over_ten_years, agrees_with_looking_at_every_minute) {
  auto z = zone(GetParam());
  auto from = at("2020-01-01T00:00:00Z");
  auto until = at("2030-01-01T00:00:00Z");
  struct course {
    cron_rule rule;
    timestamp next;
    std::size_t instants = 0;
  };
  std::vector<course> courses;
  for (auto& x : ten_year_schedules)
    courses.push_back({rule(x.text), next_after(rule(x.text), z, from - 1ms)});
  for_every_minute(z, from, until, [&](timestamp t, const civil_time& local) {
    for (std::size_t i = 0; i < courses.size(); ++i) {
      auto& x = courses[i];
      // What the clocks skip happens together with the minute after.
      if (!ten_year_schedules[i].fits(local) || (x.instants > 0 && t < x.next))
        continue;
      ASSERT_EQ(t, x.next) << ten_year_schedules[i].text << ", expected " << to_iso8601(t) << ", was "
                           << to_iso8601(x.next);
      x.next = next_after(x.rule, z, x.next);
      ++x.instants;
    }
  });
  for (auto& x : courses) {
    EXPECT_GT(x.instants, 2u);
    EXPECT_GE(x.next, until);
  }
}

INSTANTIATE_TEST_SUITE_P(zones, cron_over_ten_years,
                         testing::Values("UTC", "America/Los_Angeles", "Europe/Berlin",
                                         "Australia/Lord_Howe"),
                         [](auto& x) {
                           auto name = std::string{x.param};
                           std::ranges::replace(name, '/', '_');
                           return name;
                         });

RC_GTEST_PROP(cron, leaves_no_instant_out_and_invents_none, ()) {
  auto r = rule(any_schedule().text());
  auto name = spans[any_of<std::size_t>(0, spans.size())].zone;
  auto z = zone(name);
  auto t = any_time(name);
  auto next = next_after(r, z, t);
  auto last = last_at_or_before(r, z, t);
  RC_ASSERT(next > t);
  RC_ASSERT(last <= t);
  // Nothing lies between the two, wherever one asks from.
  RC_ASSERT(next_after(r, z, last) == next);
  RC_ASSERT(next_after(r, z, last - 1ms) == last);
  RC_ASSERT(last_at_or_before(r, z, next - 1ms) == last);
  RC_ASSERT(last_at_or_before(r, z, next) == next);
  auto between = last + (next - last) * any_of(0, 1000) / 1000;
  RC_ASSERT(next_after(r, z, between) == next);
  RC_ASSERT(last_at_or_before(r, z, between) == last);
}

RC_GTEST_PROP(cron, accepts_what_it_printed_and_never_throws, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"0123456789*/-,@ ajnsuhorly"}));
  if (auto x = cron_rule::parse(text))
    RC_ASSERT(cron_rule::parse(x->text()).value() == *x);
  else
    RC_ASSERT(x.error().kind == failure_class::permanent);
}

} // namespace
} // namespace herald
