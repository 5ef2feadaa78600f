#include "actors/calendar_gate.hpp"

#include <utility>

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const calendar_gate_config& cfg) {
  if (cfg.workers == 0 || cfg.workers > 64)
    return caf::make_error(caf::sec::invalid_argument, "calendar_gate.workers must be 1 to 64");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

calendar_answer_ptr calendar_gate_traits::perform(calendar_api& calendar, const calendar_call_ptr& x) {
  return std::make_shared<const calendar_answer>(calendar.call(*x));
}

// -- spawning -----------------------------------------------------------------------------------------------

calendar_gate_actor::behavior_type calendar_gate(calendar_gate_state::self_ptr self, calendar_gate_config cfg,
                                                 calendar_opener opener, gate_threads threads, logger log) {
  if (auto err = validate(cfg)) {
    self->quit(std::move(err));
    return calendar_gate_actor::behavior_type::make_empty_behavior();
  }
  return self->state.make_behavior(cfg.workers, std::move(opener), threads, std::move(log));
}

} // namespace herald
