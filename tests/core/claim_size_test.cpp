// The size of claims: smaller while they fail, back again while they succeed.
#include <gtest/gtest.h>

#include "core/claim_size.hpp"

namespace herald {

namespace {

TEST(a_claim, is_as_large_as_wanted_while_all_is_well) {
  claim_size x{500};
  EXPECT_EQ(x.of(500), 500u);
  EXPECT_EQ(x.of(10), 10u);
  EXPECT_EQ(x.of(1'000), 500u);
}

TEST(a_claim, halves_with_each_failure_down_to_one) {
  claim_size x{500};
  x.failed();
  EXPECT_EQ(x.of(500), 250u);
  for (auto i = 0; i < 20; ++i)
    x.failed();
  EXPECT_EQ(x.of(500), 1u);
}

TEST(a_claim, grows_back_with_each_success_and_no_further) {
  claim_size x{5};
  for (auto i = 0; i < 5; ++i)
    x.failed();
  x.succeeded();
  EXPECT_EQ(x.of(5), 2u);
  x.succeeded();
  EXPECT_EQ(x.of(5), 4u);
  x.succeeded();
  x.succeeded();
  EXPECT_EQ(x.of(50), 5u);
}

} // namespace

} // namespace herald
