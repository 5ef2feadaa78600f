// Contract of the outbox: a queued row goes into exactly one mail, a mail into one envelope at a time, and what was
// sealed stays as it is until somebody says what became of it.
#include <set>

#include "tests/contract/outbox_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

// -- claiming -----------------------------------------------------------------------------------------------

TEST_P(outbox_contract, an_immediate_row_is_claimed_at_once_and_by_one_worker) {
  auto event = queue({ids::mia, ids::ada});
  auto mine = take(1);
  auto theirs = take(10, "worker-2");
  ASSERT_EQ(mine.mails.size(), 1u);
  ASSERT_EQ(theirs.mails.size(), 1u);
  EXPECT_TRUE(mine.more);
  EXPECT_FALSE(theirs.more);
  EXPECT_NE(mine.mails[0].mail.user_id, theirs.mails[0].mail.user_id);
  EXPECT_EQ(mine.mails[0].mail.rows.at(0).event_id, event);
  EXPECT_TRUE(take(10, "worker-3").mails.empty());
}

TEST_P(outbox_contract, aggregated_rows_wait_for_their_window) {
  queue({}, {ids::mia});
  EXPECT_TRUE(take().mails.empty());
  EXPECT_EQ(outbox().deferred, 1u);
}

TEST_P(outbox_contract, a_claim_that_ran_out_goes_to_somebody_else_as_the_same_mail) {
  queue({ids::mia});
  auto first = take(10).mails.at(0);
  now += 59s;
  EXPECT_TRUE(take(10, "worker-2").mails.empty());
  now += 1s;
  auto second = take(10, "worker-2").mails.at(0);
  EXPECT_EQ(second.mail.id, first.mail.id);
  EXPECT_GT(second.claim_no, first.claim_no);
}

TEST_P(outbox_contract, the_answer_tells_when_the_next_lease_ends) {
  queue({ids::mia});
  take();
  EXPECT_EQ(take().next_due, now + 60s);
}

TEST_P(outbox_contract, what_a_worker_hands_back_is_claimable_at_once) {
  queue({ids::mia, ids::ada});
  take(1);
  take(1, "worker-2");
  EXPECT_EQ(value_of(store.outbox.release_outbox({"worker-1", now})), 1u);
  EXPECT_EQ(take().mails.size(), 1u);
}

TEST_P(outbox_contract, nothing_new_is_claimed_while_too_much_is_sealed_and_unsent) {
  queue({ids::mia, ids::ada});
  seal({draft_of(take(1).mails)});
  auto request = asking(10);
  request.max_open = 1;
  auto claimed = value_of(store.outbox.claim_outbox(request));
  EXPECT_EQ(claimed.open, 1u);
  EXPECT_TRUE(claimed.mails.empty());
  request.max_open = 2;
  EXPECT_EQ(value_of(store.outbox.claim_outbox(request)).mails.size(), 1u);
}

TEST_P(outbox_contract, digests_have_their_share_and_immediate_mail_the_rest) {
  queue({ids::mia, ids::ada, ids::max, ids::olga}, {});
  queue({}, {ids::mia, ids::ada, ids::max});
  now += 1s;
  open_window();
  auto request = asking(3);
  request.digest_share = 1;
  auto claimed = value_of(store.outbox.claim_outbox(request));
  std::multiset<email_lane> lanes;
  for (auto& x : claimed.mails)
    lanes.insert(x.mail.lane);
  EXPECT_EQ(lanes.count(email_lane::digest), 1u);
  EXPECT_EQ(lanes.count(email_lane::immediate), 2u);
}

TEST_P(outbox_contract, a_dry_run_pages_through_the_rows_and_changes_nothing) {
  queue({ids::mia, ids::ada});
  auto request = asking(1);
  request.dry_run = true;
  auto first = value_of(store.outbox.claim_outbox(request));
  ASSERT_EQ(first.mails.size(), 1u);
  request.after_id = first.mails[0].mail.rows.at(0).id;
  EXPECT_EQ(value_of(store.outbox.claim_outbox(request)).mails.size(), 1u);
  EXPECT_EQ(outbox().pending, 2u);
}

// -- digests ------------------------------------------------------------------------------------------------

