// The jobs that create events: chunk after chunk, wake-ups, and every way to end early.
#define CAF_SUITE nudge_job

#include "actors/jobs/nudge_job.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

job_chunk chunk_of(job_counts counts, std::string next = "") {
  job_chunk out;
  out.counts = std::move(counts);
  out.next = std::move(next);
  return out;
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  std::shared_ptr<virtual_clock> time = std::make_shared<virtual_clock>(sched);
  std::shared_ptr<int> wake_ups = std::make_shared<int>(0);
  wake_up_taker poller = spawn([n = wake_ups](wake_up_taker::pointer) -> wake_up_taker::behavior_type {
    return {[n](wake_up_atom) { ++*n; }};
  });
  nudge_job_config cfg{"unread-thread-nudges", unread_nudges_request{}, 50};
  job_actor aut;

  void start() {
    aut = spawn(nudge_job, cfg, gate, poller, time, logger{});
    consume_messages();
  }

  answer_ptr<job_report> order(std::int64_t id = 7, bool dry_run = false) {
    job_order x;
    x.run = {id, 2};
    x.worker = "w1";
    x.as_of = time->now() - 1h;
    x.deadline = time->now() + 10min;
    x.dry_run = dry_run;
    return request<job_report>(aut, job_order_ptr{std::make_shared<const job_order>(x)});
  }

  job_report run(bool dry_run = false) {
    auto got = order(7, dry_run);
    consume_messages();
    CAF_REQUIRE(got->value);
    return *got->value;
  }

  void tell_gate() {
    caf::anon_send(gate, freed_v, std::uint64_t{0});
    consume_messages();
  }

  void run_until_asked(std::size_t chunks) {
    while (script->chunks.size() < chunks)
      CAF_REQUIRE(sched.try_run_once());
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(nudge_job_tests, fixture)

CAF_TEST(chunks follow each other to the last one and their counts add up) {
  start();
  script->chunk_answers = {chunk_of({{"created", 2}, {"muted", 1}}, "b"), chunk_of({}, "c"),
                           chunk_of({{"created", 3}, {"already", 4}})};
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"created", 5}, {"muted", 1}, {"already", 4}}));
  CAF_REQUIRE_EQUAL(script->chunks.size(), 3u);
  CAF_CHECK_EQUAL(script->chunks[0].after, "");
  CAF_CHECK_EQUAL(script->chunks[1].after, "b");
  CAF_CHECK_EQUAL(script->chunks[2].after, "c");
}

CAF_TEST(each chunk carries the claim and the time of the order and the settings of the job) {
  unread_nudges_request form;
  form.threshold = 5min;
  cfg.form = form;
  start();
  run(true);
  CAF_REQUIRE_EQUAL(script->chunks.size(), 1u);
  auto& x = script->chunks[0];
  CAF_CHECK(x.run == (run_ref{7, 2}));
  CAF_CHECK_EQUAL(x.worker, "w1");
  CAF_CHECK(x.now == time->now() - 1h);
  CAF_CHECK(x.dry_run);
  CAF_CHECK_EQUAL(x.limit, 50u);
  CAF_CHECK(script->unread_forms.back().threshold == 5min);
}

CAF_TEST(a second run starts from the beginning with fresh counts) {
  start();
  script->chunk_answers = {chunk_of({{"created", 2}}, "b"), chunk_of({})};
  run();
  script->chunk_answers = {chunk_of({{"already", 2}})};
  CAF_CHECK(run().counts == (job_counts{{"already", 2}}));
  CAF_CHECK_EQUAL(script->chunks.back().after, "");
}

CAF_TEST(the poller is woken only when something was created or created again) {
  start();
  script->chunk_answers = {chunk_of({{"already", 2}}, "b"), chunk_of({{"created", 0}}, "c")};
  run();
  CAF_CHECK_EQUAL(*wake_ups, 0);
  script->chunk_answers = {chunk_of({{"created", 1}}, "b"), chunk_of({{"moved", 1}})};
  run();
  CAF_CHECK_EQUAL(*wake_ups, 2);
}

CAF_TEST(a dry run wakes nobody) {
  start();
  script->chunk_answers = {chunk_of({{"created", 3}})};
  CAF_CHECK(run(true).counts == (job_counts{{"created", 3}}));
  CAF_CHECK_EQUAL(*wake_ups, 0);
}

