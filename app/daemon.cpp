#include "app/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/attendant.hpp"
#include "app/calendar_setup.hpp"
#include "app/exit_codes.hpp"
#include "app/reload.hpp"
#include "app/session.hpp"
#include "app/store_setup.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

constexpr std::string_view component = "herald";

/// How long the main thread waits for a signal at a time.
constexpr duration look_around{500};

/// How long a single run waits for a mail provider that is down.
constexpr duration job_patience{30'000};

/// From now on the process ends, come what may: a database that hangs must not keep it. Stopping the threads comes on top
/// of draining; five seconds are plenty for it.
void end_in_time(const run_environment& env, int code) {
  env.signals.end_on_next(env.cfg.daemon.drain_deadline + duration{5'000}, code);
}

/// Drains and stops; what could not be finished is said, and shows in the exit code.
int shut_down(const run_environment& env, session& pipeline, attendant* watch = nullptr) {
  end_in_time(env, exit_code::cut_short);
  if (watch)
    watch->interrupt();
  auto drained = pipeline.drain(env.cfg.daemon.drain_deadline);
  // Until then it may wake the pipeline.
  if (watch)
    watch->stop();
  pipeline.stop();
  if (!drained) {
    env.log.error(component, "drain-failed", "stopped without draining; claims end with their leases: {}",
                  drained.error().reason);
    return exit_code::cut_short;
  }
  if (*drained > 0) {
    env.log.warning(component, "stopped", "stopped; {} events were handed back unfinished", *drained);
    return exit_code::cut_short;
  }
  env.log.info(component, "stopped", "stopped; nothing was in flight");
  return exit_code::ok;
}

struct escalation {
  std::atomic<bool> happened{false};
  std::string reason;
};

session_options options_of(const run_environment& env, const std::shared_ptr<escalation>& escalated) {
  session_options out;
  out.cfg = env.cfg;
  out.rows = env.rows;
  out.time = env.time;
  out.log = env.log;
  out.render = env.render;
  out.open_transport = env.open_transport;
  out.scheduled_jobs = false;
  out.around_store = env.hooks.around_store;
  out.on_escalation = [escalated, &signals = env.signals](std::string why) {
    escalated->reason = std::move(why);
    escalated->happened = true;
    signals.interrupt();
  };
  return out;
}

/// For single runs: without jobs, which a process that is about to end must not begin.
std::unique_ptr<session> start(const run_environment& env, const std::shared_ptr<escalation>& escalated,
                               bool with_fan_out = true) {
  auto options = options_of(env, escalated);
  options.with_fan_out = with_fan_out;
  return std::make_unique<session>(std::move(options));
}

/// For the daemon: with jobs, by the schedules in force.
std::unique_ptr<session> start_daemon(const run_environment& env,
                                      const std::shared_ptr<escalation>& escalated) {
  auto options = options_of(env, escalated);
  options.scheduled_jobs = true;
  options.open_calendar = calendar_for_daemon(env);
  if (!env.cfg.jobs.enabled)
    for (auto* x : options.cfg.jobs.all())
      x->schedule.rule.clear();
  return std::make_unique<session>(std::move(options));
}

/// Reads the configuration again, and applies what can be applied to a pipeline at work.
void reload(const run_environment& env, configuration& in_force, session& pipeline) {
  auto fresh = env.reload();
  if (fresh.has_error()) {
    env.log.error(component, "reload-refused",
                  "the configuration is not valid, everything stays as it is: {}", to_string(fresh.error()));
    return;
  }
  auto plan = plan_reload(in_force, *fresh);
  for (auto& x : plan.at_once)
    env.log.info(component, "reloaded", "in effect from now on: {}", x);
  for (auto& x : plan.at_next_start)
    env.log.warning(component, "reload-later", "takes effect when Herald is started again: {}", x);
  if (plan.empty())
    env.log.info(component, "reloaded", "the configuration is the same as before");
  env.log.set_level(fresh->log.level);
  pipeline.reschedule(std::move(plan.schedules));
  // The rest is still as it was at the start, and is named again next time.
  in_force.jobs.enabled = fresh->jobs.enabled;
  for (std::size_t i = 0; i < in_force.jobs.all().size(); ++i)
    in_force.jobs.all()[i]->schedule = fresh->jobs.all()[i]->schedule;
  in_force.log.level = fresh->log.level;
}

int report_escalation(const run_environment& env, const escalation& x) {
  env.log.error(component, "gave-up", "restarting stages did not help, leaving it to the service manager: {}",
                x.reason);
  return exit_code::escalated;
}

/// What one stage counted in a single run.
void add_totals(const std::vector<stage_status>& stages, std::string_view name,
                std::initializer_list<std::string_view> gauges, json_object& json, std::string& text) {
  for (auto& stage : stages)
    if (stage.name == name)
      for (auto& [gauge, value] : stage.gauges)
        if (std::ranges::find(gauges, gauge) != gauges.end()) {
          json.set(gauge, value);
          text += fmt::format(" {} {},", value, gauge);
        }
}

void print_totals(bool dry_run, std::string_view what, json_object& json, std::string& text, bool as_json) {
  if (!text.empty())
    text.pop_back();
  text += '\n';
  text.insert(0, dry_run ? "dry run, nothing was written; would have:" : std::string{what} + ":");
  std::fputs(as_json ? (json.str() + "\n").c_str() : text.c_str(), stdout);
}

/// What a run by hand did, or would have done.
void print_run(std::string_view job, const hand_run& x, std::optional<timestamp> as_of, bool dry_run,
               bool as_json) {
  json_object out;
  json_object counts;
  out.set("job", job).set("dry_run", dry_run);
  if (as_of)
    out.set("as_of", to_iso8601(*as_of));
  std::string text;
  for (auto& [reason, n] : x.report.counts) {
    counts.set(reason, static_cast<std::int64_t>(n));
    text += fmt::format(" {} {},", n, reason);
  }
  if (text.empty())
    text = " nothing to do,";
  auto whole = payload::parse(counts.str());
  out.set("counts", whole ? *whole : payload{}).set("took_ms", static_cast<std::int64_t>(x.took.count()));
  if (x.report.why)
    out.set("failure", x.report.why->reason);
  // What failed would have done nothing that is known.
  print_totals(dry_run && !x.report.why, fmt::format("{} {}", job, x.report.why ? "failed after" : "done"),
               out, text, as_json);
}

/// Works until `idle` says that nothing is left. Returns an exit code, and what the stages counted.
template <class Idle>
int run_until(const run_environment& env, session& pipeline, const escalation& escalated,
              std::string_view what, std::vector<stage_status>& stages, Idle idle) {
  for (;;) {
    auto done = idle();
    if (escalated.happened)
      return report_escalation(env, escalated);
    if (!done) {
      env.log.error(component, "run-failed", "the {} could not be finished: {}", what, done.error().reason);
      shut_down(env, pipeline);
      return exit_code::failed;
    }
    auto signal = env.signals.wait(duration{0});
    if (*done || signal == SIGTERM || signal == SIGINT)
      break;
  }
  stages = pipeline.stages();
  return shut_down(env, pipeline);
}

} // namespace

int run_daemon(const run_environment& env) {
  auto escalated = std::make_shared<escalation>();
  auto pipeline = start_daemon(env, escalated);
  auto in_force = env.cfg;
  attendant watch{env.cfg, *pipeline, worker_name(env.cfg, env.time->now()), env.log};
  env.log.info(component, "started", "working on {}{}", describe(env.cfg.store),
               env.cfg.writer.dry_run ? " (dry run, nothing is written)" : "");
  for (;;) {
    auto signal = env.signals.wait(look_around);
    if (escalated->happened) {
      end_in_time(env, exit_code::escalated);
      watch.stop();
      watch.record();
      return report_escalation(env, *escalated);
    }
    if (signal == SIGHUP)
      reload(env, in_force, *pipeline);
    if (signal == SIGTERM || signal == SIGINT) {
      env.log.info(component, "stopping", "told to stop, finishing what is in flight within {} ms",
                   env.cfg.daemon.drain_deadline.count());
      auto code = shut_down(env, *pipeline, &watch);
      watch.record();
      return code;
    }
  }
}

int run_fan_out_once(const run_environment& env, bool json) {
  auto escalated = std::make_shared<escalation>();
  auto pipeline = start(env, escalated);
  std::vector<stage_status> stages;
  auto code = run_until(env, *pipeline, *escalated, "fan-out", stages,
                        [&] { return pipeline->until_idle(look_around); });
  if (stages.empty())
    return code;
  json_object out;
  std::string text;
  out.set("dry_run", env.cfg.writer.dry_run);
  add_totals(
      stages, "notification_writer",
      {"completed", "notifications", "rolled_up", "emails", "skipped", "retried", "dead", "lost_claims"}, out,
      text);
  print_totals(env.cfg.writer.dry_run, "fan-out done", out, text, json);
  return code;
}

int run_mail_once(const run_environment& env, mail_job job, bool json) {
  auto escalated = std::make_shared<escalation>();
  auto of_job = env;
  of_job.cfg.email.batcher.immediate = job == mail_job::instant;
  of_job.cfg.email.batcher.digests = job == mail_job::digest;
  auto pipeline = start(of_job, escalated, false);
  timestamp blocked_since{}; // the epoch: not blocked
  std::vector<stage_status> stages;
  auto idle = [&]() -> result<bool> {
    auto done = pipeline->until_mailed(look_around);
    if (!done || *done)
      return done;
    // A job for cron has to end: it does not wait for a provider that takes no mail.
    for (auto& stage : pipeline->stages())
      if (stage.name == "resend_sender" && stage.state == "degraded") {
        auto now = env.time->now();
        if (blocked_since == timestamp{})
          blocked_since = now;
        if (now - blocked_since >= job_patience)
          return failure{failure_class::outage, stage.reason + "; the mails stay queued"};
        return false;
      }
    blocked_since = {};
    return false;
  };
  auto code = run_until(env, *pipeline, *escalated, "e-mail run", stages, idle);
  if (stages.empty())
    return code;
  json_object out;
  std::string text;
  out.set("dry_run", env.cfg.email.batcher.dry_run);
  add_totals(stages, "email_batcher", {"mails", "skipped", "unsendable"}, out, text);
  add_totals(stages, "resend_sender", {"immediate", "digests", "merged", "failed", "parked", "retried"}, out,
             text);
  print_totals(env.cfg.email.batcher.dry_run, "e-mail run done", out, text, json);
  return code;
}

int run_job_once(const run_environment& env, std::string_view job, std::optional<timestamp> as_of,
                 bool json) {
  auto escalated = std::make_shared<escalation>();
  auto options = options_of(env, escalated);
  options.with_fan_out = false;
  options.open_calendar = calendar_for_run(env);
  session pipeline{std::move(options)};
  auto ending = pipeline.run({std::string{job}, as_of, env.cfg.dry_run});
  while (ending.wait_for(look_around) != std::future_status::ready) {
    if (escalated->happened)
      return report_escalation(env, *escalated);
    if (auto signal = env.signals.wait(duration{0}); signal == SIGTERM || signal == SIGINT) {
      env.log.info(job, "stopping", "told to stop, breaking the run off");
      shut_down(env, pipeline);
      return exit_code::cut_short;
    }
  }
  auto done = ending.get();
  if (!done) {
    env.log.error(job, "run-failed", "the run could not be made: {}", done.error().reason);
    shut_down(env, pipeline);
    return exit_code::failed;
  }
  if (done->verdict != begin_verdict::begun) {
    env.log.error(job, "run-refused", "another run of the job is under way: {} has it until {}",
                  done->holder.empty() ? "somebody" : done->holder,
                  done->held_until ? to_iso8601(*done->held_until) : "it ends");
    shut_down(env, pipeline);
    return exit_code::failed;
  }
  print_run(job, *done, as_of, env.cfg.dry_run, json);
  auto code = shut_down(env, pipeline);
  return done->report.why ? exit_code::failed : code;
}

} // namespace herald
