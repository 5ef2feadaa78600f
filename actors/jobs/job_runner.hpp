// Runs the time-driven jobs: asks the ledger for each instant that is due, has the job's actor make the run, and writes
// down how it ended. A tick is only a hint; what is due follows from the ledger and the clock, so that nothing is lost
// with a message, a stage or a daemon.
//
//   look at the ledger ─► begin ─► order to the job ─► finish ─► look again
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/idle_backoff.hpp"
#include "core/jobs/conclusion.hpp"
#include "core/jobs/occurrences.hpp"
#include "core/random.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

/// One job as it is to be run.
struct job_spec {
  schedule_settings schedule;
  /// A run that takes longer is broken off and counts as failed (positive).
  duration deadline{10 * 60'000};
  job_actor actor;
};

struct job_runner_config {
  /// Names this daemon in the ledger.
  std::string worker;
  job_retry_policy retry;
  /// Entries of the ledger older than this are forgotten.
  duration keep{std::chrono::hours{24 * 90}};
  /// Orders dry runs, and leaves the ledger alone.
  bool dry_run = false;
  /// Whether runs are made by schedule at all; without, only by hand.
  bool scheduled = true;
  /// Where the jitter of retries starts from.
  std::uint64_t seed = 1;
};

/// Returns an error that names the first unusable job or value.
caf::error validate(const job_runner_config& cfg, const std::vector<job_spec>& jobs);

// -- state --------------------------------------------------------------------------------------------------

class job_runner_state {
public:
  static constexpr const char* name = "job_runner";

  using self_ptr = job_runner_actor::stateful_pointer<job_runner_state>;

  explicit job_runner_state(self_ptr owner);

  job_runner_actor::behavior_type make_behavior(job_runner_config cfg, std::vector<job_spec> specs,
                                                store_gate_actor gate, std::shared_ptr<const clock> time,
                                                logger log);

private:
  // -- message handlers, in the order of job_runner_actor ---------------------------------------------------

  stage_status on_status() const;

  void on_tick(const tick& x);

  caf::result<hand_run> on_run_job(const run_job& x);

  caf::result<idle_atom> on_idle();

  caf::result<drain_report> on_drain(const drain& x);

  void on_schedule_change(const std::vector<schedule_settings>& changes);

  void on_look(std::uint64_t index, std::uint64_t generation);

  void on_deadline(std::uint64_t index, std::uint64_t generation);

  void on_renew(std::uint64_t index, std::uint64_t generation);

  void on_finish_again(std::uint64_t index);

  void on_drain_limit();

  // -- member types -----------------------------------------------------------------------------------------

  enum class phase : std::uint8_t { idle, looking, beginning, working, ending, finishing, waiting_to_finish };

  struct job {
    explicit job(job_spec x) : spec{std::move(x)} {}

    job_spec spec;
    /// Nothing: never by itself.
    std::optional<job_schedule> schedule;
    job_runner_state::phase phase = job_runner_state::phase::idle;
    /// Something came up while a look or a run was under way.
    bool look_again = false;
    /// Counts looks and runs, so that what was meant for an earlier one does nothing.
    std::uint64_t generation = 0;
    /// A dry run's ledger.
    timestamp settled_until{};

    // The run under way.
    run_ref run;
    timestamp as_of{};
    bool dry_run = false;
    /// Broken off because the daemon stops.
    bool handed_back = false;
    finished_try trying;
    finish_run_request outcome;
    std::optional<caf::typed_response_promise<hand_run>> asked_by;
  };

  // -- helpers: looking -------------------------------------------------------------------------------------

  void look(std::size_t index);

  void look_later(std::size_t index, timestamp at);

  /// The ledger did not answer as it should: look again after a pause.
  void back_off(std::size_t index, const failure& why);

  void on_state(std::size_t index, const job_state& x);

  /// What the ledger says is to be run now, if anything; sets when to look again otherwise.
  std::optional<due_run> choose(std::size_t index, const job_state& x);

  begin_run_request request_for(const job& x) const;

  void begin(std::size_t index, const due_run& due);

  void on_begun(std::size_t index, const std::optional<missed_span>& without_a_run, const begun_run& x);

  // -- helpers: running -------------------------------------------------------------------------------------

  void order(std::size_t index);

  void on_report(std::size_t index, job_report x);

  /// Has the job stop where it is. If it does not answer soon, it is given up.
  void break_off(std::size_t index);

  void finish(std::size_t index);

  void on_finished(std::size_t index, bool ours);

  /// Logs and counts how a run went.
  void tell(const job& x);

  /// The store did not answer as it should: say so once.
  void on_store_failed(const failure& why);

  void on_store_fine();

  void go_idle(std::size_t index);

  void answer_hand_run(job& x, hand_run answer);

  void answer_waiting();

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  job_runner_config cfg;
  store_gate_actor gate;
  std::shared_ptr<const clock> time;
  logger log;
  random_source random{1};
  std::vector<job> jobs;
  idle_backoff pause{duration{1}, duration{1}};
  /// Why the ledger cannot be used; empty when it can.
  std::string degraded;
  bool draining = false;
  std::vector<caf::typed_response_promise<idle_atom>> waiting_idle;
  std::vector<caf::typed_response_promise<drain_report>> waiting_drain;
  std::uint64_t handed_back = 0;
  std::int64_t ran = 0;
  std::int64_t late = 0;
  std::int64_t failed = 0;
  std::int64_t missed = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Looks at all jobs at once: what was due while no daemon was there is caught up with.
job_runner_actor::behavior_type job_runner(job_runner_state::self_ptr self, job_runner_config cfg,
                                           std::vector<job_spec> jobs, store_gate_actor gate,
                                           std::shared_ptr<const clock> time, logger log);

} // namespace herald
