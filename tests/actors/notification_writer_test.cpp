// The notification writer: buffering, commits, outages, refused commits, credit.
#define CAF_SUITE notification_writer

#include "actors/notification_writer.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

using ids = std::vector<std::int64_t>;

const failure store_down{failure_class::outage, "the database is locked"};
const failure refused{failure_class::permanent, "a constraint does not hold"};

/// Plans that count up messages.
plan_batch_ptr chat(std::vector<std::int64_t> events) {
  auto out = *make_plans(std::move(events));
  for (auto& plan : out.plans)
    plan.roll_ups.emplace_back();
  return std::make_shared<const plan_batch>(std::move(out));
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  std::shared_ptr<std::vector<std::uint64_t>> credits = std::make_shared<std::vector<std::uint64_t>>();
  credit_taker taker = spawn([credits = credits](credit_taker::pointer) -> credit_taker::behavior_type {
    return {[credits](const credit& x) { credits->push_back(x.limit); }};
  });
  std::shared_ptr<int> wake_ups = std::make_shared<int>(0);
  wake_up_taker mailer = spawn([n = wake_ups](wake_up_taker::pointer) -> wake_up_taker::behavior_type {
    return {[n](wake_up_atom) { ++*n; }};
  });
  notification_writer_config cfg;
  notification_writer_actor aut;

  fixture() {
    cfg.max_in_flight = 20;
    cfg.commit_batch = 4;
    cfg.max_commits = 1;
    cfg.commit_delay = 10ms;
    cfg.outage_backoff_min = 100ms;
    cfg.outage_backoff_max = 400ms;
    cfg.retries = {.max_attempts = 3, .max_crashes = 2, .backoff_min = 1s, .backoff_max = 8s, .jitter = 0.5};
  }

  void start() {
    aut = spawn(notification_writer, cfg, "w1", gate, taker, mailer,
                std::make_shared<const virtual_clock>(sched), logger{});
    consume_messages();
  }

  void let_go() {
    caf::anon_send(gate, freed_v, std::uint64_t{0});
    consume_messages();
  }

  answer_ptr<settled_atom> send(plan_batch_ptr x) {
    auto out = request<settled_atom>(aut, std::move(x));
    consume_messages();
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(notification_writer_tests, fixture)

CAF_TEST(a lone batch is committed when the first plan has waited its time) {
  start();
  auto got = send(make_plans({1}));
  advance(9ms);
  CAF_CHECK(script->commits.empty());
  CAF_CHECK(got->pending());
  advance(1ms);
  CAF_REQUIRE_EQUAL(script->commits.size(), 1u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[0]), ids{1});
  CAF_CHECK_EQUAL(script->commits[0]->worker, "w1");
  CAF_CHECK(got->value);
}

CAF_TEST(a full buffer is committed at once and in one transaction) {
  start();
  auto a = send(make_plans({1, 2}));
  auto b = send(make_plans({3, 4}));
  CAF_REQUIRE_EQUAL(script->commits.size(), 1u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[0]), (ids{1, 2, 3, 4}));
  CAF_CHECK(a->value);
  CAF_CHECK(b->value);
}

CAF_TEST(the timer of a buffer that left by size does not flush the next one early) {
  start();
  send(make_plans({1}));
  send(make_plans({2, 3, 4}));
  advance(5ms);
  send(make_plans({5}));
  advance(5ms); // the first buffer's timer
  CAF_CHECK_EQUAL(script->commits.size(), 1u);
  advance(5ms);
  CAF_CHECK_EQUAL(script->commits.size(), 2u);
}

CAF_TEST(one commit at a time and what comes meanwhile shares the next one) {
  start();
  script->hold_commits = true;
  send(make_plans({1, 2, 3, 4}));
  auto b = send(make_plans({5}));
  auto c = send(make_plans({6}));
  advance(1s);
  CAF_CHECK_EQUAL(script->commits.size(), 1u);
  CAF_CHECK(b->pending());
  let_go();
  advance(10ms);
  CAF_REQUIRE_EQUAL(script->commits.size(), 2u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), (ids{5, 6}));
  CAF_CHECK(c->value);
}

CAF_TEST(as many commits as allowed are under way at once and the rest waits for one of them) {
  cfg.max_commits = 2;
  start();
  script->hold_commits = true;
  auto a = send(make_plans({1, 2, 3, 4}));
  auto b = send(make_plans({5, 6, 7, 8}));
  auto c = send(make_plans({9, 10, 11, 12}));
  CAF_REQUIRE_EQUAL(script->commits.size(), 2u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), (ids{5, 6, 7, 8}));
  CAF_CHECK(a->pending());
  let_go();
  CAF_CHECK(a->value);
  CAF_CHECK(b->value);
  CAF_CHECK(c->value);
  CAF_REQUIRE_EQUAL(script->commits.size(), 3u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[2]), (ids{9, 10, 11, 12}));
}

