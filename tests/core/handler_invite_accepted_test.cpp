// invite_accepted: the owners of an org hear of their new member.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const char* const type = "invite_accepted";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(invite_accepted, reaches_the_owners_on_both_channels) {
  auto plan = plan_of(load_sample(type));
  for (auto& owner : {ben, cleo}) {
    EXPECT_EQ(in_app(plan, owner), "notified");
    EXPECT_EQ(email(plan, owner), "immediate");
  }
  EXPECT_EQ(in_app(plan, dan), "");
}

TEST(invite_accepted, leaves_out_a_new_member_who_is_an_owner) {
  auto s = load_sample(type);
  s.world.orgs[harbor_capital].owners.push_back(dan);
  EXPECT_EQ(in_app(plan_of(s), dan), "is_actor");
  s.event.actor_id = ben; // somebody else acted: the new member is still left out
  EXPECT_EQ(in_app(plan_of(s), dan), "is_actor");
}

TEST(invite_accepted, names_the_new_member_and_the_org) {
  auto plan = plan_of(load_sample(type));
  auto& draft = only_notification(plan);
  EXPECT_EQ(draft.title, "Dan Diaz joined Harbor Capital");
  EXPECT_EQ(draft.body, "**Dan Diaz** accepted the invitation to **Harbor Capital**.");
  EXPECT_EQ(draft.link_url, "/team");
  auto data = only_payload(plan);
  EXPECT_EQ(data, (json{{"type", type},
                        {"org_id", to_string(harbor_capital)},
                        {"org_name", "Harbor Capital"},
                        {"new_member_id", to_string(dan)},
                        {"new_member_name", "Dan Diaz"},
                        {"new_member_email", "dan@example.com"}}));
  auto mail = only_body_data(plan);
  EXPECT_EQ(mail["link_url"], "/team");
  mail.erase("link_url");
  EXPECT_EQ(mail, data);
}

TEST(invite_accepted, belongs_to_no_project) {
  auto s = load_sample(type);
  s.event.project_id = tower;
  auto plan = plan_of(s);
  EXPECT_FALSE(only_email(plan).project_id);
  EXPECT_EQ(only_email(plan).project_name, "");
}

TEST(invite_accepted, takes_the_new_member_from_the_payload_then_from_the_actor) {
  auto s = load_sample(type);
  s.event.actor_id.reset();
  EXPECT_EQ(only_payload(plan_of(s))["new_member_id"], to_string(dan));
  s.event.actor_id = dan;
  set_payload(s, "new_member_id", nullptr);
  EXPECT_EQ(only_payload(plan_of(s))["new_member_id"], to_string(dan));
  s.event.actor_id.reset();
  ASSERT_FALSE(handle(s).has_value());
  EXPECT_NE(handle(s).error().reason.find("'new_member_id'"), std::string::npos);
}

TEST(invite_accepted, looks_names_up_that_the_payload_leaves_empty) {
  auto s = load_sample(type);
  for (auto key : {"org_name", "new_member_name", "new_member_email"})
    set_payload(s, key, "");
  auto data = only_payload(plan_of(s));
  EXPECT_EQ(data["org_name"], "Harbor Capital");
  EXPECT_EQ(data["new_member_name"], "Dan Diaz");
  EXPECT_EQ(data["new_member_email"], "dan@example.com");
  s.world.profiles.erase(dan);
  s.world.orgs[harbor_capital].name = "";
  data = only_payload(plan_of(s));
  EXPECT_EQ(data["org_name"], "your organization");
  EXPECT_EQ(data["new_member_name"], "Someone");
  EXPECT_EQ(data["new_member_email"], nullptr);
}

TEST(invite_accepted, asks_global_preferences) {
  auto s = load_sample(type);
  prefer(s, ben, muted_everywhere(type, "in_app"));
  prefer(s, cleo, {preference_scope::project, tower, type, "in_app", preference_status::muted});
  EXPECT_EQ(in_app(plan_of(s), ben), "muted");
  EXPECT_EQ(in_app(plan_of(s), cleo), "notified");
}

TEST(invite_accepted, completes_with_a_warning_when_the_org_is_gone) {
  auto s = load_sample(type);
  s.world.orgs.clear();
  EXPECT_EQ(plan_of(s).warning,
            "org " + to_string(harbor_capital) + " no longer exists: nobody was notified");
  EXPECT_TRUE(outcomes(plan_of(s)).empty());
}

TEST(invite_accepted, fails_for_good_without_an_org) {
  auto s = load_sample(type);
  remove_payload(s, "org_id");
  ASSERT_FALSE(handle(s).has_value());
  EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
  EXPECT_NE(handle(s).error().reason.find("'org_id'"), std::string::npos);
}

} // namespace herald
