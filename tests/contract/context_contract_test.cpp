// Contract of the context that comes with a claim: everything the handlers of the batch may ask for, as it
// stands.
#include <algorithm>
#include <set>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

namespace {

std::set<uuid> set_of(const auto& xs) {
  return {xs.begin(), xs.end()};
}

std::string quoted(const uuid& x) {
  return "\"" + to_string(x) + "\"";
}

new_event event_of(std::string type, std::string payload = {}) {
  new_event out;
  out.type = std::move(type);
  out.payload = std::move(payload);
  return out;
}

} // namespace

TEST_P(store_contract, a_document_event_brings_project_grantees_owners_and_the_resources_viewers) {
  auto event = event_of("document_uploaded", R"({"fileName":"Rent Roll.xlsx"})");
  event.actor_id = ids::lena;
  event.project_id = ids::tower;
  event.resource_id = ids::file;
  emit(event);
  auto world = claim().context;
  ASSERT_TRUE(world->projects.contains(ids::tower));
  auto& project = world->projects.at(ids::tower);
  EXPECT_EQ(project.name, "Tower");
  EXPECT_EQ(project.owner_org_id, ids::borrower_org);
  EXPECT_EQ(set_of(project.grantees), (std::set{ids::mia, ids::max, ids::ada}));
  auto& org = world->orgs.at(ids::borrower_org);
  EXPECT_EQ(org.name, "Borrower LLC");
  EXPECT_EQ(set_of(org.owners), (std::set{ids::olga, ids::oskar}));
  auto& file = world->resources.at(ids::file);
  EXPECT_EQ(file.name, "Rent Roll.xlsx");
  EXPECT_EQ(file.org_id, ids::borrower_org);
  EXPECT_EQ(file.project_id, ids::tower);
  EXPECT_EQ(world->profiles.at(ids::lena).full_name, "Lena Lender") << "the actor has a name";
  EXPECT_EQ(world->profiles.at(ids::max).full_name, "");
  EXPECT_EQ(world->profiles.at(ids::max).email, "max@example.com");
  EXPECT_FALSE(world->projects.contains(ids::depot));
}

TEST_P(store_contract, viewers_follow_the_nearest_permission_up_the_tree) {
  for (auto& resource : {ids::root, ids::folder, ids::file}) {
    auto event = event_of("document_uploaded");
    event.project_id = ids::tower;
    event.resource_id = resource;
    emit(event);
  }
  auto world = claim().context;
  // Owners see everything. Mia inherits from the root. Max is shut out from the folder down. Ada sees the
  // file alone.
  EXPECT_EQ(set_of(world->resources.at(ids::root).viewers),
            (std::set{ids::olga, ids::oskar, ids::mia, ids::max}));
  EXPECT_EQ(set_of(world->resources.at(ids::folder).viewers), (std::set{ids::olga, ids::oskar, ids::mia}));
  EXPECT_EQ(set_of(world->resources.at(ids::file).viewers),
            (std::set{ids::olga, ids::oskar, ids::mia, ids::ada}));
}

TEST_P(store_contract, a_cycle_of_folders_ends_and_gives_nobody_access_through_it) {
  backend->set_parent(ids::root, ids::file);
  auto event = event_of("document_uploaded");
  event.project_id = ids::tower;
  event.resource_id = ids::folder;
  emit(event);
  EXPECT_EQ(set_of(claim().context->resources.at(ids::folder).viewers),
            (std::set{ids::olga, ids::oskar, ids::mia, ids::ada}));
}

TEST_P(store_contract, the_user_a_permission_event_is_about_is_asked_for_too) {
  platform_rows rows;
  rows.permissions = {{ids::file, ids::lena, "view", ids::olga}};
  value_of(store.platform.insert_platform_rows(rows, now));
  auto event = event_of("document_permission_granted", R"({"affected_user_id":)" + quoted(ids::lena)
                                                           + R"(,"resource_id":)" + quoted(ids::file) + "}");
  event.project_id = ids::tower;
  emit(event);
  auto world = claim().context;
  ASSERT_TRUE(world->resources.contains(ids::file)) << "an id in the payload counts like one in the row";
  EXPECT_TRUE(world->resources.at(ids::file).viewers.contains(ids::lena));
  EXPECT_TRUE(world->profiles.contains(ids::lena));
}

