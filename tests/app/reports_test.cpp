// What people and scripts are told about a store.
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "app/reports.hpp"
#include "core/reasons.hpp"

using namespace herald;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 20} + 12h};

uuid user(std::uint8_t n) {
  uuid out{};
  out.data[15] = n;
  return out;
}

/// Figures that agree: two types, one of them chat.
store_summary balanced() {
  store_summary out;
  auto& chat = out.by_type["chat_message_sent"];
  chat.events = 10;
  chat.completed = 7;
  chat.dead = 1;
  chat.pending = 1;
  chat.expired = 1;
  chat.notifications = 4; // two mentions, two roll-up rows
  chat.rolled_up = 9;
  chat.skipped = {{"in_app:is_actor", 7}, {"in_app:muted", 2}};
  auto& invite = out.by_type["invite_accepted"];
  invite.events = 3;
  invite.completed = 3;
  invite.notifications = 6;
  invite.emails = 5;
  invite.skipped = {{"email:muted", 1}};
  out.event_rows = 13;
  out.notification_rows = 10;
  out.email_rows = 5;
  out.roll_up_count = 11;
  return out;
}

/// One job with a run in every state, newest first, and one that never ran.
std::vector<job_view> some_jobs() {
  job_view all{{.job = "meeting-reminders", .rule = "*/5 * * * *"}, noon + 5min, {}};
  auto add = [&](run_state state) -> job_run& {
    auto& x = all.runs.emplace_back();
    x.id = 10 - static_cast<std::int64_t>(all.runs.size());
    x.job = all.schedule.job;
    x.scheduled_at = x.first_at = noon - 5min * static_cast<int>(all.runs.size());
    x.state = state;
    x.worker = "w1";
    x.attempts = 1;
    x.started_at = x.scheduled_at;
    x.ended_at = x.scheduled_at + 1'250ms;
    return x;
  };
  auto& running = add(run_state::running);
  running.cause = run_cause::hand;
  running.ended_at.reset();
  add(run_state::ran).counts = {{"created", 3}, {"muted", 1}};
  auto& late = add(run_state::late);
  late.cause = run_cause::catch_up;
  auto& missed = add(run_state::missed);
  missed.first_at = noon - 1h;
  missed.instants = 9;
  missed.worker.clear();
  missed.attempts = 0;
  missed.started_at.reset();
  auto& failed = add(run_state::failed);
  failed.attempts = 3;
  failed.error_class = "transient";
  failed.error = "the database is locked";
  failed.retry_at = noon;
  return {all, {{.job = "renew-calendar-watches", .rule = ""}, std::nullopt, {}}};
}

watch_summary some_watches() {
  return {7, 4, 1, 1, 1, noon + 90min};
}

explanation explained() {
  explanation x;
  x.event = {42,           "document_uploaded",       user(1), user(2), user(3), std::nullopt,
             std::nullopt, R"({"fileName":"a.pdf"})", noon};
  x.state = "completed";
  x.worker = "herald-1";
  x.claim_no = 3;
  x.attempts = 2;
  x.crashes = 1;
  x.claimed_at = noon + 5s;
  x.completed_at = noon + 6s;
  x.history = {{1, "herald-0", noon + 1s, noon + 2s, "failed", "crash", "the handler died"},
               {2, "herald-1", std::nullopt, noon + 3s, "released", "", ""}};
  x.outcomes = {{user(4), "Ada Abbott", "in_app", "notified", "", 7, "unread", ""},
                {user(5), "", "in_app", "skipped", std::string{reasons::no_profile}, std::nullopt, "", ""},
                {user(4), "Ada Abbott", "email", "queued", "", 9, "sent", "mail 3, provider id re_1"},
                {user(6), "Bo", "in_app", "rolled_up", "", std::nullopt, "", ""}};
  return x;
}

} // namespace

// -- conservation -------------------------------------------------------------------------------------------

TEST(conservation, holds_when_all_figures_agree) {
  auto report = check_conservation(balanced());
  EXPECT_TRUE(report.holds);
  EXPECT_EQ(report.checks.size(), 7U);
  EXPECT_THAT(conservation_text(report), HasSubstr("all 7 checks hold"));
  EXPECT_TRUE(check_conservation({}).holds);
}