TEST_P(outbox_contract, a_window_gathers_each_users_rows_into_one_digest) {
  queue({}, {ids::mia, ids::ada});
  queue({}, {ids::mia});
  now += 1s;
  auto report = open_window();
  EXPECT_TRUE(report.opened);
  EXPECT_EQ(report.digests, 2u);
  EXPECT_EQ(report.rows, 3u);
  auto claimed = take();
  ASSERT_EQ(claimed.mails.size(), 2u);
  for (auto& x : claimed.mails) {
    EXPECT_EQ(x.mail.window_at, now);
    EXPECT_EQ(x.mail.rows.size(), x.mail.user_id == ids::mia ? 2u : 1u);
  }
}

TEST_P(outbox_contract, a_window_opens_once_for_all_replicas) {
  queue({}, {ids::mia});
  now += 1s;
  EXPECT_TRUE(open_window().opened);
  // Too late for this window, though it is opened again.
  queue({}, {ids::mia});
  EXPECT_FALSE(open_window().opened);
  EXPECT_EQ(take().mails.at(0).mail.rows.size(), 1u);
  EXPECT_EQ(outbox().deferred, 1u);
}

TEST_P(outbox_contract, a_row_of_the_windows_own_instant_belongs_to_the_next) {
  queue({}, {ids::mia});
  EXPECT_EQ(open_window().rows, 0u);
  now += 1h;
  EXPECT_EQ(open_window().rows, 1u);
}

TEST_P(outbox_contract, a_digest_that_was_claimed_and_lost_keeps_its_rows) {
  queue({}, {ids::mia});
  now += 1h;
  open_window();
  auto first = take().mails.at(0);
  queue({}, {ids::mia});
  now += 1h;
  open_window();
  auto again = take();
  ASSERT_EQ(again.mails.size(), 2u);
  for (auto& x : again.mails)
    EXPECT_EQ(x.mail.rows.size(), 1u);
}

// -- sealing ------------------------------------------------------------------------------------------------

TEST_P(outbox_contract, an_envelope_keeps_bytes_key_and_order) {
  queue({ids::mia, ids::ada});
  auto draft = draft_of(take().mails, "test/key");
  draft.body = "[{\"b\":1,\"a\":\"\\u0000 \xc3\xa9\"}, 2]";
  seal({draft});
  now += 60s;
  auto again = take(10, "worker-2").envelopes.at(0);
  EXPECT_EQ(again->body, draft.body);
  EXPECT_EQ(again->idempotency_key, "test/key");
  EXPECT_EQ(again->mail_ids, (std::vector{draft.mails[0].mail_id, draft.mails[1].mail_id}));
  EXPECT_EQ(again->endpoint, email_endpoint::batch);
}

TEST_P(outbox_contract, a_sealer_holds_its_envelope_until_the_lease_ends) {
  queue({ids::mia});
  auto sealed = seal_all();
  now += 59s;
  EXPECT_TRUE(take(10, "worker-2").envelopes.empty());
  now += 1s;
  auto taken = take(10, "worker-2").envelopes.at(0);
  EXPECT_EQ(taken->id, sealed.id);
  EXPECT_EQ(taken->first_attempt_at, now - 60s);
  EXPECT_EQ(record(accepted(sealed)).lost, 1u);
  EXPECT_EQ(record(accepted(*taken), "worker-2").immediate, 1u);
}

TEST_P(outbox_contract, a_worker_that_lost_a_mail_seals_nothing_of_its_envelope) {
  queue({ids::mia, ids::ada});
  auto both = take().mails;
  now += 60s;
  take(1, "worker-2");
  auto sealed = seal({draft_of(both)});
  EXPECT_TRUE(sealed.envelopes.empty());
  EXPECT_EQ(sealed.lost, 2u);
  EXPECT_EQ(take().mails.size(), 1u);
}

TEST_P(outbox_contract, a_row_withdrawn_before_sealing_is_not_sent) {
  queue({ids::mia, ids::ada});
  auto mails = take().mails;
  backend->delete_email(mails[0].mail.rows.at(0).id);
  auto sealed = seal({draft_of(mails)});
  EXPECT_TRUE(sealed.envelopes.empty());
  auto rest = take().mails;
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].mail.user_id, mails[1].mail.user_id);
  EXPECT_EQ(outbox().reasons["skipped:withdrawn"], 1u);
}

TEST_P(outbox_contract, a_digest_loses_a_withdrawn_row_and_keeps_the_others) {
  queue({}, {ids::mia});
  queue({}, {ids::mia});
  now += 1h;
  open_window();
  backend->delete_email(backend->emails().at(0).id);
  auto mails = take().mails;
  ASSERT_EQ(mails.size(), 1u);
  EXPECT_EQ(mails[0].mail.rows.size(), 1u);
}

