// Failures as values: their names, and results that are read without a check.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "messages/failure.hpp"

namespace herald {
namespace {

TEST(failure_class, has_a_stable_name_that_reads_back) {
  // The names stand in databases and dashboards.
  EXPECT_EQ(to_string(failure_class::transient), "transient");
  EXPECT_EQ(to_string(failure_class::permanent), "permanent");
  EXPECT_EQ(to_string(failure_class::crash), "crash");
  EXPECT_EQ(to_string(failure_class::outage), "outage");
  for (auto x :
       {failure_class::transient, failure_class::permanent, failure_class::crash, failure_class::outage})
    EXPECT_EQ(failure_class_from(to_string(x)), x);
}

TEST(failure_class, of_an_unknown_name_is_the_one_that_loses_nothing) {
  for (auto name : {"", "Permanent", "permanent ", "dead", "transien"})
    EXPECT_EQ(failure_class_from(name), failure_class::transient) << name;
}

TEST(failure, reads_as_class_and_reason) {
  EXPECT_EQ(to_string(failure{failure_class::outage, "the database is locked"}),
            "outage: the database is locked");
}

TEST(result, holds_a_value_or_a_failure) {
  result<int> good = 3;
  result<int> bad = failure{failure_class::permanent, "no such event"};
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(*good, 3);
  ASSERT_TRUE(bad.has_error());
  EXPECT_EQ(bad.error().kind, failure_class::permanent);
  EXPECT_EQ(bad.error().reason, "no such event");
}

TEST(result, that_is_read_without_a_check_throws_the_reason) {
  result<int> bad = failure{failure_class::permanent, "no such event"};
  try {
    [[maybe_unused]] auto x = bad.value();
    FAIL() << "a failure was read as a value";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "no such event");
  }
}

} // namespace
} // namespace herald
