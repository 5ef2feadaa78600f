// Time-driven jobs as people and cron meet them: one run by hand, what it says, what it leaves, and the table of runs.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/jobs_world.hpp"

namespace herald::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;
using json = nlohmann::json;

using names = std::vector<std::string>;

std::string bytes_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Work for all jobs, and nothing of it done.
class jobs : public ::testing::Test {
protected:
  jobs() { prepare_store(place.database(), 0); }

  outcome once(const std::string& job, std::vector<std::string> more = {},
               child_process::environment env = {}) const {
    std::vector<std::string> args{"once", job, "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return place.run(std::move(args), std::move(env));
  }

  /// What a run that went well says.
  json report_of(const outcome& x) const {
    EXPECT_EQ(x.status, 0) << x.err;
    return json::parse(last_line(x.out), nullptr, false);
  }

  json jobs_table(names more = {}) const {
    names args{"jobs", "--json"};
    args.insert(args.end(), more.begin(), more.end());
    return report_of(place.run(args));
  }

  json runs_of(const std::string& job, names more = {}) const {
    auto table = jobs_table(std::move(more));
    for (auto& x : table["jobs"])
      if (x["job"] == job)
        return x["runs"];
    throw std::runtime_error("the table has no job " + job);
  }

  std::int64_t events() const { return number_in(place.database(), "SELECT COUNT(*) FROM domain_events"); }

  static std::string from_now(duration span) { return to_iso8601(system_clock{}.now() + span); }

  workplace place;
};

const names nudge_jobs{name_of(meeting_reminders_job), name_of(unread_nudges_job),
                       name_of(resume_nudges_job)};
const names all_jobs{nudge_jobs[0], nudge_jobs[1], nudge_jobs[2], name_of(calendar_watches_job)};

// -- once ---------------------------------------------------------------------------------------------------

TEST_F(jobs, what_a_job_created_is_not_created_again) {
  for (auto& job : nudge_jobs) {
    auto before = events();
    auto first = report_of(once(job));
    EXPECT_EQ(first["job"], job);
    EXPECT_EQ(first["dry_run"], false);
    auto created = first["counts"].value("created", 0);
    EXPECT_GT(created, 0) << first;
    EXPECT_EQ(events(), before + created) << job;
    auto second = report_of(once(job));
    EXPECT_FALSE(second["counts"].contains("created")) << second;
    EXPECT_GE(second["counts"].value("already", 0), created) << second;
    EXPECT_EQ(events(), before + created) << job;
  }
  EXPECT_EQ(number_in(place.database(), "SELECT COUNT(*) FROM meeting_reminders_sent"),
            number_in(place.database(),
                      "SELECT COUNT(*) FROM domain_events WHERE event_type = 'meeting_reminder'"));
  EXPECT_EQ(number_in(place.database(), "SELECT COUNT(*) FROM unread_thread_stale_log"),
            number_in(place.database(),
                      "SELECT COUNT(*) FROM domain_events WHERE event_type = 'thread_unread_stale'"));
}

TEST_F(jobs, the_pipelines_own_jobs_find_nothing_the_second_time) {
  for (auto& job : nudge_jobs)
    report_of(once(job));
  EXPECT_EQ(report_of(once("notify-fan-out"))["completed"], events());
  EXPECT_EQ(report_of(once("notify-fan-out"))["completed"], 0);
  EXPECT_GT(report_of(once("email-instant"))["immediate"], 0);
  EXPECT_EQ(report_of(once("email-instant"))["immediate"], 0);
  auto tomorrow = names{"--at", from_now(24h)};
  EXPECT_GT(report_of(once("email-digest", tomorrow))["digests"], 0);
  EXPECT_EQ(report_of(once("email-digest", tomorrow))["digests"], 0);
}

TEST_F(jobs, a_time_in_the_future_brings_what_is_due_then) {
  // Project calls are a day away and more.
  auto at = from_now(24h + 45min);
  auto now = report_of(once(nudge_jobs[0]))["counts"]["created"];
  auto then = report_of(once(nudge_jobs[0], {"--at", at}));
  EXPECT_EQ(then["as_of"], at);
  EXPECT_GT(then["counts"].value("created", 0), 0) << then;
  EXPECT_EQ(events(), now.get<int>() + then["counts"]["created"].get<int>());
  // The instant in the ledger is the real one: the future is not settled.
  EXPECT_LT(runs_of(nudge_jobs[0])[0]["scheduled_at"].get<std::string>(), from_now(1min));
}

TEST_F(jobs, wrong_usage_is_status_2_and_leaves_no_trace) {
  auto before = bytes_of(place.database());
  for (auto at : {"tomorrow", "2026-01-20T14:30:00", "2026-02-30T14:30:00Z"}) {
    auto out = once(nudge_jobs[0], {"--at", at});
    EXPECT_EQ(out.status, 2);
    EXPECT_THAT(out.err, AllOf(HasSubstr("--at takes a time with its zone"), HasSubstr(at)));
  }
  auto typo = once("meeting-reminder");
  EXPECT_EQ(typo.status, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean 'once meeting-reminders'?"));
  EXPECT_THAT(once("paint-the-shed").err, HasSubstr("unknown command 'once paint-the-shed'"));
  EXPECT_EQ(place.run({"jobs", "--history", "0"}).status, 2);
  EXPECT_EQ(bytes_of(place.database()), before);
}

TEST_F(jobs, a_dry_run_leaves_every_byte_as_it_was_and_says_what_it_would_do) {
  auto before = bytes_of(place.database());
  for (auto& job : nudge_jobs) {
    auto out = report_of(once(job, {"--dry-run"}));
    EXPECT_EQ(out["dry_run"], true);
    EXPECT_GT(out["counts"].value("created", 0), 0) << out;
  }
  EXPECT_EQ(report_of(once(all_jobs[3], {"--dry-run"}))["counts"]["would_renew"], 5);
  EXPECT_THAT(place.run({"once", all_jobs[0], "--dry-run"}).out,
              HasSubstr("nothing was written; would have: "));
  EXPECT_EQ(bytes_of(place.database()), before);
  for (auto& job : all_jobs)
    EXPECT_THAT(runs_of(job), IsEmpty()) << job;
}

TEST_F(jobs, a_dry_run_makes_no_database_and_does_not_claim_that_it_looked) {
  workplace elsewhere;
  auto out = elsewhere.run({"once", all_jobs[0], "--dry-run"});
  EXPECT_EQ(out.status, 1);
  EXPECT_THAT(out.out, AllOf(HasSubstr("failed"), Not(HasSubstr("would have"))));
  EXPECT_FALSE(std::filesystem::exists(elsewhere.database()));
}

TEST_F(jobs, a_run_is_refused_while_another_one_is_under_way) {
  auto store = open_store(place.database());
  begin_run_request other;
  other.job = nudge_jobs[1];
  other.worker = "the-other-daemon";
  other.now = other.scheduled_at = system_clock{}.now();
  other.lease = 10min;
  other.cause = run_cause::hand;
  ASSERT_EQ(store->open_jobs({{other.job}, other.now})->size(), 1u);
  ASSERT_EQ(store->begin_run(other)->verdict, begin_verdict::begun);

  auto refused = once(other.job);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("under way"), HasSubstr("the-other-daemon"),
                                 HasSubstr(to_iso8601(other.now + other.lease))));
  EXPECT_EQ(events(), 0);
  EXPECT_EQ(report_of(once(nudge_jobs[0]))["job"], nudge_jobs[0]) << "other jobs are not held up";
  auto shown = runs_of(other.job)[0];
  EXPECT_EQ(shown["state"], "running");
  EXPECT_EQ(shown["worker"], "the-other-daemon");
  EXPECT_TRUE(shown["took_ms"].is_null());
  EXPECT_THAT(place.run({"jobs"}).out, HasSubstr("by the-other-daemon since"));
}

