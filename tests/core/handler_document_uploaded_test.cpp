// document_uploaded: who hears of a new file, and how.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const char* const type = "document_uploaded";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

} // namespace

TEST(document_uploaded, reaches_grantees_and_owners_who_may_see_the_file_but_not_the_uploader) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(in_app(plan, ben), "is_actor");
  EXPECT_EQ(in_app(plan, cleo), "notified"); // owner
  EXPECT_EQ(in_app(plan, dan), "notified");  // grantee
  EXPECT_EQ(in_app(plan, eve), "no_access"); // grantee who cannot see it
  EXPECT_EQ(email(plan, ben), "is_actor");
  EXPECT_EQ(email(plan, cleo), "aggregated");
  EXPECT_EQ(email(plan, dan), "aggregated");
  EXPECT_EQ(email(plan, eve), "no_access");
}

TEST(document_uploaded, without_an_actor_excludes_nobody) {
  auto s = load_sample(type);
  s.event.actor_id.reset();
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(only_payload(plan)["uploader_name"], "Someone");
}

TEST(document_uploaded, asks_the_owners_of_the_resources_own_org) {
  auto s = load_sample(type);
  const auto other_org = zoe; // any id
  s.world.profiles[zoe] = {"Zoe", "zoe@example.com"};
  s.world.orgs[other_org] = {"Other", {zoe}};
  s.world.resources[plan_pdf].org_id = other_org;
  s.world.resources[plan_pdf].viewers.insert(zoe);
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, zoe), "notified");
  EXPECT_EQ(in_app(plan, cleo), "");
  EXPECT_EQ(in_app(plan, dan), "notified");
}

TEST(document_uploaded, without_a_resource_reaches_the_whole_project_and_links_to_it) {
  auto s = load_sample(type);
  s.event.resource_id.reset();
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, cleo), "notified");
  EXPECT_EQ(in_app(plan, dan), "notified");
  EXPECT_EQ(in_app(plan, eve), "notified");
  EXPECT_EQ(only_notification(plan).link_url, "/project/workspace/" + to_string(tower));
  EXPECT_EQ(only_body_data(plan)["resource_id"], nullptr);
}

TEST(document_uploaded, notifies_a_user_once_who_is_owner_and_grantee) {
  auto s = load_sample(type);
  s.world.projects[tower].grantees = {dan, cleo, dan};
  EXPECT_EQ(in_app(plan_of(s), cleo), "notified");
  EXPECT_EQ(in_app(plan_of(s), dan), "notified");
}

TEST(document_uploaded, links_to_the_file_and_names_it) {
  auto plan = plan_of(load_sample(type));
  auto& draft = only_notification(plan);
  const auto link = "/project/workspace/" + to_string(tower) + "?resourceId=" + to_string(plan_pdf);
  EXPECT_EQ(draft.link_url, link);
  EXPECT_EQ(draft.title, "New document in Tower");
  EXPECT_EQ(draft.body, "**Ben Berg** uploaded **plan.pdf** to **Tower**.");
  auto data = only_payload(plan);
  EXPECT_EQ(data["type"], "document_uploaded");
  EXPECT_EQ(data["project_id"], to_string(tower));
  EXPECT_EQ(data["resource_id"], to_string(plan_pdf));
  EXPECT_EQ(data["file_name"], "plan.pdf");
  auto mail = only_body_data(plan);
  EXPECT_EQ(keys_of(mail), (std::vector<std::string>{"file_name", "link_url", "project_name", "resource_id",
                                                     "uploader_name"}));
  EXPECT_EQ(mail["link_url"], link);
  EXPECT_EQ(mail["uploader_name"], "Ben Berg");
  EXPECT_EQ(only_email(plan).subject, "New document in Tower: plan.pdf");
  EXPECT_EQ(only_email(plan).project_id, tower);
  EXPECT_EQ(only_email(plan).project_name, "Tower");
}

