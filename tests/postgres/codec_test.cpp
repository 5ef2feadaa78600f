// Requests and answers as JSON: the exact words of some requests, every answer there and back, and answers
// that make no sense.
#include <limits>

#include <boost/pfr/tuple_size.hpp>
#include <gtest/gtest.h>

#include "adapters/store/remote/codec.hpp"
#include "adapters/store/remote/fields.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

using namespace remote;

const auto olga = std::string{"01000000-0000-4000-8000-000000000001"};
const auto tower = std::string{"03000000-0000-4000-8000-000000000001"};

// -- members ------------------------------------------------------------------------------------------------

/// Every member of the struct has its key.
template <class... Ts> void expect_complete() {
  auto check = []<class T>(const T& x) {
    std::size_t n = 0;
    auto count = [&n](const char*, const auto&) { ++n; };
    fields(count, x);
    EXPECT_EQ(n, boost::pfr::tuple_size_v<T>) << __PRETTY_FUNCTION__;
  };
  (check(Ts{}), ...);
}

TEST(codec_fields, no_member_is_forgotten) {
  expect_complete<domain_event, claim_ref, claimed_event, new_event, failure, profile, org, project, resource,
                  chat_thread, meeting, preference, sent_nudge, resume_edits, batch_context>();
  expect_complete<claim_request, claimed_batch, renew_request, release_request, notification_draft,
                  roll_up_draft, email_draft, skipped, fan_out_plan, event_failure, settled_failure,
                  commit_request, commit_report>();
  expect_complete<open_window_request, window_report, outbox_claim_request, mail_ref, herald::email_row,
                  email_mail, claimed_mail, sealed_envelope, email_context, claimed_outbox, envelope_draft,
                  ended_row, seal_request, sealed_batch, mail_verdict, envelope_outcome, record_request,
                  record_report, outbox_release_request, purge_request, sender_report, sender_share>();
  expect_complete<run_ref, job_chunk_request, meeting_reminders_request, unread_nudges_request,
                  resume_nudges_request, job_chunk>();
  expect_complete<type_summary, store_summary, store_status, dead_letter, supervision_note, stage_restarts,
                  attempt_record, recipient_outcome, explanation, outbox_summary, stuck_mail>();
  expect_complete<run_ref, open_jobs_request, open_run, job_state, missed_span, begin_run_request, begun_run,
                  finish_run_request, job_run>();
  expect_complete<due_watches_request, due_watch, due_watches, watch_update::tokens, watch_update::channel,
                  watch_update::trouble, watch_update, record_watches_request, watches_recorded,
                  watch_summary>();
  expect_complete<doctor_request, claim_facts, access_facts, work_facts, database_facts>();
}

// -- requests -----------------------------------------------------------------------------------------------

TEST(codec_requests, a_claim) {
  claim_request x;
  x.worker = "w";
  x.now = t0;
  x.limit = 500;
  x.after_id = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(encode(x), R"({"worker":"w","now":1768919445000,"limit":500,"lease":60000,"max_age":86400000,)"
                       R"("dry_run":false,"after_id":9223372036854775807})");
}

TEST(codec_requests, a_commit_with_every_part) {
  fan_out_plan plan;
  plan.claims = {{7, 1}};
  plan.event_type = "chat_message_sent";
  plan.notifications = {{"T", "B", "/x", R"({"type":"a"})", {ids::olga}, "key"}};
  plan.roll_ups = {{ids::tower, "#c", "Tower", "/y", {ids::olga}}};
  plan.emails = {{std::nullopt, "", "S", "{}", {ids::olga}, {}, ""}};
  plan.skips = {{channel::email, "muted", {ids::olga}}};
  auto batch = std::make_shared<plan_batch>();
  batch->plans = {plan};
  commit_request x;
  x.worker = "w";
  x.now = t0;
  x.batches = {batch};
  x.failures = {{{{8, 2}, "t", 1, 0, {failure_class::permanent, "why"}}, std::nullopt}};
  EXPECT_EQ(
      encode(x),
      R"({"worker":"w","now":1768919445000,"batches":[{"plans":[{"claims":[{"event_id":7,"claim_no":1}],)"
      R"("event_type":"chat_message_sent","notifications":[{"title":"T","body":"B","link_url":"/x",)"
      R"("payload":"{\"type\":\"a\"}","users":[")"
          + olga + R"("],"unique_key":"key"}],"roll_ups":[{"thread_id":")" + tower
          + R"(","thread_label":"#c","project_name":"Tower","link_url":"/y","users":[")" + olga
          + R"("]}],"emails":[{"project_id":null,"project_name":"","subject":"S","body_data":"{}",)"
            R"("immediate":[")"
          + olga
          + R"("],"aggregated":[],"unique_key":""}],"skips":[{"channel":"email","reason":"muted","users":[")"
          + olga
          + R"("]}],"warning":""}]}],"failures":[{"failure":{"claim":{"event_id":8,"claim_no":2},)"
            R"("event_type":"t","attempts":1,"crashes":0,"why":{"kind":"permanent","reason":"why"}},)"
            R"("retry_at":null}]})");
}

