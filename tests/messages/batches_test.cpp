// What batches say about themselves: sizes, sums, and the text of traces.
#include <gtest/gtest.h>

#include "messages/event.hpp"
#include "messages/fan_out.hpp"
#include "messages/store.hpp"

namespace herald {
namespace {

claimed_event claimed(std::int64_t id, std::string type) {
  claimed_event out;
  out.event.id = id;
  out.event.type = std::move(type);
  out.claim_no = 2;
  return out;
}

plan_batch_ptr two_plans_and_a_failure() {
  plan_batch out;
  out.plans.resize(2);
  out.plans[0].event_type = "meeting_invited";
  out.plans[0].claims = {{7, 1}, {8, 1}};
  out.plans[1].event_type = "invite_accepted";
  out.plans[1].claims = {{10, 3}};
  out.failures.push_back({{9, 1}, "meeting_invited", 0, 0, {failure_class::permanent, "reason"}});
  return std::make_shared<const plan_batch>(std::move(out));
}

TEST(a_claimed_event, refers_to_its_own_claim) {
  EXPECT_EQ(claimed(7, "a").ref(), (claim_ref{7, 2}));
}

TEST(a_plan_batch, counts_the_events_it_settles_and_not_its_plans) {
  EXPECT_EQ(two_plans_and_a_failure()->events(), 4u);
  EXPECT_EQ(plan_batch{}.events(), 0u);
}

TEST(traces, name_the_events_of_a_batch) {
  event_batch events{
      "meeting_invited", {claimed(7, "meeting_invited"), claimed(8, "meeting_invited")}, nullptr};
  EXPECT_EQ(to_string(std::make_shared<const event_batch>(events)), "event_batch(meeting_invited: 7 8)");
  EXPECT_EQ(to_string(two_plans_and_a_failure()),
            "plan_batch(meeting_invited: 7 8, invite_accepted: 10, failed: 9)");
}

TEST(traces, bear_pointers_to_nothing) {
  EXPECT_EQ(to_string(event_batch_ptr{}), "event_batch()");
  EXPECT_EQ(to_string(plan_batch_ptr{}), "plan_batch()");
  EXPECT_EQ(to_string(claimed_batch_ptr{}), "claimed_batch()");
  EXPECT_EQ(to_string(commit_request_ptr{}), "commit_request()");
}

TEST(commit_reports, add_up_field_by_field) {
  commit_report sum{1, 2, 3, 4, 5, 6, 7, 8};
  sum += commit_report{10, 20, 30, 40, 50, 60, 70, 80};
  EXPECT_EQ(sum, (commit_report{11, 22, 33, 44, 55, 66, 77, 88}));
}

} // namespace
} // namespace herald
