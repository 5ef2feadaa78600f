// The demo company and its events: believable, complete, and the same every time.
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "app/demo/company.hpp"
#include "app/demo/crash_handler.hpp"
#include "app/demo/events.hpp"
#include "core/access.hpp"
#include "core/handlers.hpp"

using namespace herald;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 20} + 12h};

company_options options_with_seed(std::uint64_t seed) {
  company_options out;
  out.seed = seed;
  out.now = noon;
  return out;
}

company small_company(std::uint64_t seed = 1) {
  return make_company(options_with_seed(seed));
}

std::vector<new_event> events_of(const company& firm, std::size_t count = 300, std::uint64_t seed = 1) {
  return demo_events(firm, {count, seed, noon});
}

auto as_tuple(const new_event& x) {
  return std::tie(x.type, x.actor_id, x.project_id, x.resource_id, x.thread_id, x.meeting_id, x.payload,
                  x.created_at);
}

bool same(const std::vector<new_event>& a, const std::vector<new_event>& b) {
  return std::ranges::equal(a, b, [](auto& x, auto& y) { return as_tuple(x) == as_tuple(y); });
}

template <class Rows> std::set<uuid> ids_of(const Rows& rows) {
  std::set<uuid> out;
  for (auto& row : rows)
    EXPECT_TRUE(out.insert(row.id).second) << "two rows have the id " << to_string(row.id);
  return out;
}

/// The parts of the tree that decide who may see a document.
access_tree tree_of(const platform_rows& rows) {
  access_tree out;
  for (auto& x : rows.resources)
    out.nodes[x.id] = {x.parent_id, x.org_id, {}};
  for (auto& x : rows.permissions)
    out.nodes.at(x.resource_id).permissions[x.user_id] = x.permission != "none";
  for (auto& x : rows.org_members)
    if (x.role == "owner")
      out.owners[x.org_id].insert(x.user_id);
  return out;
}

std::size_t viewers(const access_tree& tree, const company_project& project, const company_file& file) {
  return static_cast<std::size_t>(
      std::ranges::count_if(project.people, [&](auto& user) { return can_view(tree, user, file.id); }));
}

/// Pairs that a table holds once at most.
using pairs = std::set<std::pair<uuid, uuid>>;

company_options any_options() {
  company_options out;
  out.now = noon;
  out.seed = *rc::gen::arbitrary<std::uint64_t>();
  out.people = *rc::gen::inRange<std::size_t>(0, 60);
  out.projects = *rc::gen::inRange<std::size_t>(0, 12);
  out.people_per_project = *rc::gen::inRange<std::size_t>(0, 40);
  out.files_per_project = *rc::gen::inRange<std::size_t>(0, 60);
  out.threads_per_project = *rc::gen::inRange<std::size_t>(0, 9);
  out.denials_per_project = *rc::gen::inRange<std::size_t>(0, 50);
  return out;
}

void check_people(const platform_rows& rows) {
  auto profiles = ids_of(rows.profiles);
  auto orgs = ids_of(rows.orgs);
  auto projects = ids_of(rows.projects);
  pairs members;
  pairs grants;
  pairs edits;
  for (auto& x : rows.org_members) {
    RC_ASSERT((orgs.contains(x.org_id) && profiles.contains(x.user_id)));
    RC_ASSERT(members.insert({x.org_id, x.user_id}).second);
  }
  for (auto& x : rows.projects)
    RC_ASSERT(orgs.contains(x.owner_org_id));
  for (auto& x : rows.grants) {
    RC_ASSERT((projects.contains(x.project_id) && members.contains({x.org_id, x.user_id})));
    RC_ASSERT(grants.insert({x.project_id, x.user_id}).second);
  }
  for (auto& x : rows.activity) {
    RC_ASSERT((projects.contains(x.project_id) && profiles.contains(x.user_id)));
    RC_ASSERT(edits.insert({x.project_id, x.user_id}).second);
  }
}