// -- the table ----------------------------------------------------------------------------------------------

TEST_F(jobs, the_table_shows_schedules_runs_and_no_more_history_than_asked_for) {
  EXPECT_THAT(place.run({"jobs"}).out, AllOf(HasSubstr("never run"), HasSubstr("*/5 * * * * UTC"),
                                             HasSubstr("5 of 5 connections watched")));
  for (int i = 0; i < 3; ++i)
    report_of(once(nudge_jobs[0]));
  EXPECT_EQ(once(all_jobs[3]).status, 1);

  auto table = jobs_table({"--history", "2"});
  ASSERT_EQ(table["jobs"].size(), 4u);
  for (std::size_t i = 0; i < all_jobs.size(); ++i) {
    EXPECT_EQ(table["jobs"][i]["job"], all_jobs[i]);
    EXPECT_GT(table["jobs"][i]["next"].get<std::string>(), from_now(0s));
  }
  auto runs = table["jobs"][0]["runs"];
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_GT(runs[0]["id"].get<int>(), runs[1]["id"].get<int>()) << "newest first";
  EXPECT_EQ(runs[0]["state"], "ran");
  EXPECT_EQ(runs[0]["cause"], "hand");
  EXPECT_THAT(runs[0]["counts"].value("already", 0), ::testing::Gt(0));
  auto failed = table["jobs"][3]["runs"][0];
  EXPECT_EQ(failed["state"], "failed");
  EXPECT_EQ(failed["error_class"], "permanent");
  EXPECT_THAT(failed["error"].get<std::string>(), HasSubstr("BACKEND_PUBLIC_URL"));
  EXPECT_TRUE(failed["retry_at"].is_null());
  EXPECT_EQ(table["watches"]["connections"], 5);
  auto text = place.run({"jobs", "--history", "2"}).out;
  EXPECT_THAT(
      text, AllOf(HasSubstr("failed"), HasSubstr("permanent: "), HasSubstr("already"), HasSubstr("by hand")));
}

