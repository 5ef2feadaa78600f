// Time-driven jobs: one run for each instant, whatever becomes of the daemons that run it.
#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>

#include "tests/contract/job_contract.hpp"
#include "tests/contract/replicas.hpp"

namespace herald::test {

// -- what is known ------------------------------------------------------------------------------------------

TEST_P(job_contract, a_job_that_was_never_seen_owes_nothing) {
  EXPECT_EQ(open_job().settled_until, now);
  now += minute;
  auto again = open_job();
  EXPECT_EQ(again.job, unread_nudges_job);
  EXPECT_EQ(again.settled_until, now - minute);
  EXPECT_FALSE(again.open);
  EXPECT_EQ(begin(asking(now - minute)).verdict, begin_verdict::settled);
  EXPECT_EQ(begin(asking(now)).verdict, begin_verdict::begun);
}

TEST_P(job_contract, a_run_makes_its_job_known) {
  EXPECT_EQ(begin(asking(now)).verdict, begin_verdict::settled);
  EXPECT_EQ(begin(asking(now + minute)).verdict, begin_verdict::begun);
  EXPECT_EQ(open_job().settled_until, now + minute);
}

TEST_P(job_contract, states_come_in_the_order_of_the_request) {
  open_jobs();
  now += minute;
  auto states = open_jobs({"z", std::string{unread_nudges_job}, "a", "z"});
  ASSERT_EQ(states.size(), 4u);
  EXPECT_EQ(states[0].job, "z");
  EXPECT_EQ(states[1].job, unread_nudges_job);
  EXPECT_EQ(states[1].settled_until, now - minute);
  EXPECT_EQ(states[2].job, "a");
  EXPECT_EQ(states[3].settled_until, now);
  EXPECT_TRUE(open_jobs({}).empty());
}

TEST_P(job_contract, a_run_under_way_is_open) {
  open_job();
  auto run = begin_for_sure(asking(now + minute));
  auto state = open_job();
  ASSERT_TRUE(state.open);
  EXPECT_EQ(state.open->run, run);
  EXPECT_EQ(state.open->scheduled_at, now + minute);
  EXPECT_EQ(state.open->worker, "worker-1");
  EXPECT_EQ(state.open->state, run_state::running);
  EXPECT_EQ(state.open->attempts, 1);
  EXPECT_EQ(state.open->due_at, now + lease);
  ASSERT_TRUE(finish(ending(run)));
  EXPECT_FALSE(open_job().open);
  EXPECT_EQ(open_job().settled_until, now + minute);
}

// -- one run for each instant -------------------------------------------------------------------------------

TEST_P(job_contract, an_instant_runs_once) {
  open_job();
  auto begun = begin(asking(now + minute));
  EXPECT_EQ(begun.verdict, begin_verdict::begun);
  EXPECT_EQ(begun.attempt, 1);
  EXPECT_EQ(begun.run.claim_no, 1);
  ASSERT_TRUE(finish(ending(begun.run, run_state::late)));
  for (auto worker : {"worker-1", "worker-2"}) {
    EXPECT_EQ(begin(asking(now + minute, worker)).verdict, begin_verdict::settled);
    EXPECT_EQ(begin(asking(now + minute / 2, worker)).verdict, begin_verdict::settled);
  }
  EXPECT_EQ(runs().size(), 1u);
}

TEST_P(job_contract, no_two_runs_of_a_job_are_under_way_at_once) {
  open_job();
  begin_for_sure(asking(now + minute));
  auto other = asking(now + 2 * minute, "worker-2");
  for (auto cause : {run_cause::schedule, run_cause::catch_up, run_cause::hand}) {
    other.cause = cause;
    auto refused = begin(other);
    EXPECT_EQ(refused.verdict, begin_verdict::busy);
    EXPECT_EQ(refused.holder, "worker-1");
    EXPECT_EQ(refused.held_until, now + lease);
  }
  EXPECT_EQ(begin(asking(now + minute, "worker-2")).verdict, begin_verdict::busy);
  EXPECT_EQ(runs().size(), 1u);
  open_job(resume_nudges_job);
  begin_for_sure(asking(now + minute, "worker-2", resume_nudges_job));
}

TEST_P(job_contract, a_begin_whose_answer_was_lost_finds_its_run) {
  open_job();
  auto first = begin(asking(now + minute));
  now += minute;
  auto again = begin(asking(now));
  EXPECT_EQ(again.verdict, begin_verdict::begun);
  EXPECT_EQ(again.run, first.run);
  EXPECT_EQ(again.attempt, 1);
  ASSERT_EQ(runs().size(), 1u);
  EXPECT_EQ(newest().attempts, 1);
  // As long as the second answer promises.
  EXPECT_EQ(open_job().open->due_at, now + lease);
}

// -- daemons that are gone ----------------------------------------------------------------------------------

TEST_P(job_contract, a_run_whose_lease_ran_out_is_taken_over) {
  open_job();
  auto instant = now + minute;
  auto first = begin_for_sure(asking(instant));
  now += lease - duration{1};
  EXPECT_EQ(begin(asking(instant, "worker-2")).verdict, begin_verdict::busy);
  now += duration{1};
  auto second = begin(asking(instant, "worker-2"));
  EXPECT_EQ(second.verdict, begin_verdict::begun);
  EXPECT_EQ(second.run, (run_ref{first.id, 2}));
  EXPECT_EQ(second.attempt, 2);
  ASSERT_EQ(runs().size(), 1u);
  EXPECT_EQ(newest().worker, "worker-2");
  EXPECT_EQ(newest().started_at, now);
  EXPECT_EQ(open_job().open->due_at, now + lease);
}

TEST_P(job_contract, a_late_finish_of_the_former_holder_is_refused_and_changes_nothing) {
  open_job();
  auto instant = now + minute;
  auto first = begin_for_sure(asking(instant));
  now += lease;
  auto second = begin_for_sure(asking(instant, "worker-2"));
  EXPECT_FALSE(finish(failing(first, now)));
  EXPECT_FALSE(finish(failing(second, now)));
  EXPECT_FALSE(finish(failing(first, now, "worker-2")));
  EXPECT_FALSE(finish(failing({second.id + 1, 2}, now, "worker-2")));
  EXPECT_EQ(newest().state, run_state::running);
  EXPECT_TRUE(newest().error.empty());
  EXPECT_TRUE(finish(ending(second, run_state::late, "worker-2")));
  EXPECT_FALSE(finish(failing(first, now)));
  EXPECT_EQ(newest().state, run_state::late);
}

TEST_P(job_contract, a_finish_after_the_lease_counts_when_nobody_took_over) {
  open_job();
  auto run = begin_for_sure(asking(now + minute));
  now += 2 * lease;
  EXPECT_TRUE(finish(ending(run)));
  EXPECT_EQ(newest().state, run_state::ran);
}

TEST_P(job_contract, what_a_dead_daemon_left_ends_as_a_crash_when_another_instant_comes) {
  open_job();
  auto first = begin_for_sure(asking(now + minute));
  now += lease;
  auto second = begin_for_sure(asking(now, "worker-2"));
  auto list = runs();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, second.id);
  EXPECT_EQ(list[1].id, first.id);
  EXPECT_EQ(list[1].state, run_state::failed);
  EXPECT_EQ(list[1].error_class, "crash");
  EXPECT_EQ(list[1].error, "the daemon that ran it (worker-1) is gone: its lease ran out");
  EXPECT_EQ(list[1].ended_at, now);
  EXPECT_FALSE(list[1].retry_at);
  EXPECT_FALSE(finish(ending(first)));
}

