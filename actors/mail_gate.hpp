// Puts the blocking mail transport behind one address: a few workers with a thread and a connection each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <caf/all.hpp>

#include "actors/desks.hpp"
#include "actors/log.hpp"
#include "adapters/mail/mail_transport.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct mail_gate_config {
  /// Requests to the provider that may be under way at once (1 to 64).
  std::uint32_t workers = 2;
};

/// Returns an error that names the first field with an unusable value.
caf::error validate(const mail_gate_config& cfg);

/// Makes one connection's transport; called on the worker's thread.
using transport_opener = std::function<std::unique_ptr<mail_transport>()>;

// -- state --------------------------------------------------------------------------------------------------

class mail_gate_state {
public:
  static constexpr const char* name = "mail_gate";

  using self_ptr = mail_gate_actor::stateful_pointer<mail_gate_state>;

  explicit mail_gate_state(self_ptr owner);

  /// The workers may be blocked in a call, and must not outlive the gate.
  ~mail_gate_state();

  mail_gate_actor::behavior_type make_behavior(mail_gate_config cfg, transport_opener opener,
                                               gate_threads threads, logger log);

private:
  // -- message handlers, in the order of mail_gate_actor ----------------------------------------------------

  stage_status on_status() const;

  caf::result<mail_answer_ptr> on_envelope(const sealed_envelope_ptr& x);

  void on_freed(std::uint64_t desk);

  // -- helpers ----------------------------------------------------------------------------------------------

  mail_gate_actor hire(std::uint64_t desk);

  void on_down(const caf::down_msg& x);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  transport_opener opener;
  gate_threads threads = gate_threads::detached;
  logger log;
  desks<mail_gate_actor> workers;
  std::int64_t calls = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// A worker that dies in a call is replaced; its caller hears of a crash, and must assume that the request
/// may have reached the provider.
mail_gate_actor::behavior_type mail_gate(mail_gate_state::self_ptr self, mail_gate_config cfg,
                                         transport_opener opener, gate_threads threads, logger log);

} // namespace herald
