// The event types about access: project_access_*, document_permission_* and resume_permission_granted.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const std::vector<const char*> all_types = {"project_access_granted", "project_access_changed",
                                            "document_permission_granted", "document_permission_changed",
                                            "resume_permission_granted"};
const std::vector<const char*> resource_types = {"document_permission_granted", "document_permission_changed",
                                                 "resume_permission_granted"};

const std::string workspace = "/project/workspace/cccccccc-0000-4000-8000-000000000001";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(access_events, reach_the_affected_user) {
  for (auto type : all_types) {
    auto plan = plan_of(load_sample(type));
    EXPECT_EQ(in_app(plan, dan), "notified") << type;
    EXPECT_EQ(in_app(plan, ben), "") << type;
  }
}

TEST(access_events, leave_out_somebody_who_did_it_to_themselves) {
  for (auto type : all_types) {
    auto s = load_sample(type);
    s.event.actor_id = dan;
    EXPECT_EQ(in_app(plan_of(s), dan), "is_actor") << type;
  }
}

TEST(access_events, carry_the_keys_of_their_type) {
  const std::vector<std::string> project_keys = {"new_permission", "project_id", "project_name", "type"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), project_keys.begin(), project_keys.end());
    std::ranges::sort(more);
    return more;
  };
  const std::vector<std::pair<const char*, std::vector<std::string>>> expected = {
      {"project_access_granted", with({})},
      {"project_access_changed", with({"old_permission"})},
      {"document_permission_granted", with({"resource_id", "resource_name"})},
      {"document_permission_changed", with({"resource_id", "resource_name", "old_permission"})},
      {"resume_permission_granted", with({"resource_id", "resource_name"})}};
  for (auto& [type, keys] : expected) {
    auto data = only_payload(plan_of(load_sample(type)));
    EXPECT_EQ(keys_of(data), keys) << type;
    EXPECT_EQ(data["type"], type);
    EXPECT_EQ(data["project_id"], to_string(tower));
    EXPECT_EQ(data["project_name"], "Tower");
  }
}

TEST(access_events, link_to_what_was_opened_up) {
  const auto document = workspace + "?resourceId=" + to_string(plan_pdf);
  const std::vector<std::pair<const char*, std::string>> expected = {
      {"project_access_granted", workspace},
      {"project_access_changed", workspace},
      {"document_permission_granted", document},
      {"document_permission_changed", document},
      {"resume_permission_granted", workspace}};
  for (auto& [type, link] : expected)
    EXPECT_EQ(only_notification(plan_of(load_sample(type))).link_url, link) << type;
}

TEST(access_events, say_what_one_may_do_now) {
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"project_access_granted", "**Ben Berg** gave you view access to **Tower**."},
      {"project_access_changed",
       "**Ben Berg** changed your permission in **Tower**: you now have edit access."},
      {"document_permission_granted", "**Ben Berg** gave you view access to **plan.pdf** in **Tower**."},
      {"document_permission_changed", "**Ben Berg** gave you edit access to **plan.pdf** in **Tower**."},
      {"resume_permission_granted", "**Ben Berg** gave you view access to **Project resume** in **Tower**."}};
  for (auto& [type, body] : expected)
    EXPECT_EQ(only_notification(plan_of(load_sample(type))).body, body);
  auto s = load_sample("project_access_granted");
  remove_payload(s, "new_permission");
  EXPECT_EQ(only_notification(plan_of(s)).body, "**Ben Berg** gave you access to **Tower**.");
}

TEST(access_events, prefer_the_names_in_the_payload_unless_they_are_empty) {
  for (auto type : all_types) {
    auto s = load_sample(type);
    set_payload(s, "project_name", "Old Tower");
    EXPECT_EQ(only_payload(plan_of(s))["project_name"], "Old Tower") << type;
    set_payload(s, "project_name", "");
    EXPECT_EQ(only_payload(plan_of(s))["project_name"], "Tower") << type;
    s.world.projects[tower].name = "";
    EXPECT_EQ(only_payload(plan_of(s))["project_name"], "your project") << type;
  }
  for (auto type : resource_types) {
    auto s = load_sample(type);
    s.world.resources[plan_pdf].name = "looked-up.pdf";
    set_payload(s, "resource_name", "");
    EXPECT_EQ(only_payload(plan_of(s))["resource_name"], "looked-up.pdf") << type;
    s.world.resources[plan_pdf].name = "";
    EXPECT_EQ(only_payload(plan_of(s))["resource_name"], "a document") << type;
  }
}

TEST(access_events, skip_a_user_who_lost_the_project_again) {
  for (auto type : {"project_access_granted", "project_access_changed"}) {
    auto s = load_sample(type);
    s.world.projects[tower].grantees = {eve};
    EXPECT_EQ(in_app(plan_of(s), dan), "no_access") << type;
    EXPECT_EQ(email(plan_of(s), dan), "no_access") << type;
    s.world.orgs[harbor_capital].owners.push_back(dan); // owners reach it without a grant
    EXPECT_EQ(in_app(plan_of(s), dan), "notified") << type;
  }
}