TEST_F(jobs, a_job_that_is_switched_off_is_run_by_hand_only) {
  EXPECT_TRUE(jobs_table({"--set", "jobs.meeting_reminders.schedule="})["jobs"][0]["next"].is_null());
  auto off = jobs_table({"--set", "jobs.enabled=false"});
  for (auto& x : off["jobs"])
    EXPECT_TRUE(x["next"].is_null());
  EXPECT_EQ(once(nudge_jobs[0], {"--set", "jobs.enabled=false"}).status, 0);
}

TEST(jobs_table, of_a_database_that_is_not_there_is_an_error_and_makes_none) {
  workplace place;
  auto out = place.run({"jobs"});
  EXPECT_EQ(out.status, 1);
  EXPECT_THAT(out.err, HasSubstr("herald.db"));
  EXPECT_FALSE(std::filesystem::exists(place.database()));
}

// -- calendar watches ---------------------------------------------------------------------------------------

class watches : public jobs {
protected:
  child_process start_renewal(names more = {}) const {
    names args{"once", name_of(calendar_watches_job), "--json", "--log-level", "DEBUG"};
    args.insert(args.end(), more.begin(), more.end());
    return place.start(with_settings(std::move(args), calendars.settings()), calendars.environment());
  }

  outcome renew(names more = {}) const { return start_renewal(std::move(more)).wait(); }

  std::string everything_said(const outcome& x) const {
    auto table = place.run({"jobs", "--history", "50"});
    auto table_json = place.run({"jobs", "--history", "50", "--json"});
    return x.out + x.err + table.out + table.err + table_json.out + table_json.err;
  }

  calendar_world calendars{place.database()};
};

TEST_F(watches, are_renewed_once_each_and_then_left_alone) {
  auto first = report_of(renew());
  EXPECT_EQ(first["counts"]["renewed"], 5) << first;
  EXPECT_EQ(first["counts"]["tokens_refreshed"], 5) << first;
  calendars.expect_one_channel_each();
  for (auto& x : calendars.google().channels())
    EXPECT_EQ(x.address, "https://backend.example.com/api/v1/webhooks/google-calendar");
  auto asked = calendars.google().requests().size();

  EXPECT_THAT(report_of(renew())["counts"], IsEmpty());
  EXPECT_EQ(calendars.google().requests().size(), asked) << "nothing was asked of the provider";
  EXPECT_EQ(jobs_table()["watches"]["watched"], 5);
}

TEST_F(watches, a_renewal_makes_the_new_channel_before_it_stops_the_old_one) {
  report_of(renew());
  calendars.age_connections();
  EXPECT_EQ(report_of(renew())["counts"]["renewed"], 5);
  EXPECT_EQ(calendars.google().channels().size(), 10u);
  calendars.expect_one_channel_each();
}

TEST_F(watches, one_connection_in_trouble_does_not_hold_up_the_others) {
  calendars.google().revoke(calendars.accounts().front());
  auto out = renew();
  auto said = report_of(out);
  EXPECT_EQ(said["counts"]["renewed"], 4) << said;
  EXPECT_EQ(said["counts"]["needs_reconnect"], 1) << said;
  EXPECT_EQ(jobs_table()["watches"]["needs_reconnect"], 1);
  EXPECT_THAT(place.run({"jobs"}).out, HasSubstr("1 wait for their owner to connect anew"));
}

