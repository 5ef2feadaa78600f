// Puts the blocking mail transport behind one address: a few workers with a thread and a connection each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <caf/all.hpp>

#include "actors/call_gate.hpp"
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

/// See call_gate.hpp.
struct mail_gate_traits {
  using gate = mail_gate_actor;
  using port = mail_transport;
  using call = sealed_envelope_ptr;
  using answer = mail_answer_ptr;

  static constexpr const char* name = "mail_gate";
  static constexpr const char* worker_name = "mail_worker";
  static constexpr std::string_view component = "email-notifications";

  static answer perform(port& transport, const call& envelope);
};

using mail_gate_state = call_gate_state<mail_gate_traits>;

// -- spawning -----------------------------------------------------------------------------------------------

/// A worker that dies in a call is replaced; its caller hears of a crash, and must assume that the request
/// may have reached the provider.
mail_gate_actor::behavior_type mail_gate(mail_gate_state::self_ptr self, mail_gate_config cfg,
                                         transport_opener opener, gate_threads threads, logger log);

} // namespace herald
