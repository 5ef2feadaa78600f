// meeting_invited, meeting_updated and meeting_reminder: who hears what about a meeting.
#include <gtest/gtest.h>

#include "tests/support/plan_view.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {

using namespace herald::testing;
using namespace herald::testing::cast;
using nlohmann::json;

namespace {

fan_out_plan plan_of(const sample& s) {
  return handle(s).value();
}

std::string body_of(const sample& s) {
  return only_notification(plan_of(s)).body;
}

/// A sample in which nobody knows when the meeting starts.
sample without_start(std::string_view type) {
  auto s = load_sample(type);
  s.world.meetings[kick_off].start_time = {};
  set_payload(s, "start_time", nullptr);
  return s;
}

/// The meeting reminder, handled `left` before (or, negative, after) the start.
sample reminder_with(std::chrono::seconds left) {
  auto s = load_sample("meeting_reminder");
  s.world.now = s.world.meetings[kick_off].start_time - left;
  return s;
}

using std::chrono::seconds;

} // namespace

TEST(meeting_invited, reaches_the_invited_in_the_inbox_alone) {
  auto plan = plan_of(load_sample("meeting_invited"));
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(email(plan, ben), "");
  EXPECT_EQ(in_app(plan, ana), "");
}

TEST(meeting_invited, leaves_the_time_to_the_readers_browser) {
  auto plan = plan_of(load_sample("meeting_invited"));
  auto& draft = only_notification(plan);
  EXPECT_EQ(draft.title, "Meeting invitation: Kick-off");
  EXPECT_EQ(draft.body, "**Ana Alvarez** invited you to **Kick-off** on {{meeting_time}}.");
  EXPECT_EQ(draft.link_url, "/project/workspace/" + to_string(tower) + "?tab=meetings");
  auto data = only_payload(plan);
  EXPECT_EQ(keys_of(data),
            (std::vector<std::string>{"meeting_id", "meeting_title", "organizer_id", "organizer_name",
                                      "project_id", "project_name", "start_time", "type"}));
  EXPECT_EQ(data["type"], "meeting_invitation");
  EXPECT_EQ(data["meeting_id"], to_string(kick_off));
  EXPECT_EQ(data["meeting_title"], "Kick-off");
  EXPECT_EQ(data["start_time"], "2026-01-21T17:00:00.000Z");
  EXPECT_EQ(data["organizer_id"], to_string(ana));
  EXPECT_EQ(data["organizer_name"], "Ana Alvarez");
  EXPECT_EQ(data["project_id"], to_string(tower));
  EXPECT_EQ(data["project_name"], "Tower");
}

TEST(meeting_invited, prefers_the_meeting_to_what_the_payload_remembers_of_it) {
  auto s = load_sample("meeting_invited");
  set_payload(s, "meeting_title", "Old title");
  set_payload(s, "start_time", "2020-01-01T00:00:00Z");
  EXPECT_EQ(only_payload(plan_of(s))["meeting_title"], "Kick-off");
  EXPECT_EQ(only_payload(plan_of(s))["start_time"], "2026-01-21T17:00:00.000Z");
  s.world.meetings[kick_off].title = "";
  s.world.meetings[kick_off].start_time = {};
  EXPECT_EQ(only_payload(plan_of(s))["meeting_title"], "Old title");
  EXPECT_EQ(only_payload(plan_of(s))["start_time"], "2020-01-01T00:00:00.000Z");
  set_payload(s, "meeting_title", "");
  EXPECT_EQ(only_payload(plan_of(s))["meeting_title"], "a meeting");
}

TEST(meeting_invited, writes_no_placeholder_when_the_start_is_unknown) {
  auto s = without_start("meeting_invited");
  EXPECT_EQ(body_of(s), "**Ana Alvarez** invited you to **Kick-off**.");
  EXPECT_EQ(only_payload(plan_of(s))["start_time"], nullptr);
  set_payload(s, "start_time", "soon");
  EXPECT_EQ(body_of(s), "**Ana Alvarez** invited you to **Kick-off**.");
}

TEST(meeting_invited, links_to_the_dashboard_without_a_project) {
  auto s = load_sample("meeting_invited");
  s.event.project_id.reset();
  s.world.meetings[kick_off].project_id.reset();
  EXPECT_EQ(only_notification(plan_of(s)).link_url, "/dashboard?tab=meetings");
  EXPECT_EQ(only_payload(plan_of(s))["project_id"], nullptr);
  EXPECT_EQ(only_payload(plan_of(s))["project_name"], nullptr);
}

TEST(meeting_invited, names_a_project_that_is_gone_your_project) {
  auto s = load_sample("meeting_invited");
  s.world.projects.clear();
  EXPECT_EQ(only_payload(plan_of(s))["project_name"], "your project");
}

