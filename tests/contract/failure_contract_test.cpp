// Contract of failures: counters, retry dates, dead letters, and what people may do with them.
#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(store_contract, a_transient_failure_waits_for_its_date_with_the_attempt_counted) {
  emit_plain(1);
  auto x = claim_one();
  auto report = fail(x, {failure_class::transient, "the sky fell"}, now + 5s);
  EXPECT_EQ(report.retried, 1u);
  auto waiting = explain(x.event.id);
  EXPECT_EQ(waiting.state, "pending");
  EXPECT_EQ(waiting.next_attempt_at, now + 5s);
  EXPECT_EQ(waiting.error, "the sky fell");
  EXPECT_EQ(waiting.error_class, "transient");
  ASSERT_EQ(waiting.history.size(), 1u);
  EXPECT_EQ(waiting.history[0].ending, "failed");
  EXPECT_EQ(waiting.history[0].kind, "transient");
  EXPECT_EQ(waiting.history[0].reason, "the sky fell");
  now += 4'999ms;
  EXPECT_TRUE(claim().events.empty());
  EXPECT_EQ(status().waiting, 1u);
  now += 1ms;
  EXPECT_EQ(status().due_retries, 1u);
  auto again = claim_one();
  EXPECT_EQ(again.attempts, 1);
  EXPECT_EQ(again.crashes, 0);
  EXPECT_EQ(again.claim_no, 2);
}

TEST_P(store_contract, a_crash_counts_as_attempt_and_crash_and_an_outage_as_neither) {
  emit_plain(1);
  fail(claim_one(), {failure_class::crash, "boom"}, now);
  auto second = claim_one();
  EXPECT_EQ(second.attempts, 1);
  EXPECT_EQ(second.crashes, 1);
  fail(second, {failure_class::outage, "down"}, now);
  auto third = claim_one();
  EXPECT_EQ(third.attempts, 1);
  EXPECT_EQ(third.crashes, 1);
  EXPECT_EQ(explain(third.event.id).history.size(), 2u);
}

TEST_P(store_contract, a_failure_without_a_date_is_a_dead_letter_and_never_claimed_again) {
  emit_plain(1, "meeting_invited");
  auto x = claim_one();
  now += 1s;
  auto report = fail(x, {failure_class::permanent, "payload.invited_user_id is missing"});
  EXPECT_EQ(report.dead, 1u);
  EXPECT_EQ(explain(x.event.id).state, "failed");
  now += 23h;
  EXPECT_TRUE(claim().events.empty());
  auto dead = value_of(store.operations.dead_letters(10));
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].event_id, x.event.id);
  EXPECT_EQ(dead[0].event_type, "meeting_invited");
  EXPECT_EQ(dead[0].kind, "permanent");
  EXPECT_EQ(dead[0].reason, "payload.invited_user_id is missing");
  EXPECT_EQ(dead[0].attempts, 1);
  EXPECT_EQ(dead[0].created_at, t0);
  EXPECT_EQ(dead[0].died_at, t0 + 1s);
  EXPECT_EQ(status().dead, 1u);
}

TEST_P(store_contract, dead_letters_are_listed_newest_first_up_to_the_limit) {
  emit_plain(3);
  auto batch = claim();
  for (auto i : {2u, 0u, 1u}) {
    now += 1s;
    fail(batch.events[i], {failure_class::permanent, "no"});
  }
  auto dead = value_of(store.operations.dead_letters(2));
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].event_id, batch.events[1].event.id);
  EXPECT_EQ(dead[1].event_id, batch.events[0].event.id);
}

TEST_P(store_contract, dead_letters_do_not_stand_in_the_way_of_others) {
  emit_plain(3);
  for (auto& x : claim(3).events)
    fail(x, {failure_class::permanent, "no"});
  auto fresh = emit_plain(1);
  EXPECT_EQ(ids_of(claim(3)), fresh);
}

