// Which instants of a schedule are due, what stands for those that were missed, and how a run is concluded.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/iso8601.hpp"
#include "core/jobs/conclusion.hpp"
#include "core/jobs/occurrences.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;

timestamp at(std::string_view text) {
  return from_iso8601(text).value();
}

schedule_settings settings(std::string rule = "*/5 * * * *", std::string zone = "UTC") {
  schedule_settings out;
  out.job = "job";
  out.rule = std::move(rule);
  out.zone = std::move(zone);
  return out;
}

job_schedule schedule(catch_up_policy policy = catch_up_policy::coalesce, std::uint32_t runs = 1) {
  auto x = settings();
  x.catch_up = policy;
  x.catch_up_runs = runs;
  return *job_schedule::parse(x);
}

const auto noon = at("2026-01-20T12:00:00Z");

// -- due runs -----------------------------------------------------------------------------------------------

TEST(next_due_run, is_none_before_the_next_instant) {
  EXPECT_FALSE(next_due_run(schedule(), noon, noon));
  EXPECT_FALSE(next_due_run(schedule(), noon, noon + 5min - 1ms));
}

TEST(next_due_run, is_the_instant_itself_when_it_has_come) {
  auto due = next_due_run(schedule(), noon, noon + 5min);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instant, noon + 5min);
  EXPECT_EQ(due->cause, run_cause::schedule);
  EXPECT_FALSE(due->missed);
}

TEST(next_due_run, of_the_past_is_none_when_the_clock_was_set_back) {
  EXPECT_FALSE(next_due_run(schedule(), noon, noon - 24h));
}

TEST(after_downtime, one_run_stands_for_all_missed_instants) {
  auto due = next_due_run(schedule(), noon, noon + 1h + 30s);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instant, noon + 1h);
  EXPECT_EQ(due->cause, run_cause::catch_up);
  ASSERT_TRUE(due->missed);
  EXPECT_EQ(due->missed->first, noon + 5min);
  EXPECT_EQ(due->missed->last, noon + 55min);
  EXPECT_EQ(due->missed->instants, 11u);
}

TEST(after_downtime, a_single_instant_that_was_missed_is_caught_up_with) {
  auto due = next_due_run(schedule(), noon, noon + 9min);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instant, noon + 5min);
  EXPECT_EQ(due->cause, run_cause::catch_up);
  EXPECT_FALSE(due->missed);
}

TEST(the_policy_skip, leaves_missed_instants_to_the_next_run_in_time) {
  auto skip = schedule(catch_up_policy::skip);
  EXPECT_FALSE(next_due_run(skip, noon, noon + 1h + 2min));
  auto due = next_due_run(skip, noon, noon + 1h + 5min);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instant, noon + 1h + 5min);
  EXPECT_EQ(due->cause, run_cause::schedule);
  ASSERT_TRUE(due->missed);
  EXPECT_EQ(due->missed->instants, 12u);
}

TEST(the_policy_catch_up, runs_the_newest_few_one_after_another) {
  auto three = schedule(catch_up_policy::catch_up, 3);
  auto now = noon + 1h + 30s;
  auto settled = noon;
  std::vector<timestamp> ran;
  std::uint64_t missed = 0;
  while (auto due = next_due_run(three, settled, now)) {
    ran.push_back(due->instant);
    missed += due->missed ? due->missed->instants : 0;
    settled = due->instant;
  }
  EXPECT_EQ(ran, (std::vector{noon + 50min, noon + 55min, noon + 1h}));
  EXPECT_EQ(missed, 9u);
}

TEST(the_policy_catch_up, runs_no_more_than_there_are) {
  auto due = next_due_run(schedule(catch_up_policy::catch_up, 10), noon, noon + 10min);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instant, noon + 5min);
  EXPECT_FALSE(due->missed);
}

TEST(a_span_of_missed_instants, is_counted_up_to_a_bound) {
  auto x = settings("* * * * *");
  auto due = next_due_run(*job_schedule::parse(x), at("2016-01-01T00:00:00Z"), noon);
  ASSERT_TRUE(due && due->missed);
  EXPECT_EQ(due->missed->instants, max_counted_instants);
  EXPECT_EQ(due->missed->first, at("2016-01-01T00:01:00Z"));
  EXPECT_EQ(due->missed->last, noon - 1min);
}

TEST(a_run, is_in_time_within_the_jitter_and_a_grace) {
  auto x = settings();
  x.jitter = 20s;
  x.late_after = 60s;
  auto parsed = *job_schedule::parse(x);
  EXPECT_TRUE(in_time(parsed, noon, noon + 80s));
  EXPECT_FALSE(in_time(parsed, noon, noon + 80s + 1ms));
}

TEST(the_next_look, comes_after_the_instant_by_no_more_than_the_jitter) {
  auto x = settings();
  x.jitter = 20s;
  auto parsed = *job_schedule::parse(x);
  EXPECT_EQ(next_look(parsed, noon, 0.0), noon + 5min);
  EXPECT_EQ(next_look(parsed, noon, 0.5), noon + 5min + 10s);
  EXPECT_LT(next_look(parsed, noon, 0.999), noon + 5min + 20s);
}

