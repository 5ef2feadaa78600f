// Turns queued e-mails into sealed envelopes, as many as the sender takes, and opens digest windows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/claim_size.hpp"
#include "core/email/digest_window.hpp"
#include "core/email/prepare.hpp"
#include "core/email/request_body.hpp"
#include "core/handlers.hpp"
#include "core/idle_backoff.hpp"
#include "messages/actors.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------
struct email_batcher_config {
  /// Mails per claim (1 to 10000).
  std::uint32_t claim_batch = 200;
  /// Every how many claims digests come first, while both kinds wait (≥ 1).
  std::uint32_t digest_turn = 5;
  /// Envelopes of all replicas that may be sealed and unsent; beyond that nothing new is sealed.
  std::uint32_t max_open_envelopes = 100;
  /// How claimed mails are put into requests.
  seal_limits requests;
  /// Pause after the first empty look; doubles with each further one up to `poll_max`.
  duration poll_min{1'000};
  duration poll_max{30'000};
  /// How long a claim holds; must be well above a request's deadline.
  duration lease{120'000};
  /// When digests are due: a cron rule in a time zone.
  std::string digest_rule{digest_schedule::default_rule};
  std::string digest_zone{digest_schedule::default_zone};
  /// How long the bodies of ended envelopes are kept. They hold personal data.
  duration body_retention{0};
  /// Which mails it works on.
  bool immediate = true;
  bool digests = true;
  /// Say what would be sent; claim, seal and send nothing.
  bool dry_run = false;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const email_batcher_config& cfg);

/// Whom the batcher talks to.
struct email_batcher_links {
  store_gate_actor gate;
  resend_sender_actor sender;
  timer_actor timer;
};

/// The rules it applies.
struct email_rules {
  render_fn render;
  std::vector<handler_row> rows;
  handler_settings settings;
};

/// The job that makes it look for work.
inline constexpr std::string_view email_poll_job = "email-poll";

// -- state --------------------------------------------------------------------------------------------------
class email_batcher_state {
public:
  static constexpr const char* name = "email_batcher";

  using self_ptr = email_batcher_actor::stateful_pointer<email_batcher_state>;

  explicit email_batcher_state(self_ptr owner);

  email_batcher_actor::behavior_type make_behavior(email_batcher_config cfg, std::string worker,
                                                   email_batcher_links links,
                                                   std::shared_ptr<const email_rules> rules,
                                                   std::shared_ptr<const clock> time, logger log);

private:
  // -- message handlers, in the order of email_batcher_actor ------------------------------------------------
  stage_status on_status() const;

  void on_tick();

  void on_wake_up();

  void on_credit(const credit& x);

  caf::result<idle_atom> on_idle();

  caf::result<drain_report> on_drain(const drain& x);

  void on_drain_limit();

  // -- helpers: claiming ------------------------------------------------------------------------------------
  /// Takes back what an earlier instance of this daemon's batcher had claimed.
  void take_over();

  /// Looks for work unless a look is under way: first for a window that has closed, then for mails.
  void poll();

  void open_window(timestamp window);

  void claim();

  void on_claimed(const claimed_outbox_ptr& claimed);

  void on_claim_failed(const failure& why);

  /// Asks the timer for the next look.
  void rest(std::optional<timestamp> next_due);

  void purge();

  // -- helpers: sealing -------------------------------------------------------------------------------------
  void seal(const claimed_outbox& claimed);

  void store_next_piece();

  void on_sealed(const sealed_batch& sealed);

  /// The store refused to seal: finds out which envelope is at fault, one at a time.
  void isolate(const failure& why);

  void report_dry_run(const claimed_outbox& claimed);

  // -- helpers: sending -------------------------------------------------------------------------------------
  /// How many envelopes the sender still takes.
  std::size_t room() const;

  /// Hands over what is sealed, as far as there is room.
  void hand_over();

  void send(const sealed_envelope_ptr& envelope);

  /// Gives up what nobody has tried to send yet, so that others may.
  void hand_back();

  void on_settled(std::int64_t envelope);

  void done();

  void answer_waiting();

  // -- member variables -------------------------------------------------------------------------------------
  self_ptr self;
  email_batcher_config cfg;
  std::string worker;
  email_batcher_links links;
  std::shared_ptr<const email_rules> rules;
  std::shared_ptr<const clock> time;
  logger log;
  std::optional<digest_schedule> schedule;
  idle_backoff pause{duration{1}, duration{1}};
  claim_size size{1};

  /// Envelopes the sender takes at once.
  std::uint64_t limit = 0;
  /// Sealed, leased to us, and waiting for room at the sender.
  std::deque<sealed_envelope_ptr> ready;
  /// Envelopes that the sender has and did not settle yet.
  std::set<std::int64_t> in_flight;
  /// A look, a seal or a take-over is under way.
  bool busy = false;
  /// There may be more to claim as soon as there is room.
  bool more = true;
  /// A wake-up came while a look was under way.
  bool woken = false;
  bool draining = false;
  /// The newest window that is known to be open.
  std::optional<timestamp> opened;
  timestamp last_purge{};
  std::int64_t dry_run_cursor = 0;
  /// Claims since digests came first.
  std::uint32_t claims = 0;
  std::string degraded;
  /// What is still to be stored of the mails claimed last.
  std::deque<seal_request_ptr> pieces;
  std::optional<timestamp> next_due;

  std::uint64_t sealed_total = 0;
  std::uint64_t mails_total = 0;
  std::uint64_t skipped_total = 0;
  std::uint64_t failed_total = 0;
  std::uint64_t digests_total = 0;

  std::vector<caf::typed_response_promise<idle_atom>> waiting_idle;
  std::vector<caf::typed_response_promise<drain_report>> waiting_drain;
};

// -- spawning -----------------------------------------------------------------------------------------------
/// Works on credit from the sender. What is claimed is checked and rendered at once, so that no claim lasts
/// longer than one store call needs; what was sealed is the sender's until it is settled.
email_batcher_actor::behavior_type email_batcher(email_batcher_state::self_ptr self, email_batcher_config cfg,
                                                 std::string worker, email_batcher_links links,
                                                 std::shared_ptr<const email_rules> rules,
                                                 std::shared_ptr<const clock> time, logger log);

} // namespace herald