TEST(meeting_invited, skips_who_no_longer_takes_part_or_when_it_is_cancelled) {
  auto s = load_sample("meeting_invited");
  s.world.meetings[kick_off].participants = {ana};
  EXPECT_EQ(in_app(plan_of(s), ben), "no_access");
  for (auto status : {"cancelled", "completed"}) {
    s = load_sample("meeting_invited");
    s.world.meetings[kick_off].status = status;
    EXPECT_EQ(in_app(plan_of(s), ben), "no_access") << status;
  }
}

TEST(meeting_invited, does_not_invite_the_actor) {
  auto s = load_sample("meeting_invited");
  set_payload(s, "invited_user_id", to_string(ana));
  EXPECT_EQ(in_app(plan_of(s), ana), "is_actor");
}

TEST(meeting_events, complete_with_a_warning_when_the_meeting_is_gone) {
  for (auto type : {"meeting_invited", "meeting_updated", "meeting_reminder"}) {
    auto s = load_sample(type);
    s.world.meetings.clear();
    auto plan = plan_of(s);
    EXPECT_EQ(plan.warning, "meeting " + to_string(kick_off) + " no longer exists: nobody was notified");
    EXPECT_TRUE(plan.notifications.empty());
  }
}

TEST(meeting_events, obey_the_preferences_of_the_project) {
  for (auto type : {"meeting_invited", "meeting_updated", "meeting_reminder"}) {
    auto s = load_sample(type);
    prefer(s, ben, {preference_scope::project, tower, type, "in_app", preference_status::muted});
    EXPECT_EQ(in_app(plan_of(s), ben), "muted") << type;
  }
}

TEST(meeting_events, fail_for_good_without_their_required_fields) {
  const std::vector<std::pair<const char*, const char*>> required = {{"meeting_invited", "invited_user_id"},
                                                                     {"meeting_reminder", "user_id"}};
  for (auto& [type, key] : required) {
    auto s = load_sample(type);
    set_payload(s, key, "nobody");
    ASSERT_FALSE(handle(s).has_value()) << type;
    EXPECT_NE(handle(s).error().reason.find(std::string{"'"}.append(key).append("'")), std::string::npos);
  }
  for (auto type : {"meeting_invited", "meeting_updated", "meeting_reminder"}) {
    auto s = load_sample(type);
    s.event.meeting_id.reset();
    EXPECT_TRUE(handle(s).has_value()) << "the payload names the meeting as well";
    remove_payload(s, "meeting_id");
    ASSERT_FALSE(handle(s).has_value()) << type;
    EXPECT_EQ(handle(s).error().kind, failure_class::permanent);
    EXPECT_NE(handle(s).error().reason.find("'meeting_id'"), std::string::npos);
  }
}

TEST(meeting_updated, reaches_every_participant_but_the_actor) {
  auto plan = plan_of(load_sample("meeting_updated"));
  EXPECT_EQ(in_app(plan, ana), "is_actor");
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_EQ(in_app(plan, dan), "notified");
  EXPECT_TRUE(plan.emails.empty());
  EXPECT_EQ(only_payload(plan)["type"], "meeting_update");
  EXPECT_EQ(only_notification(plan).link_url, "/project/workspace/" + to_string(tower) + "?tab=meetings");
}

TEST(meeting_updated, says_what_changed) {
  auto s = load_sample("meeting_updated");
  auto with = [&](const json& changes) {
    set_payload(s, "changes", changes);
    return body_of(s);
  };
  EXPECT_EQ(with({{"timeChanged", true}}), "**Kick-off** was moved to {{meeting_time}}.");
  EXPECT_EQ(with({{"timeChanged", true}, {"participantsChanged", true}}),
            "**Kick-off** was moved to {{meeting_time}}, and its participants changed.");
  EXPECT_EQ(with({{"participantsChanged", true}}),
            "**Kick-off**: the participants changed. It takes place on {{meeting_time}}.");
  const auto updated = "**Kick-off** was updated. It takes place on {{meeting_time}}.";
  EXPECT_EQ(with({{"timeChanged", false}, {"participantsChanged", nullptr}}), updated);
  EXPECT_EQ(with(nullptr), updated);
  EXPECT_EQ(with("everything"), updated);
  remove_payload(s, "changes");
  EXPECT_EQ(body_of(s), updated);
}

TEST(meeting_updated, carries_the_changes_in_its_payload) {
  auto s = load_sample("meeting_updated");
  EXPECT_EQ(only_payload(plan_of(s))["changes"],
            (json{{"timeChanged", true}, {"participantsChanged", false}}));
  set_payload(s, "changes", nullptr);
  EXPECT_EQ(only_payload(plan_of(s))["changes"],
            (json{{"timeChanged", false}, {"participantsChanged", false}}));
}

TEST(meeting_updated, writes_no_placeholder_when_the_start_is_unknown) {
  auto s = without_start("meeting_updated");
  EXPECT_EQ(body_of(s), "**Kick-off** was moved.");
  set_payload(s, "changes", nullptr);
  EXPECT_EQ(body_of(s), "**Kick-off** was updated.");
}

