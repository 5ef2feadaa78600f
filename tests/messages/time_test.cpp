// Instants: milliseconds since the epoch, and their ISO 8601 text.
#include <cstdio>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "messages/time.hpp"

namespace herald {
namespace {

using namespace std::chrono;

TEST(iso8601, shows_milliseconds_and_utc) {
  EXPECT_EQ(to_iso8601(from_epoch_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(sys_days{2026y / January / 20} + 14h + 30min + 45s), "2026-01-20T14:30:45.000Z");
  EXPECT_EQ(to_iso8601(sys_days{2024y / February / 29} + 23h + 59min + 59s + 7ms),
            "2024-02-29T23:59:59.007Z");
}

TEST(iso8601, is_right_before_the_epoch_too) {
  EXPECT_EQ(to_iso8601(from_epoch_ms(-1)), "1969-12-31T23:59:59.999Z");
}

timestamp read(const std::string& text) {
  int y = 0, mon = 0, d = 0, h = 0, min = 0, s = 0, ms = 0;
  auto fields = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &y, &mon, &d, &h, &min, &s, &ms);
  EXPECT_EQ(fields, 7) << text;
  auto date = year{y} / mon / d;
  EXPECT_TRUE(date.ok()) << text;
  return sys_days{date} + hours{h} + minutes{min} + seconds{s} + milliseconds{ms};
}

RC_GTEST_PROP(iso8601, reads_back_as_the_same_instant, ()) {
  // 0001-01-01 to 9999-12-31.
  auto x = from_epoch_ms(*rc::gen::inRange<std::int64_t>(-62'135'596'800'000, 253'402'300'800'000));
  auto text = to_iso8601(x);
  RC_ASSERT(text.size() == 24u);
  RC_ASSERT(read(text) == x);
}

RC_GTEST_PROP(iso8601, sorts_like_the_instants, ()) {
  auto any = rc::gen::inRange<std::int64_t>(-62'135'596'800'000, 253'402'300'800'000);
  auto a = from_epoch_ms(*any);
  auto b = from_epoch_ms(*any);
  RC_ASSERT((a < b) == (to_iso8601(a) < to_iso8601(b)));
}

RC_GTEST_PROP(epoch_ms, reads_back_as_the_same_number, (std::int64_t x)) {
  RC_ASSERT(to_epoch_ms(from_epoch_ms(x)) == x);
}

} // namespace
} // namespace herald
