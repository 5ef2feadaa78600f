// Commits what handlers planned, many plans per transaction, and grants the poller its credit.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/idle_backoff.hpp"
#include "core/random.hpp"
#include "core/retry_policy.hpp"
#include "messages/actors.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct notification_writer_config {
  /// Events that may be claimed and not yet settled (1 to 100000): the bound on Herald's memory.
  std::uint32_t max_in_flight = 2'000;
  /// Events after which the buffer is committed at once.
  std::uint32_t commit_batch = 500;
  /// How long the first plan in the buffer may wait for company.
  duration commit_delay{5};
  /// Pause before a commit that met an outage is tried again; doubles up to `outage_backoff_max`.
  duration outage_backoff_min{500};
  duration outage_backoff_max{30'000};
  /// When failed events are tried again.
  retry_policy retries;
  /// Seed of the jitter.
  std::uint64_t seed = 1;
  /// Count what would be written; write nothing.
  bool dry_run = false;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const notification_writer_config& cfg);

// -- state --------------------------------------------------------------------------------------------------

class notification_writer_state {
public:
  static constexpr const char* name = "notification_writer";

  using self_ptr = notification_writer_actor::stateful_pointer<notification_writer_state>;

  explicit notification_writer_state(self_ptr owner);

  notification_writer_actor::behavior_type make_behavior(notification_writer_config cfg, std::string worker,
                                                         store_gate_actor gate, credit_taker taker,
                                                         wake_up_taker mailer,
                                                         std::shared_ptr<const clock> time, logger log);

private:
  // -- message handlers, in the order of notification_writer_actor ------------------------------------------

  stage_status on_status() const;

  caf::result<settled_atom> on_plans(const plan_batch_ptr& plans);

  void on_open();

  void on_flush(std::uint64_t generation);

  void on_retry();

  // -- helpers: one commit at a time ------------------------------------------------------------------------

  /// Starts a commit of what is buffered, up to `commit_batch` events, unless one is under way.
  void commit_buffered();

  void commit(std::vector<plan_batch_ptr> batches);

  void on_committed(const commit_report& report);

  void on_commit_failed(const failure& why);

  /// The store refused a commit for good: finds out which plan is at fault, by committing one at a time.
  void isolate(const failure& why);

  void commit_next_piece();

  void settle();

  void report_failures() const;

  void set_degraded(const std::string& why);

  // -- member types -----------------------------------------------------------------------------------------

  struct buffered {
    plan_batch_ptr plans;
    caf::typed_response_promise<settled_atom> answer;
  };

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  notification_writer_config cfg;
  std::string worker;
  store_gate_actor gate;
  credit_taker taker;
  /// Told when e-mails were queued; may be nobody.
  wake_up_taker mailer;
  std::shared_ptr<const clock> time;
  logger log;
  random_source random{1};
  idle_backoff outage_backoff{duration{1}, duration{1}};

  /// Plans that wait for the next commit, oldest first.
  std::deque<buffered> buffer;
  std::uint64_t buffered_events = 0;
  /// Tells the flush timer of this buffer from those of earlier ones.
  std::uint64_t generation = 0;

  /// Plans whose commit is under way.
  std::vector<buffered> open;
  /// The request that is under way, kept for trying again.
  commit_request_ptr request;
  /// While the culprit of a refused commit is sought: what is still to be committed, piece by piece.
  std::deque<plan_batch_ptr> pieces;
  /// Why the store does not take commits; empty when it does.
  std::string degraded;
  commit_report totals;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Buffers plans by size and age, commits them in one transaction, and answers each batch once it is
/// committed. `taker` is told its credit at the start and whenever it changes: none while the store is down.
/// `mailer` is woken when a commit has queued e-mails.
notification_writer_actor::behavior_type notification_writer(notification_writer_state::self_ptr self,
                                                             notification_writer_config cfg,
                                                             std::string worker, store_gate_actor gate,
                                                             credit_taker taker, wake_up_taker mailer,
                                                             std::shared_ptr<const clock> time, logger log);

} // namespace herald