TEST_P(job_contract, what_a_dead_daemon_left_ends_as_a_crash_when_a_person_asks) {
  open_job();
  auto instant = now + minute;
  begin_for_sure(asking(instant));
  now += lease;
  auto mine = begin_by_hand(unread_nudges_job, "worker-2");
  EXPECT_EQ(runs().at(1).error_class, "crash");
  ASSERT_TRUE(finish(ending(mine, run_state::ran, "worker-2")));
  EXPECT_EQ(begin(asking(instant)).verdict, begin_verdict::settled);
}

TEST_P(job_contract, what_a_dead_daemon_began_by_hand_is_not_taken_over) {
  open_job();
  now += minute;
  auto by_hand = begin_by_hand();
  auto instant = now;
  now += lease;
  auto scheduled = begin_for_sure(asking(instant));
  EXPECT_NE(scheduled.id, by_hand.id);
  EXPECT_EQ(runs().at(1).error_class, "crash");
  EXPECT_EQ(runs().at(1).cause, run_cause::hand);
}

TEST_P(job_contract, a_dead_daemons_run_ends_even_if_the_request_is_settled) {
  open_job();
  begin_for_sure(asking(now + minute));
  now += lease;
  EXPECT_EQ(begin(asking(now - lease, "worker-2")).verdict, begin_verdict::settled);
  EXPECT_EQ(newest().error_class, "crash");
}