TEST(the_longest_gap, is_that_between_two_instants_that_follow_each_other) {
  EXPECT_EQ(longest_gap(schedule()), 5min);
  EXPECT_EQ(longest_gap(*job_schedule::parse(settings("0 9 * * 1-5"))), 72h);
}

TEST(a_schedule_that_cannot_be_read, names_the_job_and_the_reason) {
  EXPECT_NE(job_schedule::parse(settings("61 * * * *")).error().reason.find("'job'"), std::string::npos);
  EXPECT_NE(job_schedule::parse(settings("* * * * *", "Mars/Base")).error().reason.find("Mars/Base"),
            std::string::npos);
  auto x = settings();
  x.catch_up_runs = 0;
  EXPECT_TRUE(job_schedule::parse(x).has_error());
}

RC_GTEST_PROP(due_runs, settle_every_instant_exactly_once, ()) {
  // Daemons come and go; whatever they do, each instant is run or missed once.
  auto policy =
      *rc::gen::element(catch_up_policy::coalesce, catch_up_policy::skip, catch_up_policy::catch_up);
  auto zone = *rc::gen::element<std::string>("UTC", "America/Los_Angeles", "Australia/Lord_Howe");
  auto x = settings(*rc::gen::element<std::string>("*/7 * * * *", "30 1,2 * * *", "@hourly"), zone);
  x.catch_up = policy;
  x.catch_up_runs = *rc::gen::inRange(1u, 4u);
  auto plan = *job_schedule::parse(x);
  auto start = at("2026-03-07T00:00:00Z");
  auto now = start;
  auto settled = start;
  std::uint64_t counted = 0;
  auto steps = *rc::gen::inRange(1, 40);
  for (auto i = 0; i < steps; ++i) {
    now += std::chrono::minutes{*rc::gen::inRange(0, 600)};
    while (auto due = next_due_run(plan, settled, now)) {
      RC_ASSERT(due->instant > settled);
      RC_ASSERT(due->instant <= now);
      if (due->missed) {
        RC_ASSERT(due->missed->first > settled);
        RC_ASSERT(due->missed->last < due->instant);
        counted += due->missed->instants;
      }
      ++counted;
      settled = due->instant;
    }
  }
  std::uint64_t expected = 0;
  for (auto t = next_after(plan.rule, plan.zone, start); t <= settled;
       t = next_after(plan.rule, plan.zone, t))
    ++expected;
  RC_ASSERT(counted == expected);
}

// -- conclusions --------------------------------------------------------------------------------------------

finished_try failed_try(failure_class kind, std::int32_t attempt = 1) {
  finished_try out;
  out.instant = noon;
  out.started_at = noon;
  out.ended_at = noon + 1s;
  out.attempt = attempt;
  out.why = failure{kind, "why"};
  return out;
}

const auto five_minutes = schedule();
const job_retry_policy policy{3, 10s, 60s};

TEST(a_run_without_failure, ran_or_was_late) {
  finished_try x;
  x.instant = noon;
  x.started_at = noon + 60s;
  x.ended_at = noon + 90s;
  x.counts = {{"created", 2}};
  auto out = conclude(&five_minutes, policy, x, 0.5);
  EXPECT_EQ(out.state, run_state::ran);
  EXPECT_EQ(out.now, noon + 90s);
  EXPECT_EQ(out.counts, x.counts);
  EXPECT_FALSE(out.why || out.retry_at);
  x.started_at = noon + 60s + 1ms;
  EXPECT_EQ(conclude(&five_minutes, policy, x, 0.5).state, run_state::late);
}

TEST(a_run_by_hand, is_never_late_and_never_tried_again) {
  finished_try x;
  x.cause = run_cause::hand;
  x.instant = noon;
  x.started_at = noon + 1h;
  EXPECT_EQ(conclude(&five_minutes, policy, x, 0.5).state, run_state::ran);
  auto broken = failed_try(failure_class::transient);
  broken.cause = run_cause::hand;
  EXPECT_FALSE(conclude(&five_minutes, policy, broken, 0.5).retry_at);
}

TEST(a_failed_run, is_tried_again_after_a_growing_pause_until_tries_are_used_up) {
  EXPECT_EQ(conclude(&five_minutes, policy, failed_try(failure_class::transient, 1), 0.0).retry_at,
            noon + 1s + 5s);
  EXPECT_EQ(conclude(&five_minutes, policy, failed_try(failure_class::crash, 2), 0.5).retry_at,
            noon + 1s + 15s);
  auto last = conclude(&five_minutes, policy, failed_try(failure_class::transient, 3), 0.0);
  EXPECT_EQ(last.state, run_state::failed);
  EXPECT_FALSE(last.retry_at);
  EXPECT_EQ(last.why->reason, "why");
}

TEST(a_failed_run, is_not_tried_again_when_nothing_can_help_and_always_after_an_outage) {
  EXPECT_FALSE(conclude(&five_minutes, policy, failed_try(failure_class::permanent), 0.0).retry_at);
  EXPECT_EQ(conclude(&five_minutes, policy, failed_try(failure_class::outage, 99), 0.0).retry_at,
            noon + 1s + 30s);
}

} // namespace

} // namespace herald