TEST(codec_requests, outcomes_of_envelopes) {
  envelope_outcome outcome;
  outcome.envelope_id = 5;
  outcome.claim_no = 1;
  outcome.fate = envelope_fate::split;
  outcome.retry_at = t0;
  outcome.parts = {{email_endpoint::single, email_lane::digest, "k", "{\"a\":1}", {{3, 4}}}};
  EXPECT_EQ(encode(record_request{"w", t0, {outcome}, false}),
            R"({"worker":"w","now":1768919445000,"outcomes":[{"envelope_id":5,"claim_no":1,"fate":"split",)"
            R"("mails":[],"why":{"kind":"transient","reason":""},"retry_at":1768919445000,)"
            R"("first_attempt_at":null,"parts":[{"endpoint":"single","lane":"digest","idempotency_key":"k",)"
            R"("body":"{\"a\":1}","mails":[{"mail_id":3,"claim_no":4}]}]}],"purge":false})");
}

TEST(codec_requests, a_run_that_stands_for_missed_instants) {
  begin_run_request x;
  x.job = "j";
  x.worker = "w";
  x.now = t0;
  x.lease = std::chrono::minutes{2};
  x.cause = run_cause::catch_up;
  x.scheduled_at = t0;
  x.missed = missed_span{t0 - duration{2}, t0 - duration{1}, 2};
  x.keep = duration{5};
  EXPECT_EQ(encode(x), R"({"job":"j","worker":"w","now":1768919445000,"lease":120000,"cause":"catch_up",)"
                       R"("scheduled_at":1768919445000,"missed":{"first":1768919444998,"last":1768919444999,)"
                       R"("instants":2},"keep":5})");
}

TEST(codec_requests, the_end_of_a_run) {
  finish_run_request x;
  x.run = {3, 2};
  x.worker = "w";
  x.now = t0;
  x.state = run_state::failed;
  x.why = failure{failure_class::crash, "why"};
  x.handed_back = true;
  x.counts = {{"created", 7}};
  EXPECT_EQ(encode(x), R"({"run":{"id":3,"claim_no":2},"worker":"w","now":1768919445000,"state":"failed",)"
                       R"("why":{"kind":"crash","reason":"why"},"retry_at":null,"handed_back":true,)"
                       R"("counts":{"created":7}})");
}

TEST(codec_requests, what_is_to_be_kept_of_a_renewal) {
  watch_update x;
  x.connection_id = ids::olga;
  x.token = watch_update::tokens{secret{"access"}, secret{"refresh"}, t0, secret{"used"}};
  x.created = watch_update::channel{"new", "r", t0, "old"};
  x.failed = watch_update::trouble{{failure_class::permanent, "why"}, "print"};
  EXPECT_EQ(
      encode(record_watches_request{{3, 2}, "w", t0, {x}}),
      R"({"run":{"id":3,"claim_no":2},"worker":"w","now":1768919445000,"updates":[{"connection_id":")" + olga
          + R"(","token":{"access_token":"access","refresh_token":"refresh","expires_at":1768919445000,)"
            R"("used":"used"},"planned":null,"created":{"channel_id":"new","resource_id":"r","expires_at":1768919445000,)"
            R"("replaces":"old"},"failed":{"why":{"kind":"permanent","reason":"why"},)"
            R"("refused_token":"print"}}]})");
}

TEST(codec_requests, a_chunk_of_a_job) {
  unread_nudges_request x;
  x.chunk = {{7, 2}, "w", t0, true, 500, "key"};
  x.excluded = {ids::olga};
  EXPECT_EQ(encode(x),
            R"({"chunk":{"run":{"id":7,"claim_no":2},"worker":"w","now":1768919445000,"dry_run":true,)"
            R"("limit":500,"after":"key"},"threshold":10800000,"max_age":1209600000,)"
            R"("renudge_after":86400000,"excluded":[")"
                + olga + R"("]})");
}

