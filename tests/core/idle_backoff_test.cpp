// The pauses of an idle poller.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/idle_backoff.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

TEST(idle_backoff, doubles_from_the_shortest_pause_up_to_the_longest) {
  idle_backoff x{1s, 6s};
  EXPECT_EQ(x.next(), 1s);
  EXPECT_EQ(x.next(), 2s);
  EXPECT_EQ(x.next(), 4s);
  EXPECT_EQ(x.next(), 6s);
  EXPECT_EQ(x.next(), 6s);
}

TEST(idle_backoff, starts_over_after_a_reset) {
  idle_backoff x{1s, 6s};
  x.next();
  x.next();
  x.reset();
  EXPECT_EQ(x.next(), 1s);
  EXPECT_EQ(x.next(), 2s);
}

TEST(idle_backoff, of_equal_bounds_is_constant) {
  idle_backoff x{3s, 3s};
  EXPECT_EQ(x.next(), 3s);
  EXPECT_EQ(x.next(), 3s);
}

RC_GTEST_PROP(idle_backoff, stays_within_its_bounds_and_never_shrinks, ()) {
  auto min = duration{*rc::gen::inRange<std::int64_t>(1, 100'000)};
  auto max = *rc::gen::element(min, min + duration{*rc::gen::inRange<std::int64_t>(0, 100'000'000)},
                               duration::max());
  idle_backoff x{min, max};
  auto before = x.next();
  RC_ASSERT(before == min);
  for (int i = 0; i < 80; ++i) {
    auto pause = x.next();
    RC_ASSERT(pause >= before);
    RC_ASSERT(pause <= max);
    before = pause;
  }
  RC_ASSERT(before == max);
}

} // namespace
} // namespace herald