TEST_P(outbox_contract, a_row_that_ends_before_sealing_says_why) {
  queue({ids::mia});
  auto mail = take().mails.at(0);
  auto sealed = seal({}, {{mail.ref(), mail.mail.rows[0].id, row_ending::skipped, "muted"}});
  EXPECT_EQ(sealed.skipped, 1u);
  EXPECT_EQ(statuses(), std::vector<std::string>{"failed"});
  EXPECT_EQ(outbox().reasons["skipped:muted"], 1u);
  now += 2h;
  EXPECT_TRUE(take().mails.empty());
}

TEST_P(outbox_contract, a_digest_goes_out_with_the_rows_that_are_left) {
  queue({}, {ids::mia});
  queue({}, {ids::mia});
  now += 1h;
  open_window();
  auto mail = take().mails.at(0);
  auto sealed = seal({draft_of({mail})}, {{mail.ref(), mail.mail.rows[0].id, row_ending::skipped, "muted"}});
  EXPECT_EQ(record(accepted(*sealed.envelopes.at(0))).digests, 1u);
  EXPECT_EQ(statuses(), (std::vector<std::string>{"failed", "sent"}));
}

TEST_P(outbox_contract, a_key_is_never_used_twice) {
  queue({ids::mia, ids::ada});
  auto mails = take().mails;
  auto sealed = seal({draft_of({mails[0]}, "same"), draft_of({mails[1]}, "same")});
  EXPECT_EQ(sealed.envelopes.size(), 1u);
  EXPECT_EQ(outbox().parked, 1u);
}

TEST_P(outbox_contract, a_row_that_somebody_set_back_to_pending_is_not_mailed_again_and_holds_up_nobody) {
  queue({ids::mia}, {ids::mia});
  now += 1h;
  open_window();
  record(accepted(*seal({draft_of({take(1).mails.at(0)})}).envelopes.at(0)));
  for (auto& x : backend->emails())
    backend->set_email_status(x.id, "pending");
  queue({ids::ada}, {ids::ada});
  now += 1h;
  EXPECT_TRUE(open_window().opened);
  auto again = take();
  std::set<uuid> users;
  for (auto& x : again.mails)
    users.insert(x.mail.user_id);
  EXPECT_TRUE(users.contains(ids::ada));
  std::size_t sent = 0;
  for (auto& x : backend->emails())
    sent += x.status == "sent" ? 1U : 0U;
  EXPECT_EQ(sent, 1u);
}

// -- outcomes -----------------------------------------------------------------------------------------------

TEST_P(outbox_contract, accepted_mails_are_sent_and_their_bodies_forgotten) {
  queue({ids::mia, ids::ada});
  auto report = record(accepted(seal_all()));
  EXPECT_EQ(report.immediate, 2u);
  EXPECT_EQ(statuses(), (std::vector<std::string>{"sent", "sent"}));
  EXPECT_EQ(outbox().sent, 2u);
  EXPECT_EQ(value_of(store.outbox.purge_bodies({now + 1h})), 0u);
  now += 2h;
  EXPECT_TRUE(take().envelopes.empty());
}

TEST_P(outbox_contract, bodies_that_are_kept_can_be_purged_later) {
  queue({ids::mia});
  record(accepted(seal_all()), "worker-1", false);
  EXPECT_EQ(value_of(store.outbox.purge_bodies({now})), 0u);
  EXPECT_EQ(value_of(store.outbox.purge_bodies({now + 1ms})), 1u);
}

TEST_P(outbox_contract, the_body_of_a_parked_envelope_stays_until_a_person_has_decided) {
  queue({ids::mia});
  auto sealed = seal_all();
  auto x = outcome(sealed, envelope_fate::parked);
  x.why = {failure_class::permanent, "conflict"};
  record(x);
  EXPECT_EQ(value_of(store.outbox.purge_bodies({now + 1h})), 0u);
  value_of(store.operations.drop_mails(sealed.mail_ids, now));
  EXPECT_EQ(value_of(store.outbox.purge_bodies({now + 1h})), 1u);
}

TEST_P(outbox_contract, an_outcome_is_recorded_once) {
  queue({ids::mia});
  auto sealed = seal_all();
  record(accepted(sealed));
  EXPECT_EQ(record(accepted(sealed)).lost, 1u);
  EXPECT_EQ(outbox().sent, 1u);
}