TEST(document_uploaded, takes_the_file_name_from_fileName_then_resource_name_then_the_resource) {
  auto s = load_sample(type);
  set_payload(s, "resource_name", "second.pdf");
  s.world.resources[plan_pdf].name = "third.pdf";
  auto name = [&] { return only_payload(plan_of(s))["file_name"]; };
  EXPECT_EQ(name(), "plan.pdf");
  set_payload(s, "fileName", "");
  EXPECT_EQ(name(), "second.pdf");
  set_payload(s, "resource_name", nullptr);
  EXPECT_EQ(name(), "third.pdf");
  s.world.resources[plan_pdf].name = "";
  EXPECT_EQ(name(), "a document");
}

TEST(document_uploaded, takes_the_projects_name_from_the_project_alone) {
  auto s = load_sample(type);
  set_payload(s, "project_name", "Stale");
  EXPECT_EQ(only_payload(plan_of(s))["project_name"], "Tower");
  s.world.projects[tower].name = "";
  EXPECT_EQ(only_payload(plan_of(s))["project_name"], "your project");
}

TEST(document_uploaded, prefers_the_row_to_the_payload) {
  auto s = load_sample(type);
  set_payload(s, "project_id", to_string(zoe));
  set_payload(s, "resource_id", to_string(zoe));
  EXPECT_EQ(only_payload(plan_of(s))["project_id"], to_string(tower));
  EXPECT_EQ(only_payload(plan_of(s))["resource_id"], to_string(plan_pdf));
  s.event.project_id.reset();
  set_payload(s, "project_id", to_string(tower));
  EXPECT_EQ(only_payload(plan_of(s))["project_id"], to_string(tower));
}

TEST(document_uploaded, keeps_the_two_channels_apart) {
  auto s = load_sample(type);
  prefer(s, cleo, muted_everywhere("document_uploaded", "email"));
  auto instantly = muted_everywhere("document_uploaded", "email");
  instantly.status = preference_status::immediate;
  prefer(s, dan, instantly);
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, cleo), "notified");
  EXPECT_EQ(email(plan, cleo), "muted");
  EXPECT_EQ(email(plan, dan), "immediate");
}

TEST(document_uploaded, asks_preferences_of_the_project_but_not_of_a_thread) {
  auto s = load_sample(type);
  s.event.thread_id = general;
  prefer(s, cleo,
         {preference_scope::project, tower, "document_uploaded", "in_app", preference_status::muted});
  prefer(s, dan,
         {preference_scope::thread, general, "document_uploaded", "in_app", preference_status::muted});
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, cleo), "muted");
  EXPECT_EQ(email(plan, cleo), "muted"); // no word about e-mail: the muted inbox speaks for it
  EXPECT_EQ(in_app(plan, dan), "notified");
}

TEST(document_uploaded, completes_with_a_warning_when_the_file_is_gone) {
  auto s = load_sample(type);
  s.world.resources.clear();
  auto plan = plan_of(s);
  EXPECT_EQ(plan.warning, "resource " + to_string(plan_pdf) + " no longer exists: nobody was notified");
  EXPECT_TRUE(plan.notifications.empty() && plan.emails.empty());
  EXPECT_EQ(in_app(plan, cleo), "no_access");
}

TEST(document_uploaded, completes_with_a_warning_when_the_project_is_gone) {
  auto s = load_sample(type);
  s.event.resource_id.reset();
  s.world.projects.clear();
  auto plan = plan_of(s);
  EXPECT_EQ(plan.warning, "project " + to_string(tower) + " no longer exists: nobody was notified");
  EXPECT_TRUE(outcomes(plan).empty());
}

TEST(document_uploaded, fails_for_good_without_a_project) {
  auto s = load_sample(type);
  s.event.project_id.reset();
  auto answer = handle(s);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, failure_class::permanent);
  EXPECT_NE(answer.error().reason.find("document_uploaded event 7"), std::string::npos);
  EXPECT_NE(answer.error().reason.find("'project_id'"), std::string::npos);
}

} // namespace herald
