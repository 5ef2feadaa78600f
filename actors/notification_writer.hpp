// Commits what handlers planned, many plans per transaction, and grants the poller its credit.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
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
  /// Commits that may be under way at once (1 to 64). Each keeps a worker of the gate busy.
  std::uint32_t max_commits = 2;
  /// How long the first plan in the buffer may wait for company.
  duration commit_delay{0};
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

  // -- member types -----------------------------------------------------------------------------------------

  struct buffered {
    plan_batch_ptr plans;
    caf::typed_response_promise<settled_atom> answer;
    /// Counts up messages in rows that others may want to count up as well.
    bool rolls_up = false;
  };

  /// A commit that is under way.
  struct open_commit {
    std::vector<buffered> batches;
    /// Kept for trying again.
    commit_request_ptr request;
    /// Of a commit that was refused or too large: what is still to be committed, piece by piece.
    std::deque<plan_batch_ptr> pieces;
    bool rolls_up = false;
    std::uint32_t transient_failures = 0;
    /// Met an outage and waits for the next try.
    bool waiting = false;
  };

  // -- helpers: commits -------------------------------------------------------------------------------------

  /// Starts a commit of what is buffered and ready, up to `commit_batch` events, unless enough are under way. Returns
  /// whether it did.
  bool commit_buffered();

  /// Arranges for what is buffered to be committed once the delay is over.
  void flush_soon();

  /// Whether this may be part of the next commit. Two that count up messages of the same threads would wait for each
  /// other in the database, so there is one at a time.
  bool is_ready(const buffered& x) const;

  std::uint64_t ready_events() const;

  void commit(open_commit& x, std::vector<plan_batch_ptr> batches);

  void send(open_commit& x);

  void on_committed(open_commit& x, const commit_report& report);

  void on_commit_failed(open_commit& x, const failure& why);

  /// The store refused a commit for good: finds out which plan is at fault, by committing one at a time.
  void isolate(open_commit& x, const failure& why);

  /// Puts `parts` in the place of the piece that was tried last, or of the whole.
  static void replace_piece(open_commit& x, const std::vector<plan_batch_ptr>& parts);

  void commit_next_piece(open_commit& x);

  void settle(open_commit& x);

  void report_failures(const commit_request& x) const;

  void set_degraded(const std::string& why);

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
  /// Tells the flush timer of this buffer from those of earlier ones.
  std::uint64_t generation = 0;

  std::list<open_commit> open;
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
