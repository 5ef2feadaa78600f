// The job runner: one run per instant, whatever happens to the ledger, the job, the daemon or a second daemon.
#define CAF_SUITE job_runner

#include <set>

#include "actors/errors.hpp"
#include "actors/jobs/job_runner.hpp"
#include "actors/slot.hpp"
#include "actors/timer.hpp"
#include "core/iso8601.hpp"
#include "tests/support/scripted_gate.hpp"
#include "tests/support/scripted_job.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;

const failure store_down{failure_class::outage, "the database is locked"};

constexpr auto permanent = failure_class::permanent;
constexpr auto transient = failure_class::transient;

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  std::shared_ptr<virtual_clock> time = std::make_shared<virtual_clock>(sched);
  job_script_ptr job = std::make_shared<job_script>();
  job_actor worker = spawn(scripted_job, job, time);
  job_runner_config cfg;
  job_spec spec;
  job_runner_actor aut;

  fixture() {
    cfg.worker = "w1";
    cfg.retry = {3, 10s, 40s};
    spec.schedule.job = "nudge";
    spec.schedule.rule = "0 * * * *";
    spec.deadline = 10min;
    time->set_by(at("09:30:00") - time->now());
  }

  // -- running ----------------------------------------------------------------------------------------------

  void start() {
    spec.actor = worker;
    aut = spawn(job_runner, cfg, std::vector<job_spec>{spec}, gate, time, logger{});
    consume_messages();
  }

  void stop() {
    caf::anon_send_exit(aut, caf::exit_reason::kill);
    consume_messages();
  }

  static timestamp at(const std::string& clock_time) {
    return from_iso8601("2026-01-20T" + clock_time + "Z").value();
  }

  void go_to(const std::string& clock_time) { advance(at(clock_time) - time->now()); }

  void post_tick() { caf::anon_send(aut, herald::tick{"nudge", time->now()}); }

  void tick() {
    post_tick();
    consume_messages();
  }

  void tick_at(const std::string& clock_time) {
    go_to(clock_time);
    tick();
  }

  /// Lets the job answer the order that it holds.
  void let_answer() {
    caf::anon_send(worker, retry_v, std::uint64_t{0});
    consume_messages();
  }

  answer_ptr<hand_run> by_hand(bool dry_run = false, std::optional<timestamp> as_of = {}) {
    auto out = request<hand_run>(aut, run_job{"nudge", as_of, dry_run});
    consume_messages();
    return out;
  }

  answer_ptr<drain_report> start_drain(duration limit = 30s) {
    auto out = request<drain_report>(aut, herald::drain{limit});
    consume_messages();
    return out;
  }

  answer_ptr<idle_atom> ask_for_idle() {
    auto out = request<idle_atom>(aut, idle_v);
    consume_messages();
    return out;
  }

  void change(std::vector<std::string> rules, const std::string& title = "nudge") {
    std::vector<schedule_settings> xs;
    for (auto& rule : rules) {
      xs.push_back(spec.schedule);
      xs.back().job = title;
      xs.back().rule = std::move(rule);
    }
    caf::anon_send(
        aut, schedule_change_ptr{std::make_shared<const std::vector<schedule_settings>>(std::move(xs))});
  }

  /// What another daemon does with the ledger.
  begun_run begin_elsewhere(const std::string& clock_time, duration lease = 5min) {
    begin_run_request x;
    x.job = "nudge";
    x.worker = "w2";
    x.now = time->now();
    x.lease = lease;
    x.scheduled_at = at(clock_time);
    auto out = script->ledger.begin(x);
    CAF_REQUIRE(out.verdict == begin_verdict::begun);
    return out;
  }

  void finish_elsewhere(const begun_run& x) {
    finish_run_request done;
    done.run = x.run;
    done.worker = "w2";
    done.now = time->now();
    CAF_REQUIRE(script->ledger.finish(done));
  }

  void run_until_looked(std::size_t looks) {
    while (script->looks.size() < looks)
      CAF_REQUIRE(sched.try_run_once());
  }

  // -- seeing -----------------------------------------------------------------------------------------------

  /// The ledger from old to new, e.g. `ran 10:00`, `failed 11:00 try 3`, `missed 12:00 x4`, `ran by hand`.
  names entries() const {
    names out;
    for (auto& x : script->ledger.entries) {
      auto text = std::string{to_string(x.state)} + ' ';
      text += x.cause == run_cause::hand ? "by hand" : to_iso8601(x.first_at).substr(11, 5);
      text += x.instants > 1 ? " x" + std::to_string(x.instants) : "";
      text += x.attempts > 1 ? " try " + std::to_string(x.attempts) : "";
      out.push_back(std::move(text));
    }
    return out;
  }

  const scripted_ledger::entry& last_entry() const { return script->ledger.entries.back(); }

  stage_status status() { return ask<stage_status>(aut, status_v); }

  std::int64_t gauge(const std::string& name) {
    for (auto& [key, value] : status().gauges)
      if (key == name)
        return value;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(job_runner_tests, fixture)

// -- instants -----------------------------------------------------------------------------------------------

CAF_TEST(an instant is run once however often the timer ticks) {
  start();
  tick_at("10:00:00");
  tick();
  tick_at("10:00:05");
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"ran 10:00", "ran 11:00"}));
  CAF_CHECK_EQUAL(gauge("ran"), 2);
}