TEST(access_events, skip_a_user_who_lost_sight_of_the_resource_again) {
  for (auto type : resource_types) {
    auto s = load_sample(type);
    s.world.resources[plan_pdf].viewers = {ben};
    EXPECT_EQ(in_app(plan_of(s), dan), "no_access") << type;
  }
}

TEST(access_events, reach_somebody_who_may_see_one_document_alone) {
  for (auto type : resource_types) {
    auto s = load_sample(type);
    s.world.projects[tower].grantees = {};
    EXPECT_EQ(in_app(plan_of(s), dan), "notified") << type;
  }
}

TEST(access_events, mail_new_access_to_a_project_at_once_and_nothing_about_resources) {
  auto plan = plan_of(load_sample("project_access_granted"));
  EXPECT_EQ(email(plan, dan), "immediate");
  EXPECT_EQ(only_email(plan).project_id, tower);
  EXPECT_EQ(only_email(plan).project_name, "Tower");
  EXPECT_EQ(only_email(plan).subject, "You now have access to Tower");
  auto data = only_body_data(plan);
  EXPECT_EQ(data["link_url"], workspace);
  data.erase("link_url");
  EXPECT_EQ(data, only_payload(plan));
  for (auto type : resource_types) {
    EXPECT_TRUE(plan_of(load_sample(type)).emails.empty()) << type;
    EXPECT_EQ(email(plan_of(load_sample(type)), dan), "") << type;
  }
}

TEST(access_events, mail_a_changed_access_only_for_an_upgrade) {
  auto with = [](const char* from, const char* to) {
    auto s = load_sample("project_access_changed");
    set_payload(s, "old_permission", from);
    set_payload(s, "new_permission", to);
    auto plan = plan_of(s);
    EXPECT_EQ(in_app(plan, dan), "notified");
    return email(plan, dan);
  };
  EXPECT_EQ(with("view", "edit"), "immediate");
  EXPECT_EQ(with("edit", "view"), "not_an_upgrade");
  EXPECT_EQ(with("view", "view"), "not_an_upgrade");
  EXPECT_EQ(with("none", "edit"), "not_an_upgrade");
}

TEST(access_events, announce_a_changed_document_permission_only_for_an_upgrade) {
  auto with = [](const char* from, const char* to) {
    auto s = load_sample("document_permission_changed");
    set_payload(s, "old_permission", from);
    set_payload(s, "new_permission", to);
    return in_app(plan_of(s), dan);
  };
  EXPECT_EQ(with("view", "edit"), "notified");
  EXPECT_EQ(with("edit", "view"), "not_an_upgrade");
  EXPECT_EQ(with("none", "edit"), "not_an_upgrade");
}

TEST(access_events, announce_a_grant_that_was_an_upgrade) {
  auto s = load_sample("document_permission_granted");
  set_payload(s, "old_permission", "view");
  set_payload(s, "new_permission", "edit");
  EXPECT_EQ(in_app(plan_of(s), dan), "notified");
}

TEST(access_events, obey_the_preferences_of_their_project) {
  for (auto type : all_types) {
    auto s = load_sample(type);
    prefer(s, dan, {preference_scope::project, tower, type, "in_app", preference_status::muted});
    EXPECT_EQ(in_app(plan_of(s), dan), "muted") << type;
  }
}

TEST(access_events, complete_with_a_warning_when_their_target_is_gone) {
  for (auto type : resource_types) {
    auto s = load_sample(type);
    s.world.resources.clear();
    EXPECT_EQ(plan_of(s).warning,
              "resource " + to_string(plan_pdf) + " no longer exists: nobody was notified");
    EXPECT_EQ(in_app(plan_of(s), dan), "no_access");
  }
  for (auto type : {"project_access_granted", "project_access_changed"}) {
    auto s = load_sample(type);
    s.world.projects.clear();
    EXPECT_EQ(plan_of(s).warning, "project " + to_string(tower) + " no longer exists: nobody was notified");
    EXPECT_EQ(in_app(plan_of(s), dan), "no_access");
  }
}

TEST(access_events, fail_for_good_without_their_required_fields) {
  auto expect_missing = [](sample s, const std::string& key) {
    remove_payload(s, key);
    s.event.project_id = key == "project_id" ? std::nullopt : s.event.project_id;
    s.event.resource_id = key == "resource_id" ? std::nullopt : s.event.resource_id;
    auto answer = handle(s);
    ASSERT_FALSE(answer.has_value()) << s.event.type << " without " << key;
    EXPECT_EQ(answer.error().kind, failure_class::permanent);
    EXPECT_NE(answer.error().reason.find("'" + key + "'"), std::string::npos) << answer.error().reason;
  };
  for (auto type : all_types)
    for (auto key : {"affected_user_id", "project_id"})
      expect_missing(load_sample(type), key);
  for (auto type : resource_types)
    expect_missing(load_sample(type), "resource_id");
  for (auto type : {"project_access_changed", "document_permission_changed"})
    for (auto key : {"old_permission", "new_permission"})
      expect_missing(load_sample(type), key);
}

} // namespace herald