// -- further tries ------------------------------------------------------------------------------------------

TEST_P(job_contract, a_failed_run_is_tried_again_when_its_time_has_come) {
  open_job();
  auto instant = now + minute;
  auto retry_at = now + 2 * minute;
  auto first = begin_for_sure(asking(instant));
  auto failed = failing(first, retry_at);
  failed.counts = {{"created", 3}};
  ASSERT_TRUE(finish(failed));
  auto waiting = open_job();
  ASSERT_TRUE(waiting.open);
  EXPECT_EQ(waiting.open->state, run_state::failed);
  EXPECT_EQ(waiting.open->due_at, retry_at);
  EXPECT_EQ(waiting.open->attempts, 1);
  EXPECT_EQ(newest().error_class, "transient");
  EXPECT_EQ(newest().error, "it broke");
  EXPECT_EQ(newest().retry_at, retry_at);
  now = retry_at - duration{1};
  EXPECT_EQ(begin(asking(instant, "worker-2")).verdict, begin_verdict::settled);
  now = retry_at;
  auto second = begin(asking(instant, "worker-2"));
  EXPECT_EQ(second.verdict, begin_verdict::begun);
  EXPECT_EQ(second.run, (run_ref{first.id, 2}));
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(newest().state, run_state::running);
  EXPECT_EQ(newest().started_at, now);
  EXPECT_FALSE(newest().ended_at);
  EXPECT_FALSE(newest().retry_at);
  EXPECT_TRUE(newest().error.empty());
  EXPECT_TRUE(newest().counts.empty());
}

TEST_P(job_contract, a_run_that_failed_for_good_is_settled) {
  open_job();
  auto run = begin_for_sure(asking(now + minute));
  ASSERT_TRUE(finish(failing(run, std::nullopt)));
  EXPECT_FALSE(open_job().open);
  now += std::chrono::hours{1};
  EXPECT_EQ(begin(asking(now - std::chrono::hours{1} + minute)).verdict, begin_verdict::settled);
}

TEST_P(job_contract, a_newer_run_stands_for_an_older_one_that_waits_for_another_try) {
  open_job();
  auto instant = now + minute;
  ASSERT_TRUE(finish(failing(begin_for_sure(asking(instant)), now)));
  auto newer = begin_for_sure(asking(instant + minute));
  EXPECT_FALSE(runs().at(1).retry_at);
  ASSERT_TRUE(finish(ending(newer)));
  EXPECT_FALSE(open_job().open);
  EXPECT_EQ(begin(asking(instant)).verdict, begin_verdict::settled);
}

TEST_P(job_contract, a_run_by_hand_leaves_the_next_try_of_an_instant_alone) {
  open_job();
  auto instant = now + minute;
  ASSERT_TRUE(finish(failing(begin_for_sure(asking(instant)), now)));
  now = instant + minute;
  ASSERT_TRUE(finish(ending(begin_by_hand())));
  ASSERT_TRUE(open_job().open);
  EXPECT_EQ(begin(asking(instant)).attempt, 2);
}

