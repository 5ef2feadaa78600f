// A running pipeline with its actor system: what `run`, `once` and `demo` have in common. Starts on
// construction, stops in order.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/calendar_gate.hpp"
#include "actors/email_batcher.hpp"
#include "actors/log.hpp"
#include "actors/mail_gate.hpp"
#include "actors/supervisor.hpp"
#include "adapters/clock.hpp"
#include "config/configuration.hpp"
#include "core/handlers.hpp"
#include "messages/actors.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Acts of supervision, collected from all supervisors for reports. Thread-safe, bounded: it keeps the
/// latest.
class supervision_log {
public:
  void add(const supervision_record& x);

  /// Everything kept, oldest first.
  std::vector<supervision_record> all() const;

  /// Takes what has come since the last call.
  std::vector<supervision_record> take_new();

private:
  static constexpr std::size_t max_kept = 10'000;

  mutable std::mutex guard_;
  std::vector<supervision_record> records_;
  std::size_t taken_ = 0;
};

struct session_options {
  configuration cfg;
  std::vector<handler_row> rows;
  std::shared_ptr<const clock> time;
  logger log;
  /// Whether events are turned into notifications; without, only e-mail goes out.
  bool with_fan_out = true;
  /// How mails are rendered and sent; without it e-mails stay queued.
  render_fn render;
  transport_opener open_transport;
  /// The way to the calendar provider; without it no job runs.
  calendar_opener open_calendar;
  /// Whether jobs run by their schedules; without, only by hand.
  bool scheduled_jobs = true;
  /// Put around every store that the pipeline opens; may be empty.
  std::function<std::unique_ptr<pipeline_store>(std::unique_ptr<pipeline_store>)> around_store;
  /// Called once, from any thread, when the root supervisor has given up, with its reason.
  std::function<void(std::string)> on_escalation;
};

class session {
public:
  /// Throws nothing; a store that cannot be opened shows as a degraded pipeline.
  explicit session(session_options options);

  /// Stops at once what has not been stopped; claims end with their leases.
  ~session();

  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// Tells the pipeline that there are new events, or new e-mails. From any thread, until it is stopped.
  void wake(bool events = true, bool emails = true);

  /// Waits until no event is due and none in flight, at most for `limit`; returns whether it came to that.
  /// Fails when the store is down.
  result<bool> until_idle(duration limit);

  /// The same for e-mails that are due. At once when there are no e-mail stages.
  result<bool> until_mailed(duration limit);

  /// The same for runs of jobs that are due.
  result<bool> until_jobs_ran(duration limit);

  /// Changes when jobs run; the others stay as they are.
  void reschedule(std::vector<schedule_settings> changes);

  /// Makes one run of a job by hand; the answer comes when it has ended, a little after its deadline at the latest. It is a
  /// failure when the ledger is down, or the job unknown.
  std::future<result<hand_run>> run(const run_job& x);

  /// Claims nothing more, waits for what is in flight, and hands back what is left after `limit`. Jobs first,
  /// then events, so that what they cause may still go out. Returns how many claims were handed back.
  result<std::uint64_t> drain(duration limit);

  /// Stops every actor, in reverse start order.
  void stop();

  /// How the stages describe themselves; a stage that is being restarted is left out.
  std::vector<stage_status> stages();

  const supervision_log& supervision() const;
  supervision_log& supervision();

private:
  struct running;
  std::unique_ptr<running> running_;
};

/// The name under which this process claims: the configured one, else host name, process id and start.
std::string worker_name(const configuration&, timestamp start);

} // namespace herald
