// Makes runs of the job that renews calendar watches: several connections at a time, each on its own way
// (core/calendar/renewal.hpp). One that fails never stops the rest.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/calendar/renewal.hpp"
#include "core/random.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct watch_renewal_config {
  renewal_settings renewal;
  /// Watches that expire within this time are renewed (positive).
  duration within{std::chrono::hours{24}};
  /// Connections that are renewed at the same time (1 to 64).
  std::uint32_t max_concurrent = 4;
  /// Connections read per store call (1 to 1000).
  std::uint32_t chunk = 100;
  /// Where the jitter of pauses starts from.
  std::uint64_t seed = 1;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const watch_renewal_config& cfg);

// -- state --------------------------------------------------------------------------------------------------

class watch_renewal_state {
public:
  static constexpr const char* name = "watch_renewal_job";

  using self_ptr = job_actor::stateful_pointer<watch_renewal_state>;

  explicit watch_renewal_state(self_ptr owner);

  job_actor::behavior_type make_behavior(watch_renewal_config cfg, store_gate_actor gate,
                                         calendar_gate_actor calendar, std::shared_ptr<const clock> time,
                                         logger log);

private:
  // -- message handlers, in the order of job_actor ----------------------------------------------------------

  stage_status on_status() const;

  caf::result<job_report> on_order(const job_order_ptr& x);

  void on_cancel();

  void on_pause_over(std::uint64_t ticket);

  // -- helpers: the run -------------------------------------------------------------------------------------

  /// Reads the next connections unless enough are at hand.
  void read_more();

  void on_read(std::uint64_t run, const due_watches& x);

  /// Begins as many renewals as there is room for; ends the run when nothing is left.
  void go_on();

  /// No further renewal is begun; those under way end by themselves.
  void stop_with(failure why);

  void end();

  /// The watch that expires next, for the status.
  void look_at_watches();

  // -- helpers: one renewal ---------------------------------------------------------------------------------

  void take(std::uint64_t ticket, renewal_step step);

  void ask_provider(std::uint64_t ticket, calendar_call call);

  void keep(std::uint64_t ticket, watch_update update);

  void on_end(std::uint64_t ticket, const renewal_end& x);

  /// Goes on with the renewal of this ticket, unless its run is over.
  template <class Next> void resume(std::uint64_t ticket, Next next);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  watch_renewal_config cfg;
  store_gate_actor gate;
  calendar_gate_actor calendar;
  std::shared_ptr<const clock> time;
  logger log;
  random_source random{1};

  /// The run under way; null for none.
  job_order_ptr order;
  std::uint64_t run = 0;
  job_report report;
  caf::typed_response_promise<job_report> promise;
  bool reading = false;
  bool read_all = false;
  /// Nothing more is begun.
  bool stopped = false;
  std::optional<uuid> last_read;
  std::deque<due_watch> waiting;
  /// By ticket; tickets are never used twice, so that answers of an earlier run find nothing.
  std::map<std::uint64_t, renewal> under_way;
  std::uint64_t last_ticket = 0;

  std::int64_t runs = 0;
  std::int64_t renewed = 0;
  std::int64_t failed = 0;
  /// Refusals of Herald itself in a row, in this run.
  std::uint32_t refusals = 0;
  /// Nothing until the store has told.
  std::optional<watch_summary> watches;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Counts connections: renewed, needs_reconnect, not_watchable, failed, misconfigured, lost; besides, tokens_refreshed
/// and stops_failed. The run as a whole fails, to be tried again, when a connection failed that another try may help; it
/// fails for good when the provider refuses Herald itself: for one connection alone that may be the connection's fault, so
/// the run stops only after several in a row.
job_actor::behavior_type watch_renewal_job(watch_renewal_state::self_ptr self, watch_renewal_config cfg,
                                           store_gate_actor gate, calendar_gate_actor calendar,
                                           std::shared_ptr<const clock> time, logger log);

} // namespace herald
