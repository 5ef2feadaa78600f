// resume_incomplete_nudge: owners alone, and each tier once per idle period.
#include <gtest/gtest.h>

#include "core/iso8601.hpp"
#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const char* const type = "resume_incomplete_nudge";

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

timestamp at(const char* text) {
  return from_iso8601(text).value();
}

/// What becomes of Ben's nudge when one of tier 2 was sent at `sent`, and the borrower resume edited at
/// `edited`.
std::string after_nudge(timestamp sent, std::optional<timestamp> edited) {
  auto s = load_sample(type);
  s.world.edits[tower].borrower = edited;
  s.world.nudges.push_back({ben, tower, "borrower", 2, sent});
  auto plan = plan_of(s);
  EXPECT_EQ(in_app(plan, ben) == "notified", email(plan, ben) == "immediate");
  return in_app(plan, ben);
}

} // namespace

TEST(resume_incomplete_nudge, reaches_an_owner_on_both_channels) {
  auto plan = plan_of(load_sample(type));
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(email(plan, ben), "immediate");
}

TEST(resume_incomplete_nudge, says_what_is_incomplete) {
  auto plan = plan_of(load_sample(type));
  auto& draft = only_notification(plan);
  const auto link = "/project/workspace/" + to_string(tower);
  EXPECT_EQ(draft.title, "Complete your borrower resume");
  EXPECT_EQ(draft.body, "The borrower resume of **Tower** is 40% complete. Finish it to move forward.");
  EXPECT_EQ(draft.link_url, link);
  auto data = only_payload(plan);
  EXPECT_EQ(data, (json{{"type", type},
                        {"resume_type", "borrower"},
                        {"completion_percent", 40},
                        {"nudge_tier", 2},
                        {"project_id", to_string(tower)},
                        {"project_name", "Tower"}}));
  auto mail = only_body_data(plan);
  EXPECT_EQ(mail["resume_type_label"], "borrower resume");
  EXPECT_EQ(mail["link_url"], link);
  mail.erase("resume_type_label");
  mail.erase("link_url");
  EXPECT_EQ(mail, data);
  EXPECT_EQ(only_email(plan).subject, "Complete your borrower resume for Tower");
  EXPECT_EQ(only_email(plan).project_id, tower);
}

TEST(resume_incomplete_nudge, speaks_of_the_project_resume_too) {
  auto s = load_sample(type);
  set_payload(s, "resume_type", "project");
  EXPECT_EQ(only_notification(plan_of(s)).title, "Complete your project resume");
}

TEST(resume_incomplete_nudge, skips_who_is_no_owner_of_the_projects_org) {
  auto s = load_sample(type);
  s.world.orgs[harbor_capital].owners = {cleo};
  EXPECT_EQ(in_app(plan_of(s), ben), "not_an_owner");
  EXPECT_EQ(email(plan_of(s), ben), "not_an_owner");
  s.world.projects[tower].grantees.push_back(ben); // a grant does not make an owner
  EXPECT_EQ(in_app(plan_of(s), ben), "not_an_owner");
}

TEST(resume_incomplete_nudge, sends_a_tier_once_per_idle_period) {
  const auto edited = at("2026-01-17T08:00:00Z");
  EXPECT_EQ(after_nudge(edited + duration{1}, edited), "already_nudged");
  EXPECT_EQ(after_nudge(edited, edited), "notified"); // the edit came last
  EXPECT_EQ(after_nudge(edited - duration{1}, edited), "notified");
  EXPECT_EQ(after_nudge(edited - duration{1}, std::nullopt),
            "already_nudged"); // never edited: any nudge counts
}

TEST(resume_incomplete_nudge, counts_nudges_without_any_known_edit) {
  auto s = load_sample(type);
  s.world.edits.clear();
  s.world.nudges.push_back({ben, tower, "borrower", 2, at("2020-01-01T00:00:00Z")});
  EXPECT_EQ(in_app(plan_of(s), ben), "already_nudged");
}

TEST(resume_incomplete_nudge, compares_user_project_resume_and_tier) {
  const auto sent = at("2026-01-19T00:00:00Z");
  for (auto& other :
       {sent_nudge{cleo, tower, "borrower", 2, sent}, sent_nudge{ben, plan_pdf, "borrower", 2, sent},
        sent_nudge{ben, tower, "project", 2, sent}, sent_nudge{ben, tower, "borrower", 3, sent}}) {
    auto s = load_sample(type);
    s.world.nudges = {other};
    EXPECT_EQ(in_app(plan_of(s), ben), "notified");
  }
}

TEST(resume_incomplete_nudge, looks_at_edits_of_the_same_resume_alone) {
  const auto sent = at("2026-01-18T00:00:00Z");
  const auto edited = at("2026-01-19T00:00:00Z");
  for (auto resume : {"project", "borrower"}) {
    auto s = load_sample(type);
    set_payload(s, "resume_type", resume);
    s.world.nudges = {{ben, tower, resume, 2, sent}};
    const auto is_project = std::string_view{resume} == "project";
    s.world.edits[tower] = is_project ? resume_edits{{}, edited} : resume_edits{edited, {}};
    EXPECT_EQ(in_app(plan_of(s), ben), "already_nudged") << resume;
    s.world.edits[tower] = is_project ? resume_edits{edited, {}} : resume_edits{{}, edited};
    EXPECT_EQ(in_app(plan_of(s), ben), "notified") << resume;
  }
}

TEST(resume_incomplete_nudge, obeys_each_channels_preference) {
  auto s = load_sample(type);
  prefer(s, ben, muted_everywhere(type, "email"));
  EXPECT_EQ(in_app(plan_of(s), ben), "notified");
  EXPECT_EQ(email(plan_of(s), ben), "muted");
  s = load_sample(type);
  auto digest = muted_everywhere(type, "email");
  digest.status = preference_status::digest;
  prefer(s, ben, digest);
  prefer(s, ben, muted_everywhere(type, "in_app"));
  EXPECT_EQ(in_app(plan_of(s), ben), "muted");
  EXPECT_EQ(email(plan_of(s), ben), "aggregated");
}

TEST(resume_incomplete_nudge, fails_for_good_on_values_outside_their_range) {
  const std::vector<std::pair<const char*, json>> bad = {
      {"nudge_tier", 0},           {"nudge_tier", 5},           {"nudge_tier", "high"},
      {"nudge_tier", nullptr},     {"resume_type", "lender"},   {"resume_type", ""},
      {"completion_percent", -1},  {"completion_percent", 101}, {"user_id", "ben"},
      {"completion_percent", true}};
  for (auto& [key, value] : bad) {
    auto s = load_sample(type);
    set_payload(s, key, value);
    ASSERT_FALSE(handle(s).has_value()) << key << value;
    EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
    EXPECT_NE(handle(s).error().reason.find(std::string{"'"}.append(key).append("'")), std::string::npos);
  }
}

TEST(resume_incomplete_nudge, completes_with_a_warning_when_the_project_is_gone) {
  auto s = load_sample(type);
  s.world.projects.clear();
  EXPECT_EQ(plan_of(s).warning, "project " + to_string(tower) + " no longer exists: nobody was notified");
  EXPECT_EQ(in_app(plan_of(s), ben), "not_an_owner");
}

} // namespace herald
