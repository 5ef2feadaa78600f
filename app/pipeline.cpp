#include "app/pipeline.hpp"

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "actors/email_batcher.hpp"
#include "actors/errors.hpp"
#include "actors/event_handler.hpp"
#include "actors/event_poller.hpp"
#include "actors/jobs/job_runner.hpp"
#include "actors/jobs/nudge_job.hpp"
#include "actors/jobs/watch_renewal_job.hpp"
#include "actors/mail_gate.hpp"
#include "actors/notification_writer.hpp"
#include "actors/resend_sender.hpp"
#include "actors/slot.hpp"
#include "actors/timer.hpp"

namespace herald {

namespace {

/// A slot that queues nothing: for stages that take signals alone.
struct no_work {};
using no_work_ptr = std::shared_ptr<const no_work>;

} // namespace

} // namespace herald

HERALD_LOCAL_MESSAGE(herald::no_work_ptr)

namespace herald {

namespace {

/// Spawns the slots, then describes the tree of supervisors over them.
class builder {
public:
  builder(caf::actor_system& system, const configuration& cfg, std::string worker,
          const std::vector<handler_row>& rows, const pipeline_environment& env)
      : system_{system}, cfg_{cfg}, worker_{std::move(worker)}, rows_{rows}, env_{env},
        settings_{std::make_shared<const handler_settings>(cfg.handlers)} {
    writer_ = front<plan_batch_ptr>(writer_slot());
    poller_ = front<no_work_ptr>({});
    timer_ = front<no_work_ptr>({});
    for (auto& row : rows_)
      handlers_.emplace(std::string{row.event_type}, front<event_batch_ptr>(handler_slot()));
    unknown_ = front<event_batch_ptr>(handler_slot());
    if (with_email()) {
      sender_ = front<sealed_envelope_ptr>(sender_slot());
      batcher_ = front<no_work_ptr>({});
    }
    if (env_.open_calendar) {
      runner_ = front<no_work_ptr>({});
      for (auto* x : cfg_.jobs.all())
        jobs_.emplace(x->schedule.job, front<job_order_ptr, job_report>(job_slot()));
    }
  }

  pipeline_handles build() {
    std::vector<child_spec> children;
    children.push_back({"store_gate",
                        [cfg = gate_config(), env = env_](auto* self, const sibling_fn&) {
                          return as_actor(self->spawn(store_gate, cfg, env.open_store, env.threads, env.log));
                        },
                        {}});
    auto pipeline_options = cfg_.supervision.pipeline;
    pipeline_options.strategy = restart_strategy::one_for_one;
    children.push_back({"pipeline",
                        [stages = stage_factory(), pipeline_options,
                         hooks = hooks()](auto* self, const sibling_fn& sibling) {
                          auto gate = caf::actor_cast<store_gate_actor>(sibling("store_gate"));
                          return as_actor(
                              self->spawn(supervisor, "pipeline", pipeline_options, stages(gate), hooks));
                        },
                        {}});
    auto root_options = cfg_.supervision.root;
    root_options.strategy = restart_strategy::rest_for_one;
    auto root = system_.spawn(supervisor, "root", root_options, std::move(children), hooks());
    return {root,
            caf::actor_cast<event_poller_actor>(poller_),
            caf::actor_cast<notification_writer_actor>(writer_),
            caf::actor_cast<timer_actor>(timer_),
            caf::actor_cast<email_batcher_actor>(batcher_),
            caf::actor_cast<resend_sender_actor>(sender_),
            caf::actor_cast<job_runner_actor>(runner_),
            fronts_};
  }

private:
  template <class Handle> static caf::actor as_actor(const Handle& x) {
    return caf::actor_cast<caf::actor>(x);
  }

  template <class Work, class Ack = settled_atom> caf::actor front(slot_options options) {
    fronts_.push_back(system_.spawn(slot<Work, Ack>, std::move(options)));
    return fronts_.back();
  }

  bool with_email() const { return cfg_.email.enabled && env_.render && env_.open_transport; }

  static bool is_outage(const caf::error& x) { return is_herald_outage(x); }