CAF_TEST(a tick while nothing is due does nothing) {
  start();
  tick();
  tick_at("09:59:59");
  caf::anon_send(aut, herald::tick{"some other job", time->now()});
  consume_messages();
  CAF_CHECK(script->begins.empty());
  CAF_CHECK(job->orders.empty());
}

CAF_TEST(the order carries the claim and the time of the run) {
  start();
  tick_at("10:00:03");
  CAF_REQUIRE_EQUAL(job->orders.size(), 1u);
  auto& order = *job->orders.front();
  CAF_CHECK(order.run == (run_ref{last_entry().id, 1}));
  CAF_CHECK_EQUAL(order.worker, "w1");
  CAF_CHECK(order.as_of == at("10:00:03"));
  CAF_CHECK(order.deadline == at("10:10:03"));
  CAF_CHECK(!order.dry_run);
  CAF_CHECK(last_entry().counts == (job_counts{{"created", 1}}));
  CAF_CHECK(script->begins.front().lease == 90s);
}

CAF_TEST(instants that nobody was there for are one run at the next start) {
  start();
  stop();
  go_to("13:10:00");
  start();
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00 x3", "late 13:00"}));
  CAF_CHECK(last_entry().cause == run_cause::catch_up);
  CAF_CHECK_EQUAL(gauge("missed"), 3);
  CAF_CHECK_EQUAL(gauge("late"), 1);
}

CAF_TEST(skipped instants get no run and end with the next one that is in time) {
  spec.schedule.catch_up = catch_up_policy::skip;
  start();
  stop();
  go_to("13:10:00");
  start();
  CAF_CHECK(entries().empty());
  tick_at("14:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00 x4", "ran 14:00"}));
}

CAF_TEST(the newest instants are caught up with one after another) {
  spec.schedule.catch_up = catch_up_policy::catch_up;
  spec.schedule.catch_up_runs = 3;
  start();
  stop();
  go_to("13:10:00");
  job->holds = true;
  start();
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00", "running 11:00"}));
  let_answer();
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00", "late 11:00", "running 12:00"}));
  let_answer();
  let_answer();
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00", "late 11:00", "late 12:00", "late 13:00"}));
}

CAF_TEST(a run is late when it begins later than its tolerance and the jitter allow) {
  spec.schedule.jitter = 2min;
  start();
  tick_at("10:03:00");
  tick_at("11:03:01");
  CAF_CHECK_EQUAL(entries(), (names{"ran 10:00", "late 11:00"}));
}

// -- failures of the job ------------------------------------------------------------------------------------

CAF_TEST(a run that failed is tried again with growing pauses and given up after its last try) {
  start();
  job->reports = {failed_report(transient), failed_report(transient), failed_report(transient, "still none")};
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  advance(30min);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00 try 3"});
  CAF_CHECK_EQUAL(last_entry().error, "still none");
  CAF_CHECK(!last_entry().retry_at);
  CAF_REQUIRE_EQUAL(job->times.size(), 3u);
  auto first = job->times[1] - job->times[0];
  auto second = job->times[2] - job->times[1];
  CAF_CHECK(first >= 5s && first <= 10s);
  CAF_CHECK(second >= 10s && second <= 20s);
  CAF_CHECK_EQUAL(gauge("failed"), 3);
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"failed 10:00 try 3", "ran 11:00"}));
}

CAF_TEST(a try that succeeds ends the instant) {
  start();
  job->reports = {failed_report(transient)};
  tick_at("10:00:00");
  advance(10s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00 try 2"});
  CAF_CHECK_EQUAL(last_entry().error, "");
}

CAF_TEST(a permanent failure is not tried again) {
  start();
  job->reports = {failed_report(permanent)};
  tick_at("10:00:00");
  advance(30min);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  CAF_CHECK_EQUAL(last_entry().error_class, "permanent");
}

CAF_TEST(an outage is tried again however often it was) {
  start();
  job->reports.assign(8, failed_report(failure_class::outage));
  tick_at("10:00:00");
  advance(30min);
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 9"});
}

CAF_TEST(a newer instant does not wait for the next try of an older one but replaces it) {
  cfg.retry = {3, 4h, 4h};
  start();
  job->reports = {failed_report(transient)};
  tick_at("10:00:00");
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"failed 10:00", "ran 11:00"}));
  advance(12h);
  CAF_CHECK_EQUAL(job->orders.size(), 2u);
}

