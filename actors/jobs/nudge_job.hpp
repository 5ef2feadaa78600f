// Makes runs of one job that creates events: chunk after chunk, each one call to the store. Spawned once for each such
// job; what to ask the store for is its order form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

/// What is asked of the store; the chunk is filled in.
using nudge_form = std::variant<meeting_reminders_request, unread_nudges_request, resume_nudges_request>;

struct nudge_job_config {
  /// How the log and the ledger call it.
  std::string job;
  nudge_form form;
  /// Rows of the outer table per store call (1 to 100000).
  std::uint32_t chunk = 1'000;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const nudge_job_config& cfg);

// -- state --------------------------------------------------------------------------------------------------

class nudge_job_state {
public:
  static constexpr const char* name = "nudge_job";

  using self_ptr = job_actor::stateful_pointer<nudge_job_state>;

  explicit nudge_job_state(self_ptr owner);

  job_actor::behavior_type make_behavior(nudge_job_config cfg, store_gate_actor gate, wake_up_taker poller,
                                         std::shared_ptr<const clock> time, logger log);

private:
  // -- message handlers, in the order of job_actor ----------------------------------------------------------

  stage_status on_status() const;

  caf::result<job_report> on_order(const job_order_ptr& x);

  void on_cancel();

  // -- helpers ----------------------------------------------------------------------------------------------

  void ask_for_chunk(std::string after);

  void on_chunk(std::uint64_t run, const job_chunk& x);

  void end(std::optional<failure> why);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  nudge_job_config cfg;
  store_gate_actor gate;
  /// Told after events were created.
  wake_up_taker poller;
  std::shared_ptr<const clock> time;
  logger log;

  /// The run under way; null for none. Answers for an earlier one are not ours any more.
  job_order_ptr order;
  std::uint64_t run = 0;
  job_report report;
  caf::typed_response_promise<job_report> promise;
  std::int64_t runs = 0;
  std::int64_t chunks = 0;
  std::int64_t created = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// A run that it is given while another is under way breaks that one off.
job_actor::behavior_type nudge_job(nudge_job_state::self_ptr self, nudge_job_config cfg,
                                   store_gate_actor gate, wake_up_taker poller,
                                   std::shared_ptr<const clock> time, logger log);

} // namespace herald