  // The writer's batching wants to see everything that is in flight at once; credit bounds it. A plan that
  // kills the writer goes back to the poller at once: trying it again would spend the writer's restart budget
  // on one event.
  slot_options writer_slot() const {
    slot_options out;
    out.window = cfg_.writer.max_in_flight;
    out.max_queue = std::size_t{2} * cfg_.writer.max_in_flight;
    out.max_blame = 1;
    out.blameless = is_outage;
    return out;
  }

  // A handler's crash goes to the poller at once: only the poller can tell the events of a batch apart.
  slot_options handler_slot() const {
    slot_options out;
    out.window = 64;
    out.max_queue = std::size_t{2} * cfg_.writer.max_in_flight;
    out.max_blame = 1;
    out.blameless = is_outage;
    return out;
  }

  // Room for what the batcher was granted, and for what a restarted one hands over on top of it.
  slot_options sender_slot() const {
    slot_options out;
    out.window = std::size_t{2} * cfg_.sender.max_waiting;
    out.max_queue = std::size_t{2} * cfg_.sender.max_waiting;
    out.max_blame = 1;
    out.blameless = is_outage;
    return out;
  }

  // The runner gives a job one order at a time. An order that kills its actor twice is the runner's to judge.
  slot_options job_slot() const {
    slot_options out;
    out.window = 2;
    out.max_queue = 2;
    out.max_blame = 1;
    out.max_deliveries = 2;
    return out;
  }

  store_gate_config gate_config() const {
    auto out = cfg_.gate;
    // SQLite has one writer, and a database in memory is its connection's alone.
    if (cfg_.store.kind == store_kind::sqlite)
      out.workers = 1;
    return out;
  }

  supervisor_hooks hooks() const {
    return {[time = env_.time] { return time->now(); }, env_.on_supervision};
  }

  /// The children of the pipeline, for the gate they are to talk to. A copy of this builder's parts, because a gate
  /// that was replaced gets new children long after the builder is gone.
  std::function<std::vector<child_spec>(const store_gate_actor&)> stage_factory() const {
    return [parts = parts_of(), rules = email_rules_of(), handler_children = handler_specs(),
            hooks = hooks()](const store_gate_actor& gate) {
      std::vector<child_spec> out;
      if (parts.env.with_fan_out)
        add_fan_out(out, parts, gate, handler_children, hooks);
      add_timer(out, parts);
      if (parts.env.with_fan_out)
        add_poller(out, parts, gate);
      if (parts.batcher)
        add_email(out, parts, gate, rules, hooks);
      if (parts.runner)
        add_jobs(out, parts, gate, hooks);
      return out;
    };
  }

  /// What the stages are made of.
  struct parts {
    configuration cfg;
    std::string worker;
    pipeline_environment env;
    caf::actor writer;
    caf::actor poller;
    caf::actor timer;
    caf::actor unknown;
    caf::actor sender;
    caf::actor batcher;
    caf::actor runner;
    std::map<std::string, caf::actor> handlers;
    std::map<std::string, caf::actor> jobs;

    /// Distinct for every daemon, so that those that share a configuration do not share its jitter.
    std::uint64_t own_seed(std::uint64_t n) const {
      return cfg.daemon.seed + n + std::hash<std::string>{}(worker);
    }
  };

  parts parts_of() const {
    return {cfg_,     worker_, env_,     writer_, poller_,   timer_,
            unknown_, sender_, batcher_, runner_, handlers_, jobs_};
  }

  static void add_fan_out(std::vector<child_spec>& out, const parts& x, const store_gate_actor& gate,
                          const std::vector<child_spec>& handler_children, const supervisor_hooks& hooks) {
    out.push_back({"notification_writer",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(self->spawn(notification_writer, x.cfg.writer, x.worker, gate,
                                                 caf::actor_cast<credit_taker>(x.poller),
                                                 caf::actor_cast<wake_up_taker>(x.batcher), x.env.time,
                                                 x.env.log));
                   },
                   x.writer});
    auto options = x.cfg.supervision.handlers;
    options.strategy = restart_strategy::one_for_one;
    out.push_back({"handlers",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(self->spawn(supervisor, "handlers", options, handler_children, hooks));
                   },
                   {}});
  }

