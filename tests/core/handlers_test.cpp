// Rules that every row of the handler table has to obey. A new event type is covered by being in the table
// and having a sample in tests/core/events; nothing to edit here.
#include <algorithm>
#include <functional>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/handlers.hpp"
#include "tests/support/generators.hpp"
#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using nlohmann::json;

namespace {

const std::set<std::string_view> skip_reasons = {"is_actor",       "system_account", "no_profile",
                                                 "no_access",      "muted",          "not_an_owner",
                                                 "already_nudged", "not_an_upgrade", "duplicate"};

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

/// Every < of a body has to stand behind an odd number of backslashes.
bool has_raw_tag(std::string_view body) {
  for (auto at = body.find('<'); at != std::string_view::npos; at = body.find('<', at + 1)) {
    auto text = body.substr(0, at);
    auto last_other = text.find_last_not_of('\\');
    auto backslashes = last_other == std::string_view::npos ? text.size() : text.size() - last_other - 1;
    if (backslashes % 2 == 0)
      return true;
  }
  return false;
}

void expect_sound_link(const std::string& link) {
  EXPECT_TRUE(link.starts_with("/project/workspace/") || link.starts_with("/dashboard?") || link == "/team")
      << link;
  EXPECT_EQ(link.find("00000000-0000-0000"), std::string::npos) << link;
  EXPECT_FALSE(has_control_character(link)) << link;
}

void expect_sound_notification(const notification_draft& x) {
  EXPECT_FALSE(x.title.empty());
  EXPECT_FALSE(x.body.empty());
  EXPECT_FALSE(has_control_character(x.title)) << x.title;
  EXPECT_FALSE(has_control_character(x.body)) << x.body;
  EXPECT_FALSE(has_raw_tag(x.body)) << x.body;
  EXPECT_LE(x.title.size(), 4'000U);
  EXPECT_LE(x.body.size(), 8'000U);
  EXPECT_LE(x.payload.size(), 16'000U);
  auto data = json::parse(x.payload, nullptr, false);
  ASSERT_TRUE(data.is_object()) << x.payload;
  EXPECT_TRUE(data.contains("type") && data["type"].is_string() && data["type"] != "") << x.payload;
  expect_sound_link(x.link_url);
}

void expect_sound_email(const email_draft& x) {
  EXPECT_FALSE(x.subject.empty());
  EXPECT_FALSE(has_control_character(x.subject)) << x.subject;
  auto data = json::parse(x.body_data, nullptr, false);
  ASSERT_TRUE(data.is_object()) << x.body_data;
  expect_sound_link(data.value("link_url", ""));
}

/// Every pair of `users` and the sample's channels is in the plan, exactly once; no other pair is.
void expect_conserved(const sample& s, const fan_out_plan& plan, const std::set<uuid>& users) {
  auto found = outcomes(plan);
  for (auto& [pair, pieces] : found)
    EXPECT_EQ(pieces.size(), 1U) << to_string(pair.first) << " on " << to_string(pair.second);
  std::set<std::pair<uuid, channel>> expected, seen;
  for (auto& user : users)
    for (auto on : s.channels)
      expected.emplace(user, on);
  for (auto& [pair, pieces] : found)
    seen.insert(pair);
  EXPECT_TRUE(seen == expected) << to_text(plan);
}

std::set<uuid> users_in(const fan_out_plan& plan) {
  std::set<uuid> out;
  for (auto& [pair, pieces] : outcomes(plan))
    out.insert(pair.first);
  return out;
}

/// What must hold for the answer of a handler whatever the event and the world look like.
void expect_sound(const sample& s, const result<fan_out_plan>& answer) {
  if (!answer) {
    EXPECT_EQ(answer.error().kind, failure_class::permanent);
    EXPECT_NE(answer.error().reason.find(s.event.type), std::string::npos) << answer.error().reason;
    return;
  }
  for (auto& x : answer->notifications)
    expect_sound_notification(x);
  for (auto& x : answer->roll_ups) {
    EXPECT_TRUE(x.thread_label.starts_with('#'));
    expect_sound_link(x.link_url);
  }
  for (auto& x : answer->emails)
    expect_sound_email(x);
  for (auto& x : answer->skips)
    EXPECT_TRUE(skip_reasons.contains(x.reason)) << x.reason;
  EXPECT_FALSE(has_control_character(answer->warning));
  expect_conserved(s, *answer, users_in(*answer));
}

/// Sends the sample through its handler and checks the answer.
void expect_sound(const sample& s) {
  SCOPED_TRACE(s.event.type + " " + s.event.payload.substr(0, 300));
  EXPECT_NO_THROW(expect_sound(s, handle(s)));
}

std::vector<json> hostile_values() {
  return {json{},
          json::array(),
          json::object(),
          json::array({1, "x", nullptr, {{"a", json::array()}}}),
          json::object({{"timeChanged", "yes"}, {"participantsChanged", 7}}),
          true,
          0,
          -1,
          7,
          3.5,
          1e300,
          std::numeric_limits<std::int64_t>::max(),
          std::numeric_limits<std::uint64_t>::max(),
          "",
          "   ",
          "\r\n\t",
          "not-a-uuid",
          "{{meeting_time}}",
          "00000000-0000-0000-0000-000000000000",
          "<img src=x onerror=alert(1)>",
          "[free money](https://evil.example)",
          "**bold** _it_ `code` # head",
          "Bcc: everybody@example.com\r\nX-Evil: 1",
          "\u202Eevil\u202C \u05D0\u05D1\u05D2",
          std::string("nul\0inside", 10),
          "javascript:alert(1)",
          std::string(5'000, 'x'),
          std::string(5'000, '*')};
}

} // namespace

TEST(handlers, are_sorted_by_event_type_and_unique) {
  auto rows = handlers();
  EXPECT_TRUE(std::ranges::is_sorted(rows, std::ranges::less_equal{}, &handler_row::event_type));
  for (auto& row : rows)
    EXPECT_NE(row.handle, nullptr) << row.event_type;
}

TEST(handlers, know_every_event_type_of_the_platform) {
  const std::vector<std::string_view> expected = {"chat_message_sent",
                                                  "chat_thread_participant_added",
                                                  "document_permission_changed",
                                                  "document_permission_granted",
                                                  "document_uploaded",
                                                  "invite_accepted",
                                                  "meeting_invited",
                                                  "meeting_reminder",
                                                  "meeting_updated",
                                                  "project_access_changed",
                                                  "project_access_granted",
                                                  "resume_incomplete_nudge",
                                                  "resume_permission_granted",
                                                  "thread_unread_stale"};
  for (auto type : expected)
    EXPECT_NE(std::ranges::find(handlers(), type, &handler_row::event_type), handlers().end()) << type;
}

TEST(handlers, coalesce_bursts_of_permission_grants_alone) {
  std::vector<std::string_view> coalesced;
  for (auto& row : handlers())
    if (row.bursts == burst_rule::coalesce)
      coalesced.push_back(row.event_type);
  EXPECT_EQ(coalesced,
            (std::vector<std::string_view>{"document_permission_granted", "resume_permission_granted"}));
}

TEST(handlers, have_exactly_one_sample_each) {
  std::vector<std::string> rows;
  for (auto& row : handlers())
    rows.emplace_back(row.event_type);
  EXPECT_EQ(sample_types(), rows);
}

TEST(handlers, reach_somebody_with_their_sample) {
  for (auto& row : handlers()) {
    auto s = load_sample(row.event_type);
    auto plan = handle(s);
    ASSERT_TRUE(plan.has_value()) << plan.error().reason;
    EXPECT_FALSE(plan->notifications.empty() && plan->roll_ups.empty() && plan->emails.empty())
        << row.event_type;
    EXPECT_EQ(plan->warning, "") << row.event_type;
    expect_sound(s);
  }
}

TEST(handlers, settle_every_candidate_on_every_channel_exactly_once) {
  for (auto& row : handlers()) {
    SCOPED_TRACE(row.event_type);
    auto s = load_sample(row.event_type);
    expect_conserved(s, handle(s).value(), {s.candidates.begin(), s.candidates.end()});
  }
}

TEST(handlers, give_the_same_plan_for_the_same_event) {
  for (auto& row : handlers())
    EXPECT_EQ(to_text(handle(load_sample(row.event_type)).value()),
              to_text(handle(load_sample(row.event_type)).value()));
}

TEST(handlers, reach_nobody_whose_preferences_mute_everything) {
  for (auto& row : handlers()) {
    SCOPED_TRACE(row.event_type);
    auto s = load_sample(row.event_type);
    for (auto& user : s.candidates)
      prefer(s, user, muted_everywhere());
    auto plan = handle(s).value();
    EXPECT_TRUE(plan.notifications.empty() && plan.roll_ups.empty() && plan.emails.empty());
    expect_conserved(s, plan, {s.candidates.begin(), s.candidates.end()});
  }
}

TEST(handlers, reach_no_user_without_a_profile) {
  for (auto& row : handlers()) {
    SCOPED_TRACE(row.event_type);
    auto s = load_sample(row.event_type);
    s.world.profiles.clear();
    auto plan = handle(s).value();
    EXPECT_TRUE(plan.notifications.empty() && plan.roll_ups.empty() && plan.emails.empty());
    expect_conserved(s, plan, {s.candidates.begin(), s.candidates.end()});
  }
}

TEST(handlers, reach_no_configured_system_account) {
  for (auto& row : handlers()) {
    SCOPED_TRACE(row.event_type);
    auto s = load_sample(row.event_type);
    s.settings.system_accounts = {s.candidates.begin(), s.candidates.end()};
    auto plan = handle(s).value();
    EXPECT_TRUE(plan.notifications.empty() && plan.roll_ups.empty() && plan.emails.empty());
    expect_conserved(s, plan, {s.candidates.begin(), s.candidates.end()});
  }
}

TEST(handlers, never_throw_on_a_hostile_value_below_any_key) {
  for (auto& row : handlers()) {
    const auto original = load_sample(row.event_type);
    const auto data = json::parse(original.event.payload);
    for (auto& [key, value] : data.items())
      for (auto& hostile : hostile_values()) {
        auto s = original;
        set_payload(s, key, hostile);
        expect_sound(s);
      }
  }
}

TEST(handlers, never_throw_when_one_key_or_every_key_is_missing) {
  for (auto& row : handlers()) {
    const auto original = load_sample(row.event_type);
    const auto data = json::parse(original.event.payload);
    for (auto& [key, value] : data.items()) {
      auto s = original;
      remove_payload(s, key);
      expect_sound(s);
    }
    auto s = original;
    s.event.payload = "{}";
    expect_sound(s);
    s.event.payload = "";
    expect_sound(s);
  }
}

TEST(handlers, refuse_payloads_that_are_no_objects) {
  for (auto& row : handlers())
    for (auto text : {"null", "[]", "[{}]", "7", "\"x\"", "true", "{", "{} x", "\xFF"}) {
      auto s = load_sample(row.event_type);
      s.event.payload = text;
      auto batch = event_batch{s.event.type, {{s.event, 2, 1, 0}}, std::make_shared<batch_context>(s.world)};
      auto out = plan_events(row, batch, {});
      EXPECT_TRUE(out.plans.empty());
      ASSERT_EQ(out.failures.size(), 1U) << text;
      EXPECT_EQ(out.failures[0].why.kind, failure_class::permanent);
    }
}

TEST(handlers, tolerate_a_row_without_any_of_its_columns) {
  for (auto& row : handlers()) {
    const auto original = load_sample(row.event_type);
    for (auto column : {&domain_event::actor_id, &domain_event::project_id, &domain_event::resource_id,
                        &domain_event::thread_id, &domain_event::meeting_id}) {
      auto s = original;
      s.event.*column = std::nullopt;
      expect_sound(s);
      s.event.payload = "{}";
      expect_sound(s);
    }
  }
}

TEST(handlers, tolerate_that_anything_was_deleted_meanwhile) {
  using forget = std::function<void(batch_context&)>;
  const std::vector<forget> forgets = {
      [](auto& w) { w.profiles.clear(); }, [](auto& w) { w.orgs.clear(); },
      [](auto& w) { w.projects.clear(); }, [](auto& w) { w.resources.clear(); },
      [](auto& w) { w.threads.clear(); },  [](auto& w) { w.meetings.clear(); },
      [](auto& w) { w.edits.clear(); },    [](auto& w) { w = {}; }};
  for (auto& row : handlers())
    for (auto& forget_some : forgets) {
      auto s = load_sample(row.event_type);
      forget_some(s.world);
      EXPECT_TRUE(handle(s).has_value()) << row.event_type;
      expect_sound(s);
    }
}

TEST(handlers, escape_names_that_are_markup) {
  const std::string evil = "<b>x</b> [a](http://evil.example)\r\nBcc: y";
  for (auto& row : handlers()) {
    auto s = load_sample(row.event_type);
    for (auto& [id, x] : s.world.profiles)
      x.full_name = evil;
    for (auto& [id, x] : s.world.orgs)
      x.name = evil;
    for (auto& [id, x] : s.world.projects)
      x.name = evil;
    for (auto& [id, x] : s.world.resources)
      x.name = evil;
    for (auto& [id, x] : s.world.threads)
      x.topic = evil;
    for (auto& [id, x] : s.world.meetings)
      x.title = evil;
    expect_sound(s);
    for (auto& draft : handle(s).value().notifications)
      EXPECT_EQ(draft.body.find("[a]("), std::string::npos) << draft.body;
  }
}

namespace {

/// A world with the same ids in which names, members and preferences are anything.
sample shuffled(std::string_view type) {
  auto s = load_sample(type);
  using namespace herald::testing;
  auto drop = [](auto& users) { std::erase_if(users, [](auto&) { return *rc::gen::arbitrary<bool>(); }); };
  auto name = [](std::string& x) { x = *awkward_text(); };
  for (auto& [id, x] : s.world.projects)
    drop(x.grantees), name(x.name);
  for (auto& [id, x] : s.world.orgs)
    drop(x.owners), name(x.name);
  for (auto& [id, x] : s.world.resources)
    drop(x.viewers), name(x.name);
  for (auto& [id, x] : s.world.threads)
    drop(x.participants), name(x.topic);
  for (auto& [id, x] : s.world.meetings)
    drop(x.participants), name(x.title), name(x.meeting_link);
  drop(s.world.profiles);
  for (auto& user : s.candidates) {
    preference row = muted_everywhere(*rc::gen::element<std::string>("*", s.event.type),
                                      *rc::gen::element<std::string>("*", "in_app", "email"));
    row.status =
        *rc::gen::element(preference_status::immediate, preference_status::digest, preference_status::muted);
    if (*rc::gen::arbitrary<bool>())
      prefer(s, user, row);
  }
  return s;
}

} // namespace

RC_GTEST_PROP(handlers, settle_every_pair_once_in_any_world, ()) {
  auto row = handlers()[*rc::gen::inRange<std::size_t>(0, handlers().size())];
  expect_sound(shuffled(row.event_type));
  RC_ASSERT(!::testing::Test::HasFailure());
}

} // namespace herald