CAF_TEST(a job that dies fails its run and is tried again) {
  start();
  job->throws = true;
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK_EQUAL(last_entry().error_class, "crash");
  CAF_CHECK_EQUAL(last_entry().error, "the job broke");
}

CAF_TEST(a job that dies behind its slot makes the run again under the same claim) {
  auto front = spawn(herald::slot<job_order_ptr, job_report>, slot_options{});
  auto up = [&] {
    auto life = spawn(scripted_job, job, time);
    caf::anon_send(front, child_up_v, caf::actor_cast<caf::actor>(life));
  };
  worker = caf::actor_cast<job_actor>(front);
  up();
  start();
  job->throws = true;
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(entries(), names{"running 10:00"});
  caf::anon_send(front, child_down_v, caf::error{caf::make_error(caf::exit_reason::kill)});
  up();
  consume_messages();
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_REQUIRE_EQUAL(job->orders.size(), 2u);
  CAF_CHECK(job->orders[0]->run == job->orders[1]->run);
  CAF_CHECK_EQUAL(script->begins.size(), 1u);
}

// -- deadlines ----------------------------------------------------------------------------------------------

CAF_TEST(a run past its deadline is cancelled and fails with what it had done) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  advance(10min - 1ms);
  CAF_CHECK_EQUAL(job->cancels, 0);
  advance(1ms);
  CAF_CHECK_EQUAL(job->cancels, 1);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK(last_entry().error.find("deadline of 600000 ms") != std::string::npos);
  CAF_CHECK(last_entry().counts == (job_counts{{"created", 1}}));
  CAF_CHECK(last_entry().retry_at.has_value());
}

CAF_TEST(a run that ended in time is not cancelled when its deadline comes) {
  start();
  tick_at("10:00:00");
  job->holds = true;
  go_to("10:05:00");
  auto next = by_hand();
  go_to("10:12:00");
  CAF_CHECK_EQUAL(job->cancels, 0);
  CAF_CHECK(next->pending());
}

CAF_TEST(a job that does not even answer its cancel is given up and its late answer does nothing) {
  cfg.retry.max_attempts = 1;
  start();
  job->holds = true;
  job->obeys = false;
  tick_at("10:00:00");
  advance(10min + 4s);
  CAF_CHECK_EQUAL(entries(), names{"running 10:00"});
  advance(1s);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK(last_entry().error.find("deadline") != std::string::npos);
  let_answer();
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK_EQUAL(script->finishes.size(), 1u);
  job->holds = false;
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"failed 10:00", "ran 11:00"}));
}

CAF_TEST(the late answer of a run that was given up does not end the next one) {
  start();
  job->holds = true;
  job->obeys = false;
  tick_at("10:00:00");
  advance(10min + 5s + 10s);
  CAF_REQUIRE_EQUAL(job->orders.size(), 2u);
  let_answer();
  CAF_CHECK_EQUAL(entries(), names{"running 10:00 try 2"});
  let_answer();
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 2"});
}

// -- the ledger away ----------------------------------------------------------------------------------------