TEST(codec_requests, scalars_go_under_their_names) {
  std::vector<std::int64_t> ids{1, 2};
  EXPECT_EQ(encode(status_request{t0, std::chrono::hours{1}}), R"({"now":1768919445000,"max_age":3600000})");
  EXPECT_EQ(encode(events_request{ids, t0}), R"({"event_ids":[1,2],"now":1768919445000})");
  EXPECT_EQ(encode(mails_request{{}, t0}), R"({"mail_ids":[],"now":1768919445000})");
  EXPECT_EQ(encode(explain_request{9}), R"({"event_id":9})");
  EXPECT_EQ(encode(empty_request{}), "{}");
}

TEST(codec_requests, bytes_that_the_database_cannot_keep_are_replaced) {
  auto reason = std::string{"bad \xff and \0 zero", 16};
  EXPECT_EQ(encode(release_request{reason, t0, {}}),
            "{\"worker\":\"bad \xef\xbf\xbd and \xef\xbf\xbd zero\",\"now\":1768919445000,\"claims\":[]}");
}

// -- answers ------------------------------------------------------------------------------------------------

/// What comes out of an answer's text is what went into it.
template <class T> void expect_round_trip(const T& x) {
  auto text = encode(x);
  auto back = decode<T>("f", text);
  ASSERT_FALSE(back.has_error()) << back.error().reason;
  EXPECT_EQ(encode(*back), text);
}

batch_context sample_context() {
  batch_context out;
  out.now = t0;
  out.profiles[ids::olga] = {"Olga \"O\" Öz\n", "olga@example.com"};
  out.orgs[ids::borrower_org] = {"Borrower", {ids::olga}};
  out.projects[ids::tower] = {"Tower", ids::borrower_org, {ids::mia, ids::max}};
  out.resources[ids::file] = {"Rent Roll", ids::borrower_org, ids::tower, {ids::olga}};
  out.threads[ids::closing_thread] = {"", ids::tower, {ids::mia}};
  out.meetings[ids::kick_off] = {"Kick-off", t0, "", ids::olga, std::nullopt, "scheduled", {ids::mia}};
  out.preferences[ids::mia] = {
      {preference_scope::global, std::nullopt, "*", "in_app", preference_status::muted},
      {preference_scope::project, ids::tower, "document_uploaded", "*", preference_status::digest},
      {preference_scope::thread, ids::closing_thread, "*", "email", preference_status::immediate}};
  out.edits[ids::tower] = {t0, std::nullopt};
  out.nudges = {{ids::olga, ids::tower, "project", 3, t0}};
  return out;
}

domain_event sample_event() {
  return {std::numeric_limits<std::int64_t>::max(),
          "t",
          ids::olga,
          std::nullopt,
          ids::file,
          std::nullopt,
          std::nullopt,
          "{}",
          t0};
}

claimed_outbox sample_outbox() {
  claimed_outbox out;
  sealed_envelope envelope{1, email_endpoint::batch, email_lane::digest, "k", "{}", {4, 5}, 2, t0, 3, t0};
  out.envelopes = {std::make_shared<sealed_envelope>(envelope)};
  claimed_mail mail;
  mail.mail = {4, email_lane::digest, ids::olga, t0, {{1, 2, "t", ids::tower, "Tower", "S", "{}", t0}}};
  mail.claim_no = 2;
  mail.generation = 1;
  out.mails = {mail};
  email_context context;
  context.world = sample_context();
  context.events[sample_event().id] = sample_event();
  context.unread[{ids::closing_thread, ids::mia}] = 3;
  context.completeness[{ids::tower, "project"}] = 55;
  out.context = std::make_shared<email_context>(context);
  out.installation = "i";
  out.open = std::numeric_limits<std::uint64_t>::max();
  out.next_due = t0;
  out.more = true;
  return out;
}

