// The rules common to all event types, and the order in which they speak.
#include <array>

#include <gtest/gtest.h>

#include "core/fan_out_builder.hpp"
#include "core/reasons.hpp"
#include "tests/support/generators.hpp"
#include "tests/support/plan_view.hpp"

namespace herald {

using namespace herald::testing;

namespace {

/// Users 1 to 9 have a profile.
class fan_out_builder_test : public ::testing::Test {
protected:
  fan_out_builder_test() {
    for (std::uint8_t n = 1; n < 10; ++n)
      world.profiles[nth_uuid(n)] = {"User", "user@example.com"};
    rules.preferences = {{"moon_landed"}, std::nullopt, std::nullopt};
    rules.email = email_delivery::immediate;
  }

  fan_out_plan admit_and_send(const std::vector<uuid>& users, const skip_rule& rule = {}) {
    auto out = fan_out_builder{context{world, settings}, rules};
    auto to = out.admit(users, rule);
    out.notify({"title", "body", "/team", "{}", {}, {}}, to.in_app);
    out.mail({}, to);
    return std::move(out).build();
  }

  static std::string_view refuse(const uuid&, channel) { return reasons::no_access; }

  batch_context world;
  handler_settings settings;
  fan_out_rules rules;
};

} // namespace

TEST_F(fan_out_builder_test, asks_the_rules_in_their_order) {
  rules.excluded = {nil_uuid, nth_uuid(1)};
  settings.system_accounts = {nth_uuid(1), nth_uuid(2), nth_uuid(200)};
  world.preferences[nth_uuid(3)] = {{preference_scope::global, {}, "*", "*", preference_status::muted}};
  auto plan =
      admit_and_send({nil_uuid, nth_uuid(1), nth_uuid(2), nth_uuid(200), nth_uuid(201), nth_uuid(3)}, refuse);
  EXPECT_EQ(in_app(plan, nil_uuid), "is_actor");
  EXPECT_EQ(in_app(plan, nth_uuid(1)), "is_actor");
  EXPECT_EQ(in_app(plan, nth_uuid(2)), "system_account");
  EXPECT_EQ(in_app(plan, nth_uuid(200)), "system_account");
  EXPECT_EQ(in_app(plan, nth_uuid(201)), "no_profile");
  EXPECT_EQ(in_app(plan, nth_uuid(3)), "no_access");
  EXPECT_EQ(email(plan, nth_uuid(3)), "no_access");
}

TEST_F(fan_out_builder_test, never_admits_the_nil_uuid_even_with_a_profile) {
  world.profiles[nil_uuid] = {"AI Underwriter", ""};
  EXPECT_EQ(in_app(admit_and_send({nil_uuid}), nil_uuid), "system_account");
}

TEST_F(fan_out_builder_test, decides_about_a_user_once) {
  auto out = fan_out_builder{context{world, settings}, rules};
  auto first = out.admit(std::array{nth_uuid(1), nth_uuid(1)});
  EXPECT_EQ(first.in_app, (std::vector<uuid>{nth_uuid(1)}));
  auto second = out.admit(std::array{nth_uuid(1), nth_uuid(2)}, refuse);
  EXPECT_TRUE(second.in_app.empty());
  auto plan = std::move(out).build();
  EXPECT_EQ(in_app(plan, nth_uuid(1)), ""); // admitted, and nothing was sent yet
  EXPECT_EQ(in_app(plan, nth_uuid(2)), "no_access");
}

TEST_F(fan_out_builder_test, lets_a_rule_speak_about_one_channel) {
  auto plan = admit_and_send({nth_uuid(1)}, [](const uuid&, channel on) -> std::string_view {
    return on == channel::email ? reasons::not_an_upgrade : std::string_view{};
  });
  EXPECT_EQ(in_app(plan, nth_uuid(1)), "notified");
  EXPECT_EQ(email(plan, nth_uuid(1)), "not_an_upgrade");
}

TEST_F(fan_out_builder_test, says_nothing_about_channels_the_type_does_not_have) {
  rules.email = email_delivery::none;
  EXPECT_EQ(email(admit_and_send({nth_uuid(1), nth_uuid(200)}), nth_uuid(200)), "");
  rules.email = email_delivery::aggregated;
  rules.in_app = false;
  auto plan = admit_and_send({nth_uuid(1), nth_uuid(200)});
  EXPECT_EQ(in_app(plan, nth_uuid(1)), "");
  EXPECT_EQ(email(plan, nth_uuid(1)), "aggregated");
  EXPECT_EQ(email(plan, nth_uuid(200)), "no_profile");
}

TEST_F(fan_out_builder_test, follows_the_preference_of_each_channel) {
  auto prefer = [&](std::uint8_t n, const char* on, preference_status status) {
    world.preferences[nth_uuid(n)].push_back({preference_scope::global, {}, "moon_landed", on, status});
  };
  prefer(1, "in_app", preference_status::muted); // and no word about e-mail
  prefer(2, "email", preference_status::muted);
  prefer(3, "email", preference_status::digest);
  prefer(4, "in_app", preference_status::muted);
  prefer(4, "email", preference_status::immediate);
  auto plan = admit_and_send({nth_uuid(1), nth_uuid(2), nth_uuid(3), nth_uuid(4), nth_uuid(5)});
  const std::array<std::pair<const char*, const char*>, 5> expected = {{{"muted", "muted"},
                                                                        {"notified", "muted"},
                                                                        {"notified", "aggregated"},
                                                                        {"muted", "immediate"},
                                                                        {"notified", "immediate"}}};
  for (std::uint8_t n = 1; n <= 5; ++n) {
    EXPECT_EQ(in_app(plan, nth_uuid(n)), expected[n - 1U].first) << int{n};
    EXPECT_EQ(email(plan, nth_uuid(n)), expected[n - 1U].second) << int{n};
  }
}

TEST_F(fan_out_builder_test, adds_nothing_that_nobody_gets) {
  auto plan = admit_and_send({nth_uuid(200)});
  EXPECT_TRUE(plan.notifications.empty());
  EXPECT_TRUE(plan.emails.empty());
}

TEST_F(fan_out_builder_test, gathers_skips_by_channel_and_reason) {
  auto plan = admit_and_send({nth_uuid(200), nth_uuid(201), nil_uuid});
  ASSERT_EQ(plan.skips.size(), 4U);
  for (auto& x : plan.skips)
    EXPECT_EQ(x.users.size(), x.reason == "no_profile" ? 2U : 1U);
}

} // namespace herald
