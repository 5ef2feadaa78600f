// Contract of the fence: what a worker may still do with a claim, and what it may not.
#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

namespace {

commit_report lost(std::uint64_t n) {
  commit_report out;
  out.lost = n;
  return out;
}

} // namespace

TEST_P(store_contract, a_renewed_lease_holds_from_the_renewal_on) {
  emit_plain(1);
  auto x = claim_one();
  now += 50s;
  EXPECT_TRUE(value_of(store.events.renew({"worker-1", now, 60s, {x.ref()}})).empty());
  now += 59s;
  EXPECT_TRUE(claim(10, "worker-2").events.empty());
  now += 1s;
  EXPECT_EQ(claim(10, "worker-2").events.size(), 1u);
}

TEST_P(store_contract, renewing_tells_which_claims_are_lost) {
  emit_plain(3);
  auto batch = claim(3);
  commit({empty_plan(batch.events[0])});
  auto stale = batch.events[1].ref();
  stale.claim_no = 7;
  auto renewed = value_of(
      store.events.renew({"worker-1", now, 60s, {batch.events[0].ref(), stale, batch.events[2].ref()}}));
  EXPECT_EQ(renewed, (std::vector{batch.events[0].ref(), stale}));
  EXPECT_EQ(value_of(store.events.renew({"worker-2", now, 60s, {batch.events[2].ref()}})),
            std::vector{batch.events[2].ref()});
}

TEST_P(store_contract, a_lease_that_ran_out_and_was_not_taken_over_can_be_renewed_and_committed) {
  emit_plain(1);
  auto x = claim_one();
  now += 10min;
  EXPECT_TRUE(value_of(store.events.renew({"worker-1", now, 60s, {x.ref()}})).empty());
  now += 10min;
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}).completed, 1u);
}

TEST_P(store_contract, a_stale_claim_number_commits_nothing) {
  emit_plain(1);
  auto x = claim_one();
  now += 2min;
  auto y = claim_one();
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}), lost(1));
  EXPECT_EQ(fail(x, {failure_class::permanent, "no"}), lost(1));
  EXPECT_TRUE(backend->notifications().empty());
  EXPECT_EQ(commit({notify_plan(y, {ids::olga})}).completed, 1u);
}

TEST_P(store_contract, another_worker_commits_nothing) {
  emit_plain(1);
  auto x = claim_one();
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}, {}, "worker-2"), lost(1));
  EXPECT_TRUE(backend->notifications().empty());
  EXPECT_EQ(explain(x.event.id).state, "processing");
}

TEST_P(store_contract, a_released_claim_commits_nothing_and_is_due_at_once_uncounted) {
  emit_plain(1);
  auto x = claim_one();
  EXPECT_EQ(value_of(store.events.release({"worker-1", now, {x.ref()}})), 1u);
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}), lost(1));
  auto history = explain(x.event.id).history;
  ASSERT_EQ(history.size(), 1u);
  EXPECT_EQ(history[0].ending, "released");
  auto again = claim_one("worker-2");
  EXPECT_EQ(again.claim_no, 2);
  EXPECT_EQ(again.attempts, 0);
}

TEST_P(store_contract, only_claims_that_still_hold_are_released) {
  emit_plain(2);
  auto batch = claim(2);
  commit({empty_plan(batch.events[0])});
  auto refs = std::vector{batch.events[0].ref(), batch.events[1].ref()};
  EXPECT_EQ(value_of(store.events.release({"worker-2", now, refs})), 0u);
  EXPECT_EQ(value_of(store.events.release({"worker-1", now, refs})), 1u);
  EXPECT_EQ(explain(refs[0].event_id).state, "completed");
}

TEST_P(store_contract, releasing_without_a_list_gives_back_all_of_the_worker_and_nobody_elses) {
  emit_plain(3);
  claim(2, "worker-1");
  auto theirs = claim(1, "worker-2");
  EXPECT_EQ(value_of(store.events.release({"worker-1", now, {}})), 2u);
  EXPECT_EQ(status().in_flight, 1u);
  EXPECT_EQ(commit({empty_plan(theirs.events[0])}, {}, "worker-2").completed, 1u);
}

TEST_P(store_contract, committing_again_changes_nothing) {
  emit_plain(1);
  auto x = claim_one();
  auto plan = notify_plan(x, {ids::olga, ids::mia});
  EXPECT_EQ(commit({plan}).notifications, 2u);
  EXPECT_EQ(commit({plan}), lost(1));
  EXPECT_EQ(fail(x, {failure_class::transient, "late"}, now), lost(1));
  EXPECT_EQ(backend->notifications().size(), 2u);
  EXPECT_EQ(explain(x.event.id).state, "completed");
}

TEST_P(store_contract, an_event_that_stands_twice_in_one_commit_is_settled_once) {
  emit_plain(1);
  auto x = claim_one();
  auto report = commit({notify_plan(x, {ids::olga}), notify_plan(x, {ids::olga})},
                       {{{x.ref(), x.event.type, 0, 0, {failure_class::permanent, "no"}}, std::nullopt}});
  EXPECT_EQ(report.completed, 1u);
  EXPECT_EQ(report.dead, 0u);
  EXPECT_EQ(report.lost, 2u);
  EXPECT_EQ(backend->notifications().size(), 1u);
}

TEST_P(store_contract, a_settled_event_whose_status_is_set_back_is_not_settled_twice) {
  emit_plain(1);
  auto x = claim_one();
  commit({notify_plan(x, {ids::olga})});
  backend->leave_processing_row(x.event.id, "processing", now);
  EXPECT_EQ(commit({notify_plan(x, {ids::olga})}), lost(1));
  EXPECT_EQ(backend->notifications().size(), 1u);
}

TEST_P(store_contract, a_burst_with_one_claim_lost_writes_nothing_and_hands_the_others_back) {
  emit_plain(3);
  auto batch = claim(3);
  now += 2min;
  value_of(store.events.renew({"worker-1", now, 60s, {batch.events[0].ref(), batch.events[2].ref()}}));
  claim_one("worker-2");
  auto plan = notify_plan(batch.events[0], {ids::olga});
  plan.claims = {batch.events[0].ref(), batch.events[1].ref(), batch.events[2].ref()};
  EXPECT_EQ(commit({plan}), lost(3));
  EXPECT_TRUE(backend->notifications().empty());
  EXPECT_EQ(explain(batch.events[0].event.id).state, "pending");
  EXPECT_EQ(explain(batch.events[1].event.id).worker, "worker-2");
  EXPECT_EQ(explain(batch.events[2].event.id).history.at(0).ending, "released");
  EXPECT_EQ(ids_of(claim()), (std::vector{batch.events[0].event.id, batch.events[2].event.id}));
}

TEST_P(store_contract, an_event_that_vanished_with_its_project_is_lost_and_takes_nobody_along) {
  new_event event;
  event.type = "document_uploaded";
  event.project_id = ids::depot;
  emit(event);
  emit_plain(1);
  auto batch = claim();
  backend->delete_project(ids::depot);
  auto report =
      commit({notify_plan(batch.events[0], {ids::olga}), notify_plan(batch.events[1], {ids::olga})});
  EXPECT_EQ(report.lost, 1u);
  EXPECT_EQ(report.completed, 1u);
}

} // namespace herald::test