TEST_P(job_contract, a_try_that_is_handed_back_does_not_count) {
  open_job();
  auto instant = now + minute;
  for (auto claim = 1; claim <= 3; ++claim) {
    auto begun = begin(asking(instant));
    EXPECT_EQ(begun.run.claim_no, claim);
    EXPECT_EQ(begun.attempt, 1);
    auto back = failing(begun.run, now);
    back.handed_back = true;
    ASSERT_TRUE(finish(back));
    EXPECT_EQ(newest().attempts, 0);
  }
}

// -- missed instants ----------------------------------------------------------------------------------------

TEST_P(job_contract, missed_instants_become_one_entry_before_the_run_that_stands_for_them) {
  open_job();
  auto first = now + minute;
  now += 10 * minute;
  auto x = asking(now);
  x.cause = run_cause::catch_up;
  x.missed = missed_span{first, now - minute, 9};
  auto run = begin_for_sure(x);
  auto list = runs();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, run.id);
  EXPECT_EQ(list[0].cause, run_cause::catch_up);
  EXPECT_EQ(list[0].first_at, now);
  EXPECT_EQ(list[0].instants, 1u);
  EXPECT_EQ(list[1].state, run_state::missed);
  EXPECT_EQ(list[1].first_at, first);
  EXPECT_EQ(list[1].scheduled_at, now - minute);
  EXPECT_EQ(list[1].instants, 9u);
  EXPECT_EQ(list[1].ended_at, now);
  EXPECT_FALSE(list[1].started_at);
  EXPECT_EQ(list[1].attempts, 0);
  EXPECT_EQ(open_job().settled_until, now);
}

TEST_P(job_contract, who_counts_instants_as_missed_that_are_settled_came_too_late) {
  open_job();
  auto first = now + minute;
  ASSERT_TRUE(finish(ending(begin_for_sure(asking(first)))));
  now += 10 * minute;
  auto x = asking(now);
  x.missed = missed_span{first, now - minute, 9};
  EXPECT_EQ(begin(x).verdict, begin_verdict::settled);
  EXPECT_EQ(runs().size(), 1u);
  x.missed->first = first + duration{1};
  EXPECT_EQ(begin(x).verdict, begin_verdict::begun);
}

// -- by hand ------------------------------------------------------------------------------------------------

TEST_P(job_contract, runs_by_hand_belong_to_no_instant) {
  auto known = open_job().settled_until;
  now += minute;
  for (auto n = 0; n < 2; ++n)
    ASSERT_TRUE(finish(ending(begin_by_hand())));
  EXPECT_EQ(runs().size(), 2u);
  EXPECT_EQ(newest().cause, run_cause::hand);
  EXPECT_EQ(open_job().settled_until, known);
  EXPECT_EQ(begin(asking(now)).verdict, begin_verdict::begun);
}

TEST_P(job_contract, a_run_by_hand_at_the_very_time_of_an_instant_is_not_that_instants) {
  open_job();
  auto instant = now + minute;
  begin_for_sure(asking(instant));
  auto x = asking_by_hand();
  x.scheduled_at = instant;
  EXPECT_EQ(begin(x).verdict, begin_verdict::busy);
  now += lease;
  x.now = now;
  begin_for_sure(x);
  auto list = runs();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].cause, run_cause::hand);
  EXPECT_EQ(list[1].error_class, "crash");
}

// -- the end of a run ---------------------------------------------------------------------------------------