TEST(meeting_updated, does_not_announce_a_new_time_for_a_cancelled_meeting) {
  auto s = load_sample("meeting_updated");
  s.world.meetings[kick_off].status = "cancelled";
  EXPECT_EQ(body_of(s), "**Kick-off** was cancelled.");
}

TEST(meeting_reminder, reaches_its_user_although_the_event_is_in_their_name) {
  auto plan = plan_of(load_sample("meeting_reminder"));
  EXPECT_EQ(in_app(plan, ben), "notified");
  EXPECT_TRUE(plan.emails.empty());
}

TEST(meeting_reminder, carries_link_and_minutes) {
  auto plan = plan_of(load_sample("meeting_reminder"));
  EXPECT_EQ(only_notification(plan).title, "Kick-off starts in 12 minutes");
  EXPECT_EQ(only_notification(plan).body, "**Kick-off** starts in 12 minutes ({{meeting_time}}).");
  EXPECT_EQ(only_notification(plan).link_url, "/project/workspace/" + to_string(tower) + "?tab=meetings");
  auto data = only_payload(plan);
  EXPECT_EQ(data["type"], "meeting_reminder");
  EXPECT_EQ(data["meeting_id"], to_string(kick_off));
  EXPECT_EQ(data["meeting_title"], "Kick-off");
  EXPECT_EQ(data["start_time"], "2026-01-20T14:42:00.000Z");
  EXPECT_EQ(data["meeting_link"], "https://meet.example.com/kick-off");
  EXPECT_EQ(data["project_id"], to_string(tower));
  EXPECT_EQ(data["project_name"], "Tower");
  EXPECT_EQ(data["reminder_minutes"], 30);
  EXPECT_EQ(data["minutes_left"], 12);
}

TEST(meeting_reminder, counts_the_minutes_left_when_the_text_is_written) {
  const std::vector<std::pair<seconds, const char*>> cases = {{seconds{30 * 60}, "starts in 30 minutes"},
                                                              {seconds{11 * 60 + 1}, "starts in 12 minutes"},
                                                              {seconds{60}, "starts in 1 minute"},
                                                              {seconds{1}, "starts in 1 minute"},
                                                              {seconds{0}, "starts now"},
                                                              {seconds{-59}, "starts now"},
                                                              {seconds{-60}, "started 1 minute ago"},
                                                              {seconds{-25 * 60}, "started 25 minutes ago"}};
  for (auto& [left, text] : cases)
    EXPECT_EQ(only_notification(plan_of(reminder_with(left))).title, std::string{"Kick-off "}.append(text));
}

TEST(meeting_reminder, follows_a_meeting_that_was_moved) {
  auto s = load_sample("meeting_reminder");
  s.world.meetings[kick_off].start_time += std::chrono::minutes{10};
  EXPECT_EQ(only_notification(plan_of(s)).title, "Kick-off starts in 22 minutes");
}

TEST(meeting_reminder, takes_the_start_from_the_payload_when_the_row_has_none) {
  auto s = load_sample("meeting_reminder");
  s.world.meetings[kick_off].start_time = {};
  EXPECT_EQ(only_notification(plan_of(s)).title, "Kick-off starts in 12 minutes");
  EXPECT_EQ(body_of(without_start("meeting_reminder")), "**Kick-off** starts soon.");
}

TEST(meeting_reminder, falls_back_to_the_minutes_left_without_reminder_minutes) {
  auto s = load_sample("meeting_reminder");
  set_payload(s, "reminder_minutes", nullptr);
  EXPECT_EQ(only_payload(plan_of(s))["reminder_minutes"], 12);
}

TEST(meeting_reminder, offers_web_addresses_alone_as_meeting_link) {
  auto s = load_sample("meeting_reminder");
  s.world.meetings[kick_off].meeting_link = "";
  auto with = [&](const json& link) {
    set_payload(s, "meeting_link", link);
    return only_payload(plan_of(s))["meeting_link"];
  };
  EXPECT_EQ(with("http://meet.example.com/x"), "http://meet.example.com/x");
  for (auto link :
       {"javascript:alert(1)", "meet.example.com", "https://x.example/a b", "https://x.example/\r\n", ""})
    EXPECT_EQ(with(link), nullptr) << link;
  EXPECT_EQ(with("https://x.example/" + std::string(3'000, 'x')), nullptr);
}

TEST(meeting_reminder, skips_who_no_longer_takes_part_or_when_it_is_cancelled) {
  auto s = load_sample("meeting_reminder");
  s.world.meetings[kick_off].participants = {ana};
  EXPECT_EQ(in_app(plan_of(s), ben), "no_access");
  s = load_sample("meeting_reminder");
  s.world.meetings[kick_off].status = "cancelled";
  EXPECT_EQ(in_app(plan_of(s), ben), "no_access");
}

} // namespace herald