TEST_P(store_contract, a_chat_event_brings_thread_participants_and_their_profiles) {
  emit_chat(ids::closing_thread);
  emit_chat(ids::general_thread);
  auto world = claim().context;
  auto& thread = world->threads.at(ids::closing_thread);
  EXPECT_EQ(thread.topic, "Closing");
  EXPECT_EQ(thread.project_id, ids::tower);
  EXPECT_EQ(set_of(thread.participants), (std::set{ids::olga, ids::mia, ids::max}));
  EXPECT_EQ(world->threads.at(ids::general_thread).topic, "") << "a missing topic reads as empty";
  for (auto& user : thread.participants)
    EXPECT_TRUE(world->profiles.contains(user));
}

TEST_P(store_contract, the_project_of_a_thread_is_loaded_though_the_event_names_none) {
  auto event = event_of("chat_message_sent");
  event.thread_id = ids::closing_thread;
  emit(event);
  EXPECT_TRUE(claim().context->projects.contains(ids::tower));
}

TEST_P(store_contract, a_meeting_event_brings_meeting_participants_and_organizer) {
  for (auto type : {"meeting_updated", "meeting_invited", "meeting_reminder"}) {
    auto event = event_of(type, R"({"invited_user_id":)" + quoted(ids::lena) + "}");
    event.meeting_id = ids::kick_off;
    emit(event);
    auto world = claim().context;
    auto& meeting = world->meetings.at(ids::kick_off);
    EXPECT_EQ(meeting.title, "Kick-off");
    EXPECT_EQ(meeting.start_time, t0 + 3h);
    EXPECT_EQ(meeting.meeting_link, "https://meet.example.com/1");
    EXPECT_EQ(meeting.organizer_id, ids::olga);
    EXPECT_EQ(meeting.project_id, ids::tower);
    EXPECT_EQ(meeting.status, "scheduled");
    EXPECT_EQ(set_of(meeting.participants), (std::set{ids::olga, ids::mia}));
    EXPECT_TRUE(world->projects.contains(ids::tower));
    for (auto& user : {ids::olga, ids::mia, ids::lena})
      EXPECT_TRUE(world->profiles.contains(user)) << type;
  }
}

TEST_P(store_contract, an_accepted_invitation_brings_the_org_of_its_payload_and_its_owners) {
  emit(event_of("invite_accepted",
                R"({"org_id":)" + quoted(ids::lender_org) + R"(,"new_member_id":)" + quoted(ids::ada) + "}"));
  auto world = claim().context;
  EXPECT_EQ(world->orgs.at(ids::lender_org).name, "Lender Bank");
  EXPECT_EQ(set_of(world->orgs.at(ids::lender_org).owners), std::set{ids::lena});
  EXPECT_TRUE(world->profiles.contains(ids::lena));
  EXPECT_TRUE(world->profiles.contains(ids::ada));
}

TEST_P(store_contract, everybody_a_payload_names_has_a_profile_in_the_context) {
  for (auto key : {"user_id", "invited_user_id", "affected_user_id", "added_user_id", "new_member_id"}) {
    emit(event_of("project_access_granted", std::string{"{\""} + key + "\":" + quoted(ids::lena) + "}"));
    EXPECT_TRUE(claim().context->profiles.contains(ids::lena)) << key;
  }
  emit(event_of("chat_message_sent",
                R"({"mentioned_user_ids":[)" + quoted(ids::lena) + ",7," + quoted(ids::nobody) + "]}"));
  auto world = claim().context;
  EXPECT_TRUE(world->profiles.contains(ids::lena));
  EXPECT_FALSE(world->profiles.contains(ids::nobody)) << "who does not exist is not in the map";
}