CAF_TEST(commits that count up messages take turns and let others pass) {
  cfg.max_commits = 2;
  start();
  script->hold_commits = true;
  send(chat({1, 2, 3, 4}));
  auto b = send(chat({5, 6, 7, 8}));
  send(make_plans({9, 10, 11, 12}));
  CAF_REQUIRE_EQUAL(script->commits.size(), 2u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), (ids{9, 10, 11, 12}));
  let_go();
  CAF_REQUIRE_EQUAL(script->commits.size(), 3u);
  CAF_CHECK(b->value);
}

CAF_TEST(a plan behind one that waits for its turn is committed without it) {
  cfg.max_commits = 2;
  start();
  script->hold_commits = true;
  send(chat({1, 2, 3, 4}));
  send(chat({5}));
  advance(10ms);
  send(make_plans({6}));
  advance(10ms);
  CAF_REQUIRE_EQUAL(script->commits.size(), 2u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), ids{6});
  let_go();
  advance(10ms);
  CAF_REQUIRE_EQUAL(script->commits.size(), 3u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[2]), ids{5});
}

CAF_TEST(a commit that takes too long twice is divided and nothing of it is lost) {
  start();
  const failure too_long{failure_class::transient, "it took longer than the statement time-out"};
  script->commit_answers = {too_long, too_long,        too_long,       commit_report{},
                            refused,  commit_report{}, commit_report{}};
  auto got = send(make_plans({1, 2, 3, 4}));
  CAF_CHECK_EQUAL(script->commits.size(), 1u);
  advance(100ms);
  // All four twice; 1 and 2, too many still; 1; 2 (refused); 2 as a failure; 3 and 4.
  CAF_REQUIRE_EQUAL(script->commits.size(), 7u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), (ids{1, 2, 3, 4}));
  CAF_CHECK_EQUAL(settled_by(*script->commits[2]), (ids{1, 2}));
  CAF_CHECK_EQUAL(settled_by(*script->commits[3]), ids{1});
  CAF_CHECK_EQUAL(settled_by(*script->commits[4]), ids{2});
  CAF_CHECK_EQUAL(script->commits[5]->failures.size(), 1u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[6]), (ids{3, 4}));
  CAF_CHECK(got->value);
}

CAF_TEST(no further commit is begun during an outage) {
  cfg.max_commits = 2;
  start();
  script->commit_answers.push_back(store_down);
  auto a = send(make_plans({1, 2, 3, 4}));
  auto b = send(make_plans({5, 6, 7, 8}));
  CAF_CHECK_EQUAL(script->commits.size(), 1u);
  advance(100ms);
  CAF_CHECK(a->value);
  CAF_CHECK(b->value);
  CAF_CHECK_EQUAL(script->commits.size(), 3u);
}

CAF_TEST(a commit takes no more batches than its size asks for) {
  start();
  script->hold_commits = true;
  send(make_plans({1, 2, 3, 4}));
  for (std::int64_t id = 5; id <= 14; ++id)
    send(make_plans({id}));
  let_go();
  advance(1s);
  CAF_REQUIRE_EQUAL(script->commits.size(), 4u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), (ids{5, 6, 7, 8}));
  CAF_CHECK_EQUAL(settled_by(*script->commits[3]), (ids{13, 14}));
}

CAF_TEST(credit is granted at the start and again when the poller asks) {
  start();
  CAF_CHECK_EQUAL(*credits, (std::vector<std::uint64_t>{20}));
  caf::anon_send(aut, open_v);
  consume_messages();
  CAF_CHECK_EQUAL(*credits, (std::vector<std::uint64_t>{20, 20}));
}

CAF_TEST(an outage withdraws the credit and the same commit is tried with doubling pauses until it succeeds) {
  start();
  for (int i = 0; i < 4; ++i)
    script->commit_answers.push_back(store_down);
  auto got = send(make_plans({1, 2, 3, 4}));
  CAF_CHECK_EQUAL(credits->back(), 0u);
  auto status = ask<stage_status>(aut, status_v);
  CAF_CHECK_EQUAL(status.state, "degraded");
  CAF_CHECK_EQUAL(status.reason, "the database is locked");
  for (auto pause : {100ms, 200ms, 400ms, 400ms}) {
    auto before = script->commits.size();
    advance(pause - 1ms);
    CAF_CHECK_EQUAL(script->commits.size(), before);
    advance(1ms);
    CAF_CHECK_EQUAL(script->commits.size(), before + 1);
  }
  CAF_CHECK(got->value);
  CAF_CHECK(script->commits.back() == script->commits.front());
  CAF_CHECK_EQUAL(credits->back(), 20u);
  CAF_CHECK_EQUAL(ask<stage_status>(aut, status_v).state, "running");
}

CAF_TEST(plans that arrive during an outage are kept and committed after it) {
  start();
  script->commit_answers.push_back(store_down);
  send(make_plans({1, 2, 3, 4}));
  auto got = send(make_plans({5}));
  advance(100ms);
  advance(10ms);
  CAF_REQUIRE_EQUAL(script->commits.size(), 3u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[2]), ids{5});
  CAF_CHECK(got->value);
}

