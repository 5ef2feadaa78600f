#include "app/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/exit_codes.hpp"
#include "app/session.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

constexpr std::string_view component = "herald";

/// How soon the daemon notices events that another process appended.
constexpr duration look_around{500};

/// How long a single run waits for a mail provider that is down.
constexpr duration job_patience{30'000};

/// What the daemon keeps an eye on beside the pipeline: foreign changes to the store, and restarts worth
/// recording.
class attendant {
public:
  attendant(const run_environment& env, session& pipeline, std::string worker)
      : env_{env}, pipeline_{pipeline}, worker_{std::move(worker)} {
    // nop
  }

  void look() {
    if (!store_ && !open())
      return;
    // While the pipeline works its own commits show here as well; then the wake-up does no harm.
    if (auto version = store_->data_version(); version != seen_) {
      seen_ = version;
      pipeline_.wake();
    }
    record();
  }

  /// Keeps restarts for `herald status`. What cannot be written now is tried again with the next look.
  void record() {
    if (!store_ || env_.cfg.writer.dry_run)
      return;
    for (auto& x : pipeline_.supervision().take_new())
      if (x.what != "started" && x.what != "stopped")
        unrecorded_.push_back({x.at, worker_, x.supervisor, x.child, x.what, x.reason});
    if (unrecorded_.empty())
      return;
    if (store_->record_supervision(unrecorded_))
      unrecorded_.clear();
    else
      store_.reset();
  }

private:
  bool open() {
    auto opened = open_sqlite_store(env_.cfg.store.sqlite);
    if (opened)
      store_ = std::move(*opened);
    return opened.has_value();
  }

  const run_environment& env_;
  session& pipeline_;
  std::string worker_;
  std::unique_ptr<sqlite_store> store_;
  std::uint64_t seen_ = 0;
  std::vector<supervision_note> unrecorded_;
};

/// Drains and stops; what could not be finished is said, and shows in the exit code.
int shut_down(const run_environment& env, session& pipeline) {
  auto deadline = env.cfg.daemon.drain_deadline;
  // Stopping the actors comes on top of draining; five seconds are plenty for it.
  env.signals.end_on_next(deadline + duration{5'000}, exit_code::cut_short);
  auto drained = pipeline.drain(deadline);
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

std::unique_ptr<session> start(const run_environment& env, const std::shared_ptr<escalation>& escalated,
                               bool with_fan_out = true) {
  return std::make_unique<session>(session_options{env.cfg, env.rows, env.time, env.log, with_fan_out,
                                                   env.render, env.open_transport, env.hooks.around_store,
                                                   [escalated, &signals = env.signals](std::string why) {
                                                     escalated->reason = std::move(why);
                                                     escalated->happened = true;
                                                     signals.interrupt();
                                                   }});
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
  text.insert(0, dry_run ? "dry run, nothing was written; would have:" : std::string{what} + " done:");
  std::fputs(as_json ? (json.str() + "\n").c_str() : text.c_str(), stdout);
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
  auto pipeline = start(env, escalated);
  attendant watch{env, *pipeline, worker_name(env.cfg, env.time->now())};
  env.log.info(component, "started", "working on {}{}", env.cfg.store.sqlite.path,
               env.cfg.writer.dry_run ? " (dry run, nothing is written)" : "");
  for (;;) {
    auto signal = env.signals.wait(look_around);
    if (escalated->happened) {
      watch.record();
      return report_escalation(env, *escalated);
    }
    if (signal == SIGTERM || signal == SIGINT) {
      env.log.info(component, "stopping", "told to stop, finishing what is in flight within {} ms",
                   env.cfg.daemon.drain_deadline.count());
      auto code = shut_down(env, *pipeline);
      watch.record();
      return code;
    }
    watch.look();
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
  print_totals(env.cfg.writer.dry_run, "fan-out", out, text, json);
  return code;
}

int run_mail_once(const run_environment& env, mail_job job, bool json) {
  auto escalated = std::make_shared<escalation>();
  auto of_job = env;
  of_job.cfg.email.batcher.immediate = job == mail_job::instant;
  of_job.cfg.email.batcher.digests = job == mail_job::digest;
  auto pipeline = start(of_job, escalated, false);
  auto blocked_since = std::optional<timestamp>{};
  std::vector<stage_status> stages;
  auto idle = [&]() -> result<bool> {
    auto done = pipeline->until_mailed(look_around);
    if (!done || *done)
      return done;
    // A job for cron has to end: it does not wait for a provider that takes no mail.
    for (auto& stage : pipeline->stages())
      if (stage.name == "resend_sender" && stage.state == "degraded") {
        auto now = env.time->now();
        if (now - blocked_since.value_or(now) >= job_patience)
          return failure{failure_class::outage, stage.reason + "; the mails stay queued"};
        blocked_since = blocked_since.value_or(now);
        return false;
      }
    blocked_since.reset();
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
  print_totals(env.cfg.email.batcher.dry_run, "e-mail run", out, text, json);
  return code;
}

} // namespace herald
