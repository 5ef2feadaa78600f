// chat_thread_participant_added: whoever was added hears of it on both channels.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const char* const type = "chat_thread_participant_added";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(chat_thread_participant_added, reaches_the_added_user_on_both_channels) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(email(plan, ben), "immediate");
  EXPECT_EQ(in_app(plan, ana), "");
}

TEST(chat_thread_participant_added, names_thread_actor_and_project) {
  auto plan = plan_of(load_sample(type));
  auto& draft = only_notification(plan);
  const auto link = "/project/workspace/" + to_string(tower) + "?threadId=" + to_string(general);
  EXPECT_EQ(draft.title, "You were added to #general");
  EXPECT_EQ(draft.body, "**Ana Alvarez** added you to **#general** in **Tower**.");
  EXPECT_EQ(draft.link_url, link);
  auto data = only_payload(plan);
  EXPECT_EQ(data, (json{{"type", type},
                        {"thread_id", to_string(general)},
                        {"thread_name", "general"},
                        {"thread_label", "#general"},
                        {"actor_id", to_string(ana)},
                        {"actor_name", "Ana Alvarez"},
                        {"project_id", to_string(tower)},
                        {"project_name", "Tower"}}));
  auto mail = only_body_data(plan);
  EXPECT_EQ(mail["link_url"], link);
  mail.erase("link_url");
  EXPECT_EQ(mail, data);
  EXPECT_EQ(only_email(plan).subject, "Ana Alvarez added you to #general");
  EXPECT_EQ(only_email(plan).project_id, tower);
}

TEST(chat_thread_participant_added, survives_a_thread_without_a_topic_and_an_event_without_an_actor) {
  auto s = load_sample(type);
  s.world.threads[general].topic = "";
  set_payload(s, "thread_topic", nullptr);
  s.event.actor_id.reset();
  auto data = only_payload(plan_of(s));
  EXPECT_EQ(data["thread_label"], "#general");
  EXPECT_EQ(data["actor_id"], nullptr);
  EXPECT_EQ(data["actor_name"], "Someone");
}

TEST(chat_thread_participant_added, links_to_the_dashboard_without_a_project) {
  auto s = load_sample(type);
  s.event.project_id.reset();
  s.world.threads[general].project_id = nil_uuid;
  auto plan = plan_of(s);
  EXPECT_EQ(only_notification(plan).link_url, "/dashboard?threadId=" + to_string(general));
  EXPECT_FALSE(only_email(plan).project_id);
}

TEST(chat_thread_participant_added, keeps_an_email_out_of_a_project_that_is_gone) {
  auto s = load_sample(type);
  s.world.projects.clear();
  auto plan = plan_of(s);
  EXPECT_FALSE(only_email(plan).project_id); // the outbox could not refer to it
  EXPECT_EQ(only_email(plan).project_name, "your project");
}

TEST(chat_thread_participant_added, skips_who_was_removed_again) {
  auto s = load_sample(type);
  s.world.threads[general].participants = {ana};
  EXPECT_EQ(in_app(plan_of(s), ben), "no_access");
  EXPECT_EQ(email(plan_of(s), ben), "no_access");
}

TEST(chat_thread_participant_added, leaves_out_who_joined_by_themselves) {
  auto s = load_sample(type);
  s.event.actor_id = ben;
  EXPECT_EQ(in_app(plan_of(s), ben), "is_actor");
}

TEST(chat_thread_participant_added, asks_preferences_of_the_thread_first) {
  auto s = load_sample(type);
  prefer(s, ben, {preference_scope::thread, general, type, "*", preference_status::muted});
  prefer(s, ben, {preference_scope::project, tower, type, "*", preference_status::immediate});
  EXPECT_EQ(in_app(plan_of(s), ben), "muted");
  EXPECT_EQ(email(plan_of(s), ben), "muted");
}

TEST(chat_thread_participant_added, completes_with_a_warning_when_the_thread_is_gone) {
  auto s = load_sample(type);
  s.world.threads.clear();
  EXPECT_EQ(plan_of(s).warning, "thread " + to_string(general) + " no longer exists: nobody was notified");
  EXPECT_EQ(email(plan_of(s), ben), "no_access");
}

TEST(chat_thread_participant_added, fails_for_good_without_its_required_fields) {
  auto s = load_sample(type);
  s.event.thread_id.reset();
  EXPECT_TRUE(handle(s).has_value()) << "the payload names the thread as well";
  s.event.payload = "{}";
  ASSERT_FALSE(handle(s).has_value());
  EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
  EXPECT_NE(handle(s).error().reason.find("'added_user_id'"), std::string::npos);
}

} // namespace herald