TEST_P(store_contract, preferences_come_for_the_batchs_event_types_the_wildcard_and_the_chat_alias) {
  emit_chat();
  auto chat = claim().context->preferences.at(ids::mia);
  std::set<std::string> types;
  for (auto& x : chat)
    types.insert(x.event_type);
  EXPECT_EQ(types, (std::set<std::string>{"*", "chat_message"}));

  auto event = event_of("document_uploaded");
  event.project_id = ids::tower;
  emit(event);
  auto documents = claim().context->preferences.at(ids::mia);
  ASSERT_EQ(documents.size(), 2u);
  auto exact = std::ranges::find(documents, "document_uploaded", &preference::event_type);
  ASSERT_NE(exact, documents.end());
  EXPECT_EQ(exact->scope, preference_scope::project);
  EXPECT_EQ(exact->scope_id, ids::tower);
  EXPECT_EQ(exact->channel, "*");
  EXPECT_EQ(exact->status, preference_status::digest);
  auto wildcard = std::ranges::find(documents, "*", &preference::event_type);
  EXPECT_EQ(wildcard->scope, preference_scope::global);
  EXPECT_EQ(wildcard->scope_id, std::nullopt);
  EXPECT_EQ(wildcard->channel, "in_app");
  EXPECT_EQ(wildcard->status, preference_status::muted);
}

TEST_P(store_contract, a_resume_nudge_brings_the_last_edit_by_anybody_and_earlier_nudges) {
  auto older = emit_plain(1, "resume_incomplete_nudge").front();
  auto nudge = R"({"type":"resume_incomplete_nudge","resume_type":"project","nudge_tier":2,"project_id":)";
  backend->leave_notification(older, ids::olga, nudge + quoted(ids::tower) + "}");
  backend->leave_notification(older, ids::olga, nudge + quoted(ids::depot) + "}");
  backend->leave_notification(older, ids::oskar, nudge + quoted(ids::tower) + "}");
  claim();

  auto event = event_of("resume_incomplete_nudge", R"({"user_id":)" + quoted(ids::olga) + "}");
  event.project_id = ids::tower;
  emit(event);
  auto world = claim().context;
  ASSERT_TRUE(world->edits.contains(ids::tower));
  EXPECT_EQ(world->edits.at(ids::tower).project, t0 - 2h) << "Mia's edit is later than Olga's";
  EXPECT_EQ(world->edits.at(ids::tower).borrower, t0 - 9h);
  ASSERT_EQ(world->nudges.size(), 1u);
  EXPECT_EQ(world->nudges[0].user_id, ids::olga);
  EXPECT_EQ(world->nudges[0].project_id, ids::tower);
  EXPECT_EQ(world->nudges[0].resume_type, "project");
  EXPECT_EQ(world->nudges[0].tier, 2);
  EXPECT_EQ(world->nudges[0].created_at, t0);
  EXPECT_EQ(set_of(world->orgs.at(ids::borrower_org).owners), (std::set{ids::olga, ids::oskar}));
}

TEST_P(store_contract, ids_that_lead_nowhere_are_not_in_the_context) {
  emit(event_of("document_uploaded", R"({"project_id":)" + quoted(ids::nobody) + R"(,"resource_id":)"
                                         + quoted(ids::nobody) + R"(,"thread_id":)" + quoted(ids::nobody)
                                         + R"(,"meeting_id":)" + quoted(ids::nobody) + R"(,"org_id":)"
                                         + quoted(ids::nobody) + "}"));
  auto world = claim().context;
  EXPECT_TRUE(world->projects.empty());
  EXPECT_TRUE(world->resources.empty());
  EXPECT_TRUE(world->threads.empty());
  EXPECT_TRUE(world->meetings.empty());
  EXPECT_TRUE(world->orgs.empty());
}

TEST_P(store_contract, one_events_hostile_payload_does_not_cost_the_others_their_context) {
  for (auto payload : {"[]", "null", "7", "\"text\"", R"({"user_id":7})", R"({"user_id":["x"]})",
                       R"({"mentioned_user_ids":{"a":1}})", R"({"user_id":"'; DROP TABLE profiles; --"})",
                       R"({"org_id":"\u0000"})"})
    emit(event_of("thread_unread_stale", payload));
  emit_chat();
  auto batch = claim();
  EXPECT_EQ(batch.events.size(), 10u);
  EXPECT_EQ(batch.events[0].event.payload, "[]");
  EXPECT_TRUE(batch.context->threads.contains(ids::closing_thread));
  EXPECT_TRUE(batch.context->profiles.contains(ids::olga));
}

} // namespace herald::test
