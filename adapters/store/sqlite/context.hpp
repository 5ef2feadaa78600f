// Loads what the handlers of a claimed batch may look at.
#pragma once

#include <span>

#include "adapters/store/sqlite/database.hpp"
#include "messages/context.hpp"
#include "messages/event.hpp"

namespace herald::sqlite {

/// At most 14 statements, whatever the number of events. Call it inside the transaction that claimed them.
/// `people` are loaded whether an event names them or not.
batch_context load_context(database& db, std::span<const claimed_event> events, timestamp now,
                           std::span<const uuid> people = {});

} // namespace herald::sqlite
