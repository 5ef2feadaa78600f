// The wiring: which actors make up the pipeline, who supervises them, and who knows whom. The only place
// besides the tests that spawns stages.
//
//   root (rest_for_one) ─┬─ store_gate
//                        └─ pipeline (one_for_one) ─┬─ notification_writer
//                                                   ├─ handlers (one_for_one) ── an event_handler per type
//                                                   ├─ timer
//                                                   ├─ event_poller
//                                                   ├─ email (rest_for_one) ─┬─ mail_gate
//                                                   │                        ├─ resend_sender
//                                                   │                        └─ email_batcher
//                                                   └─ jobs (one_for_one) ─┬─ a nudge_job for each of three jobs
//                                                                          ├─ calendar (rest_for_one) ─┬─ calendar_gate
//                                                                          │                           └─ watch_renewal_job
//                                                                          └─ job_runner
//
// A gate that dies takes with it whoever holds its address. Everybody else knows his neighbours by their slots, so a
// stage can be replaced alone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/calendar_gate.hpp"
#include "actors/email_batcher.hpp"
#include "actors/log.hpp"
#include "actors/mail_gate.hpp"
#include "actors/store_gate.hpp"
#include "actors/supervisor.hpp"
#include "adapters/clock.hpp"
#include "config/configuration.hpp"
#include "core/handlers.hpp"
#include "messages/actors.hpp"

namespace herald {

/// What the pipeline needs from outside.
struct pipeline_environment {
  store_opener open_store;
  /// Whether events are turned into notifications at all; without, only e-mail goes out.
  bool with_fan_out = true;
  /// How mails are rendered and sent; no e-mail stages without it.
  render_fn render;
  transport_opener open_transport;
  /// The way to the calendar provider; no job stages without it.
  calendar_opener open_calendar;
  /// Whether jobs run by their schedules; without, only by hand.
  bool scheduled_jobs = true;
  std::shared_ptr<const clock> time;
  logger log;
  /// Told every act of supervision; may be called from any thread.
  std::function<void(const supervision_record&)> on_supervision;
  gate_threads threads = gate_threads::detached;
};

/// The stable addresses of a running pipeline. Nobody works behind those of stages that were left out.
struct pipeline_handles {
  caf::actor root;
  event_poller_actor poller;
  notification_writer_actor writer;
  timer_actor timer;
  /// Null without e-mail stages.
  email_batcher_actor batcher;
  resend_sender_actor sender;
  /// Null without job stages.
  job_runner_actor runner;
  /// All slots; they outlive the stages and have to be stopped after `root`.
  std::vector<caf::actor> fronts;
};

/// Spawns everything. `rows` are the event types this daemon handles.
pipeline_handles spawn_pipeline(caf::actor_system& system, const configuration& cfg,
                                const std::string& worker, const std::vector<handler_row>& rows,
                                const pipeline_environment& env);

} // namespace herald