  static void add_timer(std::vector<child_spec>& out, const parts& x) {
    // The stages arm their own alarms; these only make sure that none sleeps for good.
    std::vector<timer_entry> schedule;
    if (x.env.with_fan_out) {
      auto poller = caf::actor_cast<tick_taker>(x.poller);
      schedule.push_back({std::string{poll_job}, x.cfg.poller.poll_max, poller});
      schedule.push_back({std::string{renew_job}, x.cfg.poller.lease / 3, poller});
    }
    if (x.batcher)
      schedule.push_back({std::string{email_poll_job}, x.cfg.email.batcher.poll_max,
                          caf::actor_cast<tick_taker>(x.batcher)});
    if (x.runner && x.env.scheduled_jobs)
      // Also those without a rule: they may be given one while Herald runs.
      for (auto* job : x.cfg.jobs.all())
        schedule.push_back(
            {job->schedule.job, {}, caf::actor_cast<tick_taker>(x.runner), schedule_of(job->schedule)});
    out.push_back({"timer",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(
                         self->spawn(herald::timer, schedule, x.own_seed(9), x.env.time, x.env.log));
                   },
                   x.timer});
  }

  static std::optional<job_schedule> schedule_of(const schedule_settings& x) {
    // The loader has seen to it that a rule can be read.
    return x.rule.empty() ? std::nullopt : std::optional{*job_schedule::parse(x)};
  }

  static void add_jobs(std::vector<child_spec>& out, const parts& x, const store_gate_actor& gate,
                       const supervisor_hooks& hooks) {
    std::vector<child_spec> children;
    auto& cfg = x.cfg.jobs;
    add_nudges(children, x, gate, {cfg.meeting_reminders.schedule.job, cfg.reminders, cfg.chunk});
    add_nudges(children, x, gate, {cfg.unread_nudges.schedule.job, cfg.unread, cfg.chunk});
    add_nudges(children, x, gate, {cfg.resume_nudges.schedule.job, cfg.resumes, cfg.chunk});
    auto options = x.cfg.supervision.jobs;
    options.strategy = restart_strategy::rest_for_one;
    children.push_back({"calendar",
                        [=, watches = calendar_specs(x, gate)](auto* self, const sibling_fn&) {
                          return as_actor(self->spawn(supervisor, "calendar", options, watches, hooks));
                        },
                        {}});
    children.push_back({"job_runner",
                        [=](auto* self, const sibling_fn&) {
                          return as_actor(self->spawn(job_runner, runner_config(x), job_specs(x), gate,
                                                      x.env.time, x.env.log));
                        },
                        x.runner});
    options.strategy = restart_strategy::one_for_one;
    out.push_back({"jobs",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(self->spawn(supervisor, "jobs", options, children, hooks));
                   },
                   {}});
  }

  static void add_nudges(std::vector<child_spec>& out, const parts& x, const store_gate_actor& gate,
                         const nudge_job_config& cfg) {
    out.push_back({cfg.job,
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(self->spawn(nudge_job, cfg, gate,
                                                 caf::actor_cast<wake_up_taker>(x.poller), x.env.time,
                                                 x.env.log));
                   },
                   x.jobs.at(cfg.job)});
  }

  static std::vector<child_spec> calendar_specs(const parts& x, const store_gate_actor& gate) {
    std::vector<child_spec> out;
    // As many threads as connections may be renewed at a time.
    calendar_gate_config threads{x.cfg.jobs.watches.max_concurrent};
    out.push_back({"calendar_gate",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(
                         self->spawn(calendar_gate, threads, x.env.open_calendar, x.env.threads, x.env.log));
                   },
                   {}});
    out.push_back({std::string{calendar_watches_job},
                   [=](auto* self, const sibling_fn& sibling) {
                     return as_actor(
                         self->spawn(watch_renewal_job, x.cfg.jobs.watches, gate,
                                     caf::actor_cast<calendar_gate_actor>(sibling("calendar_gate")),
                                     x.env.time, x.env.log));
                   },
                   x.jobs.at(std::string{calendar_watches_job})});
    return out;
  }

  static job_runner_config runner_config(const parts& x) {
    job_runner_config out;
    out.worker = x.worker;
    out.retry = x.cfg.jobs.retries;
    out.keep = x.cfg.jobs.keep;
    out.dry_run = x.cfg.dry_run;
    out.scheduled = x.env.scheduled_jobs;
    out.seed = x.own_seed(10);
    return out;
  }

  static std::vector<job_spec> job_specs(const parts& x) {
    std::vector<job_spec> out;
    for (auto* job : x.cfg.jobs.all())
      out.push_back({job->schedule, job->deadline, caf::actor_cast<job_actor>(x.jobs.at(job->schedule.job))});
    return out;
  }

  static void add_poller(std::vector<child_spec>& out, const parts& x, const store_gate_actor& gate) {
    event_poller_links links{gate,
                             caf::actor_cast<notification_writer_actor>(x.writer),
                             caf::actor_cast<timer_actor>(x.timer),
                             {},
                             caf::actor_cast<event_handler_actor>(x.unknown)};
    for (auto& [type, handler] : x.handlers)
      links.handlers.emplace(type, caf::actor_cast<event_handler_actor>(handler));
    out.push_back({"event_poller",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(
                         self->spawn(event_poller, x.cfg.poller, x.worker, links, x.env.time, x.env.log));
                   },
                   x.poller});
  }

  static void add_email(std::vector<child_spec>& out, const parts& x, const store_gate_actor& gate,
                        const std::shared_ptr<const email_rules>& rules, const supervisor_hooks& hooks) {
    std::vector<child_spec> children;
    children.push_back({"mail_gate",
                        [=](auto* self, const sibling_fn&) {
                          return as_actor(self->spawn(mail_gate, x.cfg.mail_gate, x.env.open_transport,
                                                      x.env.threads, x.env.log));
                        },
                        {}});
    children.push_back(
        {"resend_sender",
         [=](auto* self, const sibling_fn& sibling) {
           resend_sender_links links{gate, caf::actor_cast<mail_gate_actor>(sibling("mail_gate")),
                                     caf::actor_cast<credit_taker>(x.batcher)};
           return as_actor(self->spawn(resend_sender, x.cfg.sender, x.worker, links, x.env.time, x.env.log));
         },
         x.sender});
    children.push_back({"email_batcher",
                        [=](auto* self, const sibling_fn&) {
                          email_batcher_links links{gate, caf::actor_cast<resend_sender_actor>(x.sender),
                                                    caf::actor_cast<timer_actor>(x.timer)};
                          return as_actor(self->spawn(email_batcher, x.cfg.email.batcher, x.worker, links,
                                                      rules, x.env.time, x.env.log));
                        },
                        x.batcher});
    auto options = x.cfg.supervision.email;
    options.strategy = restart_strategy::rest_for_one;
    out.push_back({"email",
                   [=](auto* self, const sibling_fn&) {
                     return as_actor(self->spawn(supervisor, "email", options, children, hooks));
                   },
                   {}});
  }

  std::shared_ptr<const email_rules> email_rules_of() const {
    return std::make_shared<const email_rules>(email_rules{env_.render, rows_, cfg_.handlers});
  }

  std::vector<child_spec> handler_specs() const {
    std::vector<child_spec> out;
    auto add = [&](const std::string& name, const handler_row& row, const caf::actor& slot) {
      out.push_back(
          {name,
           [row, settings = settings_, writer = writer_, log = env_.log](auto* self, const sibling_fn&) {
             return as_actor(self->spawn(event_handler, row, settings,
                                         caf::actor_cast<notification_writer_actor>(writer), log));
           },
           slot});
    };
    for (auto& row : rows_)
      add(std::string{row.event_type}, row, handlers_.at(std::string{row.event_type}));
    add("(unknown type)", unknown_type_handler(), unknown_);
    return out;
  }

  caf::actor_system& system_;
  const configuration& cfg_;
  std::string worker_;
  const std::vector<handler_row>& rows_;
  const pipeline_environment& env_;
  std::shared_ptr<const handler_settings> settings_;
  std::vector<caf::actor> fronts_;
  caf::actor writer_;
  caf::actor poller_;
  caf::actor timer_;
  caf::actor unknown_;
  caf::actor sender_;
  caf::actor batcher_;
  caf::actor runner_;
  std::map<std::string, caf::actor> handlers_;
  std::map<std::string, caf::actor> jobs_;
};

} // namespace

pipeline_handles spawn_pipeline(caf::actor_system& system, const configuration& cfg,
                                const std::string& worker, const std::vector<handler_row>& rows,
                                const pipeline_environment& env) {
  return builder{system, cfg, worker, rows, env}.build();
}

} // namespace herald