void check_documents(const platform_rows& rows) {
  auto profiles = ids_of(rows.profiles);
  std::set<uuid> resources;
  std::set<std::pair<uuid, std::string>> names;
  pairs permissions;
  for (auto& x : rows.resources) {
    // Parents come before children, and a folder holds no two entries of one name.
    RC_ASSERT((!x.parent_id || resources.contains(*x.parent_id)));
    RC_ASSERT((!x.parent_id || names.insert({*x.parent_id, x.name}).second));
    RC_ASSERT(resources.insert(x.id).second);
  }
  for (auto& x : rows.permissions) {
    RC_ASSERT((resources.contains(x.resource_id) && profiles.contains(x.user_id)));
    RC_ASSERT(permissions.insert({x.resource_id, x.user_id}).second);
  }
}

void check_talks(const platform_rows& rows) {
  auto profiles = ids_of(rows.profiles);
  auto projects = ids_of(rows.projects);
  auto threads = ids_of(rows.threads);
  auto meetings = ids_of(rows.meetings);
  pairs present;
  for (auto& x : rows.threads)
    RC_ASSERT(projects.contains(x.project_id));
  for (auto& x : rows.participants) {
    RC_ASSERT((threads.contains(x.thread_id) && profiles.contains(x.user_id)));
    RC_ASSERT(present.insert({x.thread_id, x.user_id}).second);
  }
  for (auto& x : rows.messages)
    RC_ASSERT(present.contains({x.thread_id, x.user_id}));
  for (auto& x : rows.meeting_participants) {
    RC_ASSERT((meetings.contains(x.meeting_id) && profiles.contains(x.user_id)));
    RC_ASSERT(present.insert({x.meeting_id, x.user_id}).second);
  }
}

void check_preferences(const platform_rows& rows) {
  auto profiles = ids_of(rows.profiles);
  ids_of(rows.preferences);
  std::set<std::tuple<uuid, std::string, std::optional<uuid>, std::string, std::string>> seen;
  for (auto& x : rows.preferences) {
    RC_ASSERT(profiles.contains(x.user_id));
    RC_ASSERT(seen.insert({x.user_id, x.scope_type, x.scope_id, x.event_type, x.channel}).second);
  }
}

} // namespace

// -- company ------------------------------------------------------------------------------------------------

TEST(demo_company, is_the_same_for_the_same_seed_and_another_for_another) {
  auto a = small_company(7);
  auto b = small_company(7);
  auto c = small_company(8);
  EXPECT_EQ(ids_of(a.rows.profiles), ids_of(b.rows.profiles));
  EXPECT_EQ(ids_of(a.rows.resources), ids_of(b.rows.resources));
  EXPECT_TRUE(same(events_of(a), events_of(b)));
  EXPECT_NE(ids_of(a.rows.profiles), ids_of(c.rows.profiles));
}

TEST(demo_company, has_the_size_that_was_asked_for) {
  auto firm = small_company();
  EXPECT_EQ(firm.rows.profiles.size(), 31U); // and the system account
  EXPECT_EQ(firm.rows.projects.size(), 8U);
  std::map<std::string, int> orgs;
  for (auto& org : firm.rows.orgs)
    ++orgs[org.entity_type];
  EXPECT_EQ(orgs, (std::map<std::string, int>{{"advisor", 1}, {"borrower", 1}, {"lender", 2}}));
  for (auto& project : firm.projects)
    EXPECT_EQ(project.people.size(), 12U);
}

TEST(demo_company, refers_to_nothing_that_does_not_exist) {
  ASSERT_TRUE(rc::check([] {
    auto rows = make_company(any_options()).rows;
    check_people(rows);
    check_documents(rows);
    check_talks(rows);
    check_preferences(rows);
  }));
}