CAF_TEST(a ledger that is down is asked again until the instant was run) {
  start();
  script->look_failures.assign(3, store_down);
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK_EQUAL(status().reason, "the database is locked");
  advance(3s);
  CAF_CHECK_EQUAL(status().state, "degraded");
  advance(4s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_CHECK_EQUAL(status().state, "running");
  CAF_CHECK_EQUAL(status().reason, "");
}

CAF_TEST(a ledger that is back is fine even when nothing is due) {
  start();
  script->look_failures = {store_down};
  tick();
  CAF_CHECK_EQUAL(status().state, "degraded");
  advance(1s);
  CAF_CHECK_EQUAL(status().state, "running");
}

CAF_TEST(a ledger that is down for long is asked once a minute and no less) {
  start();
  script->look_failures.assign(100, store_down);
  tick_at("10:00:00");
  auto before = script->looks.size();
  advance(30min);
  auto asked = script->looks.size() - before;
  CAF_CHECK(asked >= 30 && asked <= 36);
}

CAF_TEST(a run that could not begin begins later and its missed instants are counted once) {
  start();
  stop();
  script->begin_failures.assign(2, store_down);
  go_to("12:00:00");
  start();
  CAF_CHECK(entries().empty());
  CAF_CHECK_EQUAL(status().state, "degraded");
  advance(3s);
  CAF_CHECK_EQUAL(entries(), (names{"missed 10:00 x2", "ran 12:00"}));
  CAF_CHECK_EQUAL(status().state, "running");
  CAF_CHECK_EQUAL(gauge("missed"), 2);
}

CAF_TEST(a ledger that can be read and not be written counts as down and is asked less and less often) {
  start();
  script->begin_failures.assign(100, store_down);
  tick_at("10:00:00");
  advance(10min);
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK(script->begins.size() < 20);
}

CAF_TEST(a ledger that does not say how the job stands is asked again) {
  start();
  script->forgetful = true;
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(status().state, "degraded");
  script->forgetful = false;
  advance(1s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(a run whose beginning was granted without our hearing of it is made under that claim) {
  start();
  script->lost_begins = {store_down};
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(entries(), names{"running 10:00"});
  advance(1s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_CHECK(job->orders.front()->run == (run_ref{last_entry().id, 1}));
}

CAF_TEST(an outcome is written again until the ledger takes it) {
  start();
  script->finish_failures.assign(3, store_down);
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(status().state, "degraded");
  tick();
  advance(1s + 2s + 4s);
  CAF_CHECK_EQUAL(script->finishes.size(), 4u);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  CAF_CHECK_EQUAL(status().state, "running");
}

CAF_TEST(an outcome that cannot be written before the lease is over is dropped and the run made again) {
  spec.deadline = 1min;
  start();
  script->finish_failures.assign(1'000, store_down);
  tick_at("10:00:00");
  advance(1min);
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  advance(2min);
  CAF_CHECK_EQUAL(job->orders.size(), 2u);
  script->finish_failures.clear();
  advance(1min);
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 2"});
}

CAF_TEST(an answer about a far away future does not stop the looking) {
  start();
  begin_elsewhere("10:00:00");
  script->ledger.entries.back().lease_until = timestamp::max();
  tick_at("10:00:00");
  auto before = script->looks.size();
  advance(3h);
  auto looks = script->looks.size() - before;
  // Every half minute.
  CAF_CHECK(looks >= 300 && looks <= 400);
  CAF_CHECK(job->orders.empty());
}

// -- other daemons ------------------------------------------------------------------------------------------

CAF_TEST(what another daemon is running is left to it and taken over when its lease is over) {
  start();
  go_to("10:00:00");
  begin_elsewhere("10:00:00", 5min);
  tick();
  advance(5min - 1ms);
  CAF_CHECK(script->begins.empty());
  CAF_CHECK(job->orders.empty());
  advance(2ms);
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 2"});
  CAF_CHECK(job->orders.front()->run == (run_ref{last_entry().id, 2}));
}

CAF_TEST(a run that another daemon began between look and begin is not made) {
  start();
  go_to("10:00:00");
  post_tick();
  run_until_looked(2);
  auto elsewhere = begin_elsewhere("10:00:00", 5min);
  consume_messages();
  CAF_REQUIRE_EQUAL(script->begins.size(), 1u);
  CAF_CHECK(job->orders.empty());
  finish_elsewhere(elsewhere);
  advance(10min);
  CAF_CHECK(job->orders.empty());
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(a run that another daemon began between look and begin is taken over when it dies) {
  start();
  go_to("10:00:00");
  post_tick();
  run_until_looked(2);
  begin_elsewhere("10:00:00", 5min);
  consume_messages();
  advance(5min + 1ms);
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 2"});
}

CAF_TEST(an instant that another daemon ran between look and begin is settled) {
  start();
  go_to("10:00:00");
  post_tick();
  run_until_looked(2);
  finish_elsewhere(begin_elsewhere("10:00:00"));
  consume_messages();
  CAF_CHECK_EQUAL(script->begins.size(), 1u);
  CAF_CHECK(job->orders.empty());
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"ran 10:00", "ran 11:00"}));
}

CAF_TEST(the claim on a run is prolonged for as long as the run takes) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  CAF_CHECK(last_entry().lease_until == time->now() + 90s);
  for (auto n = 0; n < 9; ++n) {
    advance(1min);
    CAF_CHECK(last_entry().lease_until > time->now());
  }
  CAF_CHECK(last_entry().claim_no == 1);
  let_answer();
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  auto asked = script->begins.size();
  advance(5min);
  CAF_CHECK_EQUAL(script->begins.size(), asked);
}

CAF_TEST(a claim that could not be prolonged for a moment is prolonged soon after) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  script->begin_failures.assign(2, store_down);
  advance(60s);
  CAF_CHECK(script->begin_failures.empty());
  CAF_CHECK(last_entry().lease_until > time->now() + 30s);
  CAF_CHECK_EQUAL(job->cancels, 0);
}

CAF_TEST(a run that another daemon has taken over is broken off) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  script->ledger.entries.back().lease_until = time->now();
  begin_elsewhere("10:00:00");
  advance(30s);
  CAF_CHECK_EQUAL(job->cancels, 1);
  CAF_CHECK_EQUAL(last_entry().worker, "w2");
  CAF_CHECK_EQUAL(entries(), names{"running 10:00 try 2"});
}

