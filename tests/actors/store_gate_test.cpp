// The store gate: one call per worker at a time, a bounded queue, deadlines, failures as values.
#define CAF_SUITE store_gate

#include <stdexcept>

#include "actors/store_gate.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

/// A store whose answers a test scripts.
struct store_script {
  int opened = 0;
  int calls = 0;
  std::vector<failure> open_failures;
  std::vector<failure> call_failures;
  bool throws = false;
};

class scripted_store final : public pipeline_store {
public:
  explicit scripted_store(std::shared_ptr<store_script> script) : script_{std::move(script)} {}

  result<claimed_batch> claim(const claim_request& x) override {
    if (auto bad = next_failure())
      return *bad;
    return make_claim(1, x.limit, "test");
  }

  result<commit_report> commit(const commit_request& x) override {
    if (auto bad = next_failure())
      return *bad;
    return expected_report(x.batches, x.failures);
  }

  result<std::vector<claim_ref>> renew(const renew_request& x) override {
    if (auto bad = next_failure())
      return *bad;
    return x.claims;
  }

  result<std::uint64_t> release(const release_request& x) override {
    if (auto bad = next_failure())
      return *bad;
    return std::uint64_t{x.claims.size()};
  }

  result<window_report> open_window(const open_window_request&) override {
    return answered(window_report{true, 1, 2});
  }

  result<claimed_outbox> claim_outbox(const outbox_claim_request& x) override {
    claimed_outbox out;
    out.open = x.max_open;
    return answered(std::move(out));
  }

  result<sealed_batch> seal(const seal_request& x) override {
    sealed_batch out;
    out.lost = x.envelopes.size();
    return answered(std::move(out));
  }

  result<record_report> record(const record_request& x) override {
    record_report out;
    out.lost = x.outcomes.size();
    return answered(out);
  }

  result<std::uint64_t> release_outbox(const outbox_release_request&) override {
    return answered(std::uint64_t{3});
  }

  result<std::uint64_t> purge_bodies(const purge_request&) override { return answered(std::uint64_t{4}); }
  result<sender_share> report_sender(const sender_report&) override { return answered(sender_share{5, 6}); }

  result<std::vector<job_state>> open_jobs(const open_jobs_request& x) override {
    std::vector<job_state> out;
    for (auto& job : x.jobs)
      out.push_back({job, x.now, std::nullopt});
    return answered(std::move(out));
  }

  result<begun_run> begin_run(const begin_run_request& x) override {
    begun_run out;
    out.holder = x.worker;
    return answered(std::move(out));
  }

  result<bool> finish_run(const finish_run_request& x) override { return answered(x.run.id == 9); }

  result<std::vector<job_run>> job_runs(std::uint32_t) override { return answered(std::vector<job_run>{}); }

  result<job_chunk> remind_of_meetings(const meeting_reminders_request&) override {
    return chunk("meetings");
  }

  result<job_chunk> nudge_unread_threads(const unread_nudges_request&) override { return chunk("threads"); }

  result<job_chunk> nudge_incomplete_resumes(const resume_nudges_request&) override {
    return chunk("resumes");
  }

  result<due_watches> find_due_watches(const due_watches_request& x) override {
    due_watches out;
    out.watches.resize(x.limit);
    return answered(std::move(out));
  }

  result<watches_recorded> record_watches(const record_watches_request& x) override {
    watches_recorded out;
    for (auto& update : x.updates)
      out.lost.push_back(update.connection_id);
    return answered(std::move(out));
  }

  result<watch_summary> summarize_watches(timestamp) override {
    watch_summary out;
    out.watched = 7;
    return answered(out);
  }

private:
  result<job_chunk> chunk(const char* next) {
    job_chunk out;
    out.next = next;
    return answered(std::move(out));
  }

  template <class T> result<T> answered(T x) {
    if (auto bad = next_failure())
      return *bad;
    return x;
  }