CAF_TEST(a run whose claim was lost ends and says so) {
  start();
  job_chunk lost;
  lost.lost = true;
  lost.next = "never asked for";
  script->chunk_answers = {chunk_of({{"created", 2}}, "b"), lost};
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::transient);
  CAF_CHECK(got.why->reason.find("another daemon") != std::string::npos);
  CAF_CHECK(got.counts == (job_counts{{"created", 2}}));
  CAF_CHECK_EQUAL(script->chunks.size(), 2u);
}

CAF_TEST(a failure in the middle keeps the counts so far and its class) {
  start();
  script->chunk_answers = {chunk_of({{"created", 2}}, "b"), failure{failure_class::outage, "locked"}};
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::outage);
  CAF_CHECK_EQUAL(got.why->reason, "locked");
  CAF_CHECK(got.counts == (job_counts{{"created", 2}}));
  CAF_CHECK_EQUAL(script->chunks.size(), 2u);
}

CAF_TEST(no chunk is asked for after the deadline) {
  start();
  script->chunk_answers = {chunk_of({{"created", 2}}, "b"), chunk_of({{"created", 1}})};
  auto got = order();
  run_until_asked(1);
  time->set_by(10min);
  consume_messages();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->reason.find("deadline") != std::string::npos);
  CAF_CHECK(got->value->counts == (job_counts{{"created", 2}}));
  CAF_CHECK_EQUAL(script->chunks.size(), 1u);
}

CAF_TEST(a run that is cancelled answers with what was done and its late answer does nothing) {
  start();
  script->chunk_answers = {chunk_of({{"created", 2}}, "b"), chunk_of({{"created", 9}}, "c")};
  auto got = order();
  run_until_asked(1);
  script->hold_chunks = true;
  consume_messages();
  CAF_REQUIRE_EQUAL(script->chunks.size(), 2u);
  caf::anon_send(aut, cancel_v);
  consume_messages();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->kind == failure_class::transient);
  CAF_CHECK(got->value->counts == (job_counts{{"created", 2}}));
  tell_gate();
  CAF_CHECK_EQUAL(got->count, 1);
  CAF_CHECK_EQUAL(script->chunks.size(), 2u);
  CAF_CHECK_EQUAL(*wake_ups, 1);
}

CAF_TEST(an order to an idle job is not touched by an earlier cancel) {
  start();
  caf::anon_send(aut, cancel_v);
  script->chunk_answers = {chunk_of({{"created", 2}})};
  CAF_CHECK(!run().why);
}

CAF_TEST(a new order replaces the one under way whose late answer counts for neither) {
  start();
  script->hold_chunks = true;
  auto first = order(7);
  consume_messages();
  auto second = order(8);
  consume_messages();
  CAF_REQUIRE(first->value && first->value->why);
  CAF_CHECK(second->pending());
  script->chunk_answers = {chunk_of({{"created", 5}}, "b"), chunk_of({{"created", 7}})};
  tell_gate();
  CAF_REQUIRE(second->value);
  CAF_CHECK(!second->value->why);
  CAF_CHECK(second->value->counts == (job_counts{{"created", 7}}));
  CAF_CHECK_EQUAL(script->chunks.size(), 2u);
  CAF_CHECK_EQUAL(first->count, 1);
}

CAF_TEST(a late failure of a cancelled run does not end the next one) {
  start();
  script->hold_chunks = true;
  order(7);
  consume_messages();
  auto second = order(8);
  consume_messages();
  script->chunk_answers = {failure{failure_class::outage, "locked"}, chunk_of({{"created", 7}})};
  tell_gate();
  CAF_REQUIRE(second->value);
  CAF_CHECK(!second->value->why);
}

CAF_TEST(every form asks the store for its own kind of chunk) {
  for (auto& form : {nudge_form{meeting_reminders_request{}}, nudge_form{unread_nudges_request{}},
                     nudge_form{resume_nudges_request{}}}) {
    cfg.form = form;
    start();
    run();
  }
  CAF_CHECK_EQUAL(script->chunk_kinds, (std::vector<std::string>{"meetings", "threads", "resumes"}));
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  auto text = [](const nudge_job_config& x) { return to_string(validate(x)); };
  CAF_CHECK(validate(cfg) == caf::none);
  CAF_CHECK(text({"", unread_nudges_request{}, 1}).find("name") != std::string::npos);
  for (auto chunk : {0u, 100'001u})
    CAF_CHECK(text({"nudge", unread_nudges_request{}, chunk}).find("chunk") != std::string::npos);
  cfg.chunk = 0;
  start();
  auto refused = order();
  consume_messages();
  CAF_CHECK(refused->error == caf::sec::request_receiver_down);
}

CAF_TEST_FIXTURE_SCOPE_END()