CAF_TEST(a run that the ledger refuses for good is asked for again later and no outage) {
  start();
  script->begin_failures.emplace_back(failure{failure_class::permanent, "your clock is ahead"});
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(status().state, "running");
  CAF_CHECK(job->orders.empty());
  advance(30s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(an outcome that the ledger refuses for good is not offered again) {
  start();
  script->finish_failures.emplace_back(failure{failure_class::permanent, "no"});
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(status().state, "running");
  // The run is made again under its claim, and that outcome is taken.
  CAF_CHECK_EQUAL(script->finishes.size(), 2u);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(an outcome that comes after another daemon took over changes nothing) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  script->ledger.entries.back().lease_until = time->now();
  begin_elsewhere("10:00:00");
  let_answer();
  CAF_CHECK_EQUAL(last_entry().worker, "w2");
  CAF_CHECK_EQUAL(entries(), names{"running 10:00 try 2"});
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
}

CAF_TEST(two daemons run each of a thousand instants once between them) {
  spec.schedule.rule = "* * * * *";
  spec.schedule.jitter = 5s;
  auto schedule = *job_schedule::parse(spec.schedule);
  std::vector<job_script_ptr> jobs;
  for (auto name : {"w1", "w2"}) {
    jobs.push_back(std::make_shared<job_script>());
    worker = spawn(scripted_job, jobs.back(), time);
    cfg.worker = name;
    start();
    auto target = caf::actor_cast<tick_taker>(aut);
    spawn(timer, std::vector<timer_entry>{{"nudge", 0ms, target, schedule}}, std::uint64_t{jobs.size()}, time,
          logger{});
  }
  advance(1'000min + 10s);
  std::set<timestamp> instants;
  for (auto& x : script->ledger.entries) {
    CAF_CHECK(x.state == run_state::ran);
    CAF_CHECK_EQUAL(x.attempts, 1);
    instants.insert(x.scheduled_at);
  }
  CAF_CHECK_EQUAL(instants.size(), 1'000u);
  CAF_CHECK_EQUAL(script->ledger.entries.size(), 1'000u);
  CAF_CHECK_EQUAL(jobs[0]->orders.size() + jobs[1]->orders.size(), 1'000u);
  CAF_CHECK(jobs[0]->orders.size() > 100 && jobs[1]->orders.size() > 100);
}

CAF_TEST(two daemons that look at the same moment run each instant once) {
  spec.schedule.rule = "* * * * *";
  start();
  auto first = aut;
  cfg.worker = "w2";
  start();
  for (int i = 0; i < 100; ++i) {
    advance(1min);
    caf::anon_send(first, herald::tick{"nudge", time->now()});
    tick();
  }
  CAF_CHECK_EQUAL(job->orders.size(), 100u);
  CAF_CHECK_EQUAL(script->ledger.entries.size(), 100u);
}

CAF_TEST(a runner that is restarted repeats the run under way under the same claim) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  stop();
  go_to("10:01:00");
  start();
  CAF_REQUIRE_EQUAL(job->orders.size(), 2u);
  CAF_CHECK(job->orders[0]->run == job->orders[1]->run);
  let_answer(); // of the first life: nobody waits for it
  CAF_CHECK_EQUAL(entries(), names{"running 10:00"});
  let_answer();
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

// -- by hand ------------------------------------------------------------------------------------------------

CAF_TEST(a run by hand is answered when it has ended and belongs to no instant) {
  start();
  job->holds = true;
  auto got = by_hand();
  CAF_CHECK(got->pending());
  advance(7s);
  let_answer();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->verdict == begin_verdict::begun);
  CAF_CHECK(got->value->report.counts == (job_counts{{"created", 1}}));
  CAF_CHECK(!got->value->report.why);
  CAF_CHECK(got->value->took == 7s);
  CAF_CHECK_EQUAL(entries(), names{"ran by hand"});
  job->holds = false;
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(entries(), (names{"ran by hand", "ran 10:00"}));
}

CAF_TEST(a job that nobody knows is refused by name) {
  start();
  auto got = request<hand_run>(aut, run_job{"nugde", {}, false});
  consume_messages();
  auto why = to_failure(got->error, sys);
  CAF_CHECK(why.kind == permanent);
  CAF_CHECK(why.reason.find("'nugde'") != std::string::npos);
}

CAF_TEST(a run by hand while one is under way is refused and a tick waits for its end) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  auto got = by_hand();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->verdict == begin_verdict::busy);
  CAF_CHECK_EQUAL(got->value->holder, "w1");
  tick_at("11:00:00");
  CAF_CHECK_EQUAL(job->held.size(), 1u);
}

CAF_TEST(an instant that comes while a run by hand is under way is run after it) {
  start();
  job->holds = true;
  go_to("09:55:00");
  auto got = by_hand();
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  job->holds = false;
  let_answer();
  CAF_CHECK(got->value);
  CAF_CHECK_EQUAL(entries(), (names{"ran by hand", "ran 10:00"}));
}

CAF_TEST(a run by hand does not wait for a look at the ledger and what that finds is run after it) {
  start();
  go_to("10:00:00");
  post_tick();
  auto got = by_hand();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->verdict == begin_verdict::begun);
  CAF_CHECK_EQUAL(entries(), (names{"ran by hand", "ran 10:00"}));
}

CAF_TEST(a run by hand while another daemon runs the job is told who and until when) {
  start();
  go_to("10:00:00");
  begin_elsewhere("10:00:00", 5min);
  auto got = by_hand();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->verdict == begin_verdict::busy);
  CAF_CHECK_EQUAL(got->value->holder, "w2");
  CAF_CHECK(got->value->held_until == at("10:05:00"));
  CAF_CHECK(job->orders.empty());
}

CAF_TEST(a run by hand that is refused does not forget when to look again) {
  start();
  go_to("10:00:00");
  begin_elsewhere("10:00:00", 5min);
  tick();
  CAF_CHECK(by_hand()->value->verdict == begin_verdict::busy);
  advance(5min);
  CAF_CHECK_EQUAL(entries(), names{"late 10:00 try 2"});
}

CAF_TEST(a dry run by hand leaves the ledger alone) {
  start();
  auto looks = script->looks.size();
  auto got = by_hand(true);
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->report.counts == (job_counts{{"created", 1}}));
  CAF_REQUIRE_EQUAL(job->orders.size(), 1u);
  CAF_CHECK(job->orders[0]->dry_run);
  CAF_CHECK(script->begins.empty() && script->finishes.empty());
  CAF_CHECK(entries().empty());
  CAF_CHECK(script->looks.size() - looks <= 1u);
}

