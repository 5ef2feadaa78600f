#include "app/session.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>

#include <unistd.h>

#include "actors/errors.hpp"
#include "app/pipeline.hpp"
#include "app/store_setup.hpp"

namespace herald {

// -- supervision log ----------------------------------------------------------------------------------------

void supervision_log::add(const supervision_record& x) {
  std::lock_guard lock{guard_};
  if (records_.size() == max_kept) {
    records_.erase(records_.begin());
    taken_ -= taken_ > 0 ? 1 : 0;
  }
  records_.push_back(x);
}

std::vector<supervision_record> supervision_log::all() const {
  std::lock_guard lock{guard_};
  return records_;
}

std::vector<supervision_record> supervision_log::take_new() {
  std::lock_guard lock{guard_};
  std::vector<supervision_record> out{records_.begin() + static_cast<std::ptrdiff_t>(taken_), records_.end()};
  taken_ = records_.size();
  return out;
}

// -- session ------------------------------------------------------------------------------------------------

namespace {

/// How often a waiting call asks again: a stage that was restarted meanwhile has forgotten the question.
constexpr duration ask_again{2'000};

/// A run by hand is answered so long after its job's deadline, whatever becomes of it and of the ledger.
constexpr duration run_margin{120'000};

/// How often a stage that is not up yet, or being restarted, is asked again.
constexpr duration stage_pause{20};

struct system_config : caf::actor_system_config {
  explicit system_config(std::size_t threads) { act::configure(*this, threads); }
};

void log_supervision(const logger& log, const supervision_record& x) {
  if (x.what == "escalated")
    log.error("supervisor", "escalated", "{} gave up: {}", x.supervisor, x.reason);
  else if (x.what == "crashed")
    log.warning("supervisor", "child-crashed", "{} of {} crashed: {}", x.child, x.supervisor, x.reason);
  else if (x.what == "restarting")
    log.warning("supervisor", "child-restarting", "{} is started again in {} ms", x.child, x.delay.count());
  else
    log.debug("supervisor", "child-changed", "{} of {} {}", x.child, x.supervisor, x.what);
}

/// How long the answer to a run by hand may take.
duration longest_run(const jobs_options& jobs, std::string_view job) {
  for (auto* x : jobs.all())
    if (x->schedule.job == job)
      return x->deadline + run_margin;
  return run_margin;
}

/// Who asks for a run by hand.
struct run_asker {
  run_job what;
  job_runner_actor runner;
  duration limit;
  std::shared_ptr<const std::atomic<bool>> stopping;
  std::shared_ptr<std::promise<result<hand_run>>> answer;

  caf::behavior operator()(caf::event_based_actor* self) const {
    act::harden(self);
    ask(self);
    return {[self, x = *this](retry_atom) { x.ask(self); }};
  }

private:
  void ask(caf::event_based_actor* self) const {
    self->request(runner, limit, what)
        .then(
            [self, x = *this](hand_run& y) {
              x.answer->set_value(std::move(y));
              self->quit();
            },
            [self, x = *this](caf::error& err) { x.on_error(self, err); });
  }

  void on_error(caf::event_based_actor* self, const caf::error& err) const {
    // A stage that has not come up yet has not read the question.
    if (err == caf::sec::request_receiver_down && !*stopping) {
      self->delayed_send(self, stage_pause, retry_v);
      return;
    }
    answer->set_value(to_failure(err, self->system()));
    self->quit();
  }
};

} // namespace

struct session::running {
  explicit running(session_options x)
      : options{std::move(x)},
        system_cfg{options.cfg.daemon.scheduler_threads}, system{system_cfg}, self{system} {
    pipeline_environment env;
    // A run that writes nothing makes no file either.
    env.open_store = [store = options.cfg.store, may_create = !options.cfg.dry_run,
                      around = options.around_store]() -> result<std::unique_ptr<pipeline_store>> {
      auto opened = open_store(store, may_create);
      if (!opened)
        return opened.error();
      auto out = std::unique_ptr<pipeline_store>{std::move(*opened)};
      return around ? around(std::move(out)) : std::move(out);
    };
    env.with_fan_out = options.with_fan_out;
    env.render = options.render;
    env.open_transport = options.open_transport;
    env.open_calendar = options.open_calendar;
    env.scheduled_jobs = options.scheduled_jobs;
    env.time = options.time;
    env.log = options.log;
    env.on_supervision = [records = supervision, log = options.log](const supervision_record& y) {
      records->add(y);
      log_supervision(log, y);
    };
    handles =
        spawn_pipeline(system, options.cfg, worker_name(options.cfg, options.time->now()), options.rows, env);
    // Not a monitor: the main thread may be waiting for a signal and not for messages.
    handles.root->attach_functor(
        [stopping = stopping, tell = options.on_escalation, render = &system](const caf::error& why) {
          if (!*stopping && tell)
            tell(act::text_of(why, *render));
        });
  }

  template <class Stage> result<bool> until_idle(const Stage& stage, duration limit) {
    result<bool> out = false;
    for (auto left = limit; left.count() > 0 && out.has_value() && !*out;) {
      auto spent = std::min(left, ask_again);
      self->request(stage, spent, idle_v)
          .receive([&](idle_atom) { out = true; },
                   [&](caf::error& err) {
                     // Such an answer comes at once, and the stage may need a while to come up.
                     if (err == caf::sec::request_receiver_down)
                       std::this_thread::sleep_for(spent = std::min(left, stage_pause));
                     else if (err != caf::sec::request_timeout)
                       out = to_failure(err, system);
                   });
      left -= spent;
    }
    return out;
  }

  template <class Stage> result<std::uint64_t> drain(const Stage& stage, duration limit) {
    result<std::uint64_t> out = failure{failure_class::outage, "a stage did not answer in time"};
    // A stage that is coming up has to be told as well, or it would begin what nobody is there to finish.
    for (auto left = std::min(limit, ask_again);; left -= stage_pause) {
      auto down = false;
      // The stage keeps the deadline itself; the second one is for a stage that cannot.
      self->request(stage, limit + ask_again, herald::drain{limit})
          .receive([&](const drain_report& x) { out = x.released; },
                   [&](caf::error& err) {
                     down = err == caf::sec::request_receiver_down;
                     out = to_failure(err, system);
                   });
      if (!down || left.count() <= 0)
        return out;
      std::this_thread::sleep_for(stage_pause);
    }
  }

  void stop() {
    if (stopping->exchange(true))
      return;
    self->send_exit(handles.root, caf::exit_reason::user_shutdown);
    self->wait_for(handles.root);
    for (auto& front : handles.fronts)
      self->send_exit(front, caf::exit_reason::user_shutdown);
    handles = {};
  }

  std::shared_ptr<std::atomic<bool>> stopping = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<supervision_log> supervision = std::make_shared<supervision_log>();
  session_options options;
  system_config system_cfg;
  caf::actor_system system;
  caf::scoped_actor self;
  pipeline_handles handles;
};

session::session(session_options options) : running_{std::make_unique<running>(std::move(options))} {
  // nop
}

session::~session() {
  running_->stop();
}

void session::wake(bool events, bool emails) {
  if (events && running_->options.with_fan_out)
    caf::anon_send(running_->handles.poller, wake_up_v);
  if (emails && running_->handles.batcher)
    caf::anon_send(running_->handles.batcher, wake_up_v);
}

result<bool> session::until_idle(duration limit) {
  return running_->until_idle(running_->handles.poller, limit);
}

result<bool> session::until_mailed(duration limit) {
  if (!running_->handles.batcher)
    return true;
  return running_->until_idle(running_->handles.batcher, limit);
}

result<bool> session::until_jobs_ran(duration limit) {
  if (!running_->handles.runner)
    return true;
  return running_->until_idle(running_->handles.runner, limit);
}

void session::reschedule(std::vector<schedule_settings> changes) {
  if (changes.empty() || !running_->handles.runner)
    return;
  auto what = std::make_shared<const std::vector<schedule_settings>>(std::move(changes));
  caf::anon_send(running_->handles.timer, schedule_change_ptr{what});
  caf::anon_send(running_->handles.runner, schedule_change_ptr{what});
}

std::future<result<hand_run>> session::run(const run_job& x) {
  auto promise = std::make_shared<std::promise<result<hand_run>>>();
  auto out = promise->get_future();
  if (!running_->handles.runner) {
    promise->set_value(failure{failure_class::permanent, "this process runs no jobs"});
    return out;
  }
  running_->system.spawn(run_asker{x, running_->handles.runner,
                                   longest_run(running_->options.cfg.jobs, x.job), running_->stopping,
                                   promise});
  return out;
}

result<std::uint64_t> session::drain(duration limit) {
  // What a stage takes is the next one's loss, but each has a moment: one that fails must not keep the others from it.
  constexpr duration at_least{500};
  auto start = running_->options.time->now();
  auto out = result<std::uint64_t>{std::uint64_t{0}};
  auto add = [&](const auto& stage) {
    auto left = std::clamp(limit - (running_->options.time->now() - start), std::min(limit, at_least), limit);
    auto drained = running_->drain(stage, left);
    if (!drained)
      out = drained.error();
    else if (out)
      *out += *drained;
  };
  auto& stages = running_->handles;
  if (stages.runner)
    add(stages.runner);
  if (running_->options.with_fan_out)
    add(stages.poller);
  if (stages.batcher) {
    add(stages.batcher);
    add(stages.sender);
  }
  return out;
}

void session::stop() {
  running_->stop();
}

std::vector<stage_status> session::stages() {
  std::vector<stage_status> out;
  auto& self = running_->self;
  auto ask = [&](auto& stage) {
    if (stage)
      self->request(stage, ask_again, status_v)
          .receive([&](stage_status& x) { out.push_back(std::move(x)); }, [](const caf::error&) {});
  };
  if (running_->options.with_fan_out) {
    ask(running_->handles.poller);
    ask(running_->handles.writer);
  }
  ask(running_->handles.batcher);
  ask(running_->handles.sender);
  ask(running_->handles.runner);
  return out;
}

const supervision_log& session::supervision() const {
  return *running_->supervision;
}

supervision_log& session::supervision() {
  return *running_->supervision;
}

std::string worker_name(const configuration& cfg, timestamp start) {
  if (!cfg.daemon.worker_id.empty())
    return cfg.daemon.worker_id;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0)
    host = {"herald"};
  return std::string{host.data()} + "-" + std::to_string(getpid()) + "-" + std::to_string(to_epoch_ms(start));
}

} // namespace herald
