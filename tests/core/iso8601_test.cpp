// Reading instants: the forms that PostgreSQL and JavaScript write, and nothing else.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/iso8601.hpp"

namespace herald {
namespace {

TEST(from_iso8601, reads_what_javascript_writes) {
  EXPECT_EQ(from_iso8601("1970-01-01T00:00:01.250Z"), timestamp{duration{1'250}});
}

TEST(from_iso8601, reads_what_postgresql_writes) {
  const auto expected = from_iso8601("2026-01-20T14:30:00.123Z");
  ASSERT_TRUE(expected);
  for (auto same : {"2026-01-20T14:30:00.123456+00:00", "2026-01-20 14:30:00.123+00",
                    "2026-01-20T16:00:00.123+0130", "2026-01-20T06:30:00.123-08:00"})
    EXPECT_EQ(from_iso8601(same), expected) << same;
}

TEST(from_iso8601, reads_times_without_seconds) {
  EXPECT_EQ(from_iso8601("2026-01-20T14:30Z"), from_iso8601("2026-01-20T14:30:00Z"));
}

TEST(from_iso8601, refuses_everything_else) {
  for (auto text : {"",
                    "2026",
                    "2026-01-20",
                    "2026-01-20T14:30:00",
                    "2026-02-30T00:00:00Z",
                    "2026-13-01T00:00:00Z",
                    "2026-01-20T24:00:00Z",
                    "2026-01-20T14:60:00Z",
                    "2026-01-20T14:30:00.Z",
                    "2026-01-20T14:30:00ZZ",
                    "2026-01-20T14:30:00Z ",
                    " 2026-01-20T14:30:00Z",
                    "2026-01-20T14:30:00+",
                    "2026-01-20T14:30:00+1",
                    "2026-01-20T14:30:00+01:",
                    "2026-01-20T14:30:00+99",
                    "20260120T143000Z",
                    "soon",
                    "-026-01-20T14:30:00Z",
                    "2026-01-20T14:30:0xZ",
                    "2026-01-20T14:30:0005:00"})
    EXPECT_FALSE(from_iso8601(text)) << text;
}

RC_GTEST_PROP(from_iso8601, inverts_to_iso8601, ()) {
  // Years 1970 to 9999.
  auto ms = *rc::gen::inRange<std::int64_t>(0, 253'402'300'799'999);
  RC_ASSERT(from_iso8601(to_iso8601(from_epoch_ms(ms))) == from_epoch_ms(ms));
}

} // namespace
} // namespace herald
