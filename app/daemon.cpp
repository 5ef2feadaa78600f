#include "app/daemon.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
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

std::unique_ptr<session> start(const run_environment& env, const std::shared_ptr<escalation>& escalated) {
  return std::make_unique<session>(session_options{env.cfg, env.rows, env.time, env.log, env.render,
                                                   env.open_transport, env.hooks.around_store,
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

/// The writer's figures of a single run.
void print_totals(const std::vector<stage_status>& stages, bool dry_run, bool json) {
  json_object out;
  std::string text = dry_run ? "dry run, nothing was written; would have:" : "fan-out done:";
  out.set("dry_run", dry_run);
  for (auto& stage : stages) {
    if (stage.name != "notification_writer")
      continue;
    for (auto& [gauge, value] : stage.gauges) {
      if (gauge == "buffered")
        continue;
      out.set(gauge, value);
      text += fmt::format(" {} {},", value, gauge);
    }
  }
  text.back() = '\n';
  std::fputs(json ? (out.str() + "\n").c_str() : text.c_str(), stdout);
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
  for (;;) {
    auto idle = pipeline->until_idle(look_around);
    if (escalated->happened)
      return report_escalation(env, *escalated);
    if (!idle) {
      env.log.error(component, "run-failed", "the fan-out could not be finished: {}", idle.error().reason);
      shut_down(env, *pipeline);
      return exit_code::failed;
    }
    auto signal = env.signals.wait(duration{0});
    if (*idle || signal == SIGTERM || signal == SIGINT)
      break;
  }
  auto stages = pipeline->stages();
  auto code = shut_down(env, *pipeline);
  print_totals(stages, env.cfg.writer.dry_run, json);
  return code;
}

} // namespace herald
