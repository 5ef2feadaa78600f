// Plans the events of one type with the handler of that type. One actor per row of the handler table, so that
// each type has its own mailbox, crash and restart count.
#pragma once

#include <cstdint>
#include <memory>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "core/handlers.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- state --------------------------------------------------------------------------------------------------

class event_handler_state {
public:
  static constexpr const char* name = "event_handler";

  using self_ptr = event_handler_actor::stateful_pointer<event_handler_state>;

  explicit event_handler_state(self_ptr owner);

  event_handler_actor::behavior_type make_behavior(handler_row row,
                                                   std::shared_ptr<const handler_settings> settings,
                                                   notification_writer_actor writer, logger log);

private:
  // -- message handlers, in the order of event_handler_actor ------------------------------------------------

  stage_status on_status() const;

  caf::result<settled_atom> on_batch(const event_batch_ptr& batch);

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  handler_row row;
  std::shared_ptr<const handler_settings> settings;
  notification_writer_actor writer;
  logger log;
  std::int64_t events = 0;
  std::int64_t failures = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Turns event batches into plan batches and passes them on to `writer`, whose answer becomes the batch's
/// answer: the handler itself holds nothing that a crash could lose. An exception of the handler function
/// ends the actor.
event_handler_actor::behavior_type event_handler(event_handler_state::self_ptr self, handler_row row,
                                                 std::shared_ptr<const handler_settings> settings,
                                                 notification_writer_actor writer, logger log);

} // namespace herald
