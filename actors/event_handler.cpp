#include "actors/event_handler.hpp"

#include <string>
#include <utility>

namespace herald {

// -- state --------------------------------------------------------------------------------------------------

event_handler_state::event_handler_state(self_ptr owner) : self{owner} {
  // nop
}

event_handler_actor::behavior_type
event_handler_state::make_behavior(handler_row table_row, std::shared_ptr<const handler_settings> rules,
                                   notification_writer_actor downstream, logger sink) {
  act::harden(self);
  row = table_row;
  settings = std::move(rules);
  writer = std::move(downstream);
  log = std::move(sink);
  return {
      [this](status_atom) { return on_status(); },
      [this](const event_batch_ptr& batch) { return on_batch(batch); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status event_handler_state::on_status() const {
  return {std::string{name} + "/" + std::string{row.event_type},
          "running",
          {},
          {{"events", events}, {"failures", failures}}};
}

caf::result<settled_atom> event_handler_state::on_batch(const event_batch_ptr& batch) {
  auto planned = std::make_shared<const plan_batch>(plan_events(row, *batch, *settings));
  events += static_cast<std::int64_t>(batch->events.size());
  failures += static_cast<std::int64_t>(planned->failures.size());
  for (auto& plan : planned->plans)
    if (!plan.warning.empty())
      log.warning("notify-fan-out", "event-completed-with-warning", "event {}: {}",
                  plan.claims.front().event_id, plan.warning);
  return self->delegate(writer, plan_batch_ptr{planned});
}

// -- spawning -----------------------------------------------------------------------------------------------

event_handler_actor::behavior_type event_handler(event_handler_state::self_ptr self, handler_row row,
                                                 std::shared_ptr<const handler_settings> settings,
                                                 notification_writer_actor writer, logger log) {
  return self->state.make_behavior(row, std::move(settings), std::move(writer), std::move(log));
}

} // namespace herald