TEST_P(job_contract, an_entry_tells_how_its_run_ended) {
  open_job();
  auto begun_at = now;
  auto run = begin_for_sure(asking(now + minute));
  now += minute;
  auto x = ending(run);
  x.counts = {{"created", 12}, {"muted", 0}, {"with \"quotes\"", 1}};
  ASSERT_TRUE(finish(x));
  auto entry = newest();
  EXPECT_EQ(entry.id, run.id);
  EXPECT_EQ(entry.job, unread_nudges_job);
  EXPECT_EQ(entry.scheduled_at, now);
  EXPECT_EQ(entry.cause, run_cause::schedule);
  EXPECT_EQ(entry.state, run_state::ran);
  EXPECT_EQ(entry.worker, "worker-1");
  EXPECT_EQ(entry.attempts, 1);
  EXPECT_EQ(entry.started_at, begun_at);
  EXPECT_EQ(entry.ended_at, now);
  EXPECT_TRUE(entry.error_class.empty());
  EXPECT_EQ(entry.counts, x.counts);
}

TEST_P(job_contract, a_finish_whose_answer_was_lost_is_true_again) {
  open_job();
  auto x = failing(begin_for_sure(asking(now + minute)), now + minute);
  x.counts = {{"created", 1}};
  ASSERT_TRUE(finish(x));
  auto before = newest();
  now += minute;
  x.now = now;
  EXPECT_TRUE(finish(x));
  EXPECT_EQ(newest().ended_at, before.ended_at);
  EXPECT_EQ(newest().attempts, 1);
}

TEST_P(job_contract, a_finish_that_says_something_else_is_false) {
  open_job();
  auto x = failing(begin_for_sure(asking(now + minute)), now + minute);
  x.counts = {{"created", 1}};
  ASSERT_TRUE(finish(x));
  auto spoilt = std::array{x, x, x, x, x};
  spoilt[0].counts["created"] = 2;
  spoilt[1].retry_at.reset();
  spoilt[2].why->reason = "something else broke";
  spoilt[3].why->kind = failure_class::outage;
  spoilt[4].worker = "worker-2";
  for (auto& other : spoilt)
    EXPECT_FALSE(finish(other));
  EXPECT_FALSE(finish(ending(x.run)));
  EXPECT_EQ(newest().error, "it broke");
}

// -- looking back -------------------------------------------------------------------------------------------

TEST_P(job_contract, the_newest_entries_of_each_job_are_listed_by_job) {
  for (auto job : {unread_nudges_job, calendar_watches_job})
    for (auto n = 0; n < 3; ++n)
      ASSERT_TRUE(finish(ending(begin_by_hand(job))));
  auto all = runs();
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[0].job, calendar_watches_job);
  EXPECT_EQ(all[3].job, unread_nudges_job);
  EXPECT_GT(all[0].id, all[1].id);
  auto some = runs(2);
  ASSERT_EQ(some.size(), 4u);
  EXPECT_EQ(some[1].id, all[1].id);
  EXPECT_EQ(some[2].id, all[3].id);
}

TEST_P(job_contract, old_entries_are_forgotten) {
  open_job();
  auto old = begin_for_sure(asking(now + minute));
  ASSERT_TRUE(finish(ending(old)));
  auto others = begin_by_hand(calendar_watches_job);
  ASSERT_TRUE(finish(ending(others)));
  now += minute;
  auto young = begin_for_sure(asking(now + minute));
  ASSERT_TRUE(finish(ending(young)));
  now += minute;
  auto x = asking(now + minute);
  x.keep = 2 * minute;
  auto just_now = begin_for_sure(x);
  EXPECT_EQ(runs().size(), 4u) << "nothing is older than two minutes yet";
  ASSERT_TRUE(finish(ending(just_now)));
  now += duration{1};
  x = asking(now + minute);
  x.keep = 2 * minute;
  begin_for_sure(x);
  std::vector<std::int64_t> left;
  for (auto& entry : runs())
    left.push_back(entry.id);
  EXPECT_EQ(left.size(), 4u);
  EXPECT_EQ(std::ranges::count(left, old.id), 0);
  EXPECT_EQ(std::ranges::count(left, others.id), 1);
  EXPECT_EQ(std::ranges::count(left, young.id), 1);
}

