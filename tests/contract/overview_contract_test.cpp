// Contract of the operator's view: figures that agree with each other, and the chain of one event.
#include "core/reasons.hpp"
#include "tests/contract/store_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(store_contract, inserted_events_get_rising_ids_in_order) {
  auto a = emit_plain(3);
  auto b = emit_plain(1);
  EXPECT_LT(a[0], a[1]);
  EXPECT_LT(a[1], a[2]);
  EXPECT_LT(a[2], b[0]);
  EXPECT_TRUE(value_of(store.operations.insert_events({}, now)).empty());
}

TEST_P(store_contract, events_are_inserted_all_or_none) {
  std::vector<new_event> events(2);
  events[0].type = "document_uploaded";
  events[1].type = "document_uploaded";
  events[1].project_id = ids::nobody;
  auto refused = store.operations.insert_events(events, now);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, failure_class::permanent);
  EXPECT_EQ(summary().event_rows, 0u);
}

TEST_P(store_contract, platform_rows_are_inserted_all_or_none) {
  platform_rows rows;
  rows.orgs = {{make_id(2, 50), "New org"}};
  rows.projects = {{make_id(3, 50), "Orphan", ids::nobody, {}}};
  auto refused = store.platform.insert_platform_rows(rows, now);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, failure_class::permanent);
  rows.projects[0].owner_org_id = make_id(2, 50);
  EXPECT_FALSE(store.platform.insert_platform_rows(rows, now).has_error());
}

TEST_P(store_contract, status_counts_every_event_in_one_place) {
  new_event old;
  old.type = "document_uploaded";
  old.created_at = now - 25h;
  emit(old);
  emit_plain(6);
  auto batch = claim(6);
  commit({empty_plan(batch.events[0])});
  fail(batch.events[1], {failure_class::permanent, "no"});
  fail(batch.events[2], {failure_class::transient, "later"}, now + 10min);
  fail(batch.events[3], {failure_class::transient, "soon"}, now + 1s);
  now += 30s;
  value_of(store.events.renew({"worker-1", now, 60s, {batch.events[4].ref()}}));
  now += 45s;
  emit_plain(2);
  auto x = status();
  EXPECT_EQ(x.unclaimed, 2u);
  EXPECT_EQ(x.waiting, 1u);
  EXPECT_EQ(x.due_retries, 1u);
  EXPECT_EQ(x.in_flight, 1u);
  EXPECT_EQ(x.stale, 1u);
  EXPECT_EQ(x.completed, 1u);
  EXPECT_EQ(x.dead, 1u);
  EXPECT_EQ(x.expired, 1u);
  EXPECT_EQ(x.oldest_pending, t0);
}

TEST_P(store_contract, the_oldest_pending_event_is_the_oldest_that_may_still_be_settled) {
  EXPECT_EQ(status().oldest_pending, std::nullopt);
  new_event event;
  event.type = "document_uploaded";
  event.created_at = now - 25h;
  emit(event);
  EXPECT_EQ(status().oldest_pending, std::nullopt) << "an expired event waits for nobody";
  event.created_at = now - 2h;
  emit(event);
  EXPECT_EQ(status().oldest_pending, now - 2h);
  auto x = claim_one();
  EXPECT_EQ(status().oldest_pending, now - 2h) << "leased is not settled";
  commit({empty_plan(x)});
  EXPECT_EQ(status().oldest_pending, std::nullopt);
}

TEST_P(store_contract, an_unknown_event_has_no_explanation) {
  EXPECT_EQ(value_of(store.operations.explain(4711)).has_value(), false);
}

TEST_P(store_contract, an_explanation_follows_the_event_through_its_states) {
  auto id = emit_chat();
  auto fresh = explain(id);
  EXPECT_EQ(fresh.state, "unclaimed");
  EXPECT_EQ(fresh.event.thread_id, ids::closing_thread);
  EXPECT_TRUE(fresh.outcomes.empty());
  auto x = claim_one();
  auto leased = explain(id);
  EXPECT_EQ(leased.state, "processing");
  EXPECT_EQ(leased.worker, "worker-1");
  EXPECT_EQ(leased.claim_no, 1);
  EXPECT_EQ(leased.claimed_at, now);
  EXPECT_EQ(leased.lease_until, now + 60s);
  commit({roll_up_plan(x, {ids::olga})});
  auto unread = explain(id);
  ASSERT_EQ(unread.outcomes.size(), 1u);
  EXPECT_EQ(unread.outcomes[0].user_id, ids::olga);
  EXPECT_EQ(unread.outcomes[0].row_state, "unread");
  auto row = backend->notifications().at(0);
  EXPECT_EQ(unread.outcomes[0].row_id, row.id);
  backend->mark_read(row.id, now);
  EXPECT_EQ(explain(id).outcomes.at(0).row_state, "read");
  backend->delete_profile(ids::olga);
  auto gone = explain(id).outcomes.at(0);
  EXPECT_EQ(gone.user_name, "");
  EXPECT_EQ(gone.row_id, std::nullopt) << "the row went with the person; the outcome stays";
}

TEST_P(store_contract, an_email_outcome_shows_where_the_email_is) {
  auto id = emit_plain(1).front();
  commit({email_plan(claim_one(), {ids::olga})});
  auto x = explain(id).outcomes.at(0);
  EXPECT_EQ(x.channel, "email");
  EXPECT_EQ(x.row_state, "pending");
  EXPECT_TRUE(x.row_id.has_value());
}

namespace {

/// What the summary's figures owe to each other and to the tables, whatever happened before.
void expect_conserved(const store_summary& x) {
  type_summary sum;
  for (auto& [type, t] : x.by_type) {
    EXPECT_EQ(t.events, t.completed + t.dead + t.pending + t.expired) << type;
    sum.events += t.events;
    sum.notifications += t.notifications;
    sum.emails += t.emails;
  }
  EXPECT_EQ(sum.events, x.event_rows);
  EXPECT_EQ(sum.notifications, x.notification_rows);
  EXPECT_EQ(sum.emails, x.email_rows);
}

} // namespace

TEST_P(store_contract, the_summary_counts_by_type_and_agrees_with_the_tables) {
  emit_plain(1, "document_uploaded");
  emit_chat();
  emit_chat();
  emit_plain(1, "meeting_invited");
  auto batch = claim();
  auto document = notify_plan(batch.events[0], {ids::olga, ids::mia});
  document.emails = email_plan(batch.events[0], {}, {ids::olga}).emails;
  document.skips = {{channel::email, std::string{reasons::muted}, {ids::mia, ids::max}}};
  commit({document, roll_up_plan(batch.events[1], {ids::olga, ids::max}),
          roll_up_plan(batch.events[2], {ids::olga, ids::max})});
  auto x = summary();
  expect_conserved(x);
  auto& documents = x.by_type.at("document_uploaded");
  EXPECT_EQ(documents.completed, 1u);
  EXPECT_EQ(documents.notifications, 2u);
  EXPECT_EQ(documents.emails, 1u);
  EXPECT_EQ(documents.skipped, (std::map<std::string, std::uint64_t>{{"email:muted", 2}}));
  auto& chat = x.by_type.at("chat_message_sent");
  EXPECT_EQ(chat.notifications, 2u);
  EXPECT_EQ(chat.rolled_up, 2u);
  EXPECT_EQ(x.roll_up_count, 4u);
  EXPECT_EQ(x.by_type.at("meeting_invited").pending, 1u);
}

} // namespace herald::test
