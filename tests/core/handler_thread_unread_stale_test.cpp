// thread_unread_stale: one e-mail to the reader, nothing in the inbox.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;

namespace {

const char* const type = "thread_unread_stale";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(thread_unread_stale, queues_one_aggregated_email_and_no_notification) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(email(plan, ben), "aggregated");
  EXPECT_EQ(in_app(plan, ben), "");
  EXPECT_EQ(email(plan, ana), "");
}

TEST(thread_unread_stale, says_how_much_is_unread_and_where) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(only_email(plan).subject, "3 unread messages in #general");
  EXPECT_EQ(only_email(plan).project_id, tower);
  auto data = only_body_data(plan);
  EXPECT_EQ(keys_of(data), (std::vector<std::string>{"link_url", "project_name", "thread_id", "thread_topic",
                                                     "unread_count"}));
  EXPECT_EQ(data["thread_id"], to_string(general));
  EXPECT_EQ(data["thread_topic"], "#general");
  EXPECT_EQ(data["unread_count"], 3);
  EXPECT_EQ(data["project_name"], "Tower");
  EXPECT_EQ(data["link_url"],
            "/project/workspace/" + to_string(tower) + "?tab=chat&thread=" + to_string(general));
}

TEST(thread_unread_stale, counts_at_least_one_message) {
  auto s = load_sample(type);
  remove_payload(s, "unread_count");
  EXPECT_EQ(only_email(plan_of(s)).subject, "1 unread message in #general");
  set_payload(s, "unread_count", -4);
  EXPECT_EQ(only_body_data(plan_of(s))["unread_count"], 1);
}

TEST(thread_unread_stale, falls_back_to_the_topic_in_the_payload) {
  auto s = load_sample(type);
  s.world.threads[general].topic = "";
  set_payload(s, "thread_topic", "closing");
  EXPECT_EQ(only_body_data(plan_of(s))["thread_topic"], "#closing");
  set_payload(s, "thread_topic", nullptr);
  EXPECT_EQ(only_body_data(plan_of(s))["thread_topic"], "#general");
}

TEST(thread_unread_stale, asks_the_email_preference_with_the_thread_first) {
  auto s = load_sample(type);
  prefer(s, ben, {preference_scope::thread, general, type, "email", preference_status::immediate});
  prefer(s, ben, {preference_scope::global, std::nullopt, type, "email", preference_status::muted});
  EXPECT_EQ(email(plan_of(s), ben), "immediate");
  s.world.preferences[ben].erase(s.world.preferences[ben].begin());
  EXPECT_EQ(email(plan_of(s), ben), "muted");
}

TEST(thread_unread_stale, sends_nothing_to_somebody_who_left_the_thread) {
  auto s = load_sample(type);
  s.world.threads[general].participants = {ana};
  EXPECT_EQ(email(plan_of(s), ben), "no_access");
}

TEST(thread_unread_stale, completes_with_a_warning_when_the_thread_is_gone) {
  auto s = load_sample(type);
  s.world.threads.clear();
  EXPECT_EQ(plan_of(s).warning, "thread " + to_string(general) + " no longer exists: nobody was notified");
  EXPECT_EQ(email(plan_of(s), ben), "no_access");
}

TEST(thread_unread_stale, reports_all_missing_fields_at_once) {
  auto s = load_sample(type);
  s.event.thread_id.reset();
  s.event.payload = "{}";
  ASSERT_FALSE(handle(s).has_value());
  EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
  EXPECT_NE(handle(s).error().reason.find("'thread_id'"), std::string::npos);
  EXPECT_NE(handle(s).error().reason.find("'user_id'"), std::string::npos);
}

} // namespace herald