CAF_TEST(a refused commit is taken apart and only the plan at fault becomes a dead letter) {
  start();
  script->commit_answers = {refused, commit_report{}, refused, commit_report{}, commit_report{}};
  auto a = send(make_plans({1, 2}));
  auto b = send(make_plans({3, 4}));
  // All four; 1; 2 (refused); 2 as a failure; 3; 4.
  CAF_REQUIRE_EQUAL(script->commits.size(), 6u);
  CAF_CHECK_EQUAL(settled_by(*script->commits[1]), ids{1});
  CAF_CHECK_EQUAL(settled_by(*script->commits[2]), ids{2});
  auto& blamed = *script->commits[3];
  CAF_REQUIRE_EQUAL(blamed.failures.size(), 1u);
  CAF_CHECK_EQUAL(blamed.failures[0].failure.claim.event_id, 2);
  CAF_CHECK_EQUAL(blamed.failures[0].failure.why.reason, "a constraint does not hold");
  CAF_CHECK(!blamed.failures[0].retry_at);
  CAF_CHECK_EQUAL(settled_by(*script->commits[5]), ids{4});
  CAF_CHECK(a->value);
  CAF_CHECK(b->value);
}

CAF_TEST(a failure that cannot be recorded either is left to its lease and holds nobody up) {
  start();
  script->commit_answers = {refused, refused};
  auto got = send(make_plans({1}));
  advance(10ms);
  CAF_CHECK_EQUAL(script->commits.size(), 2u);
  CAF_CHECK(got->value);
  auto next = send(make_plans({2, 3, 4, 5}));
  CAF_CHECK(next->value);
}

CAF_TEST(an outage in the middle of taking a commit apart is waited for) {
  start();
  script->commit_answers = {refused, store_down};
  auto got = send(make_plans({1, 2, 3, 4}));
  CAF_CHECK(got->pending());
  CAF_CHECK_EQUAL(credits->back(), 0u);
  advance(100ms);
  CAF_CHECK_EQUAL(script->commits.size(), 6u);
  CAF_CHECK(got->value);
}

CAF_TEST(failures are settled by the retry policy with jitter inside its bounds) {
  start();
  auto now = virtual_clock::epoch;
  send(make_failure(1, {failure_class::transient, "x"}));
  send(make_failure(2, {failure_class::transient, "x"}, 2));
  send(make_failure(3, {failure_class::permanent, "x"}));
  send(make_failure(4, {failure_class::crash, "x"}, 0, 1));
  CAF_REQUIRE_EQUAL(script->commits.size(), 1u);
  auto& xs = script->commits[0]->failures;
  CAF_REQUIRE_EQUAL(xs.size(), 4u);
  CAF_REQUIRE(xs[0].retry_at);
  CAF_CHECK(*xs[0].retry_at >= now + 500ms);
  CAF_CHECK(*xs[0].retry_at <= now + 1s);
  CAF_CHECK(!xs[1].retry_at); // the third failure of three
  CAF_CHECK(!xs[2].retry_at);
  CAF_CHECK(!xs[3].retry_at); // the second crash of two
}

CAF_TEST(the same seed gives the same jitter) {
  start();
  send(make_failure(1, {failure_class::transient, "x"}));
  advance(10ms);
  auto first = script->commits.back()->failures.front().retry_at;
  auto again = spawn(notification_writer, cfg, "w2", gate, taker, mailer,
                     std::make_shared<const virtual_clock>(sched), logger{});
  consume_messages();
  request<settled_atom>(again, make_failure(1, {failure_class::transient, "x"}));
  advance(10ms);
  CAF_CHECK(script->commits.back()->worker == "w2");
  CAF_CHECK(script->commits.back()->failures.front().retry_at == first);
}

CAF_TEST(a commit that queued e - mails wakes the mailer and others do not ) {
  start();
  send(make_plans({1, 2, 3, 4}));
  CAF_CHECK_EQUAL(*wake_ups, 0);
  commit_report with_mail;
  with_mail.emails = 2;
  script->commit_answers.emplace_back(with_mail);
  send(make_plans({5, 6, 7, 8}));
  CAF_CHECK_EQUAL(*wake_ups, 1);
}

CAF_TEST(a dry run answers and counts but commits nothing) {
  cfg.dry_run = true;
  start();
  auto got = send(make_plans({1, 2, 3, 4}));
  CAF_CHECK(script->commits.empty());
  CAF_CHECK(got->value);
  auto status = ask<stage_status>(aut, status_v);
  CAF_CHECK(status.gauges[2] == std::pair(std::string{"notifications"}, std::int64_t{4}));
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  cfg.commit_batch = 0;
  auto broken = sys.spawn(notification_writer, cfg, "w1", gate, taker, mailer,
                          std::make_shared<const virtual_clock>(sched), logger{});
  self->monitor(broken);
  consume_messages();
  self->receive([&](const caf::down_msg& x) {
    CAF_CHECK(to_string(x.reason).find("commit_batch") != std::string::npos);
  });
}

CAF_TEST_FIXTURE_SCOPE_END()
