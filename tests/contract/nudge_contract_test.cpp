// What the jobs that create events have in common: the fence, dry runs, chunks, repetition, concurrency.
#include <numeric>
#include <set>

#include "tests/contract/nudge_contract.hpp"
#include "tests/contract/replicas.hpp"

namespace herald::test {

using namespace std::chrono_literals;

namespace {

std::uint64_t sum(const job_counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                         [](std::uint64_t n, const auto& x) { return n + x.second; });
}

} // namespace

TEST_P(nudge_contract, a_dry_run_counts_the_same_and_writes_nothing) {
  add_crowd(3);
  for (auto& job : all_jobs()) {
    auto events = backend->events().size();
    auto reminders = backend->reminders().size();
    auto logged = backend->stale_log().size();
    auto chunk = chunk_of(job.name);
    auto rehearsal = chunk;
    rehearsal.dry_run = true;
    // Nobody's run: a dry run asks for none.
    rehearsal.run = {};
    auto foreseen = job.call(store.nudges, rehearsal);
    EXPECT_FALSE(foreseen.lost) << job.name;
    EXPECT_GT(foreseen.counts["created"], 0u) << job.name;
    EXPECT_EQ(backend->events().size(), events) << job.name;
    EXPECT_EQ(backend->reminders().size(), reminders) << job.name;
    EXPECT_EQ(backend->stale_log().size(), logged) << job.name;
    EXPECT_EQ(job.call(store.nudges, chunk).counts, foreseen.counts) << job.name;
  }
}

TEST_P(nudge_contract, a_run_that_is_not_ours_writes_nothing) {
  add_crowd(2);
  for (auto& job : all_jobs()) {
    auto ours = chunk_of(job.name);
    auto newer_claim = ours;
    newer_claim.run.claim_no = 2;
    auto unknown = ours;
    unknown.run.id += 1'000;
    auto somebody_else = ours;
    somebody_else.worker = "worker-2";
    for (auto& chunk : {newer_claim, unknown, somebody_else}) {
      auto done = job.call(store.nudges, chunk);
      EXPECT_TRUE(done.lost) << job.name;
      EXPECT_TRUE(done.counts.empty()) << job.name;
      EXPECT_TRUE(done.next.empty()) << job.name;
    }
    backend->end_run(ours.run);
    EXPECT_TRUE(job.call(store.nudges, ours).lost) << job.name;
  }
  EXPECT_TRUE(backend->events().empty());
  EXPECT_TRUE(backend->reminders().empty());
  EXPECT_TRUE(backend->stale_log().empty());
}

TEST_P(nudge_contract, chunks_of_any_size_count_what_one_big_chunk_counts) {
  add_crowd(7);
  for (auto& job : all_jobs()) {
    auto chunk = chunk_of(job.name);
    chunk.dry_run = true;
    auto whole = job.call(store.nudges, chunk);
    EXPECT_TRUE(whole.next.empty()) << job.name;
    EXPECT_GE(sum(whole.counts), 14u) << job.name;
    for (std::uint32_t limit : {1u, 2u, 3u, 7u, 8u, 9u})
      EXPECT_EQ(run_through(job, store.nudges, chunk, limit), whole.counts) << job.name << " by " << limit;
  }
}

TEST_P(nudge_contract, chunks_tell_everybody_once_and_repeating_them_tells_nobody) {
  add_crowd(7);
  for (auto& job : all_jobs()) {
    auto before = backend->events().size();
    auto first = run_through(job, store.nudges, chunk_of(job.name), 2);
    auto created = backend->events().size() - before;
    EXPECT_GE(created, 14u) << job.name;
    EXPECT_EQ(first["created"], created) << job.name;
    auto again = run_through(job, store.nudges, chunk_of(job.name), 3);
    EXPECT_EQ(again["already"], created) << job.name;
    EXPECT_EQ(again.count("created"), 0u) << job.name;
    EXPECT_EQ(backend->events().size() - before, created) << job.name;
  }
  auto lines = told();
  EXPECT_EQ((std::set<std::string>{lines.begin(), lines.end()}).size(), lines.size());
}

TEST_P(nudge_contract, a_key_that_is_none_means_the_beginning) {
  add_crowd(3);
  for (auto& job : all_jobs()) {
    auto chunk = chunk_of(job.name);
    chunk.dry_run = true;
    chunk.limit = 2;
    auto first = job.call(store.nudges, chunk);
    EXPECT_FALSE(first.next.empty()) << job.name;
    for (auto key : {"'; DROP TABLE projects; --", "0a000000", "\xff\xfe", "null",
                     "9999999999999999999999999999999999"}) {
      chunk.after = key;
      auto done = job.call(store.nudges, chunk);
      EXPECT_EQ(done.counts, first.counts) << job.name << " behind " << key;
      EXPECT_EQ(done.next, first.next) << job.name << " behind " << key;
    }
    chunk.after = std::string("\0", 1);
    EXPECT_EQ(job.call(store.nudges, chunk).next, first.next) << job.name;
    chunk.after = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    auto beyond = job.call(store.nudges, chunk);
    EXPECT_TRUE(beyond.counts.empty()) << job.name;
    EXPECT_TRUE(beyond.next.empty()) << job.name;
  }
}

TEST_P(nudge_contract, a_limit_of_nothing_still_gets_on) {
  add_crowd(2);
  for (auto& job : all_jobs()) {
    auto chunk = chunk_of(job.name);
    chunk.dry_run = true;
    EXPECT_EQ(run_through(job, store.nudges, chunk, 0), job.call(store.nudges, chunk).counts) << job.name;
  }
}

TEST_P(nudge_contract, callers_of_one_run_that_work_at_once_create_each_event_once) {
  add_crowd(12);
  for (auto& job : all_jobs()) {
    auto before = backend->events().size();
    auto chunk = chunk_of(job.name);
    std::vector<job_counts> counts(2);
    at_once(*backend, counts.size(), [&](store_under_test& replica, std::size_t n) {
      counts[n] = run_through(job, replica.nudges, chunk, 3);
    });
    auto created = backend->events().size() - before;
    EXPECT_GE(created, 24u) << job.name;
    EXPECT_EQ(counts[0]["created"] + counts[1]["created"], created) << job.name;
    EXPECT_EQ(counts[0]["already"] + counts[1]["already"], created) << job.name;
  }
  auto lines = told();
  EXPECT_EQ((std::set<std::string>{lines.begin(), lines.end()}).size(), lines.size());
}

// The old jobs know nothing of Herald's runs, and other daemons' clocks may have let them take a run over: where there
// is a table with a key, the key decides.
TEST_P(nudge_contract, callers_who_do_not_know_of_each_other_create_each_event_once_where_a_key_decides) {
  add_crowd(12);
  auto jobs = all_jobs();
  jobs.pop_back();
  for (auto& job : jobs) {
    auto before = backend->events().size();
    std::vector<job_chunk_request> chunks{chunk_of(job.name), chunk_of(job.name + " of another program")};
    std::vector<job_counts> counts(chunks.size());
    at_once(*backend, chunks.size(), [&](store_under_test& replica, std::size_t n) {
      counts[n] = run_through(job, replica.nudges, chunks[n], 5);
    });
    EXPECT_EQ(backend->events().size() - before, 24u) << job.name;
    EXPECT_EQ(counts[0]["created"] + counts[1]["created"], 24u) << job.name;
    EXPECT_EQ(counts[0]["already"] + counts[1]["already"], 24u) << job.name;
  }
  for (auto& row : backend->stale_log())
    EXPECT_NE(row.event_id, 0) << "an event that its row does not name";
}

} // namespace herald::test
