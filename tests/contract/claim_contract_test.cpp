// Contract of claim: which events are handed out, in what order, and what is set aside.
#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(store_contract, a_claim_of_an_empty_log_is_empty) {
  auto batch = claim();
  EXPECT_TRUE(batch.events.empty());
  EXPECT_EQ(batch.next_due, std::nullopt);
  ASSERT_NE(batch.context, nullptr);
  EXPECT_EQ(batch.context->now, now);
}

TEST_P(store_contract, events_are_claimed_oldest_first_and_no_more_than_asked_for) {
  auto ids = emit_plain(5);
  EXPECT_EQ(ids_of(claim(2)), (std::vector{ids[0], ids[1]}));
  EXPECT_EQ(ids_of(claim(2)), (std::vector{ids[2], ids[3]}));
  EXPECT_EQ(ids_of(claim(2)), std::vector{ids[4]});
  EXPECT_TRUE(claim(2).events.empty());
}

TEST_P(store_contract, a_claimed_event_carries_its_row_to_the_letter) {
  new_event event;
  event.type = "document_uploaded";
  event.actor_id = ids::olga;
  event.project_id = ids::tower;
  event.resource_id = ids::file;
  event.thread_id = ids::closing_thread;
  event.meeting_id = ids::kick_off;
  event.payload = R"({"fileName": "Übersicht \u0007 2026.xlsx"})";
  event.created_at = now - 1h;
  auto id = emit(event);
  auto x = claim_one();
  EXPECT_EQ(x.event.id, id);
  EXPECT_EQ(x.event.type, "document_uploaded");
  EXPECT_EQ(x.event.actor_id, ids::olga);
  EXPECT_EQ(x.event.project_id, ids::tower);
  EXPECT_EQ(x.event.resource_id, ids::file);
  EXPECT_EQ(x.event.thread_id, ids::closing_thread);
  EXPECT_EQ(x.event.meeting_id, ids::kick_off);
  EXPECT_EQ(x.event.payload, event.payload);
  EXPECT_EQ(x.event.created_at, now - 1h);
  EXPECT_EQ(x.claim_no, 1);
  EXPECT_EQ(x.attempts, 0);
  EXPECT_EQ(x.crashes, 0);
}

TEST_P(store_contract, an_event_that_names_nothing_reads_as_nothing) {
  emit_plain(1);
  auto x = claim_one();
  EXPECT_EQ(x.event.actor_id, std::nullopt);
  EXPECT_EQ(x.event.project_id, std::nullopt);
  EXPECT_EQ(x.event.payload, "");
  EXPECT_EQ(x.event.created_at, now);
}

TEST_P(store_contract, two_workers_never_hold_the_same_event) {
  auto other = backend->open();
  auto ids = emit_plain(4);
  auto mine = claim(3, "worker-1");
  auto theirs = value_of(other.events.claim(request(3, "worker-2")));
  EXPECT_EQ(ids_of(mine), (std::vector{ids[0], ids[1], ids[2]}));
  EXPECT_EQ(ids_of(theirs), std::vector{ids[3]});
}

TEST_P(store_contract, a_lease_that_ran_out_is_claimed_again_uncounted) {
  auto id = emit_plain(1).front();
  claim();
  now += 59'999ms;
  EXPECT_TRUE(claim().events.empty());
  now += 1ms;
  auto again = claim_one("worker-2");
  EXPECT_EQ(again.event.id, id);
  EXPECT_EQ(again.claim_no, 2);
  EXPECT_EQ(again.attempts, 0);
  auto history = explain(id).history;
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].ending, "lease_expired");
  EXPECT_EQ(history[0].claim_no, 1);
  EXPECT_EQ(history[0].worker, "worker-1");
  EXPECT_EQ(history[0].claimed_at, t0);
  EXPECT_EQ(history[0].ended_at, now);
}

TEST_P(store_contract, due_retries_and_lapsed_leases_go_before_new_events) {
  auto old = emit_plain(2);
  auto batch = claim(2);
  fail(batch.events[0], {failure_class::transient, "later"}, now + 1s);
  now += 2min;
  auto fresh = emit_plain(3);
  EXPECT_EQ(ids_of(claim(2)), old);
  EXPECT_EQ(ids_of(claim(2)), (std::vector{fresh[0], fresh[1]}));
}

TEST_P(store_contract, old_work_leaves_the_rest_of_the_limit_to_new_events) {
  auto old = emit_plain(1);
  claim();
  now += 2min;
  auto fresh = emit_plain(3);
  EXPECT_EQ(ids_of(claim(3)), (std::vector{old[0], fresh[0], fresh[1]}));
}

TEST_P(store_contract, the_next_due_date_is_the_earliest_of_retries_and_leases) {
  emit_plain(2);
  auto batch = claim(2);
  EXPECT_EQ(batch.next_due, now + 60s);
  fail(batch.events[0], {failure_class::transient, "later"}, now + 5s);
  EXPECT_EQ(claim().next_due, now + 5s);
  now += 30s;
  // The retry is due by now and claimed until 90 s; the other lease runs out first.
  EXPECT_EQ(claim().next_due, t0 + 60s);
}

TEST_P(store_contract, an_event_at_the_age_limit_is_picked_up_and_an_older_one_set_aside) {
  new_event event;
  event.type = "document_uploaded";
  event.created_at = now - 24h;
  auto at_limit = emit(event);
  event.created_at = now - 24h - 1ms;
  auto too_old = emit(event);
  auto batch = claim();
  EXPECT_EQ(ids_of(batch), std::vector{at_limit});
  EXPECT_EQ(batch.expired, 1u);
  EXPECT_EQ(explain(too_old).state, "expired");
  EXPECT_EQ(claim().expired, 0u) << "an event is set aside once";
  EXPECT_EQ(status().expired, 1u);
  EXPECT_EQ(summary().by_type.at("document_uploaded").expired, 1u);
}

