// Contract of commit: the rows that plans cause and the outcomes that account for every recipient.
#include <algorithm>

#include "core/reasons.hpp"
#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(store_contract, a_notification_row_is_written_per_user_with_the_drafts_words) {
  auto id = emit_plain(1).front();
  auto x = claim_one();
  now += 3s;
  auto report = commit({notify_plan(x, {ids::olga, ids::mia})});
  EXPECT_EQ(report.completed, 1u);
  EXPECT_EQ(report.notifications, 2u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].user_id, ids::olga);
  EXPECT_EQ(rows[1].user_id, ids::mia);
  for (auto& row : rows) {
    EXPECT_EQ(row.event_id, id);
    EXPECT_EQ(row.title, "Title");
    EXPECT_EQ(row.body, "**Body**");
    EXPECT_EQ(row.link_url, "/dashboard");
    EXPECT_EQ(row.payload, R"({"type":"document_uploaded"})");
    EXPECT_EQ(row.created_at, now);
  }
  auto done = explain(id);
  EXPECT_EQ(done.state, "completed");
  EXPECT_EQ(done.completed_at, now);
  EXPECT_EQ(done.lease_until, std::nullopt);
  EXPECT_EQ(outcome_lines(done),
            (std::vector<std::string>{"in_app notified  Mia Member", "in_app notified  Olga Owner"}));
}

TEST_P(store_contract, emails_are_queued_per_user_with_their_delivery) {
  auto id = emit_plain(1, "invite_accepted").front();
  auto report = commit({email_plan(claim_one(), {ids::olga}, {ids::mia})});
  EXPECT_EQ(report.emails, 2u);
  auto rows = backend->emails();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].user_id, ids::olga);
  EXPECT_EQ(rows[0].delivery_type, "immediate");
  EXPECT_EQ(rows[1].user_id, ids::mia);
  EXPECT_EQ(rows[1].delivery_type, "aggregated");
  for (auto& row : rows) {
    EXPECT_EQ(row.event_id, id);
    EXPECT_EQ(row.event_type, "invite_accepted");
    EXPECT_EQ(row.project_id, ids::tower);
    EXPECT_EQ(row.project_name, "Tower");
    EXPECT_EQ(row.subject, "Subject");
    EXPECT_EQ(row.body_data, R"({"link_url":"/dashboard"})");
    EXPECT_EQ(row.status, "pending");
  }
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"email queued  Mia Member", "email queued  Olga Owner"}));
  EXPECT_EQ(status().emails_pending, 2u);
}

TEST_P(store_contract, skips_are_kept_with_their_reason) {
  auto id = emit_plain(1).front();
  auto plan = empty_plan(claim_one());
  plan.skips = {{channel::in_app, std::string{reasons::muted}, {ids::olga, ids::mia}},
                {channel::email, std::string{reasons::no_access}, {ids::olga}}};
  EXPECT_EQ(commit({plan}).skipped, 3u);
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"email skipped no_access Olga Owner", "in_app skipped muted Mia Member",
                                      "in_app skipped muted Olga Owner"}));
}

TEST_P(store_contract, a_unique_key_is_written_once_per_user_and_channel_whatever_the_commit) {
  emit_plain(2);
  auto batch = claim();
  auto first = notify_plan(batch.events[0], {ids::olga});
  first.notifications.front().unique_key = "nudge:1";
  first.emails = email_plan(batch.events[0], {ids::olga}, {}).emails;
  first.emails.front().unique_key = "nudge:1";
  auto second = notify_plan(batch.events[1], {ids::olga, ids::mia});
  second.notifications.front().unique_key = "nudge:1";
  second.emails = email_plan(batch.events[1], {}, {ids::olga}).emails;
  second.emails.front().unique_key = "nudge:1";
  EXPECT_EQ(commit({first}).notifications, 1u);
  auto report = commit({second});
  EXPECT_EQ(report.notifications, 1u);
  EXPECT_EQ(report.emails, 0u);
  EXPECT_EQ(report.skipped, 2u);
  EXPECT_EQ(backend->notifications().size(), 2u);
  EXPECT_EQ(backend->emails().size(), 1u);
  EXPECT_EQ(outcome_lines(explain(batch.events[1].event.id)),
            (std::vector<std::string>{"email skipped duplicate Olga Owner", "in_app notified  Mia Member",
                                      "in_app skipped duplicate Olga Owner"}));
}

TEST_P(store_contract, a_warning_stays_with_the_completed_event) {
  auto ids = emit_plain(2, "never_heard_of");
  auto batch = claim();
  auto plan = empty_plan(batch.events[0]);
  plan.warning = "no handler for event type 'never_heard_of'";
  commit({plan, empty_plan(batch.events[1])});
  EXPECT_EQ(explain(ids[0]).state, "completed");
  EXPECT_EQ(explain(ids[0]).error, plan.warning);
  EXPECT_EQ(explain(ids[1]).error, "");
}

TEST_P(store_contract, completing_clears_the_error_of_earlier_attempts) {
  emit_plain(1);
  fail(claim_one(), {failure_class::transient, "flaky"}, now);
  auto again = claim_one();
  commit({empty_plan(again)});
  auto x = explain(again.event.id);
  EXPECT_EQ(x.error, "");
  EXPECT_EQ(x.error_class, "");
  EXPECT_EQ(x.attempts, 1);
}

