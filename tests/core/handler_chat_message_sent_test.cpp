// chat_message_sent: mentions are told word by word, everything else is counted.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const char* const type = "chat_message_sent";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(chat_message_sent, tells_the_mentioned_and_counts_for_the_others) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(in_app(plan, ana), "is_actor");
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(in_app(plan, dan), "rolled_up");
  EXPECT_TRUE(plan.emails.empty());
  EXPECT_EQ(email(plan, ben), "");
}

TEST(chat_message_sent, shows_the_mentioned_the_message) {
  auto plan = plan_of(load_sample(type));
  auto& draft = only_notification(plan);
  EXPECT_EQ(draft.title, "Ana Alvarez mentioned you in #general");
  EXPECT_EQ(draft.body, "@Ben Berg could you look at the plan?");
  EXPECT_EQ(draft.link_url,
            "/project/workspace/" + to_string(tower) + "?tab=chat&thread=" + to_string(general));
  EXPECT_TRUE(draft.unique_key.empty()); // every mention is a row of its own
  auto data = only_payload(plan);
  EXPECT_EQ(data["type"], "mention");
  EXPECT_EQ(data["thread_id"], to_string(general));
  EXPECT_EQ(data["thread_name"], "#general");
  EXPECT_EQ(data["project_id"], to_string(tower));
  EXPECT_EQ(data["project_name"], "Tower");
}

TEST(chat_message_sent, hands_the_roll_up_what_its_text_needs) {
  auto plan = plan_of(load_sample(type));
  ASSERT_EQ(plan.roll_ups.size(), 1U);
  auto& draft = plan.roll_ups.front();
  EXPECT_EQ(draft.thread_id, general);
  EXPECT_EQ(draft.thread_label, "#general");
  EXPECT_EQ(draft.project_name, "Tower");
  EXPECT_EQ(draft.link_url,
            "/project/workspace/" + to_string(tower) + "?tab=chat&thread=" + to_string(general));
}

TEST(chat_message_sent, takes_the_text_from_full_content_then_preview_then_message_content) {
  auto s = load_sample(type);
  set_payload(s, "preview", "second");
  set_payload(s, "message_content", "third");
  auto body = [&] { return only_notification(plan_of(s)).body; };
  EXPECT_EQ(body(), "@Ben Berg could you look at the plan?");
  set_payload(s, "full_content", "");
  EXPECT_EQ(body(), "second");
  set_payload(s, "preview", nullptr);
  EXPECT_EQ(body(), "third");
  remove_payload(s, "message_content");
  EXPECT_EQ(body(), "You were mentioned in **#general**.");
}

TEST(chat_message_sent, escapes_and_cuts_the_message) {
  auto s = load_sample(type);
  set_payload(s, "full_content", "<b>*hi*</b>");
  EXPECT_EQ(only_notification(plan_of(s)).body, "\\<b\\>\\*hi\\*\\</b\\>");
  set_payload(s, "full_content", std::string(100'000, 'x'));
  EXPECT_EQ(only_notification(plan_of(s)).body, std::string(499, 'x') + "\u2026");
}

TEST(chat_message_sent, refuses_the_mention_of_somebody_outside_the_thread) {
  auto s = load_sample(type);
  s.world.profiles[zoe] = {"Zoe", "zoe@example.com"};
  set_payload(s, "mentioned_user_ids", json::array({to_string(zoe), to_string(ben), to_string(ben)}));
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, zoe), "no_access");
  EXPECT_EQ(in_app(plan, ben), "notified");
}

TEST(chat_message_sent, does_not_mention_the_author_to_themselves) {
  auto s = load_sample(type);
  set_payload(s, "mentioned_user_ids", json::array({to_string(ana)}));
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, ana), "is_actor");
  EXPECT_EQ(in_app(plan, ben), "rolled_up");
}

TEST(chat_message_sent, without_an_actor_excludes_nobody) {
  auto s = load_sample(type);
  s.event.actor_id.reset();
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, ana), "rolled_up");
  EXPECT_EQ(only_notification(plan).title, "Someone mentioned you in #general");
}

TEST(chat_message_sent, never_notifies_the_system_account) {
  auto s = load_sample(type);
  s.world.profiles[nil_uuid] = {"AI Underwriter", "underwriter@example.com"};
  s.world.threads[general].participants.push_back(nil_uuid);
  set_payload(s, "mentioned_user_ids", json::array({to_string(nil_uuid)}));
  EXPECT_EQ(in_app(plan_of(s), nil_uuid), "system_account");
}

TEST(chat_message_sent, calls_a_thread_without_a_topic_general) {
  auto s = load_sample(type);
  s.world.threads[general].topic = "";
  EXPECT_EQ(plan_of(s).roll_ups.front().thread_label, "#general");
  s.world.threads[general].topic = "#closing";
  EXPECT_EQ(plan_of(s).roll_ups.front().thread_label, "#closing");
}

TEST(chat_message_sent, takes_the_project_from_the_thread_when_the_event_names_none) {
  auto s = load_sample(type);
  s.event.project_id.reset();
  EXPECT_EQ(only_payload(plan_of(s))["project_id"], to_string(tower));
}

TEST(chat_message_sent, obeys_both_names_of_its_preference) {
  for (auto name : {"chat_message", "chat_message_sent", "*"}) {
    auto s = load_sample(type);
    prefer(s, ben, muted_everywhere(name, "in_app"));
    prefer(s, dan, muted_everywhere(name, "in_app"));
    EXPECT_EQ(in_app(plan_of(s), ben), "muted") << name;
    EXPECT_EQ(in_app(plan_of(s), dan), "muted") << name;
  }
}

TEST(chat_message_sent, asks_thread_then_project_then_global_preferences) {
  auto s = load_sample(type);
  auto row = [](preference_scope scope, std::optional<uuid> id, preference_status status) {
    return preference{scope, id, "chat_message", "in_app", status};
  };
  prefer(s, dan, row(preference_scope::global, std::nullopt, preference_status::muted));
  EXPECT_EQ(in_app(plan_of(s), dan), "muted");
  prefer(s, dan, row(preference_scope::project, tower, preference_status::immediate));
  EXPECT_EQ(in_app(plan_of(s), dan), "rolled_up");
  prefer(s, dan, row(preference_scope::thread, general, preference_status::muted));
  EXPECT_EQ(in_app(plan_of(s), dan), "muted");
  prefer(s, dan, row(preference_scope::thread, plan_pdf, preference_status::immediate)); // another thread
  EXPECT_EQ(in_app(plan_of(s), dan), "muted");
}

TEST(chat_message_sent, completes_with_a_warning_when_the_thread_is_gone) {
  auto s = load_sample(type);
  s.world.threads.clear();
  auto plan = plan_of(s);
  EXPECT_EQ(plan.warning, "thread " + to_string(general) + " no longer exists: nobody was notified");
  EXPECT_EQ(in_app(plan, ben), "no_access");
  EXPECT_TRUE(plan.notifications.empty() && plan.roll_ups.empty());
}

TEST(chat_message_sent, fails_for_good_without_a_thread) {
  auto s = load_sample(type);
  s.event.thread_id.reset();
  ASSERT_FALSE(handle(s).has_value());
  EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
  EXPECT_NE(handle(s).error().reason.find("'thread_id'"), std::string::npos);
}

} // namespace herald
