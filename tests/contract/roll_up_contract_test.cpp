// Contract of chat roll-ups: one unread row per user and thread, counted up and never twice for one event.
#include <algorithm>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(store_contract, the_first_message_starts_a_row_at_one) {
  auto id = emit_chat();
  auto report = commit({roll_up_plan(claim_one(), {ids::olga})});
  EXPECT_EQ(report.notifications, 1u);
  EXPECT_EQ(report.rolled_up, 0u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(count_in(rows[0]), 1);
  EXPECT_EQ(rows[0].event_id, id);
  EXPECT_EQ(rows[0].link_url, "/project/workspace/x?tab=chat");
  EXPECT_EQ(outcome_lines(explain(id)), std::vector<std::string>{"in_app notified  Olga Owner"});
}

TEST_P(store_contract, further_messages_count_the_unread_row_up_and_bring_it_to_the_top) {
  auto first = emit_chat();
  commit({roll_up_plan(claim_one(), {ids::olga})});
  auto before = backend->notifications().at(0);
  now += 5min;
  auto second = emit_chat();
  auto report = commit({roll_up_plan(claim_one(), {ids::olga})});
  EXPECT_EQ(report.notifications, 0u);
  EXPECT_EQ(report.rolled_up, 1u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(count_in(rows[0]), 2);
  EXPECT_EQ(rows[0].event_id, first);
  EXPECT_EQ(rows[0].created_at, now);
  EXPECT_NE(rows[0].body, before.body);
  auto x = explain(second);
  EXPECT_EQ(outcome_lines(x), std::vector<std::string>{"in_app rolled_up  Olga Owner"});
  EXPECT_EQ(x.outcomes.at(0).row_id, rows[0].id);
}

TEST_P(store_contract, a_row_that_was_read_starts_anew) {
  emit_chat();
  commit({roll_up_plan(claim_one(), {ids::olga})});
  backend->mark_read(backend->notifications().at(0).id, now);
  emit_chat();
  EXPECT_EQ(commit({roll_up_plan(claim_one(), {ids::olga})}).notifications, 1u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(count_in(rows[0]), 1);
  EXPECT_EQ(count_in(rows[1]), 1);
}

TEST_P(store_contract, messages_of_one_commit_add_up_in_one_row) {
  auto first = emit_chat();
  emit_chat();
  auto third = emit_chat();
  auto batch = claim();
  auto report = commit({roll_up_plan(batch.events[0], {ids::olga}),
                        roll_up_plan(batch.events[1], {ids::olga, ids::max}),
                        roll_up_plan(batch.events[2], {ids::olga, ids::max})});
  EXPECT_EQ(report.notifications, 2u);
  EXPECT_EQ(report.rolled_up, 3u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 2u);
  std::ranges::sort(rows, {}, &notification_row::user_id);
  EXPECT_EQ(count_in(rows[0]), 3);
  EXPECT_EQ(rows[0].event_id, first);
  EXPECT_EQ(count_in(rows[1]), 2);
  // Each recipient of the third message is led to the row that shows it to them.
  for (auto& x : explain(third).outcomes)
    EXPECT_EQ(x.row_id, x.user_id == ids::olga ? rows[0].id : rows[1].id);
  EXPECT_EQ(summary().roll_up_count, 5u);
}

TEST_P(store_contract, threads_and_users_are_counted_apart) {
  emit_chat(ids::closing_thread);
  emit_chat(ids::general_thread);
  auto batch = claim();
  commit({roll_up_plan(batch.events[0], {ids::olga, ids::max}),
          roll_up_plan(batch.events[1], {ids::olga}, ids::general_thread)});
  EXPECT_EQ(backend->notifications().size(), 3u);
}

TEST_P(store_contract, two_workers_with_a_message_each_end_at_exactly_two) {
  auto other = backend->open();
  emit_chat();
  emit_chat();
  auto mine = claim(1, "worker-1");
  auto theirs = value_of(other.events.claim(request(1, "worker-2")));
  commit({roll_up_plan(mine.events.at(0), {ids::olga})}, {}, "worker-1");
  commit_request x{"worker-2", now, {}, {}};
  x.batches = {
      std::make_shared<plan_batch>(plan_batch{{roll_up_plan(theirs.events.at(0), {ids::olga})}, {}})};
  EXPECT_EQ(value_of(other.events.commit(x)).rolled_up, 1u);
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(count_in(rows[0]), 2);
}

TEST_P(store_contract, a_replayed_message_counts_once) {
  emit_chat();
  auto x = claim_one();
  auto plan = roll_up_plan(x, {ids::olga});
  commit({plan});
  commit({plan});
  EXPECT_EQ(count_in(backend->notifications().at(0)), 1);
}

TEST_P(store_contract, a_row_that_a_half_done_program_started_for_the_same_message_is_not_counted_up) {
  auto id = emit_chat();
  backend->leave_processing_row(id, "processing", now - 1h);
  backend->leave_notification(id, ids::olga,
                              R"({"type":"thread_activity","count":1,"thread_id":")"
                                  + to_string(ids::closing_thread) + R"("})");
  commit({roll_up_plan(claim_one(), {ids::olga})});
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(count_in(rows[0]), 1);
}

TEST_P(store_contract, the_row_of_another_program_is_counted_up_however_many_rows_came_after_it) {
  auto ids = emit_plain(2);
  backend->leave_processing_row(ids[0], "completed", now);
  backend->leave_processing_row(ids[1], "completed", now);
  backend->leave_notification(ids[0], ids::olga,
                              R"({"type":"thread_activity","thread_id":")" + to_string(ids::closing_thread)
                                  + R"("})");
  for (auto i = 0; i < 60; ++i)
    backend->leave_notification(ids[1], ids::olga, R"({"type":"document_uploaded"})");
  emit_chat();
  EXPECT_EQ(commit({roll_up_plan(claim_one(), {ids::olga})}).rolled_up, 1u);
  EXPECT_EQ(count_in(backend->notifications().at(0)), 2) << "a row without a count stands for one message";
}

TEST_P(store_contract, a_mention_beside_the_roll_up_is_a_row_of_its_own) {
  auto id = emit_chat();
  auto x = claim_one();
  auto plan = roll_up_plan(x, {ids::olga});
  plan.notifications = notify_plan(x, {ids::max}).notifications;
  auto report = commit({plan});
  EXPECT_EQ(report.notifications, 2u);
  EXPECT_EQ(outcome_lines(explain(id)),
            (std::vector<std::string>{"in_app notified  Olga Owner", "in_app notified  max@example.com"}));
}

} // namespace herald::test