TEST_P(store_contract, a_long_stretch_of_expired_events_is_passed_in_pieces_and_says_so) {
  new_event event;
  event.type = "document_uploaded";
  event.created_at = now - 48h;
  value_of(store.operations.insert_events(std::vector(6'000, event), now));
  auto fresh = emit_plain(1);
  std::uint64_t expired = 0;
  std::vector<std::int64_t> claimed;
  for (auto round = 0; claimed.empty() && round < 10; ++round) {
    auto batch = claim(10);
    expired += batch.expired;
    claimed = ids_of(batch);
    ASSERT_LE(batch.expired, 5'000u);
    if (claimed.empty()) {
      ASSERT_EQ(batch.next_due, now) << "a claim that was cut short must ask to be repeated";
    }
  }
  EXPECT_EQ(claimed, fresh);
  EXPECT_EQ(expired, 6'000u);
}

TEST_P(store_contract, a_retry_is_claimed_however_old_its_event_is) {
  emit_plain(1);
  auto x = claim_one();
  fail(x, {failure_class::outage, "down"}, now + 30h);
  now += 31h;
  auto again = claim();
  EXPECT_EQ(ids_of(again), std::vector{x.event.id});
  EXPECT_EQ(again.expired, 0u);
}

TEST_P(store_contract, rows_that_a_program_without_leases_left_are_taken_over_after_the_lease) {
  auto id = emit_plain(1).front();
  backend->leave_processing_row(id, "processing", now - 59s);
  auto early = claim();
  EXPECT_TRUE(early.events.empty());
  EXPECT_EQ(early.next_due, now + 1s);
  now += 1s;
  auto x = claim_one();
  EXPECT_EQ(x.event.id, id);
  EXPECT_EQ(x.claim_no, 2) << "the other program's claim was the first";
  EXPECT_EQ(x.attempts, 0);
  EXPECT_EQ(explain(id).history.at(0).ending, "lease_expired");
}

TEST_P(store_contract, rows_left_behind_longer_ago_than_the_age_limit_expire) {
  new_event event;
  event.type = "document_uploaded";
  event.created_at = now - 30 * 24h;
  auto id = emit(event);
  backend->leave_processing_row(id, "processing", now - 30 * 24h);
  auto batch = claim();
  EXPECT_TRUE(batch.events.empty());
  EXPECT_EQ(batch.expired, 1u);
  auto x = explain(id);
  EXPECT_EQ(x.state, "expired");
  EXPECT_EQ(x.history.at(0).ending, "lease_expired");
  EXPECT_EQ(claim().expired, 0u);
}

TEST_P(store_contract, an_expired_leftover_beyond_a_full_claim_is_counted_once) {
  auto fresh = emit_plain(2);
  new_event event;
  event.type = "document_uploaded";
  event.created_at = now - 48h;
  auto id = emit(event);
  backend->leave_processing_row(id, "processing", now - 48h);
  EXPECT_EQ(claim(1).expired, 1u);
  EXPECT_EQ(status().expired, 1u);
  EXPECT_EQ(ids_of(claim()), std::vector{fresh[1]});
  EXPECT_EQ(claim().expired, 0u);
  EXPECT_EQ(status().expired, 1u);
}

TEST_P(store_contract, events_that_another_program_settled_are_passed_over) {
  auto ids = emit_plain(3);
  backend->leave_processing_row(ids[0], "completed", now);
  backend->leave_processing_row(ids[1], "failed", now);
  EXPECT_EQ(ids_of(claim()), std::vector{ids[2]});
}

TEST_P(store_contract, a_pending_row_of_another_program_is_due) {
  auto id = emit_plain(1).front();
  backend->leave_processing_row(id, "pending", now);
  EXPECT_EQ(claim_one().event.id, id);
  EXPECT_TRUE(claim().events.empty()) << "it must not be claimed a second time as an unclaimed event";
}

TEST_P(store_contract, a_dry_run_sees_what_a_claim_would_take_and_writes_nothing) {
  auto old = emit_plain(3);
  auto batch = claim(3);
  fail(batch.events[0], {failure_class::transient, "later"}, now + 1s);
  commit({empty_plan(batch.events[2])});
  now += 2min;
  new_event expired;
  expired.type = "document_uploaded";
  expired.created_at = now - 25h;
  emit(expired);
  auto fresh = emit_plain(2);
  auto before = status();

  auto dry = request(2, "dry");
  dry.dry_run = true;
  auto first = value_of(store.events.claim(dry));
  EXPECT_EQ(ids_of(first), (std::vector{old[0], old[1]}));
  EXPECT_EQ(first.expired, 0u);
  ASSERT_NE(first.context, nullptr);
  dry.after_id = first.events.back().event.id;
  EXPECT_EQ(ids_of(value_of(store.events.claim(dry))), fresh);
  dry.after_id = fresh.back();
  EXPECT_TRUE(value_of(store.events.claim(dry)).events.empty());

  auto after = status();
  EXPECT_EQ(after.unclaimed, before.unclaimed);
  EXPECT_EQ(after.due_retries, before.due_retries);
  EXPECT_EQ(after.stale, before.stale);
  EXPECT_EQ(after.expired, before.expired);
  EXPECT_EQ(explain(old[1]).history.size(), 0u);
  EXPECT_EQ(ids_of(claim()), (std::vector{old[0], old[1], fresh[0], fresh[1]}));
}

} // namespace herald::test
