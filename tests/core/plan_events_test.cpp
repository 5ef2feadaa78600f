// What happens to a claimed batch as a whole: claims, failures, bursts and duplicates.
#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

const handler_row& row_of(std::string_view type) {
  return *std::ranges::find(handlers(), type, &handler_row::event_type);
}

uuid nth_resource(int n) {
  auto out = plan_pdf;
  out.data[14] = static_cast<std::uint8_t>(n >> 8);
  out.data[15] = static_cast<std::uint8_t>(n & 0xFF);
  return out;
}

/// A batch under construction: events of one type in the world of its sample.
class batch_under_test {
public:
  explicit batch_under_test(std::string_view type) : base{load_sample(type)} { out.type = type; }

  /// Adds the sample's event under the next id.
  domain_event& add() {
    auto& added = out.events.emplace_back();
    added.event = base.event;
    added.event.id = static_cast<std::int64_t>(100 + out.events.size());
    added.claim_no = static_cast<std::int32_t>(out.events.size());
    return added.event;
  }

  /// Adds a grant of the n-th resource to a user.
  void grant(int n, const uuid& user = dan, const char* permission = "view", const uuid& project = tower) {
    auto s = base;
    auto id = nth_resource(n);
    s.event.resource_id = id;
    s.event.project_id = project;
    set_payload(s, "affected_user_id", to_string(user));
    set_payload(s, "resource_name", "file " + std::to_string(n));
    set_payload(s, "new_permission", permission);
    set_payload(s, "via_root", true);
    add() = s.event;
    out.events.back().event.id = static_cast<std::int64_t>(100 + out.events.size());
    base.world.resources[id].viewers.insert(user);
  }

  plan_batch plan() {
    out.context = std::make_shared<batch_context>(base.world);
    return plan_events(row_of(out.type), out, base.settings);
  }

  sample base;
  event_batch out;
};

std::vector<std::int64_t> ids(const fan_out_plan& plan) {
  std::vector<std::int64_t> out;
  for (auto& claim : plan.claims)
    out.push_back(claim.event_id);
  return out;
}

using id_list = std::vector<std::int64_t>;

/// Every event of the batch is settled or failed, exactly once.
void expect_complete(const event_batch& batch, const plan_batch& plans) {
  std::vector<claim_ref> expected, found;
  for (auto& x : batch.events)
    expected.push_back(x.ref());
  for (auto& plan : plans.plans)
    found.insert(found.end(), plan.claims.begin(), plan.claims.end());
  for (auto& x : plans.failures)
    found.push_back(x.claim);
  std::ranges::sort(found, {}, &claim_ref::event_id);
  EXPECT_EQ(found, expected);
}

} // namespace

// -- events one by one --------------------------------------------------------------------------------------

TEST(plan_events, gives_each_event_a_plan_with_its_claim_and_type) {
  batch_under_test batch{"meeting_invited"};
  batch.add();
  batch.add();
  auto plans = batch.plan();
  ASSERT_EQ(plans.plans.size(), 2U);
  EXPECT_EQ(plans.plans[0].claims, (std::vector<claim_ref>{{101, 1}}));
  EXPECT_EQ(plans.plans[1].claims, (std::vector<claim_ref>{{102, 2}}));
  EXPECT_EQ(plans.plans[1].event_type, "meeting_invited");
  EXPECT_EQ(in_app(plans.plans[1], ben), "notified");
}

TEST(plan_events, reports_failures_with_what_was_counted_before) {
  batch_under_test batch{"meeting_invited"};
  batch.add();
  batch.add().payload = "[]";
  batch.add().payload = "{}";
  batch.out.events[1].attempts = 3;
  batch.out.events[1].crashes = 1;
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.failures.size(), 2U);
  EXPECT_EQ(plans.failures[0].claim, (claim_ref{102, 2}));
  EXPECT_EQ(plans.failures[0].event_type, "meeting_invited");
  EXPECT_EQ(plans.failures[0].attempts, 3);
  EXPECT_EQ(plans.failures[0].crashes, 1);
  EXPECT_EQ(plans.failures[0].why.kind, failure_class::permanent);
  EXPECT_NE(plans.failures[0].why.reason.find("meeting_invited event 102"), std::string::npos);
  EXPECT_NE(plans.failures[1].why.reason.find("'invited_user_id'"), std::string::npos);
}