TEST_P(store_contract, a_user_who_vanished_after_planning_is_skipped_and_the_others_are_not) {
  auto id = emit_chat();
  auto x = claim_one();
  backend->delete_profile(ids::lena);
  auto plan = notify_plan(x, {ids::lena, ids::olga});
  plan.roll_ups = roll_up_plan(x, {ids::nobody, ids::mia}).roll_ups;
  plan.emails = email_plan(x, {ids::lena}, {ids::olga}).emails;
  auto report = commit({plan});
  EXPECT_EQ(report.completed, 1u);
  EXPECT_EQ(report.notifications, 2u);
  EXPECT_EQ(report.emails, 1u);
  EXPECT_EQ(report.skipped, 3u);
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"email queued  Olga Owner", "email skipped no_profile ",
                                      "in_app notified  Mia Member", "in_app notified  Olga Owner",
                                      "in_app skipped no_profile ", "in_app skipped no_profile "}));
}

TEST_P(store_contract, an_email_about_a_project_that_is_gone_keeps_its_name_alone) {
  emit_plain(1);
  auto plan = email_plan(claim_one(), {ids::olga});
  plan.emails[0].project_id = ids::nobody;
  EXPECT_EQ(commit({plan}).emails, 1u);
  EXPECT_EQ(backend->emails().at(0).project_id, std::nullopt);
  EXPECT_EQ(backend->emails().at(0).project_name, "Tower");
}

TEST_P(store_contract, a_second_email_of_one_event_to_one_user_is_a_duplicate) {
  auto id = emit_plain(1).front();
  auto plan = email_plan(claim_one(), {ids::olga}, {ids::olga});
  auto report = commit({plan});
  EXPECT_EQ(report.emails, 1u);
  EXPECT_EQ(report.skipped, 1u);
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"email queued  Olga Owner", "email skipped duplicate Olga Owner"}));
}

TEST_P(store_contract, a_burst_refers_to_its_first_event_and_the_others_roll_up_into_it) {
  auto ids = emit_plain(3, "document_permission_granted");
  auto batch = claim();
  auto plan = notify_plan(batch.events[0], {ids::mia});
  plan.emails = email_plan(batch.events[0], {ids::mia}).emails;
  for (auto i : {1u, 2u})
    plan.claims.push_back(batch.events[i].ref());
  auto report = commit({plan});
  EXPECT_EQ(report.completed, 3u);
  EXPECT_EQ(report.notifications, 1u);
  EXPECT_EQ(report.emails, 1u);
  EXPECT_EQ(report.rolled_up, 4u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].event_id, ids[0]);
  auto last = explain(ids[2]);
  EXPECT_EQ(last.state, "completed");
  EXPECT_EQ(outcome_lines(last),
            (std::vector<std::string>{"email rolled_up  Mia Member", "in_app rolled_up  Mia Member"}));
  for (auto& x : last.outcomes)
    EXPECT_TRUE(x.row_id.has_value()) << "a rolled-up recipient leads to the row that shows the event";
}

TEST_P(store_contract, rows_that_a_half_done_program_left_are_not_doubled) {
  auto id = emit_plain(1).front();
  backend->leave_processing_row(id, "processing", now - 1h);
  backend->leave_notification(id, ids::olga, R"({"type":"document_uploaded"})");
  backend->leave_email(id, ids::olga);
  auto x = claim_one();
  auto plan = notify_plan(x, {ids::olga, ids::mia});
  plan.emails = email_plan(x, {ids::olga, ids::mia}).emails;
  auto report = commit({plan});
  EXPECT_EQ(report.notifications, 1u);
  EXPECT_EQ(report.emails, 1u);
  EXPECT_EQ(backend->notifications().size(), 2u);
  auto emails = backend->emails();
  ASSERT_EQ(emails.size(), 2u);
  EXPECT_EQ(emails[0].status, "sent") << "what was sent must not be queued again";
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"email queued  Mia Member", "email queued  Olga Owner",
                                      "in_app notified  Mia Member", "in_app notified  Olga Owner"}));
}

TEST_P(store_contract, a_plan_that_breaks_a_constraint_is_refused_for_good_and_nothing_is_written) {
  emit_plain(2);
  auto batch = claim();
  auto broken = notify_plan(batch.events[1], {ids::olga});
  broken.notifications[0].payload = "{not json";
  commit_request x{"worker-1", now, {}, {}};
  x.batches = {
      std::make_shared<plan_batch>(plan_batch{{notify_plan(batch.events[0], {ids::olga}), broken}, {}})};
  auto refused = store.events.commit(x);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, failure_class::permanent);
  EXPECT_TRUE(backend->notifications().empty());
  EXPECT_EQ(explain(batch.events[0].event.id).state, "processing");
  EXPECT_EQ(commit({notify_plan(batch.events[0], {ids::olga})}).completed, 1u) << "the store works on";
}

TEST_P(store_contract, an_empty_commit_changes_nothing) {
  EXPECT_EQ(commit({}), commit_report{});
}

TEST_P(store_contract, hostile_text_comes_back_to_the_letter) {
  emit_plain(1);
  auto x = claim_one();
  auto plan = notify_plan(x, {ids::olga});
  plan.notifications[0].title = "'; DROP TABLE notifications; --";
  plan.notifications[0].body = std::string(200'000, 'x') + "\n\"%s\" \xe2\x80\xae";
  commit({plan});
  auto row = backend->notifications().at(0);
  EXPECT_EQ(row.title, plan.notifications[0].title);
  EXPECT_EQ(row.body, plan.notifications[0].body);
}

} // namespace herald::test