TEST_P(job_contract, the_newest_instant_is_remembered_however_old_it_is) {
  now -= std::chrono::hours{24 * 365};
  open_job();
  auto instant = now + minute;
  ASSERT_TRUE(finish(ending(begin_for_sure(asking(instant)))));
  now += std::chrono::hours{24 * 365};
  begin_by_hand();
  EXPECT_EQ(open_job().settled_until, instant);
  EXPECT_EQ(runs().size(), 2u);
}

TEST_P(job_contract, a_bounded_number_of_entries_is_forgotten_at_a_time) {
  open_job();
  for (auto n = 0; n < 510; ++n) {
    now += 2 * minute;
    auto x = asking(now);
    x.missed = missed_span{now - minute, now - minute, 1};
    ASSERT_TRUE(finish(ending(begin_for_sure(x))));
  }
  ASSERT_EQ(runs(2'000).size(), 1'020u);
  now += std::chrono::hours{24};
  auto later = asking(now);
  later.keep = std::chrono::hours{1};
  ASSERT_TRUE(finish(ending(begin_for_sure(later))));
  EXPECT_EQ(runs(2'000).size(), 21u);
  later.scheduled_at = later.now = now + minute;
  begin_for_sure(later);
  EXPECT_EQ(runs(2'000).size(), 2u);
}

// -- several at once ----------------------------------------------------------------------------------------

TEST_P(job_contract, workers_that_race_for_a_thousand_instants_run_each_once) {
  constexpr auto instants = 1'000;
  open_job();
  std::vector<int> begun(2);
  at_once(*backend, begun.size(), [&](store_under_test& replica, std::size_t n) {
    for (auto i = 1; i <= instants;) {
      auto answer = value_of(replica.ledger.begin_run(asking(now + i * minute, worker_no(n))));
      if (answer.verdict == begin_verdict::busy)
        continue;
      ++i;
      if (answer.verdict != begin_verdict::begun)
        continue;
      ++begun[n];
      EXPECT_TRUE(value_of(replica.ledger.finish_run(ending(answer.run, run_state::ran, worker_no(n)))));
    }
  });
  EXPECT_EQ(std::accumulate(begun.begin(), begun.end(), 0), instants);
  auto list = runs(2 * instants);
  ASSERT_EQ(list.size(), static_cast<std::size_t>(instants));
  for (auto i = 0; i < instants; ++i) {
    auto& entry = list[static_cast<std::size_t>(i)];
    EXPECT_EQ(entry.scheduled_at, now + (instants - i) * minute);
    EXPECT_EQ(entry.attempts, 1);
    EXPECT_EQ(entry.state, run_state::ran);
  }
}

TEST_P(job_contract, workers_that_find_a_run_left_behind_take_it_over_once) {
  open_job();
  auto instant = now + minute;
  auto left = begin_for_sure(asking(instant, "gone"));
  now += lease;
  std::atomic<int> taken = 0;
  at_once(*backend, 4, [&](store_under_test& replica, std::size_t n) {
    auto answer = value_of(replica.ledger.begin_run(asking(instant, worker_no(n))));
    if (answer.verdict == begin_verdict::begun) {
      ++taken;
      EXPECT_EQ(answer.run, (run_ref{left.id, 2}));
    } else {
      EXPECT_EQ(answer.verdict, begin_verdict::busy);
    }
  });
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(newest().attempts, 2);
}

TEST_P(job_contract, workers_that_make_the_same_jobs_known_at_once_agree) {
  std::vector<std::vector<job_state>> states(4);
  at_once(*backend, states.size(), [&](store_under_test& replica, std::size_t n) {
    auto jobs = n % 2 == 0 ? job_list{"a", "b", "c"} : job_list{"c", "b", "a"};
    states[n] = value_of(replica.ledger.open_jobs({jobs, now + static_cast<int>(n) * minute}));
  });
  for (std::size_t n = 1; n < states.size(); ++n)
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(states[n][i].settled_until, states[0][n % 2 == 0 ? i : 2 - i].settled_until);
}

} // namespace herald::test