TEST(plan_events, takes_a_missing_payload_for_an_empty_one) {
  batch_under_test batch{"document_uploaded"};
  batch.add().payload = "";
  EXPECT_EQ(batch.plan().plans.size(), 1U);
}

TEST(plan_events, lets_the_exception_of_a_handler_pass) {
  const handler_row faulty{"meeting_invited", [](const event&, const context&) -> result<fan_out_plan> {
                             throw std::logic_error("defect");
                           }};
  batch_under_test batch{"meeting_invited"};
  batch.add();
  batch.out.context = std::make_shared<batch_context>();
  EXPECT_THROW(plan_events(faulty, batch.out, {}), std::logic_error);
}

TEST(plan_events, completes_unknown_types_with_a_warning_that_names_them) {
  batch_under_test batch{"meeting_invited"};
  batch.add().type = "moon_landed\r\nevil";
  batch.out.context = std::make_shared<batch_context>();
  auto plans = plan_events(unknown_type_handler(), batch.out, {});
  ASSERT_EQ(plans.plans.size(), 1U);
  auto& plan = plans.plans[0];
  EXPECT_EQ(plan.claims.size(), 1U);
  EXPECT_NE(plan.warning.find("'moon_landed evil'"), std::string::npos) << plan.warning;
  EXPECT_TRUE(outcomes(plan).empty());
  EXPECT_TRUE(plans.failures.empty());
}

// -- bursts -------------------------------------------------------------------------------------------------

TEST(plan_events, names_a_type_that_nobody_knows_on_one_line_when_its_payload_is_broken) {
  batch_under_test b{"document_uploaded"};
  auto& event = b.add();
  event.type = "deal\r\nclosed" + std::string(10'000, 'x');
  event.payload = "[]";
  b.out.context = std::make_shared<batch_context>(b.base.world);
  auto out = plan_events(unknown_type_handler(), b.out, b.base.settings);
  ASSERT_EQ(out.failures.size(), 1U);
  auto& reason = out.failures[0].why.reason;
  EXPECT_TRUE(reason.starts_with("deal closedx")) << reason;
  EXPECT_LT(reason.size(), 500U);
}

TEST(plan_events, tells_a_burst_of_grants_once) {
  batch_under_test batch{"document_permission_granted"};
  for (int n = 1; n <= 3; ++n)
    batch.grant(n);
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 1U);
  auto& plan = plans.plans[0];
  EXPECT_EQ(ids(plan), (id_list{101, 102, 103}));
  EXPECT_EQ(in_app(plan, dan), "notified");
  auto& draft = only_notification(plan);
  EXPECT_EQ(draft.title, "3 documents shared with you in Tower");
  EXPECT_EQ(draft.body, "You were given access to **file 1**, **file 2**, **file 3** in **Tower**.");
  EXPECT_EQ(draft.link_url, "/project/workspace/" + to_string(tower));
  auto data = only_payload(plan);
  EXPECT_EQ(data["type"], "document_permission_granted");
  EXPECT_EQ(data["count"], 3);
  EXPECT_EQ(data["project_id"], to_string(tower));
  EXPECT_EQ(data["project_name"], "Tower");
  EXPECT_EQ(data["new_permission"], "view");
  EXPECT_EQ(data["items"][1], (json{{"resource_id", to_string(nth_resource(2))},
                                    {"resource_name", "file 2"},
                                    {"new_permission", "view"}}));
}

TEST(plan_events, keeps_a_single_grant_in_its_own_form) {
  batch_under_test batch{"document_permission_granted"};
  batch.grant(1);
  auto data = only_payload(batch.plan().plans.at(0));
  EXPECT_FALSE(data.contains("items"));
  EXPECT_EQ(data["resource_id"], to_string(nth_resource(1)));
}