TEST(demo_company, has_addresses_that_can_never_reach_anybody) {
  auto options = options_with_seed(1);
  options.people = 2'000;
  std::set<std::string> seen;
  for (auto& x : make_company(options).rows.profiles) {
    EXPECT_TRUE(seen.insert(x.email).second) << x.email;
    EXPECT_TRUE(x.email.ends_with("@example.com") || x.email.ends_with("@example.org")
                || x.email.ends_with("@example.net") || x.email.ends_with(".example.net"))
        << x.email;
    EXPECT_TRUE(std::ranges::all_of(x.email, [](char c) { return c > ' ' && c < '\x7f'; })) << x.email;
  }
}

TEST(demo_company, has_the_awkward_rows_of_a_real_one) {
  auto firm = small_company();
  auto& rows = firm.rows;
  EXPECT_EQ(std::ranges::count_if(rows.profiles, [](auto& x) { return !x.full_name; }), 1);
  EXPECT_EQ(std::ranges::count_if(rows.threads, [](auto& x) { return !x.topic; }), 1);
  EXPECT_EQ(std::ranges::count_if(rows.participants, [](auto& x) { return x.user_id == nil_uuid; }), 1);
  EXPECT_GT(std::ranges::count_if(rows.permissions, [](auto& x) { return x.permission == "none"; }), 0);
  std::set<std::string> statuses;
  for (auto& x : rows.meetings) {
    statuses.insert(x.status);
    EXPECT_EQ(x.start_time > noon, x.status != "completed");
  }
  EXPECT_EQ(statuses, (std::set<std::string>{"cancelled", "completed", "scheduled"}));
  EXPECT_EQ(std::ranges::count_if(rows.meetings, [](auto& x) { return !x.project_id; }), 1);
  std::set<std::pair<std::string, std::string>> preferences;
  for (auto& x : rows.preferences)
    preferences.insert({x.scope_type, x.status});
  for (auto scope : {"global", "project", "thread"})
    EXPECT_TRUE(preferences.contains({scope, "muted"})) << scope;
  EXPECT_TRUE(preferences.contains({"global", "digest"}));
}

TEST(demo_company, lets_the_newcomer_hear_of_everything) {
  auto firm = small_company();
  for (auto& x : firm.rows.preferences)
    EXPECT_NE(x.user_id, firm.newcomer);
  auto& people = firm.projects.front().people;
  EXPECT_NE(std::ranges::find(people, firm.newcomer), people.end());
}

TEST(demo_company, denies_one_folder_with_one_file_as_an_exception) {
  auto firm = small_company();
  auto tree = tree_of(firm.rows);
  auto& project = firm.projects.front();
  EXPECT_EQ(viewers(tree, project, project.files[0]), 12U);
  EXPECT_EQ(viewers(tree, project, project.files[1]), 11U); // the exception
  EXPECT_EQ(viewers(tree, project, project.files[4]), 10U);
}

TEST(demo_company, can_be_sized_for_documents_with_a_given_audience) {
  auto options = options_with_seed(1);
  options.people_per_project = 26;
  options.denials_per_project = 0;
  options.preferences = false;
  auto firm = make_company(options);
  EXPECT_TRUE(firm.rows.preferences.empty());
  auto tree = tree_of(firm.rows);
  for (auto& project : firm.projects)
    for (auto& file : project.files)
      EXPECT_EQ(viewers(tree, project, file), 26U);
}

// -- events -------------------------------------------------------------------------------------------------

TEST(demo_events, know_every_type_of_the_handler_table) {
  std::vector<std::string_view> known;
  for (auto& row : handlers())
    known.push_back(row.event_type);
  EXPECT_TRUE(std::ranges::equal(demo_event_types(), known));
}