TEST_F(watches, without_the_platforms_address_nothing_is_asked_and_the_remedy_is_named) {
  auto environment = calendars.environment();
  environment.erase("BACKEND_PUBLIC_URL");
  auto out = place.run(with_settings({"once", name_of(calendar_watches_job), "--json"}, calendars.settings()),
                       environment);
  EXPECT_EQ(out.status, 1);
  EXPECT_THAT(json::parse(last_line(out.out))["failure"].get<std::string>(),
              HasSubstr("set BACKEND_PUBLIC_URL"));
  EXPECT_THAT(out.err, HasSubstr("set BACKEND_PUBLIC_URL"));
  EXPECT_THAT(calendars.google().requests(), IsEmpty());
  // Nobody misses the address who has no watch to renew.
  change(place.database(), "UPDATE calendar_connections SET sync_enabled = 0");
  EXPECT_EQ(place.run({"once", name_of(calendar_watches_job)}).status, 0);
}

TEST_F(watches, tokens_and_secrets_appear_nowhere_whatever_the_provider_answers) {
  for (auto error : {"invalid_client", "invalid_grant", "backendError", "rateLimitExceeded"}) {
    google_fault fault;
    fault.error = error;
    fault.times = 4;
    calendars.google().queue(fault);
    calendars.age_connections();
    auto said = everything_said(renew({"--set", "jobs.renew_calendar_watches.max_tries=1"}));
    for (auto& x : calendars.secrets())
      EXPECT_THAT(said, Not(HasSubstr(x))) << error;
  }
  // A provider that gives back what it was sent.
  google_fault echo;
  echo.times = 50;
  echo.status = 400;
  echo.body = R"({"error": "invalid_request", "error_description": ")" + calendars.secrets().back() + R"("})";
  calendars.google().queue(echo);
  calendars.age_connections();
  auto out = renew({"--set", "jobs.renew_calendar_watches.max_tries=1"});
  EXPECT_EQ(out.status, 1);
  auto said = everything_said(out);
  for (auto& x : calendars.secrets())
    EXPECT_THAT(said, Not(HasSubstr(x)));
}

TEST_F(watches, a_run_that_is_told_to_stop_ends_in_time_and_the_next_one_does_the_rest) {
  google_fault hold;
  hold.call = google_call::watch;
  hold.delivery = google_delivery::held;
  hold.times = 4;
  hold.effect = true;
  calendars.google().queue(hold);
  auto stopped = start_renewal({"--set", "daemon.drain_deadline_ms=1000"});
  ASSERT_TRUE(calendars.server().wait_for_held(4, 30s));
  stopped.signal(SIGTERM);
  // The deadline, the five seconds that stopping may take, and a slow machine.
  auto until = std::chrono::steady_clock::now() + 15s;
  auto ended = false;
  while (!ended && std::chrono::steady_clock::now() < until)
    ended = stopped.ended_within(50);
  ASSERT_TRUE(ended) << stopped.said_so_far();
  EXPECT_EQ(stopped.wait().status, 3);
  EXPECT_EQ(runs_of(name_of(calendar_watches_job))[0]["state"], "failed");
  calendars.server().release_held();

  auto rest = report_of(renew());
  EXPECT_EQ(rest["counts"]["renewed"], 5) << rest;
  // What the first run had made without hearing of it is gone again.
  calendars.expect_one_channel_each();
}

TEST_F(watches, a_run_that_is_told_to_stop_while_it_waits_does_not_pass_for_done) {
  google_fault busy;
  busy.call = google_call::watch;
  busy.error = "rateLimitExceeded";
  busy.times = 100;
  calendars.google().queue(busy);
  auto stopped = start_renewal();
  auto begun = [&] {
    return std::ranges::count(calendars.google().requests(), google_call::watch, &simulated_request::call)
           >= 4;
  };
  while (!begun())
    ASSERT_FALSE(stopped.ended_within(5)) << stopped.said_so_far();
  stopped.signal(SIGTERM);
  auto end = stopped.wait();
  EXPECT_EQ(end.status, 3) << end.err;
  EXPECT_THAT(end.err, HasSubstr("breaking the run off"));
  EXPECT_EQ(runs_of(name_of(calendar_watches_job))[0]["state"], "failed");
}

} // namespace
} // namespace herald::testing
