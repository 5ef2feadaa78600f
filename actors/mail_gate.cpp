#include "actors/mail_gate.hpp"

#include <utility>

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const mail_gate_config& cfg) {
  if (cfg.workers == 0 || cfg.workers > 64)
    return caf::make_error(caf::sec::invalid_argument, "mail_gate.workers must be 1 to 64");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

mail_answer_ptr mail_gate_traits::perform(mail_transport& transport, const sealed_envelope_ptr& envelope) {
  return std::make_shared<const mail_answer>(
      transport.send({envelope->endpoint, envelope->idempotency_key, envelope->body}));
}

// -- spawning -----------------------------------------------------------------------------------------------

mail_gate_actor::behavior_type mail_gate(mail_gate_state::self_ptr self, mail_gate_config cfg,
                                         transport_opener opener, gate_threads threads, logger log) {
  if (auto err = validate(cfg)) {
    self->quit(std::move(err));
    return mail_gate_actor::behavior_type::make_empty_behavior();
  }
  return self->state.make_behavior(cfg.workers, std::move(opener), threads, std::move(log));
}

} // namespace herald
