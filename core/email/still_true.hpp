// Whether the reason of a queued e-mail still holds when it is its turn.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/handlers.hpp"
#include "messages/outbox.hpp"

namespace herald {

/// Why a row is not sent any more.
struct row_objection {
  row_ending ending = row_ending::skipped;
  std::string reason; ///< one of core/reasons.hpp for skipped, a sentence for failed
};

/// Asks the handler of the row's event type again, with the world as it is now: whom it would not queue an
/// e-mail for today does not get yesterday's. So access, ownership and preferences are judged by the same
/// code both times. On top of that, a thread must still have unread messages and a resume still be
/// incomplete. A type without a handler is asked about preferences alone. Exceptions of a handler count as
/// `failed`.
std::optional<row_objection> objection_to(const email_row& row, const uuid& user, const email_context& facts,
                                          std::span<const handler_row> table,
                                          const handler_settings& settings);

} // namespace herald