TEST_P(store_contract, a_retried_dead_letter_is_due_at_once_with_fresh_counters) {
  emit_plain(2);
  auto batch = claim();
  fail(batch.events[0], {failure_class::crash, "boom"});
  fail(batch.events[1], {failure_class::permanent, "no"});
  now += 48h;
  auto id = batch.events[0].event.id;
  EXPECT_EQ(value_of(store.operations.retry_dead(std::vector{id, std::int64_t{4711}}, now)), 1u);
  auto x = claim_one();
  EXPECT_EQ(x.event.id, id);
  EXPECT_EQ(x.attempts, 0);
  EXPECT_EQ(x.crashes, 0);
  EXPECT_GT(x.claim_no, 1);
  EXPECT_EQ(explain(id).history.at(1).ending, "retried_by_operator");
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}).completed, 1u);
  EXPECT_EQ(status().dead, 1u);
}

TEST_P(store_contract, retrying_without_a_list_revives_all_dead_letters) {
  emit_plain(2);
  for (auto& x : claim().events)
    fail(x, {failure_class::permanent, "no"});
  EXPECT_EQ(value_of(store.operations.retry_dead({}, now)), 2u);
  EXPECT_EQ(value_of(store.operations.retry_dead({}, now)), 0u);
  EXPECT_EQ(claim().events.size(), 2u);
}

TEST_P(store_contract, only_dead_letters_can_be_retried_or_dropped) {
  auto ids = emit_plain(3);
  auto batch = claim(2);
  commit({empty_plan(batch.events[0])});
  EXPECT_EQ(value_of(store.operations.retry_dead(ids, now)), 0u);
  EXPECT_EQ(value_of(store.operations.drop_dead(ids, now)), 0u);
  EXPECT_EQ(explain(ids[0]).state, "completed");
  EXPECT_EQ(explain(ids[1]).state, "processing");
  EXPECT_EQ(explain(ids[2]).state, "unclaimed");
}

TEST_P(store_contract, a_dropped_dead_letter_leaves_the_list_for_good_and_stays_dead) {
  emit_plain(2);
  auto batch = claim();
  for (auto& x : batch.events)
    fail(x, {failure_class::permanent, "no"});
  auto id = batch.events[0].event.id;
  EXPECT_EQ(value_of(store.operations.drop_dead(std::vector{id}, now)), 1u);
  EXPECT_EQ(value_of(store.operations.drop_dead(std::vector{id}, now)), 0u);
  EXPECT_EQ(value_of(store.operations.retry_dead(std::vector{id}, now)), 0u);
  auto dead = value_of(store.operations.dead_letters(10));
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_NE(dead[0].event_id, id);
  EXPECT_EQ(explain(id).state, "failed");
  EXPECT_EQ(explain(id).history.back().ending, "dropped_by_operator");
  EXPECT_EQ(status().dead, 1u);
  EXPECT_EQ(summary().by_type.at("document_uploaded").dead, 2u);
  EXPECT_EQ(value_of(store.operations.drop_dead({}, now)), 1u) << "no list means the whole list";
}

TEST_P(store_contract, a_dead_letter_of_another_program_is_listed_and_can_be_retried) {
  auto id = emit_plain(1).front();
  backend->leave_processing_row(id, "failed", now - 1h);
  claim();
  auto dead = value_of(store.operations.dead_letters(10));
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_EQ(dead[0].died_at, now - 1h);
  EXPECT_EQ(value_of(store.operations.retry_dead({}, now)), 1u);
  EXPECT_EQ(claim_one().event.id, id);
}

TEST_P(store_contract, supervision_is_summed_up_by_child) {
  std::vector<supervision_note> notes{
      {now, "worker-1", "root", "event_poller", "crashed", "first"},
      {now + 1s, "worker-1", "root", "event_poller", "restarting", ""},
      {now + 2s, "worker-2", "root", "event_poller", "crashed", "second"},
      {now + 3s, "worker-2", "root", "event_poller", "restarting", ""},
      {now + 4s, "worker-2", "root", "notification_writer", "escalated", "too many"},
  };
  value_of(store.operations.record_supervision(std::span{notes}.first(2)));
  value_of(store.operations.record_supervision(std::span{notes}.subspan(2)));
  auto sums = value_of(backend->open().operations.restarts());
  ASSERT_EQ(sums.size(), 2u);
  EXPECT_EQ(sums[0].child, "event_poller");
  EXPECT_EQ(sums[0].restarts, 2u);
  EXPECT_EQ(sums[0].last_reason, "second");
  EXPECT_EQ(sums[0].last_at, now + 3s);
  EXPECT_EQ(sums[1].child, "notification_writer");
  EXPECT_EQ(sums[1].restarts, 0u);
}

} // namespace herald::test
