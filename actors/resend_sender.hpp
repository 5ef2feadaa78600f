// Sends sealed envelopes as fast as the governor allows, and records what became of each.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/email/governor.hpp"
#include "core/email/next_send.hpp"
#include "core/email/outcome.hpp"
#include "core/idle_backoff.hpp"
#include "core/random.hpp"
#include "messages/actors.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------
struct resend_sender_config {
  governor_config governor;
  send_policy retries;
  /// Envelopes that the batcher may hand over before the first is settled (≥ 2).
  std::uint32_t max_waiting = 8;
  /// Who waits longer than this for the provider is handed back to the store. Well below a claim's lease.
  duration hold{5'000};
  /// What is left of an envelope's lease when its turn comes; with less it is handed back, since another daemon may have
  /// it before the answer is there.
  duration lease_margin{60'000};
  /// While mail goes out: how often the other senders hear of it. Who has said nothing for three times as long
  /// is no longer counted as one of them.
  duration share_interval{10'000};
  /// Pause before an outcome that the store did not take is recorded again; doubles up to the maximum.
  duration record_backoff_min{500};
  duration record_backoff_max{30'000};
  /// Forget the bodies of envelopes with their outcome.
  bool purge = true;
  /// Seed of the jitter.
  std::uint64_t seed = 1;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const resend_sender_config& cfg);

/// Whom the sender talks to.
struct resend_sender_links {
  store_gate_actor gate;
  mail_gate_actor mail;
  credit_taker batcher;
};

// -- state --------------------------------------------------------------------------------------------------
class resend_sender_state {
public:
  static constexpr const char* name = "resend_sender";

  using self_ptr = resend_sender_actor::stateful_pointer<resend_sender_state>;

  explicit resend_sender_state(self_ptr owner);

  resend_sender_actor::behavior_type make_behavior(resend_sender_config cfg, std::string worker,
                                                   resend_sender_links links,
                                                   std::shared_ptr<const clock> time, logger log);

private:
  // -- member types -----------------------------------------------------------------------------------------
  using promise = caf::typed_response_promise<settled_atom>;

  struct waiting_envelope {
    sealed_envelope_ptr envelope;
    promise answer;
  };

  struct open_request {
    sealed_envelope_ptr envelope;
    promise answer;
    send_ticket ticket;
    timestamp started{};
  };

  struct unrecorded_outcome {
    envelope_outcome outcome;
    promise answer;
  };

  // -- message handlers, in the order of resend_sender_actor ------------------------------------------------
  stage_status on_status();

  caf::result<settled_atom> on_envelope(const sealed_envelope_ptr& x);

  void on_open();

  caf::result<drain_report> on_drain(const drain& x);

  void on_due(std::uint64_t wait);

  void on_retry(std::int64_t envelope);

  void on_share_due();

  void on_drain_limit();

  // -- helpers: sending -------------------------------------------------------------------------------------
  /// Starts what may start, and arranges to be called when more may.
  void pump();

  std::deque<waiting_envelope>& lane(email_lane x);

  /// Whether the envelope waits here, is with the provider, or has an outcome to be recorded.
  bool has(std::int64_t envelope) const;

  void start(const send_decision& grant);

  void on_answer(std::int64_t envelope, const mail_answer& answer);

  void report(const sealed_envelope& envelope, const send_outcome& meaning);

  /// Gives everything that waits back to the store, due at once: what keeps this daemon from sending need not keep
  /// another.
  void hand_back(const std::string& why);

  void wait_until(timestamp until);

  /// Whether this daemon knows its share of the provider; if not, it asks, and sends nothing until it does.
  bool knows_share();

  void ask_share();

  void on_share(const sender_report& word, const sender_share& x);

  void on_share_refused(const failure& why);

  /// Tells the batcher how much it may hand over, if that has changed.
  void update_credit();

  // -- helpers: recording -----------------------------------------------------------------------------------
  void record(envelope_outcome outcome, promise answer);

  void store(std::int64_t envelope);

  void on_recorded(std::int64_t envelope, const record_report& report);

  void answer_waiting();

  // -- member variables -------------------------------------------------------------------------------------
  self_ptr self;
  resend_sender_config cfg;
  std::string worker;
  resend_sender_links links;
  std::shared_ptr<const clock> time;
  logger log;
  random_source random{1};
  std::optional<herald::governor> governor;
  idle_backoff record_backoff{duration{1}, duration{1}};

  std::deque<waiting_envelope> immediate;
  std::deque<waiting_envelope> digests;
  /// With the provider, by envelope.
  std::map<std::int64_t, open_request> in_flight;
  /// Answered, not yet in the store, by envelope.
  std::map<std::int64_t, unrecorded_outcome> unrecorded;

  /// What the batcher was told last.
  std::optional<std::uint64_t> told;
  /// Why and until when nothing is taken at all.
  std::optional<timestamp> blocked_until;
  send_block blocked_by = send_block::nothing;
  /// Tells the running wait from those before it.
  std::uint64_t wait_number = 0;
  /// What keeps mail from going out, for people; empty when nothing does.
  std::string degraded;
  /// Why outcomes cannot be recorded; empty while they can.
  std::string store_down;
  bool draining = false;

  /// Until when the share that the store told holds.
  std::optional<timestamp> share_until;
  bool asking_share = false;
  /// Why the store does not tell it; empty while it does.
  std::string share_unknown;
  std::uint32_t senders = 1;
  /// A word to the other senders is due at some time to come.
  bool share_due = false;
  /// Mails that the other senders have not heard of.
  std::int64_t unreported = 0;

  record_report totals;
  std::uint64_t requests = 0;
  std::uint64_t rate_limited = 0;

  std::vector<caf::typed_response_promise<drain_report>> waiting_drain;
};

// -- spawning -----------------------------------------------------------------------------------------------
/// Makes one attempt per envelope it is given; when and whether there is another is in the store afterwards.
/// The batcher is granted nothing while the provider is down or refuses us, but for what probes it again.
resend_sender_actor::behavior_type resend_sender(resend_sender_state::self_ptr self, resend_sender_config cfg,
                                                 std::string worker, resend_sender_links links,
                                                 std::shared_ptr<const clock> time, logger log);

} // namespace herald
