// Fields of events: the row first, then the payload; what is missing is reported by name.
#include <gtest/gtest.h>

#include "core/event_fields.hpp"
#include "tests/support/generators.hpp"

namespace herald {

using namespace herald::testing;

namespace {

class event_fields_test : public ::testing::Test {
protected:
  event_fields_test() {
    row.id = 7;
    row.type = "moon_landed";
  }

  event with(const std::string& payload_text) { return {row, payload::parse(payload_text).value()}; }

  domain_event row;
};

} // namespace

TEST_F(event_fields_test, prefers_columns_to_the_payload) {
  const auto in_payload = R"({"project_id":")" + to_string(nth_uuid(2)) + R"("})";
  EXPECT_EQ(find_id(with(in_payload), "project_id"), nth_uuid(2));
  row.project_id = nth_uuid(1);
  EXPECT_EQ(find_id(with(in_payload), "project_id"), nth_uuid(1));
  EXPECT_EQ(find_id(with(in_payload), "thread_id"), std::nullopt);
}

TEST_F(event_fields_test, knows_every_column_with_an_id) {
  row.project_id = nth_uuid(1);
  row.resource_id = nth_uuid(2);
  row.thread_id = nth_uuid(3);
  row.meeting_id = nth_uuid(4);
  EXPECT_EQ(find_id(with("{}"), "project_id"), nth_uuid(1));
  EXPECT_EQ(find_id(with("{}"), "resource_id"), nth_uuid(2));
  EXPECT_EQ(find_id(with("{}"), "thread_id"), nth_uuid(3));
  EXPECT_EQ(find_id(with("{}"), "meeting_id"), nth_uuid(4));
}

TEST_F(event_fields_test, takes_blank_names_for_missing_ones) {
  auto x = with(R"({"a":"", "b":"  ", "c":null, "d":7, "e":"\r\n", "f":" x\ny "})");
  for (auto key : {"a", "b", "c", "d", "e", "missing"})
    EXPECT_EQ(find_name(x, key), std::nullopt) << key;
  EXPECT_EQ(find_name(x, "f"), "x y");
}

TEST_F(event_fields_test, gives_back_what_is_there) {
  auto x = with(R"({"user_id":")" + to_string(nth_uuid(2)) + R"(", "tier":2, "kind":"project", "name":"N"})");
  auto fields = required_fields{x};
  EXPECT_EQ(fields.id("user_id"), nth_uuid(2));
  EXPECT_EQ(fields.integer("tier", 1, 4), 2);
  EXPECT_EQ(fields.one_of("kind", {"project", "borrower"}), "project");
  EXPECT_EQ(fields.name("name"), "N");
  EXPECT_TRUE(fields.complete());
}

TEST_F(event_fields_test, reports_everything_that_is_missing_at_once) {
  auto x = with(R"({"tier":5, "kind":"lender"})");
  auto fields = required_fields{x};
  fields.id("user_id");
  fields.integer("tier", 1, 4);
  fields.one_of("kind", {"project", "borrower"});
  fields.name("name");
  ASSERT_FALSE(fields.complete());
  EXPECT_EQ(fields.why_not().kind, failure_class::permanent);
  EXPECT_EQ(
      fields.why_not().reason,
      "moon_landed event 7 cannot be handled: it needs 'user_id' (a UUID), 'tier' (an integer from 1 to 4), "
      "'kind' (project or borrower), 'name' (a non-empty string); correct whoever writes the event, a retry "
      "cannot help");
}

} // namespace herald