TEST(demo_events, hold_every_type_and_every_set_piece) {
  auto firm = small_company();
  for (auto count : {0U, 14U, 300U}) {
    auto events = events_of(firm, count);
    EXPECT_EQ(events.size(), std::max<std::size_t>(count, 14) + 44 + 10 + 1 + 3 + 1 + 4);
    std::map<std::string, std::size_t> by_type;
    for (auto& x : events)
      ++by_type[x.type];
    EXPECT_EQ(by_type.size(), 16U);
    for (auto type : demo_event_types())
      EXPECT_GE(by_type[std::string{type}], 1U) << type;
    EXPECT_EQ(by_type["lender_quote_received"], 1U);
    EXPECT_EQ(by_type["demo_crash"], 4U);
  }
}

TEST(demo_events, are_the_same_for_the_same_seed_and_others_for_another) {
  auto firm = small_company();
  EXPECT_TRUE(same(events_of(firm), events_of(firm)));
  EXPECT_FALSE(same(events_of(firm), events_of(firm, 300, 2)));
}

TEST(demo_events, name_the_same_things_in_columns_and_payload) {
  auto firm = small_company();
  std::map<std::string, std::set<std::string>> columns;
  for (auto& x : mixed_events(firm, {3, noon, {}}, 0, 2'000)) {
    auto payload = json::parse(x.payload);
    auto check = [&](const char* key, const std::optional<uuid>& column) {
      if (!column)
        return;
      columns[x.type].insert(key);
      if (payload.contains(key)) {
        EXPECT_EQ(payload[key], to_string(*column)) << x.type << "." << key;
      }
    };
    check("project_id", x.project_id);
    check("resource_id", x.resource_id);
    check("thread_id", x.thread_id);
    check("meeting_id", x.meeting_id);
  }
  for (auto type : {"document_uploaded", "document_permission_granted", "document_permission_changed",
                    "resume_permission_granted"})
    EXPECT_EQ(columns[type], (std::set<std::string>{"project_id", "resource_id"})) << type;
  for (auto type : {"chat_message_sent", "thread_unread_stale", "chat_thread_participant_added"})
    EXPECT_EQ(columns[type], (std::set<std::string>{"project_id", "thread_id"})) << type;
  for (auto type : {"meeting_invited", "meeting_updated"})
    EXPECT_EQ(columns[type], (std::set<std::string>{"meeting_id", "project_id"})) << type;
  EXPECT_EQ(columns["invite_accepted"], std::set<std::string>{});
}

TEST(demo_events, come_in_order_and_all_but_one_within_the_last_hour) {
  auto events = events_of(small_company());
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &new_event::created_at));
  EXPECT_EQ(std::ranges::count_if(events, [](auto& x) { return *x.created_at < noon - 24h; }), 1);
  EXPECT_EQ(std::ranges::count_if(events, [](auto& x) { return *x.created_at < noon - 1h; }), 1);
  EXPECT_LE(*events.back().created_at, noon);
}

TEST(demo_events, hold_one_click_on_the_data_room) {
  auto firm = small_company();
  std::set<uuid> files;
  for (auto& x : events_of(firm)) {
    if (x.type != "document_permission_granted" || !json::parse(x.payload)["via_root"].get<bool>())
      continue;
    EXPECT_EQ(json::parse(x.payload)["affected_user_id"], to_string(firm.newcomer));
    EXPECT_EQ(x.project_id, firm.projects.front().id);
    files.insert(*x.resource_id);
  }
  EXPECT_EQ(files.size(), 44U);
}

TEST(demo_events, hold_mentions_and_chatter_in_one_thread) {
  auto firm = small_company();
  auto& busy = firm.threads[firm.projects.front().threads.front()];
  int mentions = 0;
  int chatter = 0;
  for (auto& x : events_of(firm))
    if (x.type == "chat_message_sent" && x.thread_id == busy.id)
      ++(json::parse(x.payload)["mentioned_user_ids"].empty() ? chatter : mentions);
  EXPECT_GE(mentions, 2);
  EXPECT_GE(chatter, 8);
}