CAF_TEST(a dry run carries no claim of an earlier run) {
  start();
  tick_at("10:00:00");
  by_hand(true);
  CAF_REQUIRE_EQUAL(job->orders.size(), 2u);
  CAF_CHECK(job->orders[1]->run == run_ref{});
}

CAF_TEST(a failure by hand is reported and not tried again) {
  start();
  job->reports = {failed_report(transient)};
  auto got = by_hand();
  CAF_REQUIRE(got->value && got->value->report.why);
  CAF_CHECK_EQUAL(got->value->report.why->reason, "no such table");
  CAF_CHECK(got->value->report.counts == (job_counts{{"created", 1}}));
  advance(20min);
  CAF_CHECK_EQUAL(entries(), names{"failed by hand"});
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
}

CAF_TEST(a run by hand is refused with the reason when the ledger is down) {
  start();
  script->begin_failures = {store_down};
  auto got = by_hand();
  CAF_REQUIRE(!got->pending());
  auto why = to_failure(got->error, sys);
  CAF_CHECK(why.kind == failure_class::outage);
  CAF_CHECK_EQUAL(why.reason, "the database is locked");
  CAF_CHECK(by_hand()->value);
}

CAF_TEST(the time that a person names decides what is due) {
  start();
  by_hand(false, at("07:00:00"));
  CAF_REQUIRE_EQUAL(job->orders.size(), 1u);
  CAF_CHECK(job->orders[0]->as_of == at("07:00:00"));
  CAF_CHECK(script->begins.front().scheduled_at == time->now());
}

CAF_TEST(a run by hand keeps the next try of a run by schedule) {
  cfg.retry = {3, 1min, 1min};
  start();
  job->reports = {failed_report(transient)};
  tick_at("10:00:00");
  by_hand(true);
  advance(1min);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00 try 2"});
}

// -- idle ---------------------------------------------------------------------------------------------------