TEST(conservation, every_figure_that_is_off_is_noticed) {
  using change = void (*)(store_summary&);
  for (change break_it : std::initializer_list<change>{
           [](store_summary& x) { ++x.by_type["chat_message_sent"].events; },
           [](store_summary& x) { ++x.by_type["chat_message_sent"].completed; },
           [](store_summary& x) { ++x.by_type["chat_message_sent"].dead; },
           [](store_summary& x) { ++x.by_type["invite_accepted"].pending; },
           [](store_summary& x) { ++x.by_type["invite_accepted"].expired; },
           [](store_summary& x) { ++x.by_type["invite_accepted"].notifications; },
           [](store_summary& x) { ++x.by_type["invite_accepted"].emails; },
           [](store_summary& x) { --x.event_rows; },
           [](store_summary& x) { --x.notification_rows; },
           [](store_summary& x) { ++x.email_rows; },
           [](store_summary& x) { x.roll_up_count = 8; },
           [](store_summary& x) { x.roll_up_count = 14; },
           // Two wrongs that cancel out in the total still show per type.
           [](store_summary& x) {
             ++x.by_type["chat_message_sent"].completed;
             --x.by_type["invite_accepted"].completed;
           },
       }) {
    auto x = balanced();
    break_it(x);
    auto report = check_conservation(x);
    EXPECT_FALSE(report.holds);
    EXPECT_THAT(conservation_text(report), HasSubstr("conservation BROKEN: "));
  }
}

TEST(conservation, events_that_belong_to_no_type_are_noticed) {
  store_summary x;
  x.event_rows = 1;
  EXPECT_FALSE(check_conservation(x).holds);
  EXPECT_EQ(conservation_text(check_conservation(x)).find("BROKEN"),
            conservation_text(check_conservation(x)).rfind("BROKEN"))
      << "only what does not hold is named";
  EXPECT_THAT(conservation_text(check_conservation(x)), HasSubstr("rows of the event log"));
  EXPECT_THAT(conservation_text(check_conservation(x)), HasSubstr(": 1 against 0"));
}

TEST(conservation, roll_ups_of_other_types_are_no_chat_messages) {
  auto x = balanced();
  // A burst of permissions that became one notification: recipients rolled up, yet no row counts messages.
  x.by_type["invite_accepted"].rolled_up = 40;
  EXPECT_TRUE(check_conservation(x).holds);
}

TEST(conservation, a_check_says_what_it_compares) {
  EXPECT_TRUE((conservation_check{"", 2, relation::equal, 2}.holds()));
  EXPECT_FALSE((conservation_check{"", 1, relation::equal, 2}.holds()));
  EXPECT_TRUE((conservation_check{"", 1, relation::at_most, 2}.holds()));
  EXPECT_TRUE((conservation_check{"", 2, relation::at_most, 2}.holds()));
  EXPECT_FALSE((conservation_check{"", 3, relation::at_most, 2}.holds()));
}

// -- status -------------------------------------------------------------------------------------------------