TEST_P(outbox_contract, an_outcome_counts_for_the_newest_claim_alone_even_of_the_same_worker) {
  queue({ids::mia});
  auto first = seal_all();
  now += 60s;
  auto second = *take().envelopes.at(0);
  ASSERT_GT(second.claim_no, first.claim_no);
  EXPECT_EQ(record(accepted(first)).lost, 1u);
  EXPECT_EQ(record(accepted(second), "worker-2").lost, 1u);
  EXPECT_EQ(outbox().sent, 0u);
  EXPECT_EQ(record(accepted(second)).immediate, 1u);
}

TEST_P(outbox_contract, only_the_refused_mail_fails) {
  queue({ids::mia, ids::ada});
  auto sealed = seal_all();
  auto x = accepted(sealed);
  x.mails[1] = {sealed.mail_ids[1], {}, "invalid address"};
  auto report = record(x);
  EXPECT_EQ(report.immediate, 1u);
  EXPECT_EQ(report.failed, 1u);
  EXPECT_EQ(outbox().reasons["failed:invalid address"], 1u);
  EXPECT_EQ(value_of(store.operations.stuck_mails(10)).size(), 1u);
}

TEST_P(outbox_contract, a_mail_that_the_answer_leaves_out_waits_for_a_person) {
  queue({ids::mia, ids::ada});
  auto x = accepted(seal_all());
  x.mails.pop_back();
  EXPECT_EQ(record(x).parked, 1u);
}

TEST_P(outbox_contract, a_retry_comes_back_when_it_is_due_with_the_same_bytes) {
  queue({ids::mia});
  auto sealed = seal_all();
  auto x = outcome(sealed, envelope_fate::retry);
  x.why = {failure_class::transient, "HTTP 500"};
  x.retry_at = now + 8s;
  x.first_attempt_at = now;
  EXPECT_EQ(record(x).retried, 1u);
  EXPECT_EQ(take().next_due, now + 8s);
  now += 7s;
  EXPECT_TRUE(take().envelopes.empty());
  now += 1s;
  auto again = take().envelopes.at(0);
  EXPECT_EQ(again->body, sealed.body);
  EXPECT_EQ(again->idempotency_key, sealed.idempotency_key);
  EXPECT_EQ(again->attempts, 1);
  EXPECT_EQ(again->first_attempt_at, now - 8s);
}

TEST_P(outbox_contract, a_deferred_envelope_that_was_never_attempted_has_no_first_attempt) {
  queue({ids::mia});
  auto x = outcome(seal_all(), envelope_fate::deferred);
  x.retry_at = now;
  record(x);
  auto again = take().envelopes.at(0);
  EXPECT_EQ(again->attempts, 0);
  EXPECT_EQ(again->first_attempt_at, std::nullopt);
}

TEST_P(outbox_contract, a_split_batch_goes_on_as_its_parts) {
  queue({ids::mia, ids::ada});
  auto sealed = seal_all();
  auto x = outcome(sealed, envelope_fate::split);
  for (auto id : sealed.mail_ids)
    x.parts.push_back(
        {email_endpoint::single, email_lane::immediate, "part/" + std::to_string(id), "{}", {{id, 0}}});
  record(x);
  auto parts = take().envelopes;
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0]->mail_ids, std::vector{sealed.mail_ids[0]});
  record(accepted(*parts[0]));
  record(accepted(*parts[1]));
  EXPECT_EQ(outbox().sent, 2u);
}

TEST_P(outbox_contract, a_parked_mail_is_sent_again_under_another_key_when_a_person_says_so) {
  queue({ids::mia});
  auto sealed = seal_all();
  auto x = outcome(sealed, envelope_fate::parked);
  x.why = {failure_class::permanent, "conflict"};
  EXPECT_EQ(record(x).parked, 1u);
  now += 48h;
  EXPECT_TRUE(take().envelopes.empty());
  EXPECT_EQ(value_of(store.operations.resend_mails(sealed.mail_ids, now)), 1u);
  auto again = take().mails.at(0);
  EXPECT_EQ(again.generation, 1);
  EXPECT_EQ(record(accepted(*seal({draft_of({again})}).envelopes.at(0))).immediate, 1u);
}