CAF_TEST(whoever waits for idle is told once what is due has been run) {
  start();
  CAF_CHECK(ask_for_idle()->value);
  CAF_CHECK(job->orders.empty());
  // No tick: the question itself makes the runner look.
  go_to("09:59:00");
  time->set_by(61s);
  CAF_CHECK(ask_for_idle()->value);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(idle waits for the run that is under way and for what became due meanwhile) {
  spec.schedule.rule = "*/5 * * * *";
  start();
  job->holds = true;
  tick_at("09:35:00");
  auto got = ask_for_idle();
  auto another = ask_for_idle();
  go_to("09:40:30");
  CAF_CHECK(got->pending() && another->pending());
  job->holds = false;
  let_answer();
  CAF_CHECK_EQUAL(got->count, 1);
  CAF_CHECK_EQUAL(another->count, 1);
  CAF_CHECK_EQUAL(entries(), (names{"ran 09:35", "ran 09:40"}));
}

CAF_TEST(idle does not wait for a next try that is not due) {
  start();
  job->reports = {failed_report(transient)};
  tick_at("10:00:00");
  CAF_CHECK(ask_for_idle()->value);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
}

CAF_TEST(idle is an error when the ledger is down and works again with it) {
  start();
  script->look_failures = {store_down};
  auto got = ask_for_idle();
  CAF_CHECK_EQUAL(got->count, 1);
  CAF_CHECK_EQUAL(to_failure(got->error, sys).reason, store_down.reason);
  CAF_CHECK(ask_for_idle()->value);
}

CAF_TEST(idle is an error when the ledger goes down before the outcome is kept) {
  start();
  script->finish_failures = {store_down};
  go_to("09:59:00");
  time->set_by(61s);
  auto got = ask_for_idle();
  CAF_CHECK_EQUAL(got->count, 1);
  CAF_CHECK_EQUAL(to_failure(got->error, sys).reason, store_down.reason);
  advance(2s);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(without schedules there is nothing to wait for but runs by hand) {
  cfg.scheduled = false;
  start();
  go_to("10:00:00");
  CAF_CHECK(ask_for_idle()->value);
  CAF_CHECK(script->looks.empty());
  job->holds = true;
  by_hand();
  auto got = ask_for_idle();
  CAF_CHECK(got->pending());
  let_answer();
  CAF_CHECK(got->value);
}

// -- drain --------------------------------------------------------------------------------------------------

CAF_TEST(a drain breaks the run off and hands it back uncounted) {
  start();
  job->holds = true;
  job->obeys = false;
  job->reports = {failed_report(transient, "broken off")};
  tick_at("10:00:00");
  auto got = start_drain();
  CAF_CHECK_EQUAL(job->cancels, 1);
  CAF_CHECK(got->pending());
  CAF_CHECK_EQUAL(status().state, "draining");
  let_answer();
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 1u);
  CAF_CHECK_EQUAL(entries(), names{"failed 10:00"});
  CAF_CHECK_EQUAL(last_entry().attempts, 0);
  CAF_CHECK(last_entry().retry_at == at("10:00:00"));
  // Another daemon goes on at once.
  cfg.worker = "w2";
  job->holds = false;
  start();
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  CAF_CHECK_EQUAL(last_entry().worker, "w2");
}

CAF_TEST(a drain with nothing under way is answered at once and nothing begins after it) {
  start();
  auto got = start_drain();
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 0u);
  tick_at("10:00:00");
  auto refused = by_hand();
  CAF_CHECK(to_failure(refused->error, sys).kind == failure_class::outage);
  CAF_CHECK(job->orders.empty());
  CAF_CHECK(script->begins.empty());
}

CAF_TEST(a run that ends before the cancel reaches it counts as it is) {
  start();
  job->holds = true;
  job->obeys = false;
  tick_at("10:00:00");
  auto got = start_drain();
  let_answer();
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 0u);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
}

CAF_TEST(a drain is answered at its limit whatever is under way) {
  start();
  job->holds = true;
  job->obeys = false;
  tick_at("10:00:00");
  auto got = start_drain(30s);
  advance(30s - 1ms);
  CAF_CHECK(got->pending());
  advance(1ms);
  CAF_CHECK(got->value);
}

CAF_TEST(a drain waits for what is about to begin and hands it back) {
  start();
  go_to("10:00:00");
  post_tick();
  run_until_looked(2);
  auto got = start_drain();
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 1u);
  CAF_CHECK(job->orders.empty());
  CAF_CHECK_EQUAL(last_entry().attempts, 0);
}

CAF_TEST(a drain does not wait for its limit when the ledger is down) {
  start();
  go_to("10:00:00");
  script->look_failures = {store_down};
  post_tick();
  CAF_CHECK(start_drain()->value);
}

CAF_TEST(a drain does not wait for the pause before an outcome is written again) {
  start();
  script->finish_failures.assign(7, store_down);
  tick_at("10:00:00");
  advance(64s);
  CAF_CHECK(script->finish_failures.empty());
  CAF_CHECK_EQUAL(entries(), names{"running 10:00"});
  CAF_CHECK(start_drain()->value);
  CAF_CHECK_EQUAL(entries(), names{"ran 10:00"});
  advance(2min);
  CAF_CHECK_EQUAL(script->finishes.size(), 8u);
}