TEST(demo_events, hold_one_poisoned_event_and_three_broken_ones) {
  int poisoned = 0;
  int arrays = 0;
  int incomplete = 0;
  for (auto& x : events_of(small_company())) {
    auto payload = json::parse(x.payload);
    arrays += payload.is_array();
    poisoned += payload.is_object() && payload.value("poison", false);
    incomplete += x.type == "meeting_invited" && !payload.contains("invited_user_id");
    incomplete += x.type == "project_access_granted" && !payload.contains("affected_user_id");
  }
  EXPECT_EQ(poisoned, 1);
  EXPECT_EQ(arrays, 1);
  EXPECT_EQ(incomplete, 2);
}

TEST(mixed_events, depend_on_their_index_alone) {
  auto firm = small_company();
  mixed_event_options options{5, noon, {}};
  auto whole = mixed_events(firm, options, 0, 200);
  auto parts = mixed_events(firm, options, 0, 70);
  for (auto& x : mixed_events(firm, options, 70, 130))
    parts.push_back(x);
  EXPECT_TRUE(same(whole, parts));
  EXPECT_FALSE(same(whole, mixed_events(firm, options, 1, 200)));
  EXPECT_EQ(as_tuple(mixed_event(firm, options, 12)), as_tuple(whole[12]));
}

TEST(mixed_events, come_in_the_mix_of_a_busy_platform) {
  auto firm = small_company();
  std::map<std::string, int> by_type;
  for (auto& x : mixed_events(firm, {5, noon, {}}, 0, 5'000))
    ++by_type[x.type];
  EXPECT_EQ(by_type.size(), demo_event_types().size());
  EXPECT_NEAR(by_type["chat_message_sent"], 1'900, 150);
  EXPECT_NEAR(by_type["document_uploaded"], 1'000, 120);
}

TEST(mixed_events, can_be_of_one_type_alone) {
  auto firm = small_company();
  auto events = mixed_events(firm, {5, noon, "document_uploaded"}, 0, 100);
  std::set<uuid> actors;
  for (auto& x : events) {
    EXPECT_EQ(x.type, "document_uploaded");
    actors.insert(*x.actor_id);
  }
  EXPECT_GT(actors.size(), 5U);
}

// -- the crashing handler -----------------------------------------------------------------------------------

namespace {

/// Plans one demo_crash event for a user who exists.
plan_batch crash(const std::string& payload) {
  auto world = std::make_shared<batch_context>();
  world->profiles[*parse_uuid("3f2504e0-4f89-41d3-9a0c-0305e82c3301")] = {"Ada Abbott", "ada@example.com"};
  event_batch batch;
  batch.type = crash_event_type;
  batch.context = world;
  claimed_event x;
  x.event.id = 9;
  x.event.type = batch.type;
  x.event.payload = payload;
  batch.events.push_back(x);
  return plan_events(crash_handler(), batch, {});
}

} // namespace

TEST(crash_handler, dies_of_a_poisoned_event_and_says_so) {
  try {
    crash(R"({"user_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "poison": true})");
    FAIL() << "the handler survived";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("event 9 is poisoned"));
  }
}

TEST(crash_handler, notifies_the_user_of_a_healthy_event) {
  for (auto poison : {"false", "null", "\"true\"", "1"}) {
    auto out = crash(std::string{R"({"user_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "poison": )"} + poison
                     + "}");
    ASSERT_EQ(out.plans.size(), 1U);
    ASSERT_EQ(out.plans[0].notifications.size(), 1U);
    EXPECT_EQ(out.plans[0].notifications[0].users.size(), 1U);
    EXPECT_EQ(json::parse(out.plans[0].notifications[0].payload)["type"], "demo_crash");
  }
}

TEST(crash_handler, refuses_an_event_without_a_user) {
  auto out = crash("{}");
  ASSERT_EQ(out.failures.size(), 1U);
  EXPECT_EQ(out.failures[0].why.kind, failure_class::permanent);
}
