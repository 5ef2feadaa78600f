// Which owners are nudged about which resumes, and when.
#include <nlohmann/json.hpp>

#include "tests/contract/nudge_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

namespace {

/// `type tier percent` of the events to Olga.
std::vector<std::string> to_olga(const std::vector<domain_event>& events) {
  std::vector<std::string> out;
  for (auto& x : events) {
    auto data = payload::parse(x.payload).value();
    if (data.id("user_id") == ids::olga)
      out.push_back(data.text("resume_type").value_or("") + " "
                    + std::to_string(data.integer("nudge_tier").value_or(0)) + " "
                    + std::to_string(data.integer("completion_percent").value_or(-1)));
  }
  return out;
}

using lines = std::vector<std::string>;

} // namespace

TEST_P(nudge_contract, owners_are_nudged_about_both_resumes_once_per_tier) {
  clear_world();
  auto project = add_project(1, t0);
  now = t0 + 24h;
  EXPECT_EQ(nudge_owners(), (job_counts{{"created", 4}}));
  auto events = backend->events();
  ASSERT_EQ(events.size(), 4u);
  for (std::size_t n = 0; n < 4; ++n) {
    EXPECT_EQ(events[n].type, "resume_incomplete_nudge");
    EXPECT_FALSE(events[n].actor_id);
    EXPECT_EQ(events[n].project_id, project);
    EXPECT_EQ(events[n].created_at, now);
    json_object expected;
    expected.set("user_id", n < 2 ? ids::olga : ids::oskar)
        .set("resume_type", n % 2 == 0 ? "project" : "borrower")
        .set("completion_percent", 0)
        .set("nudge_tier", 1);
    EXPECT_EQ(payload_of(events[n]).json(), payload::parse(expected.str()).value().json());
  }
  // Nobody has worked on these events, and no inbox holds anything yet.
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 4}}));
  EXPECT_EQ(backend->events().size(), 4u);
}

TEST_P(nudge_contract, tiers_begin_after_one_three_five_and_seven_days_to_the_millisecond) {
  clear_world();
  struct idle {
    duration time;
    int tier; ///< 0: too early
  };
  const std::vector<idle> cases{{0ms, 0},  {24h - 1ms, 0},  {24h, 1},           {72h - 1ms, 1},
                                {72h, 2},  {120h - 1ms, 2}, {120h, 3},          {168h - 1ms, 3},
                                {168h, 4}, {60 * 24h, 4},   {-duration{24h}, 0}};
  std::uint8_t n = 0;
  for (auto& x : cases)
    add_project(++n, now - x.time);
  EXPECT_EQ(nudge_owners(), (job_counts{{"created", 8 * 4}, {"too_early", 3 * 4}}));
  std::map<uuid, std::int64_t> tiers;
  for (auto& x : backend->events())
    tiers[x.project_id.value()] = payload_of(x).integer("nudge_tier").value();
  n = 0;
  for (auto& x : cases)
    EXPECT_EQ(tiers[make_id(10, ++n)], x.tier) << x.time.count() << " ms";
}

TEST_P(nudge_contract, a_resume_that_nobody_touches_is_nudged_about_four_times_and_never_again) {
  clear_world();
  add_project(1, t0);
  for (auto hours = 0; hours < 24 * 40; hours += 6) {
    now = t0 + std::chrono::hours{hours};
    nudge_owners();
  }
  EXPECT_EQ(to_olga(backend->events()),
            (lines{"project 1 0", "borrower 1 0", "project 2 0", "borrower 2 0", "project 3 0",
                   "borrower 3 0", "project 4 0", "borrower 4 0"}));
}

TEST_P(nudge_contract, an_edit_by_anyone_starts_the_tiers_of_that_resume_anew) {
  clear_world();
  auto project = add_project(1, t0);
  now = t0 + 24h;
  nudge_owners();
  backend->edit_resume(project, ids::oskar, "project", t0);
  backend->edit_resume(project, ids::mia, "project", t0 + 30h);
  now = t0 + 54h - 1ms;
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 2}, {"too_early", 2}}));
  now = t0 + 54h;
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 2}, {"created", 2}}));
  now = t0 + 72h;
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 2}, {"created", 2}}));
  EXPECT_EQ(to_olga(backend->events()),
            (lines{"project 1 0", "borrower 1 0", "project 1 0", "borrower 2 0"}));
}

TEST_P(nudge_contract, a_nudge_at_the_moment_of_the_edit_belongs_to_the_new_idle_period) {
  clear_world();
  auto project = add_project(1, t0);
  now = t0 + 24h;
  nudge_owners();
  backend->edit_resume(project, ids::mia, "project", now);
  backend->edit_resume(project, ids::mia, "borrower", now + 1ms);
  now += 24h + 1ms;
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 2}, {"created", 2}}));
}

TEST_P(nudge_contract, an_edit_in_the_future_counts_as_now) {
  clear_world();
  auto project = add_project(1, t0 - 10 * 24h);
  backend->edit_resume(project, ids::olga, "borrower", t0 + 3h);
  EXPECT_EQ(nudge_owners(), (job_counts{{"created", 2}, {"too_early", 2}}));
}

