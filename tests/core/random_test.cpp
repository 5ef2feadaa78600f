// The generator against published numbers, and what is derived from it against its promises.
#include <array>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/random.hpp"

namespace herald {
namespace {

TEST(random_source, gives_the_published_numbers_of_splitmix64) {
  random_source x{1234567};
  for (auto expected : {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
                        4593380528125082431ULL, 16408922859458223821ULL})
    EXPECT_EQ(x.next(), expected);
  random_source zero{0};
  EXPECT_EQ(zero.next(), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(zero.next(), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(zero.next(), 0x06c45d188009454fULL);
}

TEST(random_source, below_a_bound_reaches_every_number_about_equally_often) {
  random_source x{7};
  std::array<int, 6> hits{};
  for (int i = 0; i < 60'000; ++i)
    ++hits.at(x.below(6));
  for (auto n : hits)
    EXPECT_NEAR(n, 10'000, 500);
}

TEST(random_source, below_a_bound_has_no_bias_towards_small_numbers) {
  // With a bare remainder two thirds of the draws would fall into the lower half of this range.
  constexpr auto bound = std::uint64_t{3} << 62;
  random_source x{7};
  int low = 0;
  for (int i = 0; i < 10'000; ++i)
    low += x.below(bound) < bound / 2;
  EXPECT_NEAR(low, 5'000, 300);
}

TEST(random_source, uniform_fills_the_unit_interval_evenly) {
  random_source x{7};
  double sum = 0;
  double least = 1;
  double most = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto u = x.uniform();
    sum += u;
    least = std::min(least, u);
    most = std::max(most, u);
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
  EXPECT_LT(least, 0.01);
  EXPECT_GT(most, 0.99);
}

RC_GTEST_PROP(random_source, repeats_itself_for_the_same_seed_and_stays_in_range, (std::uint64_t seed)) {
  random_source a{seed};
  random_source b{seed};
  auto n = *rc::gen::oneOf(
      rc::gen::inRange<std::uint64_t>(1, 10),
      rc::gen::element<std::uint64_t>(1, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()));
  for (int i = 0; i < 20; ++i) {
    auto x = a.below(n);
    RC_ASSERT(x < n);
    RC_ASSERT(b.below(n) == x);
    auto u = a.uniform();
    RC_ASSERT(u >= 0.0);
    RC_ASSERT(u < 1.0);
    RC_ASSERT(b.uniform() == u);
  }
}

} // namespace
} // namespace herald