TEST(status_report, shows_every_figure_and_the_age_of_the_oldest_event) {
  store_status x{11, 12, 13, 14, 15, 16, 17, 18, 19, noon - 2h - 5min};
  auto text = status_text(x, noon);
  for (auto line : {"unclaimed      11\n", "retries later  12\n", "retries due    13\n",
                    "in flight      14\n", "stale leases   15\n", "completed      16\n",
                    "dead           17\n", "expired        18\n", "pending  19\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, HasSubstr("oldest unsettled event: 2 h 5 min old, created 2026-01-20T09:55:00.000Z\n"));
}

TEST(status_report, says_ages_in_units_people_use) {
  store_status x;
  EXPECT_THAT(status_text(x, noon), HasSubstr("nothing is waiting\n"));
  for (auto& [age, text] : std::vector<std::pair<duration, std::string>>{{250ms, " 0.250 s old"},
                                                                         {59s, " 59 s old"},
                                                                         {60s, " 1 min old"},
                                                                         {61s, " 1 min 1 s old"},
                                                                         {3h, " 3 h old"},
                                                                         {27h, " 1 d 3 h old"},
                                                                         {-5s, " 0.000 s old"}}) {
    x.oldest_pending = noon - age;
    EXPECT_THAT(status_text(x, noon), HasSubstr("event:" + text + ","));
  }
}

TEST(status_report, as_json_has_one_number_per_figure) {
  store_status x{11, 12, 13, 14, 15, 16, 17, 18, 19, noon};
  EXPECT_EQ(json::parse(status_json(x)),
            json::parse(R"({"unclaimed": 11, "waiting": 12, "due_retries": 13, "in_flight": 14, "stale": 15,
                            "completed": 16, "dead": 17, "expired": 18, "emails_pending": 19,
                            "oldest_pending": "2026-01-20T12:00:00.000Z"})"));
  x.oldest_pending.reset();
  EXPECT_TRUE(json::parse(status_json(x))["oldest_pending"].is_null());
}

// -- explain ------------------------------------------------------------------------------------------------

TEST(explanation_report, shows_the_chain_of_an_event) {
  auto text = explanation_text(explained());
  EXPECT_THAT(text, HasSubstr("event 42  document_uploaded  completed\n"));
  EXPECT_THAT(text, HasSubstr("  failures      2 counted, 1 of them crashes\n"));
  EXPECT_THAT(text,
              HasSubstr("  claim 1  2026-01-20T12:00:01.000Z to 2026-01-20T12:00:02.000Z  failed (crash) by "
                        "herald-0: the handler died\n"));
  EXPECT_THAT(text, HasSubstr("  claim 2  until 2026-01-20T12:00:03.000Z  released by herald-1\n"));
  // Outcomes stand together by recipient, whatever the order of the rows.
  EXPECT_THAT(text, HasSubstr("  Ada Abbott  " + to_string(user(4))
                              + "\n    in_app  notified   notification 7, unread\n"
                                "    email   queued     e-mail 9, sent (mail 3, provider id re_1)\n"));
  EXPECT_EQ(text.find("Ada Abbott"), text.rfind("Ada Abbott"));
  EXPECT_THAT(text, HasSubstr("  (no profile)  " + to_string(user(5))
                              + "\n    in_app  skipped    no_profile (has no profile (any more))\n"));
  EXPECT_THAT(text, HasSubstr("    in_app  rolled_up  its row is gone\n"));
}

TEST(explanation_report, leaves_out_what_is_not_there) {
  auto text = explanation_text(explained());
  for (auto absent : {"thread", "meeting", "next attempt", "last error", "leased until"})
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  explanation x;
  x.state = "unclaimed";
  EXPECT_THAT(explanation_text(x), HasSubstr("recipients: not known before it is handled\n"));
  x.completed_at = noon;
  EXPECT_THAT(explanation_text(x), HasSubstr("recipients: nobody\n"));
}

TEST(explanation_report, says_when_and_why_it_will_be_tried_again) {
  explanation x;
  x.state = "pending";
  x.next_attempt_at = noon;
  x.lease_until = noon + 1min;
  x.error = "the database is locked";
  x.error_class = "outage";
  auto text = explanation_text(x);
  EXPECT_THAT(text, HasSubstr("  next attempt  2026-01-20T12:00:00.000Z\n"));
  EXPECT_THAT(text, HasSubstr("  leased until  2026-01-20T12:01:00.000Z\n"));
  EXPECT_THAT(text, HasSubstr("  last error    the database is locked\n"));
  EXPECT_THAT(text, HasSubstr("  error class   outage\n"));
}

TEST(explanation_report, does_not_call_a_warning_an_error) {
  explanation x;
  x.state = "completed";
  x.error = "nobody handles events of this type";
  EXPECT_THAT(explanation_text(x), HasSubstr("  warning       nobody handles events of this type\n"));
}

TEST(explanation_report, explains_every_reason_of_a_skip) {
  for (auto reason :
       {reasons::is_actor, reasons::system_account, reasons::no_profile, reasons::no_access, reasons::muted,
        reasons::not_an_owner, reasons::already_nudged, reasons::not_an_upgrade, reasons::duplicate,
        reasons::withdrawn, reasons::already_read, reasons::resume_complete}) {
    explanation x;
    x.outcomes = {{user(1), "Ada", "email", "skipped", std::string{reason}, std::nullopt, "", ""}};
    EXPECT_THAT(explanation_text(x), HasSubstr("skipped    " + std::string{reason} + " ("));
  }
}

TEST(explanation_report, as_json_holds_all_of_it) {
  auto x = json::parse(explanation_json(explained()));
  EXPECT_EQ(x["event"]["id"], 42);
  EXPECT_EQ(x["event"]["event_type"], "document_uploaded");
  EXPECT_EQ(x["event"]["actor_id"], to_string(user(1)));
  EXPECT_TRUE(x["event"]["thread_id"].is_null());
  EXPECT_EQ(x["event"]["payload"]["fileName"], "a.pdf");
  EXPECT_EQ(x["event"]["created_at"], "2026-01-20T12:00:00.000Z");
  EXPECT_EQ(x["state"], "completed");
  EXPECT_EQ(x["claim_no"], 3);
  EXPECT_EQ(x["attempts"], 2);
  EXPECT_EQ(x["crashes"], 1);
  EXPECT_EQ(x["completed_at"], "2026-01-20T12:00:06.000Z");
  EXPECT_TRUE(x["lease_until"].is_null());
  ASSERT_EQ(x["history"].size(), 2U);
  EXPECT_EQ(x["history"][0]["ending"], "failed");
  EXPECT_TRUE(x["history"][1]["claimed_at"].is_null());
  ASSERT_EQ(x["outcomes"].size(), 4U);
  EXPECT_EQ(x["outcomes"][0]["row_id"], 7);
  EXPECT_EQ(x["outcomes"][1]["reason"], "no_profile");
  EXPECT_TRUE(x["outcomes"][3]["row_id"].is_null());
}

TEST(explanation_report, as_json_quotes_a_payload_that_is_no_object) {
  explanation x;
  EXPECT_TRUE(json::parse(explanation_json(x))["event"]["payload"].is_null());
  for (auto& payload : {std::string{"{broken"}, std::string{"[1]"}, std::string(100'000, '[')}) {
    x.event.payload = payload;
    EXPECT_EQ(json::parse(explanation_json(x))["event"]["payload"], payload);
  }
}

// -- dead letters -------------------------------------------------------------------------------------------

TEST(dead_letter_report, names_event_reason_and_counts) {
  std::vector<dead_letter> xs{
      {7, "meeting_invited", "permanent", "event 7 has no invited_user_id", 1, 0, noon, noon + 1s}};
  auto text = dead_letters_text(xs);
  EXPECT_THAT(text, HasSubstr("event 7  meeting_invited\n"));
  EXPECT_THAT(text,
              HasSubstr("  died          2026-01-20T12:00:01.000Z, created 2026-01-20T12:00:00.000Z\n"));
  EXPECT_THAT(text, HasSubstr("1 counted, 0 of them crashes; the last was permanent\n"));
  EXPECT_THAT(text, HasSubstr("  reason        event 7 has no invited_user_id\n"));
  EXPECT_EQ(dead_letters_text({}), "no dead letters\n");
  EXPECT_EQ(json::parse(dead_letters_json(xs)),
            json::parse(R"([{"event_id": 7, "event_type": "meeting_invited", "kind": "permanent",
                             "reason": "event 7 has no invited_user_id", "attempts": 1, "crashes": 0,
                             "created_at": "2026-01-20T12:00:00.000Z", "died_at": "2026-01-20T12:00:01.000Z"}])"));
  EXPECT_EQ(dead_letters_json({}), "[]");
}

// -- the demo -----------------------------------------------------------------------------------------------

TEST(summary_report, is_a_table_with_totals_and_reasons) {
  EXPECT_EQ(
      summary_text(balanced()),
      "event type         events  notified  rolled up  e-mails  skipped  completed  dead  pending  expired\n"
      "chat_message_sent      10         4          9        0        9          7     1        1        1\n"
      "invite_accepted         3         6          0        5        1          3     0        0        0\n"
      "total                  13        10          9        5       10         10     1        1        1\n"
      "\n"
      "recipients kept back, by channel and reason\n"
      "  email:muted      1\n"
      "  in_app:is_actor  7\n"
      "  in_app:muted     2\n");
}

TEST(demo_report, as_json_has_the_figures_scripts_read) {
  demo_report x;
  x.summary = balanced();
  x.outbox.merged = 4;
  x.outbox.skipped = 1;
  x.outbox.rows = 5;
  x.outbox.digest_mails = 2;
  x.outbox.reasons = {{"skipped:muted", 1}};
  x.dead_letters = {{3, "demo_crash", "crash", "poisoned", 3, 3, noon, noon},
                    {4, "meeting_invited", "permanent", "no user", 1, 0, noon, noon}};
  x.supervision = {{noon, "handlers", "demo_crash", "restarting", "poisoned", 120ms}};
  x.restarts = 3;
  x.elapsed = 1'250ms;
  auto out = json::parse(demo_json(x));
  EXPECT_EQ(out["events"],
            json::parse(R"({"in": 13, "completed": 10, "dead": 1, "pending": 1, "expired": 1})"));
  EXPECT_EQ(
      out["by_type"]["chat_message_sent"],
      json::parse(
          R"({"events": 10, "completed": 7, "notifications": 4, "rolled_up": 9, "emails": 0, "skipped": 9,
                            "skipped_by_reason": {"in_app:is_actor": 7, "in_app:muted": 2},
                            "dead": 1, "pending": 1, "expired": 1})"));
  EXPECT_EQ(out["conservation"]["holds"], true);
  EXPECT_EQ(out["conservation"]["checks"].size(), 9U);
  EXPECT_EQ(out["emails"]["digests"], 2);
  EXPECT_EQ(out["emails"]["merged"], 4);
  EXPECT_EQ(out["emails"]["reasons"], json::parse(R"({"skipped:muted": 1})"));
  EXPECT_EQ(
      out["conservation"]["checks"][0],
      json::parse(R"({"name": "chat_message_sent: events = completed + dead + pending + expired", "left": 10,
                            "relation": "=", "right": 10, "holds": true})"));
  EXPECT_EQ(out["quarantined"],
            json::parse(R"([{"event_id": 3, "event_type": "demo_crash", "reason": "poisoned"}])"));
  EXPECT_EQ(out["restarts"], 3);
  EXPECT_EQ(
      out["supervision"],
      json::parse(R"([{"at": "2026-01-20T12:00:00.000Z", "supervisor": "handlers", "child": "demo_crash",
                             "what": "restarting", "reason": "poisoned", "delay_ms": 120}])"));
  EXPECT_EQ(out["seconds"], 1.25);
}

TEST(demo_report, counts_events_in_from_the_log_itself) {
  demo_report x;
  x.summary = balanced();
  x.summary.event_rows = 14;
  auto out = json::parse(demo_json(x));
  EXPECT_EQ(out["events"]["in"], 14);
  EXPECT_EQ(out["conservation"]["holds"], false);
}

// -- jobs ---------------------------------------------------------------------------------------------------

TEST(jobs_report, shows_how_every_run_ended) {
  EXPECT_EQ(
      jobs_text(some_jobs(), some_watches(), noon),
      "meeting-reminders           */5 * * * * UTC                     next 2026-01-20T12:05:00.000Z\n"
      "    2026-01-20T11:55:00.000Z  running by hand, nothing to do, by w1 since 2026-01-20T11:55:00.000Z\n"
      "    2026-01-20T11:50:00.000Z  ran     3 created, 1 muted, 1.250 s\n"
      "    2026-01-20T11:45:00.000Z  late    after downtime, nothing to do, 1.250 s\n"
      "    2026-01-20T11:40:00.000Z  missed  9 instants since 2026-01-20T11:00:00.000Z\n"
      "    2026-01-20T11:35:00.000Z  failed  nothing to do, 1.250 s, try 3\n"
      "      transient: the database is locked; next try 2026-01-20T12:00:00.000Z\n"
      "renew-calendar-watches      never                               by hand only\n"
      "    never run\n"
      "calendar watches: 4 of 7 connections watched, the next one expires 2026-01-20T13:30:00.000Z (in 1 h);"
      " 1 expired, 1 wait for their owner to connect anew, 1 failing\n");
}

TEST(jobs_report, says_nothing_of_troubles_that_there_are_not) {
  EXPECT_EQ(jobs_text({}, {2, 2, 0, 0, 0, std::nullopt}, noon),
            "calendar watches: 2 of 2 connections watched\n");
}

TEST(jobs_report, as_json_holds_every_run_with_all_that_is_known) {
  auto out = json::parse(jobs_json(some_jobs(), some_watches()));
  ASSERT_EQ(out["jobs"].size(), 2U);
  EXPECT_EQ(out["jobs"][0]["next"], "2026-01-20T12:05:00.000Z");
  ASSERT_EQ(out["jobs"][0]["runs"].size(), 5U);
  EXPECT_EQ(out["jobs"][0]["runs"][4], json::parse(R"({"id": 5, "scheduled_at": "2026-01-20T11:35:00.000Z",
                            "first_at": "2026-01-20T11:35:00.000Z", "instants": 1, "cause": "schedule",
                            "state": "failed", "worker": "w1", "attempts": 3,
                            "started_at": "2026-01-20T11:35:00.000Z", "ended_at": "2026-01-20T11:35:01.250Z",
                            "took_ms": 1250, "retry_at": "2026-01-20T12:00:00.000Z", "error_class": "transient",
                            "error": "the database is locked", "counts": {}})"));
  EXPECT_EQ(out["jobs"][0]["runs"][0]["took_ms"], nullptr);
  EXPECT_EQ(out["jobs"][0]["runs"][3]["instants"], 9);
  EXPECT_EQ(out["jobs"][1],
            json::parse(R"({"job": "renew-calendar-watches", "schedule": "", "time_zone": "UTC", "next": null,
                            "runs": []})"));
  EXPECT_EQ(out["watches"],
            json::parse(R"({"connections": 7, "watched": 4, "expired": 1, "needs_reconnect": 1, "failing": 1,
                            "next_expiry": "2026-01-20T13:30:00.000Z"})"));
}

TEST(demo_report, tells_what_the_jobs_and_the_calendars_did) {
  demo_report x;
  x.jobs["meeting-reminders"] = {{{"late", 1}, {"missed", 23}, {"ran", 264}},
                                 {{"created", 40}, {"declined", 6}}};
  x.watches = some_watches();
  x.channels_live = 4;
  x.channels_stopped = 2;
  EXPECT_EQ(
      demo_jobs_text(x),
      "Jobs:\n"
      "  meeting-reminders           1 late, 23 missed, 264 ran\n"
      "    40 created, 6 declined\n"
      "Calendars: 4 of 7 watched, 1 wait for their owner to connect anew; 6 channels made, 2 of them stopped"
      " again\n");
  auto out = json::parse(demo_json(x));
  EXPECT_EQ(out["jobs"], json::parse(R"({"meeting-reminders": {"runs": {"late": 1, "missed": 23, "ran": 264},
                                                              "counts": {"created": 40, "declined": 6}}})"));
  EXPECT_EQ(out["watches"]["connections"], 7);
  EXPECT_EQ(out["channels"], json::parse(R"({"live": 4, "stopped": 2, "expired": 0})"));
}

// -- strangers' text ----------------------------------------------------------------------------------------

TEST(reports, no_text_of_a_stranger_reaches_a_terminal_unescaped) {
  ASSERT_TRUE(rc::check([](const std::string& raw) {
    auto hostile = "\x1b[31m\n\xC2\x9B\xFF" + raw;
    explanation x;
    x.event.type = x.event.payload = x.state = x.worker = x.error = x.error_class = hostile;
    x.history = {{1, hostile, noon, noon, hostile, hostile, hostile}};
    x.outcomes = {{user(1), hostile, hostile, hostile, hostile, 1, hostile, hostile}};
    std::vector<dead_letter> letters{{1, hostile, hostile, hostile, 1, 1, noon, noon}};
    demo_report demo;
    demo.summary.by_type[hostile].skipped[hostile] = 1;
    demo.summary.by_type[hostile].events = 1;
    demo.dead_letters = letters;
    demo.dead_letters.front().kind = "crash";
    demo.supervision = {{noon, hostile, hostile, hostile, hostile, 1ms}};
    demo.jobs[hostile] = {{{hostile, 1}}, {{hostile, 1}}};
    auto jobs = some_jobs();
    for (auto& run : jobs.front().runs) {
      run.job = run.worker = run.error_class = run.error = hostile;
      run.counts = {{hostile, 1}};
    }
    jobs.back().schedule = {.job = hostile, .rule = hostile, .zone = hostile};
    for (auto& text : {explanation_text(x), dead_letters_text(letters), summary_text(demo.summary),
                       conservation_text(check_conservation(demo.summary)), demo_jobs_text(demo),
                       jobs_text(jobs, {}, noon)})
      for (auto c : text)
        RC_ASSERT((c == '\n' || (static_cast<unsigned char>(c) >= 0x20U && c != '\x7f')));
    for (auto& text :
         {explanation_json(x), dead_letters_json(letters), demo_json(demo), jobs_json(jobs, {})}) {
      RC_ASSERT(json::accept(text));
      for (auto c : text)
        RC_ASSERT(static_cast<unsigned char>(c) >= 0x20U && static_cast<unsigned char>(c) < 0x7FU);
    }
  }));
}

TEST(reports, a_line_of_text_stays_one_line) {
  explanation x;
  x.event.type = "a\nevent 99  forged  completed";
  x.state = "pending";
  auto text = explanation_text(x);
  EXPECT_EQ(text.find("\nevent 99"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("a\\nevent 99"));
}