TEST_P(nudge_contract, a_resume_is_as_complete_as_the_version_that_counts) {
  clear_world();
  platform_rows rows;
  for (std::uint8_t n = 1; n <= 4; ++n)
    rows.projects.push_back({make_id(10, n), "Project", ids::borrower_org, t0 - 24h});
  auto resource = [&](std::uint8_t n, std::uint8_t project, std::string type, std::optional<uuid> version) {
    rows.resources.push_back(
        {make_id(16, n), ids::borrower_org, make_id(10, project), {}, std::move(type), "Resume", version});
  };
  // 1: the version pointed to, and not the latest. 2: the latest. 3: a pointer to nothing. 4: complete.
  resource(1, 1, "PROJECT_RESUME", make_id(17, 1));
  resource(2, 1, "BORROWER_RESUME", make_id(18, 1));
  resource(3, 3, "PROJECT_RESUME", make_id(17, 99));
  resource(4, 3, "BORROWER_RESUME", {});
  resource(5, 4, "PROJECT_RESUME", make_id(17, 6));
  rows.project_resumes = {{make_id(17, 1), make_id(10, 1), 1, 11}, {make_id(17, 2), make_id(10, 1), 2, 22},
                          {make_id(17, 3), make_id(10, 2), 9, 33}, {make_id(17, 4), make_id(10, 2), 10, 44},
                          {make_id(17, 5), make_id(10, 3), 1, 55}, {make_id(17, 6), make_id(10, 4), 1, 100},
                          {make_id(17, 7), make_id(10, 4), 2, 50}};
  rows.borrower_resumes = {{make_id(18, 1), make_id(10, 1), 1, 99},
                           {make_id(18, 2), make_id(10, 1), 2, 100},
                           {make_id(18, 3), make_id(10, 3), 1, 66},
                           {make_id(18, 4), make_id(10, 4), 1, 100}};
  insert(rows, t0 - 24h);
  EXPECT_EQ(nudge_owners(), (job_counts{{"complete", 4}, {"created", 12}}));
  EXPECT_EQ(to_olga(backend->events()), (lines{"project 1 11", "borrower 1 99", "project 1 44",
                                               "borrower 1 0", "project 1 55", "borrower 1 66"}));
}

TEST_P(nudge_contract, system_accounts_and_people_who_left_are_not_nudged) {
  clear_world();
  add_project(1, t0 - 24h);
  auto request = resumes();
  request.excluded = {ids::olga};
  backend->delete_profile(ids::oskar);
  EXPECT_EQ(value_of(store.nudges.nudge_incomplete_resumes(request)).counts,
            (job_counts{{"no_profile", 2}, {"system", 2}}));
  EXPECT_TRUE(backend->events().empty());
}

TEST_P(nudge_contract, the_platforms_own_account_is_a_system_account) {
  clear_world();
  platform_rows rows;
  rows.orgs = {{make_id(2, 9), "Robots"}};
  rows.org_members = {{make_id(2, 9), nil_uuid, "owner"}};
  rows.projects = {{make_id(10, 1), "Project", make_id(2, 9), t0 - 24h}};
  insert(rows, now);
  EXPECT_EQ(nudge_owners(), (job_counts{{"system", 2}}));
}

TEST_P(nudge_contract, only_an_event_of_the_same_owner_resume_and_tier_counts) {
  clear_world();
  auto project = add_project(1, t0 - 24h);
  auto other = add_project(2, t0);
  auto nudge = [&](const uuid& about, std::string type, std::string payload, timestamp at) {
    new_event x;
    x.type = std::move(type);
    x.project_id = about;
    x.payload = std::move(payload);
    x.created_at = at;
    emit(x);
  };
  auto words = [](const uuid& user, std::string resume_type, std::string tier) {
    return R"({"user_id":")" + to_string(user) + R"(","resume_type":")" + resume_type + R"(","nudge_tier":)"
           + tier + "}";
  };
  auto right = words(ids::olga, "project", "1");
  nudge(other, "resume_incomplete_nudge", right, t0);
  nudge(project, "resume_incomplete_nudgE", right, t0);
  nudge(project, "resume_incomplete_nudge", right, t0 - 24h - 1ms);
  nudge(project, "resume_incomplete_nudge", words(ids::olga, "project", "2"), t0);
  nudge(project, "resume_incomplete_nudge", words(ids::mia, "project", "1"), t0);
  for (auto hostile : {"", "[]", "7", "\"x\"", "{}", R"({"user_id":7,"resume_type":[],"nudge_tier":{}})"})
    nudge(project, "resume_incomplete_nudge", hostile, t0);
  EXPECT_EQ(nudge_owners(), (job_counts{{"created", 4}, {"too_early", 4}}));
  // In time, as a text, and by another program.
  auto third = add_project(3, t0 - 24h);
  nudge(third, "resume_incomplete_nudge", words(ids::oskar, "borrower", "\"1\""), t0 - 24h);
  EXPECT_EQ(nudge_owners(), (job_counts{{"already", 5}, {"created", 3}, {"too_early", 4}}));
}

} // namespace herald::test