  std::optional<failure> next_failure() {
    ++script_->calls;
    if (script_->throws)
      throw std::runtime_error("the driver threw");
    if (script_->call_failures.empty())
      return std::nullopt;
    auto out = script_->call_failures.front();
    script_->call_failures.erase(script_->call_failures.begin());
    return out;
  }

  std::shared_ptr<store_script> script_;
};

struct fixture : actor_fixture {
  std::shared_ptr<store_script> script = std::make_shared<store_script>();
  store_gate_config cfg{.workers = 1};
  store_gate_actor aut;

  void start() {
    aut = spawn(
        store_gate, cfg,
        [script = script]() -> result<std::unique_ptr<pipeline_store>> {
          if (!script->open_failures.empty()) {
            auto out = script->open_failures.front();
            script->open_failures.erase(script->open_failures.begin());
            return out;
          }
          ++script->opened;
          return std::unique_ptr<pipeline_store>{std::make_unique<scripted_store>(script)};
        },
        gate_threads::scheduled, logger{});
    consume_messages();
  }

  answer_ptr<claimed_batch_ptr> claim(std::uint32_t n = 1) {
    claim_request x;
    x.limit = n;
    return request<claimed_batch_ptr>(aut, x);
  }

  std::int64_t gauge(const std::string& name) {
    for (auto& [key, value] : ask<stage_status>(aut, status_v).gauges)
      if (key == name)
        return value;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(store_gate_tests, fixture)

CAF_TEST(every kind of request reaches the store and its answer comes back) {
  start();
  auto claimed = claim(3);
  auto committed = request<commit_report>(
      aut, std::make_shared<const commit_request>(commit_request{"w", {}, {make_plans({1})}, {}}));
  auto renewed = request<lost_claims>(aut, renew_request{"w", {}, 1s, {{7, 1}}});
  auto released = request<std::uint64_t>(aut, release_request{"w", {}, {{7, 1}, {8, 1}}});
  consume_messages();
  CAF_REQUIRE(claimed->value && committed->value && renewed->value && released->value);
  CAF_CHECK_EQUAL((*claimed->value)->events.size(), 3u);
  CAF_CHECK_EQUAL(committed->value->completed, 1u);
  CAF_CHECK(renewed->value->claims == std::vector<claim_ref>({{7, 1}}));
  CAF_CHECK_EQUAL(*released->value, 2u);
  CAF_CHECK_EQUAL(script->opened, 1);
}

CAF_TEST(every kind of request about e - mails reaches the store as well) {
  start();
  auto window = request<window_report>(aut, open_window_request{});
  outbox_claim_request claim_mails;
  claim_mails.max_open = 5;
  auto claimed = request<claimed_outbox_ptr>(aut, claim_mails);
  auto draft = envelope_draft{};
  auto sealed = request<sealed_batch_ptr>(
      aut, std::make_shared<const seal_request>(seal_request{"w", {}, 1s, {}, {draft, draft}}));
  auto recorded = request<record_report>(
      aut, std::make_shared<const record_request>(record_request{"w", {}, {envelope_outcome{}}, true}));
  auto released = request<std::uint64_t>(aut, outbox_release_request{"w", {}});
  auto purged = request<std::uint64_t>(aut, purge_request{});
  consume_messages();
  CAF_REQUIRE(window->value && claimed->value && sealed->value && recorded->value);
  CAF_REQUIRE(released->value && purged->value);
  CAF_CHECK_EQUAL(window->value->digests, 1u);
  CAF_CHECK_EQUAL((*claimed->value)->open, 5u);
  CAF_CHECK_EQUAL((*sealed->value)->lost, 2u);
  CAF_CHECK_EQUAL(recorded->value->lost, 1u);
  CAF_CHECK_EQUAL(*released->value, 3u);
  CAF_CHECK_EQUAL(*purged->value, 4u);
}

CAF_TEST(every kind of request about jobs reaches the store as well) {
  start();
  auto opened = ask<job_states>(aut, open_jobs_request{{"a", "b"}, {}});
  CAF_CHECK_EQUAL(opened.jobs.size(), 2u);
  begin_run_request begin;
  begin.worker = "w";
  CAF_CHECK_EQUAL(ask<begun_run>(aut, begin).holder, "w");
  finish_run_request finish;
  finish.run.id = 9;
  CAF_CHECK(ask<bool>(aut, finish));
  CAF_CHECK_EQUAL(ask<job_chunk>(aut, meeting_reminders_request{}).next, "meetings");
  CAF_CHECK_EQUAL(ask<job_chunk>(aut, unread_nudges_request{}).next, "threads");
  CAF_CHECK_EQUAL(ask<job_chunk>(aut, resume_nudges_request{}).next, "resumes");
  due_watches_request due;
  due.limit = 3;
  CAF_CHECK_EQUAL(ask<due_watches_ptr>(aut, due)->watches.size(), 3u);
  record_watches_request record;
  record.updates.resize(2);
  auto recorded =
      ask<watches_recorded>(aut, record_watches_ptr{std::make_shared<record_watches_request>(record)});
  CAF_CHECK_EQUAL(recorded.lost.size(), 2u);
  CAF_CHECK_EQUAL(ask<watch_summary>(aut, watch_summary_request{}).watched, 7u);
}

CAF_TEST(requests beyond the queue are answered with an outage) {
  cfg.max_queue = 2;
  start();
  std::vector<answer_ptr<claimed_batch_ptr>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(claim());
  consume_messages();
  // One at the worker, two in the queue when the others came.
  auto refused = std::ranges::count_if(all, [&](auto& x) { return !x->value; });
  CAF_CHECK(refused >= 1);
  CAF_CHECK(refused <= 2);
  for (auto& x : all)
    if (!x->value)
      CAF_CHECK(to_failure(x->error, sys).kind == failure_class::outage);
  CAF_CHECK_EQUAL(gauge("rejected"), refused);
  CAF_CHECK(gauge("queued") == 0);
}

CAF_TEST(a failure of the store keeps its class and its words) {
  start();
  script->call_failures = {{failure_class::permanent, "no such plan"}};
  auto got = claim();
  consume_messages();
  CAF_REQUIRE(!got->pending());
  auto why = to_failure(got->error, sys);
  CAF_CHECK(why.kind == failure_class::permanent);
  CAF_CHECK_EQUAL(why.reason, "no such plan");
}

CAF_TEST(a connection that met an outage is opened anew and any other one is kept) {
  start();
  script->call_failures = {{failure_class::transient, "x"}, {failure_class::outage, "gone"}};
  for (int i = 0; i < 3; ++i) {
    claim();
    consume_messages();
  }
  CAF_CHECK_EQUAL(script->opened, 2);
  CAF_CHECK_EQUAL(script->calls, 3);
}

CAF_TEST(a store that cannot be opened is an outage and is tried again with the next request) {
  start();
  script->open_failures = {{failure_class::outage, "no such directory"}};
  auto first = claim();
  consume_messages();
  CAF_CHECK(!first->value);
  auto second = claim();
  consume_messages();
  CAF_CHECK(second->value);
}

CAF_TEST(a worker that dies costs its own call alone and is replaced) {
  start();
  script->throws = true;
  auto first = claim();
  consume_messages();
  CAF_REQUIRE(!first->pending());
  CAF_CHECK(to_failure(first->error, sys).kind == failure_class::crash);
  script->throws = false;
  auto second = claim();
  consume_messages();
  CAF_CHECK(second->value);
  CAF_CHECK_EQUAL(gauge("busy"), 0);
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  for (auto [workers, queue, timeout, field] :
       {std::tuple{0u, 1u, 1ms, "workers"}, std::tuple{1u, 0u, 1ms, "max_queue"},
        std::tuple{1u, 1u, 0ms, "call_timeout"}})
    CAF_CHECK(to_string(validate(store_gate_config{workers, queue, timeout})).find(field)
              != std::string::npos);
  CAF_CHECK(validate(store_gate_config{}) == caf::none);
}

CAF_TEST_FIXTURE_SCOPE_END()