TEST(plan_events, cuts_the_list_of_a_large_burst_but_counts_it_all) {
  batch_under_test batch{"document_permission_granted"};
  for (int n = 1; n <= 60; ++n)
    batch.grant(n);
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 1U);
  EXPECT_EQ(plans.plans[0].claims.size(), 60U);
  auto data = only_payload(plans.plans[0]);
  EXPECT_EQ(data["count"], 60);
  EXPECT_EQ(data["items"].size(), 50U);
  EXPECT_EQ(data["items"][49]["resource_name"], "file 50");
  auto& draft = only_notification(plans.plans[0]);
  EXPECT_EQ(draft.title, "60 documents shared with you in Tower");
  EXPECT_EQ(draft.body,
            "You were given access to **file 1**, **file 2**, **file 3** and 57 more in **Tower**.");
}

TEST(plan_events, names_no_common_permission_when_they_differ) {
  batch_under_test batch{"document_permission_granted"};
  batch.grant(1, dan, "view");
  batch.grant(2, dan, "edit");
  auto data = only_payload(batch.plan().plans.at(0));
  EXPECT_FALSE(data.contains("new_permission"));
  EXPECT_EQ(data["items"][0]["new_permission"], "view");
  EXPECT_EQ(data["items"][1]["new_permission"], "edit");
}

TEST(plan_events, counts_a_document_once_that_was_granted_twice) {
  batch_under_test batch{"document_permission_granted"};
  batch.grant(1, dan, "view");
  batch.grant(2, dan, "view");
  batch.grant(1, dan, "edit");
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  auto data = only_payload(plans.plans.at(0));
  EXPECT_EQ(data["count"], 2);
  EXPECT_EQ(data["items"][0]["new_permission"], "edit"); // the last word
}

TEST(plan_events, tells_two_grants_of_one_document_as_the_last_of_them) {
  batch_under_test batch{"document_permission_granted"};
  batch.grant(1, dan, "view");
  batch.grant(1, dan, "edit");
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 1U);
  auto data = only_payload(plans.plans[0]);
  EXPECT_FALSE(data.contains("items"));
  EXPECT_EQ(data["new_permission"], "edit");
  EXPECT_EQ(in_app(plans.plans[0], dan), "notified");
}

TEST(plan_events, keeps_bursts_of_different_users_and_projects_apart) {
  batch_under_test batch{"document_permission_granted"};
  const auto harbour = nth_resource(999);
  batch.base.world.projects[harbour] = {"Harbour", harbor_capital, {}};
  batch.base.world.profiles[eve] = {"Eve", "eve@example.com"};
  for (int n : {1, 2}) {
    batch.grant(n, dan);
    batch.grant(n, eve);
    auto& world = batch.base.world;
    world.resources[nth_resource(n + 10)] = world.resources[nth_resource(n)];
  }
  set_payload(batch.base, "project_name", "Harbour");
  batch.grant(11, dan, "view", harbour);
  batch.grant(12, dan, "view", harbour);
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 3U);
  EXPECT_EQ(ids(plans.plans[0]), (id_list{101, 103}));
  EXPECT_EQ(in_app(plans.plans[0], dan), "notified");
  EXPECT_EQ(ids(plans.plans[1]), (id_list{102, 104}));
  EXPECT_EQ(in_app(plans.plans[1], eve), "notified");
  EXPECT_EQ(ids(plans.plans[2]), (id_list{105, 106}));
  EXPECT_EQ(only_payload(plans.plans[2])["project_name"], "Harbour");
}

TEST(plan_events, leaves_the_plans_of_muted_users_alone) {
  batch_under_test batch{"document_permission_granted"};
  batch.grant(1);
  batch.grant(2);
  prefer(batch.base, dan, muted_everywhere());
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 2U);
  for (auto& plan : plans.plans)
    EXPECT_EQ(in_app(plan, dan), "muted");
}

TEST(plan_events, keeps_out_of_a_burst_what_the_user_may_not_see) {
  batch_under_test batch{"document_permission_granted"};
  for (int n = 1; n <= 3; ++n)
    batch.grant(n);
  batch.base.world.resources[nth_resource(2)].viewers.clear();
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 2U);
  EXPECT_EQ(ids(plans.plans[0]), (id_list{101, 103}));
  EXPECT_EQ(only_payload(plans.plans[0])["count"], 2);
  EXPECT_EQ(in_app(plans.plans[1], dan), "no_access");
}