TEST(codec_answers, a_claimed_batch_comes_back_whole) {
  claimed_batch x;
  x.events = {{sample_event(), 4, 2, 1}};
  x.context = std::make_shared<batch_context>(sample_context());
  x.next_due = t0 - std::chrono::milliseconds{1};
  x.expired = 2;
  auto text = encode(x);
  auto back = decode<claimed_batch>("herald_claim", text);
  ASSERT_FALSE(back.has_error()) << back.error().reason;
  EXPECT_EQ(encode(*back), text);
  EXPECT_EQ(back->events.at(0).event.id, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(back->next_due, x.next_due);
  EXPECT_EQ(back->context->preferences.at(ids::mia).at(2).scope_id, ids::closing_thread);
}

TEST(codec_answers, the_outbox_comes_back_whole) {
  auto text = encode(sample_outbox());
  auto back = decode<claimed_outbox>("herald_claim_outbox", text);
  ASSERT_FALSE(back.has_error()) << back.error().reason;
  EXPECT_EQ(encode(*back), text);
  EXPECT_EQ(back->open, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(back->context->completeness.begin()->second, 55);
}

TEST(codec_answers, all_others_come_back_whole) {
  store_summary summary;
  summary.by_type["t"] = {1, 2, 3, 4, 5, 6, 7, 8, {{"in_app:muted", 9}}};
  outbox_summary outbox;
  outbox.reasons = {{"failed:refused", 1}};
  explanation why;
  why.event = sample_event();
  why.history = {{1, "w", std::nullopt, t0, "failed", "transient", "r"}};
  why.outcomes = {{ids::olga, "Olga", "in_app", "notified", "", 5, "unread", ""}};
  expect_round_trip(summary);
  expect_round_trip(outbox);
  expect_round_trip(commit_report{1, 2, 3, 4, 5, 6, 7, 8});
  expect_round_trip(record_report{1, 2, 3, 4, 5, 6, 7});
  expect_round_trip(window_report{true, 2, 3});
  expect_round_trip(sender_share{3, 99});
  job_state waiting{"j", t0, open_run{{1, 2}, t0, run_cause::catch_up, "w", run_state::failed, 3, t0}};
  expect_round_trip(wrapped<std::vector<job_state>>{{waiting, {"k", t0, std::nullopt}}});
  expect_round_trip(begun_run{begin_verdict::begun, {1, 2}, 3, "", std::nullopt});
  expect_round_trip(begun_run{begin_verdict::busy, {}, 0, "w", t0});
  expect_round_trip(wrapped<bool>{true});
  job_run run;
  run.job = "j";
  run.instants = std::numeric_limits<std::uint64_t>::max();
  run.cause = run_cause::hand;
  run.state = run_state::missed;
  run.started_at = t0;
  run.counts = {{"created", 1}};
  expect_round_trip(wrapped<std::vector<job_run>>{{run}});
  expect_round_trip(watches_recorded{{ids::olga}});
  expect_round_trip(watch_summary{1, 2, 3, 4, 5, t0});
  expect_round_trip(job_chunk{{{"created", 3}, {"too_early", 1}}, "key", true});
  expect_round_trip(store_status{1, 2, 3, 4, 5, 6, 7, 8, 9, t0});
  expect_round_trip(sealed_batch{sample_outbox().envelopes, 1, 2, 3, 4});
  database_facts database;
  database.role = "r";
  database.now = t0;
  database.schema_version = 1;
  database.missing_functions = {"f"};
  database.claim = claim_facts{1, 2, std::nullopt, {"t"}};
  database.access = access_facts{"f", true};
  database.work = work_facts{1, 2, t0, 3, 4, 5, 6, 7};
  expect_round_trip(database);
  expect_round_trip(database_facts{});
  expect_round_trip(wrapped<std::uint64_t>{7});
  expect_round_trip(wrapped<std::vector<claim_ref>>{{{1, 2}}});
  expect_round_trip(wrapped<std::vector<std::int64_t>>{{1, 2}});
  expect_round_trip(wrapped<std::vector<dead_letter>>{{{1, "t", "crash", "r", 1, 2, t0, t0}}});
  expect_round_trip(wrapped<std::vector<stage_restarts>>{{{"s", "c", 3, "r", t0}}});
  expect_round_trip(wrapped<std::vector<stuck_mail>>{{{1, ids::olga, "parked", "digest", {1, 2}, "r", t0}}});
  expect_round_trip(wrapped<std::optional<explanation>>{why});
  expect_round_trip(wrapped<std::optional<explanation>>{});
  expect_round_trip(wrapped<std::optional<claimed_outbox>>{sample_outbox()});
}

TEST(codec_answers, a_due_watch_comes_back_with_its_tokens) {
  due_watch watch;
  watch.connection_id = ids::olga;
  watch.access_token = secret{"access"};
  watch.refresh_token = secret{"refresh"};
  watch.calendar_list = R"([{"id":"a"}])";
  watch.expires_at = t0;
  expect_round_trip(due_watches{{watch}});
  auto back = decode<due_watches>("f", encode(due_watches{{watch}}));
  ASSERT_FALSE(back.has_error());
  EXPECT_EQ(back->watches.at(0).access_token.reveal(), "access");
  EXPECT_EQ(back->watches.at(0).refresh_token.reveal(), "refresh");
}

TEST(codec_answers, unknown_keys_are_passed_over) {
  auto x = decode<window_report>("f", R"({"opened":true,"digests":1,"rows":2,"news":{"a":[1]}})");
  ASSERT_FALSE(x.has_error());
  EXPECT_EQ(x->rows, 2u);
}

// -- hostile answers ----------------------------------------------------------------------------------------

template <class T> std::string complaint(std::string_view answer) {
  auto x = decode<T>("herald_f", answer);
  if (!x.has_error())
    return "it was accepted";
  EXPECT_EQ(x.error().kind, failure_class::transient);
  EXPECT_NE(x.error().reason.find("herald_f"), std::string::npos) << x.error().reason;
  return x.error().reason;
}

/// The complaint names this.
#define EXPECT_COMPLAINT(type, answer, words)                                                                \
  EXPECT_NE(complaint<type>(answer).find(words), std::string::npos) << complaint<type>(answer)

using number = wrapped<std::uint64_t>;
using numbers = wrapped<std::vector<std::int64_t>>;
using claims = wrapped<std::vector<claim_ref>>;

TEST(codec_hostile, what_is_no_json) {
  for (auto text : {"", "{", "nonsense", "{\"result\":1}}", "\xff"})
    EXPECT_COMPLAINT(number, text, "no JSON");
}

TEST(codec_hostile, the_wrong_kind_of_value) {
  EXPECT_COMPLAINT(number, "[]", "the answer is no object");
  EXPECT_COMPLAINT(number, "null", "the answer is no object");
  EXPECT_COMPLAINT(number, "{}", "'result' is missing");
  EXPECT_COMPLAINT(number, R"({"result":"1"})", "'result' is no whole number");
  EXPECT_COMPLAINT(number, R"({"result":null})", "'result' is no whole number");
  EXPECT_COMPLAINT(numbers, R"({"result":{}})", "'result' is no array");
  EXPECT_COMPLAINT(window_report, R"({"opened":1,"digests":1,"rows":2})", "'opened' is neither");
}

TEST(codec_hostile, numbers_that_do_not_fit) {
  EXPECT_COMPLAINT(number, R"({"result":-1})", "'result' is out of range");
  EXPECT_COMPLAINT(number, R"({"result":1.0})", "'result' is no whole number");
  EXPECT_COMPLAINT(number, R"({"result":18446744073709551616})", "'result' is no whole number");
  EXPECT_COMPLAINT(numbers, R"({"result":[1,9223372036854775808]})", "'result[1]' is out of range");
  EXPECT_COMPLAINT(claims, R"({"result":[{"event_id":1,"claim_no":2147483648}]})",
                   "'result[0].claim_no' is out of range");
}

TEST(codec_hostile, a_field_deep_inside) {
  auto text = encode(sample_outbox());
  auto spoilt = [&text](const std::string& what, const std::string& by) {
    auto out = text;
    return out.replace(out.find(what), what.size(), by);
  };
  EXPECT_COMPLAINT(claimed_outbox, spoilt(R"("muted")", R"("loud")"),
                   "[0].status' is none of the known names");
  EXPECT_COMPLAINT(claimed_outbox, spoilt(R"("lane":"digest")", R"("lane":7)"),
                   "'envelopes[0].lane' is no text");
  EXPECT_COMPLAINT(claimed_outbox, spoilt(olga, "01000000"), "is no UUID");
  EXPECT_COMPLAINT(claimed_outbox, spoilt(R"("percent")", R"("per_cent")"),
                   "'context.completeness[0].percent' is missing");
}

TEST(codec_hostile, a_complaint_quotes_no_token) {
  auto answer =
      std::string{R"({"watches":[{"connection_id":")"} + olga
      + R"(","access_token":"ya29.hidden","refresh_token":["1//hidden"],"token_expires_at":null}]})";
  EXPECT_COMPLAINT(due_watches, answer, "'watches[0].refresh_token' is no text");
  EXPECT_EQ(complaint<due_watches>(answer).find("hidden"), std::string::npos);
}

TEST(codec_hostile, a_pit_of_brackets) {
  EXPECT_COMPLAINT(number, std::string(200'000, '['), "no JSON");
  EXPECT_COMPLAINT(number, std::string(100'000, '[') + std::string(100'000, ']'), "the answer is no object");
}

} // namespace

} // namespace herald::test