TEST_P(outbox_contract, a_parked_mail_that_a_person_drops_ends_as_failed) {
  queue({ids::mia});
  auto sealed = seal_all();
  auto x = outcome(sealed, envelope_fate::parked);
  x.why = {failure_class::permanent, "conflict"};
  record(x);
  EXPECT_EQ(value_of(store.operations.drop_mails(sealed.mail_ids, now)), 1u);
  EXPECT_EQ(outbox().failed, 1u);
  EXPECT_EQ(statuses(), std::vector<std::string>{"failed"});
}

TEST_P(outbox_contract, a_digest_of_several_rows_counts_them_as_merged) {
  queue({}, {ids::mia});
  queue({}, {ids::mia, ids::ada});
  now += 1h;
  open_window();
  std::vector<envelope_draft> drafts;
  for (auto& x : take().mails)
    drafts.push_back(draft_of({x}));
  record_report report;
  for (auto& x : seal(drafts).envelopes)
    report += record(accepted(*x));
  EXPECT_EQ(report.digests, 2u);
  EXPECT_EQ(report.merged, 2u);
  EXPECT_EQ(outbox().merged, 2u);
  EXPECT_EQ(outbox().sent, 1u);
}

// -- facts --------------------------------------------------------------------------------------------------

TEST_P(outbox_contract, a_claim_brings_recipients_events_and_what_is_unread) {
  new_event event;
  event.type = "thread_unread_stale";
  event.thread_id = ids::closing_thread;
  event.payload = R"({"user_id":")" + to_string(ids::max) + R"("})";
  emit(event);
  auto x = claim_one("writer");
  commit({email_plan(x, {ids::max})}, {}, "writer");
  backend->add_message(ids::closing_thread, ids::mia, now - 2h);
  backend->add_message(ids::closing_thread, ids::mia, now - 1h);
  backend->add_message(ids::closing_thread, ids::max, now);
  auto claimed = take();
  EXPECT_EQ(claimed.context->world.profiles.at(ids::max).email, "max@example.com");
  EXPECT_EQ(claimed.context->events.at(x.event.id).type, "thread_unread_stale");
  EXPECT_EQ(claimed.context->unread.at({ids::closing_thread, ids::max}), 2u);
  value_of(store.outbox.release_outbox({"worker-1", now}));
  backend->read_thread(ids::closing_thread, ids::max, now - 1h);
  EXPECT_EQ(take().context->unread.at({ids::closing_thread, ids::max}), 0u);
}

// -- senders ------------------------------------------------------------------------------------------------

TEST_P(outbox_contract, senders_count_each_other_while_they_are_at_work) {
  auto report = [&](std::string_view worker, std::int64_t mails) {
    return value_of(store.outbox.report_sender({std::string{worker}, now, 30s, mails}));
  };
  EXPECT_EQ(report("a", 0).senders, 1u);
  EXPECT_EQ(report("b", 0).senders, 2u);
  EXPECT_EQ(report("a", 0).senders, 2u);
  now += 20s;
  report("a", 0);
  now += 11s;
  EXPECT_EQ(report("a", 0).senders, 1u) << "b has said nothing for longer than its lease";
}

TEST_P(outbox_contract, mails_of_all_senders_add_up_by_day) {
  auto report = [&](std::string_view worker, std::int64_t mails) {
    return value_of(store.outbox.report_sender({std::string{worker}, now, 30s, mails})).mails_today;
  };
  EXPECT_EQ(report("a", 5), 5);
  EXPECT_EQ(report("b", 7), 12);
  EXPECT_EQ(report("a", 3), 15);
  now += 1h;
  EXPECT_EQ(report("c", 0), 15) << "who is gone has sent its mails nevertheless";
  now = t0 + 9h + 29min; // 23:59:45 UTC
  EXPECT_EQ(report("a", 1), 16);
  now += 15s; // midnight
  EXPECT_EQ(report("b", 2), 2);
  EXPECT_EQ(report("a", 4), 6);
}

TEST_P(outbox_contract, a_preview_shows_a_row_as_it_will_go_out) {
  queue({}, {ids::mia});
  auto row = backend->emails().at(0).id;
  auto alone = value_of(store.operations.read_mail(row, now));
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->mails.at(0).mail.rows.at(0).id, row);
  EXPECT_EQ(outbox().deferred, 1u);
  EXPECT_FALSE(value_of(store.operations.read_mail(row + 1, now)));
}

} // namespace herald::test
