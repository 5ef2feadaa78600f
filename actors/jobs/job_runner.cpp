#include "actors/jobs/job_runner.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"

namespace herald {

namespace {

/// How long a job may take to answer once it was broken off.
constexpr duration grace{5'000};

/// The claim on a run holds so long without being renewed, and is renewed so often: what a daemon that died was at is
/// taken over soon after.
constexpr duration lease{90'000};
constexpr duration renewal_pause{30'000};

/// A claim by hand is not renewed. It holds for so much longer than the deadline, to write down how the run ended.
constexpr duration lease_margin{60'000};

/// How often to look whether somebody else's run has ended.
constexpr duration busy_pause{30'000};

/// No ledger is so far ahead of a clock that is right.
constexpr duration clock_tolerance{10 * 60'000};

/// Others may change the ledger, and people the clock: however far away the next thing to do is, it is looked at again
/// after this.
constexpr duration longest_wait{10 * 60'000};

/// Pauses between tries to reach a ledger that is down.
constexpr duration first_pause{1'000};
constexpr duration longest_pause{60'000};

std::string text_of(const job_counts& counts) {
  std::string out;
  for (auto& [reason, n] : counts)
    out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + reason;
  return out.empty() ? "nothing to do" : out;
}

std::optional<job_schedule> schedule_of(const schedule_settings& x) {
  if (x.rule.empty())
    return std::nullopt;
  auto parsed = job_schedule::parse(x);
  return parsed ? std::optional{std::move(*parsed)} : std::nullopt;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const job_runner_config& cfg, const std::vector<job_spec>& jobs) {
  auto invalid = [](const std::string& what) {
    return caf::make_error(caf::sec::invalid_argument, "job_runner: " + what);
  };
  if (cfg.worker.empty())
    return invalid("the worker needs a name");
  if (cfg.retry.max_attempts < 1 || cfg.retry.backoff_min.count() <= 0
      || cfg.retry.backoff_max < cfg.retry.backoff_min)
    return invalid(
        "retry: max_attempts and backoff_min must be positive, and backoff_max not below backoff_min");
  for (auto& x : jobs) {
    if (x.schedule.job.empty() || !x.actor)
      return invalid("every job needs a name and an actor");
    if (x.deadline.count() <= 0)
      return invalid("the deadline of '" + x.schedule.job + "' must be positive");
    if (x.schedule.rule.empty())
      continue;
    if (auto parsed = job_schedule::parse(x.schedule); parsed.has_error())
      return invalid(parsed.error().reason);
  }
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

job_runner_state::job_runner_state(self_ptr owner) : self{owner} {
  // nop
}

job_runner_actor::behavior_type
job_runner_state::make_behavior(job_runner_config config, std::vector<job_spec> specs, store_gate_actor store,
                                std::shared_ptr<const clock> wall_clock, logger sink) {
  act::harden(self);
  if (auto err = validate(config, specs)) {
    self->quit(std::move(err));
    return job_runner_actor::behavior_type::make_empty_behavior();
  }
  cfg = std::move(config);
  gate = std::move(store);
  time = std::move(wall_clock);
  log = std::move(sink);
  random = random_source{cfg.seed};
  pause = idle_backoff{first_pause, longest_pause};
  for (auto& x : specs) {
    jobs.emplace_back(std::move(x));
    jobs.back().schedule = schedule_of(jobs.back().spec.schedule);
    jobs.back().settled_until = time->now();
  }
  for (std::size_t i = 0; i < jobs.size(); ++i)
    look(i);
  return {
      [this](status_atom) { return on_status(); },
      [this](const tick& x) { on_tick(x); },
      [this](const run_job& x) { return on_run_job(x); },
      [this](idle_atom) { return on_idle(); },
      [this](const drain& x) { return on_drain(x); },
      [this](const schedule_change_ptr& x) { on_schedule_change(*x); },
      [this](look_atom, std::uint64_t index, std::uint64_t generation) { on_look(index, generation); },
      [this](due_atom, std::uint64_t index, std::uint64_t generation) { on_deadline(index, generation); },
      [this](renew_atom, std::uint64_t index, std::uint64_t generation) { on_renew(index, generation); },
      [this](retry_atom, std::uint64_t index) { on_finish_again(index); },
      [this](flush_atom) { on_drain_limit(); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status job_runner_state::on_status() const {
  auto working = std::ranges::count_if(jobs, [](const job& x) { return x.phase >= phase::working; });
  return {name,
          draining           ? "draining"
          : degraded.empty() ? "running"
                             : "degraded",
          degraded,
          {{"under_way", working}, {"ran", ran}, {"late", late}, {"failed", failed}, {"missed", missed}}};
}

void job_runner_state::on_tick(const tick& x) {
  auto i = std::ranges::find(jobs, x.job, [](const job& y) { return y.spec.schedule.job; });
  if (i != jobs.end())
    look(static_cast<std::size_t>(i - jobs.begin()));
}

caf::result<hand_run> job_runner_state::on_run_job(const run_job& x) {
  auto i = std::ranges::find(jobs, x.job, [](const job& y) { return y.spec.schedule.job; });
  if (i == jobs.end())
    return to_error({failure_class::permanent, "there is no job '" + x.job + "'"});
  if (draining)
    return to_error({failure_class::outage, "the daemon is stopping and begins no run"});
  if (i->phase != phase::idle && i->phase != phase::looking) {
    hand_run busy;
    busy.verdict = begin_verdict::busy;
    busy.holder = cfg.worker;
    return busy;
  }
  auto answer = self->make_response_promise<hand_run>();
  auto index = static_cast<std::size_t>(i - jobs.begin());
  auto now = time->now();
  // Takes precedence over a look that is under way or planned; that one is made afterwards.
  i->look_again = true;
  ++i->generation;
  i->asked_by = answer;
  i->as_of = x.as_of.value_or(now);
  i->dry_run = cfg.dry_run || x.dry_run;
  i->trying = {};
  i->trying.cause = run_cause::hand;
  i->trying.instant = now;
  if (i->dry_run)
    order(index);
  else
    begin(index, {now, run_cause::hand, std::nullopt});
  return answer;
}

caf::result<idle_atom> job_runner_state::on_idle() {
  auto answer = self->make_response_promise<idle_atom>();
  waiting_idle.push_back(answer);
  for (std::size_t i = 0; i < jobs.size(); ++i)
    look(i);
  answer_waiting();
  return answer;
}

caf::result<drain_report> job_runner_state::on_drain(const drain& x) {
  auto answer = self->make_response_promise<drain_report>();
  waiting_drain.push_back(answer);
  draining = true;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto& y = jobs[i];
    if (y.phase == phase::working) {
      y.handed_back = true;
      y.phase = phase::ending;
      self->send(y.spec.actor, cancel_v);
    } else if (y.phase == phase::waiting_to_finish) {
      // There may not be time for the rest of the pause.
      finish(i);
    }
  }
  self->delayed_send(self, x.limit, flush_v);
  answer_waiting();
  return answer;
}

void job_runner_state::on_schedule_change(const std::vector<schedule_settings>& changes) {
  for (auto& x : changes) {
    auto i = std::ranges::find(jobs, x.job, [](const job& y) { return y.spec.schedule.job; });
    if (i == jobs.end())
      continue;
    std::optional<job_schedule> changed;
    if (!x.rule.empty()) {
      auto parsed = job_schedule::parse(x);
      if (parsed.has_error()) {
        log.error(x.job, "change-refused", "{}; the old schedule stays", parsed.error().reason);
        continue;
      }
      changed = std::move(*parsed);
    }
    i->spec.schedule = x;
    i->schedule = std::move(changed);
    look(static_cast<std::size_t>(i - jobs.begin()));
  }
}

void job_runner_state::on_look(std::uint64_t index, std::uint64_t generation) {
  if (jobs[index].generation == generation)
    look(index);
}

void job_runner_state::on_deadline(std::uint64_t index, std::uint64_t generation) {
  auto& x = jobs[index];
  if (x.generation != generation)
    return;
  auto overdue =
      failure{failure_class::transient, "the run did not end within its deadline of "
                                            + std::to_string(x.spec.deadline.count())
                                            + " ms; if it needs longer, raise the job's deadline_ms"};
  if (x.phase == phase::working) {
    // It answers with what it has done; if it cannot even do that, it is given up.
    x.trying.why = std::move(overdue);
    break_off(index);
  } else if (x.phase == phase::ending) {
    on_report(index, {{}, std::move(overdue)});
  }
}

void job_runner_state::on_renew(std::uint64_t index, std::uint64_t generation) {
  auto& x = jobs[index];
  if (x.generation != generation || x.phase != phase::working)
    return;
  // To begin what is ours already prolongs the claim on it.
  self->request(gate, caf::infinite, request_for(x))
      .then(
          [this, index, generation](const begun_run& begun) {
            auto& y = jobs[index];
            if (y.generation != generation || y.phase != phase::working)
              return;
            if (begun.verdict == begin_verdict::begun && begun.run == y.run) {
              self->delayed_send(self, renewal_pause, renew_v, index, generation);
              return;
            }
            y.trying.why = failure{failure_class::transient, "another daemon has taken the run over"};
            break_off(index);
          },
          [this, index, generation](const caf::error&) {
            // The run itself finds out whether the store is there; if it is not for long, somebody else takes over.
            self->delayed_send(self, renewal_pause / 3, renew_v, index, generation);
          });
}

void job_runner_state::on_finish_again(std::uint64_t index) {
  if (jobs[index].phase == phase::waiting_to_finish)
    finish(index);
}

void job_runner_state::on_drain_limit() {
  for (auto& answer : std::exchange(waiting_drain, {}))
    answer.deliver(drain_report{handed_back});
}

// -- helpers: looking ---------------------------------------------------------------------------------------

void job_runner_state::look(std::size_t index) {
  auto& x = jobs[index];
  if (!cfg.scheduled || !x.schedule || draining)
    return;
  if (x.phase != phase::idle) {
    x.look_again = true;
    return;
  }
  ++x.generation;
  x.look_again = false;
  if (cfg.dry_run) {
    job_state remembered;
    remembered.settled_until = x.settled_until;
    on_state(index, remembered);
    return;
  }
  x.phase = phase::looking;
  self->request(gate, caf::infinite, open_jobs_request{{x.spec.schedule.job}, time->now()})
      .then(
          [this, index, generation = x.generation](const job_states& states) {
            // A run by hand may have overtaken the look.
            if (jobs[index].generation != generation)
              return;
            if (states.jobs.size() != 1) {
              back_off(index, {failure_class::transient, "the ledger did not say how the job stands"});
              return;
            }
            on_state(index, states.jobs.front());
          },
          [this, index, generation = x.generation](caf::error& err) {
            if (jobs[index].generation == generation)
              back_off(index, to_failure(err, self->system()));
          });
}

void job_runner_state::back_off(std::size_t index, const failure& why) {
  on_store_failed(why);
  // The look after the pause serves whatever asked for another one.
  jobs[index].look_again = false;
  go_idle(index);
  look_later(index, time->now() + pause.next());
}

void job_runner_state::look_later(std::size_t index, timestamp at) {
  auto now = time->now();
  auto delay = std::max(std::min(at, now + longest_wait) - now, duration{1});
  self->delayed_send(self, delay, look_v, std::uint64_t{index}, jobs[index].generation);
}

void job_runner_state::on_state(std::size_t index, const job_state& state) {
  auto& x = jobs[index];
  if (state.settled_until > time->now() + clock_tolerance)
    log.warning(x.spec.schedule.job, "ledger-ahead",
                "all instants up to {} are settled, which lies ahead of this machine's clock: one of the "
                "clocks is, or "
                "was, wrong; no run until then",
                to_iso8601(state.settled_until));
  // The schedule may have been taken away while the look was under way.
  auto due = draining || !x.schedule ? std::nullopt : choose(index, state);
  if (!due) {
    // Not before: a ledger that can be read and not be written is not fine.
    on_store_fine();
    go_idle(index);
    return;
  }
  x.trying = {};
  x.trying.instant = due->instant;
  x.trying.cause = due->cause;
  x.as_of = time->now();
  x.dry_run = cfg.dry_run;
  if (x.dry_run) {
    x.settled_until = due->instant;
    order(index);
  } else {
    begin(index, *due);
  }
}

std::optional<due_run> job_runner_state::choose(std::size_t index, const job_state& state) {
  auto now = time->now();
  auto due = next_due_run(*jobs[index].schedule, state.settled_until, now);
  auto& open = state.open;
  if (!open)
    return due;
  auto again = due_run{open->scheduled_at, open->cause, std::nullopt};
  if (open->state == run_state::failed) {
    // A newer instant does not wait for the next try of an older one: it stands for it.
    if (due || open->due_at <= now)
      return due ? due : again;
  } else {
    // What an earlier life of this actor had begun is ours to repeat; the ledger knows the claim.
    if (open->cause != run_cause::hand && open->worker == cfg.worker)
      return again;
    if (open->due_at <= now)
      return due || open->cause == run_cause::hand ? due : again;
  }
  look_later(index,
             std::min(open->due_at, open->state == run_state::running ? now + busy_pause : open->due_at));
  return std::nullopt;
}

begin_run_request job_runner_state::request_for(const job& x) const {
  begin_run_request out;
  out.job = x.spec.schedule.job;
  out.worker = cfg.worker;
  out.now = time->now();
  out.cause = x.trying.cause;
  out.lease = out.cause == run_cause::hand ? x.spec.deadline + lease_margin : lease;
  out.scheduled_at = x.trying.instant;
  out.keep = cfg.keep;
  return out;
}

void job_runner_state::begin(std::size_t index, const due_run& due) {
  auto& x = jobs[index];
  x.phase = phase::beginning;
  auto request = request_for(x);
  request.missed = due.missed;
  self->request(gate, caf::infinite, std::move(request))
      .then(
          [this, index, without_a_run = due.missed](const begun_run& begun) {
            on_store_fine();
            on_begun(index, without_a_run, begun);
          },
          [this, index](caf::error& err) {
            auto why = to_failure(err, self->system());
            auto& y = jobs[index];
            if (auto asked_by = std::exchange(y.asked_by, std::nullopt))
              asked_by->deliver(to_error(why));
            if (why.kind != failure_class::permanent) {
              back_off(index, why);
              return;
            }
            // It is this request that the ledger does not take; other jobs may fare better.
            log.error(y.spec.schedule.job, "refused", "the ledger does not grant the run: {}", why.reason);
            y.look_again = false;
            go_idle(index);
            look_later(index, time->now() + busy_pause);
          });
}

void job_runner_state::on_begun(std::size_t index, const std::optional<missed_span>& without_a_run,
                                const begun_run& begun) {
  auto& x = jobs[index];
  if (begun.verdict == begin_verdict::begun) {
    missed += without_a_run ? static_cast<std::int64_t>(without_a_run->instants) : 0;
    x.run = begun.run;
    x.trying.attempt = begun.attempt;
    order(index);
    return;
  }
  hand_run refused;
  refused.verdict = begun.verdict;
  refused.holder = begun.holder;
  refused.held_until = begun.held_until;
  answer_hand_run(x, std::move(refused));
  if (begun.held_until)
    look_later(index, std::min(*begun.held_until, time->now() + busy_pause));
  go_idle(index);
}

// -- helpers: running ---------------------------------------------------------------------------------------

void job_runner_state::order(std::size_t index) {
  auto& x = jobs[index];
  auto generation = ++x.generation;
  auto now = time->now();
  x.phase = phase::working;
  x.handed_back = draining;
  x.trying.started_at = now;
  if (draining) {
    on_report(index, {{}, failure{failure_class::transient, "the daemon stops"}});
    return;
  }
  auto order = std::make_shared<job_order>();
  // A dry run has no claim to write under.
  order->run = x.dry_run ? run_ref{} : x.run;
  order->worker = cfg.worker;
  order->as_of = x.as_of;
  order->deadline = now + x.spec.deadline;
  order->dry_run = x.dry_run;
  self->request(x.spec.actor, caf::infinite, job_order_ptr{std::move(order)})
      .then(
          [this, index, generation](job_report& report) {
            if (jobs[index].generation == generation)
              on_report(index, std::move(report));
          },
          [this, index, generation](caf::error& err) {
            if (jobs[index].generation == generation)
              on_report(index, {{}, to_failure(err, self->system())});
          });
  self->delayed_send(self, x.spec.deadline, due_v, std::uint64_t{index}, generation);
  if (!x.dry_run && x.trying.cause != run_cause::hand)
    self->delayed_send(self, renewal_pause, renew_v, std::uint64_t{index}, generation);
}

void job_runner_state::break_off(std::size_t index) {
  auto& x = jobs[index];
  x.phase = phase::ending;
  self->send(x.spec.actor, cancel_v);
  self->delayed_send(self, grace, due_v, std::uint64_t{index}, x.generation);
}

void job_runner_state::on_report(std::size_t index, job_report report) {
  auto& x = jobs[index];
  ++x.generation;
  x.trying.ended_at = time->now();
  x.trying.counts = std::move(report.counts);
  // A deadline that was missed says more than what the job makes of being broken off.
  if (!x.trying.why)
    x.trying.why = std::move(report.why);
  // A run by hand is left to nobody: whoever asked for it is told.
  x.handed_back = x.handed_back && x.trying.why && x.trying.cause != run_cause::hand;
  x.outcome = conclude(x.schedule ? &*x.schedule : nullptr, cfg.retry, x.trying, random.uniform());
  x.outcome.run = x.run;
  x.outcome.worker = cfg.worker;
  if (x.handed_back) {
    x.outcome.handed_back = true;
    x.outcome.retry_at = x.outcome.now;
    ++handed_back;
  }
  // Without a ledger there is nobody who would make it again.
  if (x.dry_run)
    x.outcome.retry_at.reset();
  tell(x);
  if (x.dry_run)
    on_finished(index, true);
  else
    finish(index);
}

void job_runner_state::finish(std::size_t index) {
  auto& x = jobs[index];
  x.phase = phase::finishing;
  self->request(gate, caf::infinite, x.outcome)
      .then(
          [this, index](bool ours) {
            on_store_fine();
            on_finished(index, ours);
          },
          [this, index](caf::error& err) {
            auto& y = jobs[index];
            auto why = to_failure(err, self->system());
            if (why.kind == failure_class::permanent) {
              log.error(y.spec.schedule.job, "outcome-refused",
                        "the ledger does not take the outcome of the run: {}", why.reason);
              on_finished(index, true);
              return;
            }
            on_store_failed(why);
            // Once the lease has run out the ledger says so itself, and the run is made again.
            if (time->now() - y.trying.started_at < y.spec.deadline + lease_margin && !draining) {
              y.phase = phase::waiting_to_finish;
              self->delayed_send(self, pause.next(), retry_v, std::uint64_t{index});
            } else {
              on_finished(index, false);
            }
          });
}

void job_runner_state::on_finished(std::size_t index, bool ours) {
  auto& x = jobs[index];
  if (!ours)
    log.warning(
        x.spec.schedule.job, "outcome-not-kept",
        "the outcome of the run is not in the ledger: the run is no longer this daemon's, or the store is "
        "down; it may be made again");
  hand_run done;
  done.report = {x.outcome.counts, x.outcome.why};
  done.took = x.trying.ended_at - x.trying.started_at;
  answer_hand_run(x, std::move(done));
  // Another instant may be due by now, or one that was missed waits for its turn; a next try is in the ledger.
  x.look_again = true;
  go_idle(index);
}

void job_runner_state::tell(const job& x) {
  auto& title = x.spec.schedule.job;
  auto took = (x.trying.ended_at - x.trying.started_at).count();
  auto counts = text_of(x.outcome.counts);
  if (x.handed_back) {
    log.info(title, "handed-back", "broken off because the daemon stops, another run does the rest: {}",
             counts);
  } else if (x.outcome.why) {
    ++failed;
    log.error(title, "failed", "the run failed after {} ms ({}): {}{}", took, counts, x.outcome.why->reason,
              x.outcome.retry_at ? "; next try at " + to_iso8601(*x.outcome.retry_at) : std::string{});
  } else {
    ++(x.outcome.state == run_state::late ? late : ran);
    auto text = fmt::format(
        "{}{} in {} ms{}", x.dry_run ? "dry run, nothing was written; would have: " : "", counts, took,
        x.outcome.state == run_state::late ? ", for " + to_iso8601(x.trying.instant) : std::string{});
    // Most instants bring nothing, and there are hundreds a day.
    if (x.outcome.counts.empty() && x.trying.cause != run_cause::hand)
      log.debug(title, "ran", "{}", text);
    else
      log.info(title, "ran", "{}", text);
  }
}

void job_runner_state::on_store_failed(const failure& why) {
  if (degraded.empty())
    log.error(name, "store-down", "the ledger of jobs cannot be used, will keep trying: {}", why.reason);
  degraded = why.reason;
  for (auto& answer : std::exchange(waiting_idle, {}))
    answer.deliver(to_error(why));
}

void job_runner_state::on_store_fine() {
  pause.reset();
  if (!std::exchange(degraded, {}).empty())
    log.info(name, "store-recovered", "the ledger of jobs can be used again");
}

void job_runner_state::go_idle(std::size_t index) {
  auto& x = jobs[index];
  x.phase = phase::idle;
  if (std::exchange(x.look_again, false))
    look(index);
  answer_waiting();
}

void job_runner_state::answer_hand_run(job& x, hand_run answer) {
  if (!x.asked_by)
    return;
  x.asked_by->deliver(std::move(answer));
  x.asked_by.reset();
}

void job_runner_state::answer_waiting() {
  if (std::ranges::any_of(jobs, [](const job& x) { return x.phase != phase::idle; }))
    return;
  for (auto& answer : std::exchange(waiting_idle, {}))
    answer.deliver(idle_v);
  if (!draining)
    return;
  for (auto& answer : std::exchange(waiting_drain, {}))
    answer.deliver(drain_report{handed_back});
}

// -- spawning -----------------------------------------------------------------------------------------------

job_runner_actor::behavior_type job_runner(job_runner_state::self_ptr self, job_runner_config cfg,
                                           std::vector<job_spec> jobs, store_gate_actor gate,
                                           std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(cfg), std::move(jobs), std::move(gate), std::move(time),
                                   std::move(log));
}

} // namespace herald
