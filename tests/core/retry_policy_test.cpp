// When a failed event is tried again and when it is dead: per failure class, at the limits, within the
// bounds.
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/retry_policy.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

const auto now = from_epoch_ms(1'800'000'000'000);

event_failure failed(failure_class kind, std::int32_t attempts = 0, std::int32_t crashes = 0) {
  return {{7, 1}, "chat_message_sent", attempts, crashes, {kind, "reason"}};
}

std::optional<duration> delay(const retry_policy& policy, const event_failure& x, double random = 0) {
  auto at = next_attempt(policy, x, now, random);
  return at ? std::optional{*at - now} : std::nullopt;
}

TEST(a_permanent_failure, is_dead_at_once) {
  EXPECT_EQ(delay({}, failed(failure_class::permanent)), std::nullopt);
}

TEST(a_transient_failure, waits_twice_as_long_each_time_up_to_the_bound) {
  const retry_policy policy{.max_attempts = 8, .backoff_min = 5s, .backoff_max = 60s};
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 0)), 5s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 1)), 10s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 2)), 20s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 3)), 40s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 4)), 60s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient, 5)), 60s);
}

TEST(a_transient_failure, is_dead_with_the_last_attempt_and_not_before) {
  const retry_policy policy{.max_attempts = 3};
  EXPECT_TRUE(delay(policy, failed(failure_class::transient, 1)));
  EXPECT_FALSE(delay(policy, failed(failure_class::transient, 2)));
  EXPECT_FALSE(delay({.max_attempts = 1}, failed(failure_class::transient, 0)));
}

TEST(a_transient_failure, does_not_care_about_earlier_crashes) {
  EXPECT_TRUE(delay({.max_crashes = 3}, failed(failure_class::transient, 5, 5)));
}

TEST(a_crash, is_quarantined_at_the_limit_of_crashes_and_not_before) {
  const retry_policy policy{.max_attempts = 8, .max_crashes = 3};
  EXPECT_TRUE(delay(policy, failed(failure_class::crash, 1, 1)));
  EXPECT_FALSE(delay(policy, failed(failure_class::crash, 2, 2)));
}

TEST(a_crash, counts_as_an_attempt_too) {
  const retry_policy policy{.max_attempts = 3, .max_crashes = 9};
  EXPECT_TRUE(delay(policy, failed(failure_class::crash, 1, 0)));
  EXPECT_FALSE(delay(policy, failed(failure_class::crash, 2, 0)));
}

TEST(an_outage, is_always_waited_for_with_the_shortest_delay) {
  const retry_policy policy{.max_attempts = 1, .max_crashes = 1, .backoff_min = 5s, .jitter = 1};
  EXPECT_EQ(delay(policy, failed(failure_class::outage, 100, 100), 0.9), 5s);
}

TEST(jitter, shortens_the_delay_by_its_random_share) {
  const retry_policy policy{.backoff_min = 10s, .jitter = 0.2};
  EXPECT_EQ(delay(policy, failed(failure_class::transient), 0.0), 10s);
  EXPECT_EQ(delay(policy, failed(failure_class::transient), 0.5), 9s);
  EXPECT_EQ(delay({.backoff_min = 10s, .jitter = 0}, failed(failure_class::transient), 0.9), 10s);
}

TEST(counters, at_their_maximum_do_not_overflow) {
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  const retry_policy policy{
      .max_attempts = most, .max_crashes = most, .backoff_min = 0ms, .backoff_max = 24h * 3650};
  EXPECT_FALSE(delay(policy, failed(failure_class::transient, most, most)));
  EXPECT_EQ(delay(policy, failed(failure_class::transient, most - 2, 0)), 0ms);
  const retry_policy slow{.max_attempts = most, .backoff_min = 1ms, .backoff_max = 24h * 3650, .jitter = 0};
  EXPECT_EQ(delay(slow, failed(failure_class::transient, most - 2, 0)), 24h * 3650);
}

// -- properties ---------------------------------------------------------------------------------------------

retry_policy any_policy() {
  retry_policy x;
  x.max_attempts = *rc::gen::inRange(1, 20);
  x.max_crashes = *rc::gen::inRange(1, 10);
  x.backoff_min = duration{*rc::gen::inRange(0, 100'000)};
  x.backoff_max = x.backoff_min + duration{*rc::gen::inRange(0, 10'000'000)};
  x.jitter = *rc::gen::inRange(0, 101) / 100.0;
  return x;
}

double any_share() {
  return *rc::gen::inRange(0, 1'000'000) / 1e6;
}

RC_GTEST_PROP(next_attempt, lies_within_the_jittered_delay_and_its_bounds, ()) {
  auto policy = any_policy();
  auto x = failed(failure_class::transient, *rc::gen::inRange(0, policy.max_attempts));
  auto full = delay(policy, x);
  auto actual = delay(policy, x, any_share());
  RC_ASSERT(full.has_value() == actual.has_value());
  RC_PRE(full.has_value());
  RC_ASSERT(*full >= policy.backoff_min);
  RC_ASSERT(*full <= policy.backoff_max);
  RC_ASSERT(*actual <= *full);
  RC_ASSERT(static_cast<double>(actual->count())
            >= static_cast<double>(full->count()) * (1 - policy.jitter) - 1e-3);
}

RC_GTEST_PROP(next_attempt, never_comes_sooner_after_one_more_failure, ()) {
  auto policy = any_policy();
  auto random = any_share();
  auto before = duration{-1};
  for (auto attempts = 0; attempts < policy.max_attempts - 1; ++attempts) {
    auto x = delay(policy, failed(failure_class::transient, attempts), random);
    RC_ASSERT(x.has_value());
    RC_ASSERT(*x >= before);
    before = *x;
  }
}

RC_GTEST_PROP(next_attempt, ends_exactly_at_the_limits, ()) {
  auto policy = any_policy();
  auto kind = *rc::gen::element(failure_class::transient, failure_class::crash);
  auto attempts = *rc::gen::inRange(0, 25);
  auto crashes = *rc::gen::inRange(0, 12);
  auto spent = attempts + 1 >= policy.max_attempts
               || (kind == failure_class::crash && crashes + 1 >= policy.max_crashes);
  RC_ASSERT(delay(policy, failed(kind, attempts, crashes), any_share()).has_value() == !spent);
}

} // namespace
} // namespace herald