CAF_TEST(a drain gives an outcome up that the ledger does not take) {
  start();
  job->holds = true;
  tick_at("10:00:00");
  script->finish_failures.assign(10, store_down);
  CAF_CHECK(start_drain()->value);
}

CAF_TEST(a run by hand that a drain breaks off is reported and left to nobody) {
  start();
  job->holds = true;
  auto by_person = by_hand();
  auto got = start_drain();
  CAF_REQUIRE(got->value && by_person->value);
  CAF_CHECK(by_person->value->report.why);
  CAF_CHECK_EQUAL(entries(), names{"failed by hand"});
  CAF_CHECK(!last_entry().retry_at);
}

// -- settings -----------------------------------------------------------------------------------------------

CAF_TEST(a change of the schedule takes effect and a job may be silenced and revived) {
  start();
  change({"*/5 * * * *"});
  tick_at("09:35:00");
  CAF_CHECK_EQUAL(entries(), names{"ran 09:35"});
  change({""});
  tick_at("12:00:00");
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
  // What was due meanwhile is caught up with.
  change({"0 * * * *"});
  consume_messages();
  CAF_CHECK_EQUAL(entries(), (names{"ran 09:35", "missed 10:00 x2", "ran 12:00"}));
}

CAF_TEST(a change that cannot be read or names no job leaves everything as it is) {
  start();
  change({"*/5 * *"});
  change({"*/5 * * * *"}, "some other job");
  tick_at("09:35:00");
  CAF_CHECK(job->orders.empty());
  tick_at("10:00:00");
  CAF_CHECK_EQUAL(job->orders.size(), 1u);
}

CAF_TEST(a change that cannot be read does not hold up the others) {
  start();
  change({"*/5 * *", "*/5 * * * *"});
  tick_at("09:35:00");
  CAF_CHECK_EQUAL(entries(), names{"ran 09:35"});
}

CAF_TEST(a job that is silenced while its ledger is looked at is not run) {
  start();
  go_to("10:00:00");
  post_tick();
  change({""});
  consume_messages();
  CAF_CHECK(job->orders.empty());
  CAF_CHECK_EQUAL(status().state, "running");
  CAF_CHECK(start_drain()->value);
}

CAF_TEST(without schedules runs are made by hand alone) {
  cfg.scheduled = false;
  start();
  tick_at("10:00:00");
  CAF_CHECK(script->looks.empty());
  CAF_CHECK(by_hand()->value);
  advance(1h);
  CAF_CHECK_EQUAL(entries(), names{"ran by hand"});
  CAF_CHECK(script->looks.empty());
}

CAF_TEST(a job without a rule is run by hand alone) {
  spec.schedule.rule = "";
  start();
  tick_at("10:00:00");
  CAF_CHECK(by_hand()->value);
  CAF_CHECK_EQUAL(entries(), names{"ran by hand"});
}

CAF_TEST(a daemon in dry run orders dry runs at its instants and leaves the ledger alone) {
  cfg.dry_run = true;
  start();
  job->reports = {failed_report(transient)};
  tick_at("10:00:00");
  tick_at("10:00:30");
  tick_at("11:00:00");
  CAF_CHECK(by_hand()->value);
  CAF_REQUIRE_EQUAL(job->orders.size(), 3u);
  for (auto& x : job->orders)
    CAF_CHECK(x->dry_run);
  CAF_CHECK(script->looks.empty() && script->begins.empty() && script->finishes.empty());
}

CAF_TEST(an unusable configuration stops the actor with the name of the job or the value) {
  spec.actor = worker;
  auto text = [&](auto spoil) {
    auto c = cfg;
    auto s = spec;
    spoil(c, s);
    return to_string(validate(c, {s}));
  };
  CAF_CHECK(validate(cfg, {spec}) == caf::none);
  auto names_it = [&](const std::string& word, auto spoil) {
    CAF_CHECK(text(spoil).find(word) != std::string::npos);
  };
  names_it("worker", [](auto& c, auto&) { c.worker = ""; });
  names_it("max_attempts", [](auto& c, auto&) { c.retry.max_attempts = 0; });
  names_it("backoff_max", [](auto& c, auto&) { c.retry.backoff_max = 1ms; });
  names_it("actor", [](auto&, auto& s) { s.actor = job_actor{}; });
  names_it("deadline of 'nudge'", [](auto&, auto& s) { s.deadline = 0ms; });
  names_it("'nudge'", [](auto&, auto& s) { s.schedule.rule = "* *"; });
  cfg.worker = "";
  start();
  CAF_CHECK(by_hand()->error == caf::sec::request_receiver_down);
}

CAF_TEST_FIXTURE_SCOPE_END()
