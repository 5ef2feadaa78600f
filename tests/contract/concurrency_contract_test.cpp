// What only shows when several replicas work at the same time: each has a connection and a thread of its own.
#include <algorithm>
#include <numeric>
#include <set>

#include "tests/contract/outbox_contract.hpp"
#include "tests/contract/replicas.hpp"

namespace herald::test {

namespace {

commit_request committing(fan_out_plan plan, std::string worker, timestamp now) {
  plan_batch batch;
  batch.plans = {std::move(plan)};
  commit_request out;
  out.worker = std::move(worker);
  out.now = now;
  out.batches = {std::make_shared<const plan_batch>(std::move(batch))};
  return out;
}

} // namespace

TEST_P(store_contract, workers_that_claim_at_once_get_disjoint_events_and_leave_none) {
  constexpr std::size_t workers = 4;
  auto emitted = emit_plain(200);
  std::vector<std::vector<std::int64_t>> got(workers);
  at_once(*backend, workers, [&](store_under_test& replica, std::size_t n) {
    for (;;) {
      auto batch = value_of(replica.events.claim(request(7, worker_no(n))));
      if (batch.events.empty())
        return;
      auto ids = ids_of(batch);
      got[n].insert(got[n].end(), ids.begin(), ids.end());
    }
  });
  std::vector<std::int64_t> all;
  for (auto& x : got)
    all.insert(all.end(), x.begin(), x.end());
  // A worker may find nothing while the others' claims are under way; what is left then is still there.
  auto rest = ids_of(claim(200, "the-last"));
  all.insert(all.end(), rest.begin(), rest.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, emitted);
}

TEST_P(store_contract, one_claim_that_is_committed_by_many_at_once_is_written_once) {
  emit_plain(1);
  auto event = claim_one();
  std::vector<std::uint64_t> completed(4);
  at_once(*backend, completed.size(), [&](store_under_test& replica, std::size_t n) {
    auto x = committing(notify_plan(event, {ids::mia, ids::olga}), "worker-1", now);
    completed[n] = value_of(replica.events.commit(x)).completed;
  });
  EXPECT_EQ(std::accumulate(completed.begin(), completed.end(), std::uint64_t{0}), 1u);
  EXPECT_EQ(backend->notifications().size(), 2u);
}

TEST_P(store_contract, replicas_that_count_up_the_same_row_at_once_lose_no_message) {
  constexpr std::size_t messages = 8;
  std::vector<claimed_event> claims;
  for (std::size_t n = 0; n < messages; ++n) {
    emit_chat();
    claims.push_back(claim_one(worker_no(n)));
  }
  at_once(*backend, messages, [&](store_under_test& replica, std::size_t n) {
    auto x = committing(roll_up_plan(claims[n], {ids::olga, ids::max}), worker_no(n), now);
    EXPECT_EQ(value_of(replica.events.commit(x)).completed, 1u);
  });
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(count_in(rows[0]), static_cast<std::int64_t>(messages));
  EXPECT_EQ(count_in(rows[1]), static_cast<std::int64_t>(messages));
}

TEST_P(store_contract, replicas_that_start_the_same_row_anew_at_once_start_one) {
  constexpr std::size_t messages = 8;
  // The thread is known and its rows have been read: the next message starts new ones.
  emit_chat();
  commit({roll_up_plan(claim_one(), {ids::olga, ids::max})});
  for (auto& row : backend->notifications())
    backend->mark_read(row.id, now);
  std::vector<claimed_event> claims;
  for (std::size_t n = 0; n < messages; ++n) {
    emit_chat();
    claims.push_back(claim_one(worker_no(n)));
  }
  at_once(*backend, messages, [&](store_under_test& replica, std::size_t n) {
    auto x = committing(roll_up_plan(claims[n], {ids::olga, ids::max}), worker_no(n), now);
    EXPECT_EQ(value_of(replica.events.commit(x)).completed, 1u);
  });
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(count_in(rows[2]), static_cast<std::int64_t>(messages));
  EXPECT_EQ(count_in(rows[3]), static_cast<std::int64_t>(messages));
}

TEST_P(store_contract, commits_that_touch_the_same_rows_in_opposite_order_all_come_through) {
  // Two counters, taken in different order by different replicas: the store has to order them itself.
  constexpr std::size_t rounds = 6;
  std::vector<claimed_event> first, second;
  for (std::size_t n = 0; n < rounds; ++n) {
    emit_chat(ids::closing_thread);
    first.push_back(claim_one("worker-1"));
    emit_chat(ids::general_thread);
    second.push_back(claim_one("worker-2"));
  }
  at_once(*backend, 2, [&](store_under_test& replica, std::size_t n) {
    for (std::size_t round = 0; round < rounds; ++round) {
      auto& mine = n == 0 ? first : second;
      auto users = n == 0 ? std::vector<uuid>{ids::olga, ids::max} : std::vector<uuid>{ids::max, ids::olga};
      auto x = committing(roll_up_plan(mine[round], users), worker_no(n), now);
      EXPECT_EQ(value_of(replica.events.commit(x)).completed, 1u);
    }
  });
  auto rows = backend->notifications();
  ASSERT_EQ(rows.size(), 2u);
  for (auto& row : rows)
    EXPECT_EQ(count_in(row), static_cast<std::int64_t>(2 * rounds));
}

TEST_P(outbox_contract, workers_that_take_mails_at_once_get_disjoint_ones) {
  constexpr std::size_t workers = 4;
  for (auto n = 0; n < 10; ++n)
    queue({ids::olga, ids::mia, ids::max});
  std::vector<std::vector<std::int64_t>> got(workers);
  at_once(*backend, workers, [&](store_under_test& replica, std::size_t n) {
    for (;;) {
      auto taken = value_of(replica.outbox.claim_outbox(asking(2, worker_no(n))));
      if (taken.mails.empty())
        return;
      for (auto& x : taken.mails)
        got[n].push_back(x.mail.id);
    }
  });
  std::vector<std::int64_t> all;
  for (auto& x : got)
    all.insert(all.end(), x.begin(), x.end());
  for (auto& x : take(100, "the-last").mails)
    all.push_back(x.mail.id);
  EXPECT_EQ(all.size(), 30u);
  EXPECT_EQ((std::set<std::int64_t>{all.begin(), all.end()}).size(), 30u) << "a mail was taken twice";
}

TEST_P(outbox_contract, a_mail_that_is_sealed_by_many_at_once_goes_into_one_envelope) {
  queue({ids::olga});
  auto mails = take().mails;
  std::vector<std::size_t> sealed(4);
  at_once(*backend, sealed.size(), [&](store_under_test& replica, std::size_t n) {
    sealed[n] =
        value_of(replica.outbox.seal({"worker-1", now, std::chrono::seconds{60}, {}, {draft_of(mails)}}))
            .envelopes.size();
  });
  EXPECT_EQ(std::accumulate(sealed.begin(), sealed.end(), std::size_t{0}), 1u);
}

} // namespace herald::test
