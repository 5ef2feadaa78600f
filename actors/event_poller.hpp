// Claims due events on the writer's credit and hands them to the handlers, one batch per event type.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/claim_size.hpp"
#include "core/idle_backoff.hpp"
#include "core/poll_ledger.hpp"
#include "messages/actors.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct event_poller_config {
  /// Events per claim (1 to 10000).
  std::uint32_t batch_size = 500;
  /// Pause after the first empty claim; doubles with each further one.
  duration poll_min{1'000};
  /// Longest pause of an idle poller; a wake-up ends it at once.
  duration poll_max{30'000};
  /// How long a claim holds without renewal. A crashed worker's events are claimable again after this.
  duration lease{60'000};
  /// Events older than this are set aside as expired.
  duration max_event_age{std::chrono::hours{24}};
  /// Read and plan, write nothing.
  bool dry_run = false;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const event_poller_config& cfg);

/// Ticks the poller understands.
inline constexpr std::string_view poll_job = "poll";
inline constexpr std::string_view renew_job = "renew";

/// Where the poller sends what.
struct event_poller_links {
  store_gate_actor gate;
  notification_writer_actor writer;
  timer_actor timer;
  /// By event type.
  std::map<std::string, event_handler_actor, std::less<>> handlers;
  /// Takes every other type.
  event_handler_actor unknown;
};

// -- state --------------------------------------------------------------------------------------------------

class event_poller_state {
public:
  static constexpr const char* name = "event_poller";

  using self_ptr = event_poller_actor::stateful_pointer<event_poller_state>;

  explicit event_poller_state(self_ptr owner);

  event_poller_actor::behavior_type make_behavior(event_poller_config cfg, std::string worker,
                                                  event_poller_links links, std::shared_ptr<const clock> time,
                                                  logger log);

private:
  // -- message handlers, in the order of event_poller_actor -------------------------------------------------

  stage_status on_status() const;

  void on_tick(const tick& x);

  void on_wake_up();

  void on_credit(const credit& x);

  caf::result<idle_atom> on_idle();

  caf::result<drain_report> on_drain(const drain& x);

  void on_retry(std::uint64_t batch);

  void on_drain_limit();

  // -- helpers: claiming ------------------------------------------------------------------------------------

  /// What an earlier life of this stage held is handed back first, so that the ledger starts true.
  void take_over();

  void poll();

  void on_claimed(std::uint32_t asked, const claimed_batch_ptr& claimed);

  void on_claim_failed(const failure& why);

  /// Plans the next poll of an idle poller.
  void rest(std::optional<timestamp> next_due);

  void renew();

  // -- helpers: handing out ---------------------------------------------------------------------------------

  void dispatch(std::uint64_t batch);

  void on_batch_failed(std::uint64_t batch, const failure& why);

  /// Has the writer record that the only event of this batch failed.
  void report_failure(std::uint64_t batch, const failure& why);

  void on_settled(std::uint64_t batch);

  void answer_waiting();

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  event_poller_config cfg;
  std::string worker;
  event_poller_links links;
  std::shared_ptr<const clock> time;
  logger log;
  poll_ledger ledger{1};
  claim_size size{1};
  idle_backoff pause{duration{1}, duration{1}};

  /// A claim (or the take-over) is under way.
  bool claiming = false;
  /// The last claim was as large as asked for: there is probably more.
  bool more = true;
  /// A wake-up came while a claim was under way.
  bool woken = false;
  bool draining = false;
  /// Dry runs page through the events by this id.
  std::int64_t dry_run_cursor = 0;
  /// Why nothing can be claimed; empty when it can.
  std::string degraded;
  std::uint64_t claimed_total = 0;
  std::uint64_t redispatched = 0;
  std::uint64_t expired = 0;

  std::vector<caf::typed_response_promise<idle_atom>> waiting_idle;
  std::vector<caf::typed_response_promise<drain_report>> waiting_drain;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// `worker` names this poller in the store; no other poller may use the same name at the same time.
event_poller_actor::behavior_type event_poller(event_poller_state::self_ptr self, event_poller_config cfg,
                                               std::string worker, event_poller_links links,
                                               std::shared_ptr<const clock> time, logger log);

} // namespace herald