TEST(plan_events, coalesces_resumes_under_their_own_name) {
  batch_under_test batch{"resume_permission_granted"};
  batch.grant(1);
  batch.grant(2);
  auto plans = batch.plan();
  ASSERT_EQ(plans.plans.size(), 1U);
  EXPECT_EQ(only_notification(plans.plans[0]).title, "2 resumes shared with you in Tower");
  EXPECT_EQ(only_payload(plans.plans[0])["type"], "resume_permission_granted");
}

TEST(plan_events, escapes_the_names_in_a_burst) {
  batch_under_test batch{"document_permission_granted"};
  set_payload(batch.base, "project_name", "<b>T</b>");
  batch.grant(1);
  batch.grant(2);
  EXPECT_EQ(only_notification(batch.plan().plans.at(0)).body,
            "You were given access to **file 1**, **file 2** in **\\<b\\>T\\</b\\>**.");
}

TEST(plan_events, coalesces_nothing_of_other_types) {
  batch_under_test batch{"document_permission_changed"};
  for (int n = 1; n <= 2; ++n)
    batch.grant(n, dan, "edit");
  EXPECT_EQ(batch.plan().plans.size(), 2U);
}

// -- duplicates ---------------------------------------------------------------------------------------------

TEST(plan_events, drops_the_second_of_two_equal_nudges) {
  batch_under_test batch{"resume_incomplete_nudge"};
  batch.add();
  batch.add();
  auto plans = batch.plan();
  expect_complete(batch.out, plans);
  ASSERT_EQ(plans.plans.size(), 2U);
  EXPECT_EQ(in_app(plans.plans[0], ben), "notified");
  EXPECT_EQ(email(plans.plans[0], ben), "immediate");
  EXPECT_EQ(in_app(plans.plans[1], ben), "duplicate");
  EXPECT_EQ(email(plans.plans[1], ben), "duplicate");
  EXPECT_TRUE(plans.plans[1].notifications.empty());
  EXPECT_TRUE(plans.plans[1].emails.empty());
}

TEST(plan_events, drops_the_second_email_also_when_the_inbox_is_muted) {
  batch_under_test batch{"resume_incomplete_nudge"};
  batch.add();
  batch.add();
  prefer(batch.base, ben, muted_everywhere("resume_incomplete_nudge", "in_app"));
  auto mail = muted_everywhere("resume_incomplete_nudge", "email");
  mail.status = preference_status::digest;
  prefer(batch.base, ben, mail);
  auto plans = batch.plan();
  EXPECT_EQ(email(plans.plans.at(0), ben), "aggregated");
  EXPECT_EQ(email(plans.plans.at(1), ben), "duplicate");
  EXPECT_EQ(in_app(plans.plans.at(1), ben), "muted");
}

TEST(plan_events, keeps_nudges_of_different_tiers_and_users) {
  batch_under_test batch{"resume_incomplete_nudge"};
  batch.base.world.profiles[cleo] = {"Cleo", "cleo@example.com"};
  batch.add();
  set_payload(batch.base, "nudge_tier", 3);
  batch.add();
  set_payload(batch.base, "user_id", to_string(cleo));
  batch.add();
  auto plans = batch.plan();
  EXPECT_EQ(in_app(plans.plans.at(1), ben), "notified");
  EXPECT_EQ(in_app(plans.plans.at(2), cleo), "notified");
}

TEST(plan_events, keeps_every_mention_of_the_same_user) {
  batch_under_test batch{"chat_message_sent"};
  batch.add();
  batch.add();
  auto plans = batch.plan();
  EXPECT_EQ(in_app(plans.plans.at(0), ben), "notified");
  EXPECT_EQ(in_app(plans.plans.at(1), ben), "notified");
  EXPECT_EQ(in_app(plans.plans.at(1), dan), "rolled_up");
}

} // namespace herald
