// From claimed mails to messages that may be sealed: each row is checked once more, the rest is rendered.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/email/request_body.hpp"
#include "core/handlers.hpp"
#include "messages/email.hpp"
#include "messages/outbox.hpp"

namespace herald {

/// Makes the message of one mail. Pure; a failure is the mail's (permanent) or the settings' (outage).
using render_fn = std::function<result<email_message>(const email_mail&, const profile&, timestamp now)>;

/// Every claimed row is in a mail or among the ended, but for mails whose rendering met an outage: nothing is wrong
/// with them, and they come back when their claim ends.
struct prepared_mails {
  std::vector<unsealed_mail> immediate;
  std::vector<unsealed_mail> digests;
  std::vector<ended_row> ended;
  /// Why mails were left out; empty when none were.
  std::string outage;
};

/// A digest that loses rows is rendered from the others; one that loses all of them is not sent. An exception
/// of `render` ends its mail as failed: one mail must not hold up the rest.
prepared_mails prepare(const claimed_outbox& claimed, const render_fn& render,
                       std::span<const handler_row> table, const handler_settings& settings, timestamp now);

/// Puts what was prepared into at most `slots` requests if that is possible: while there are slots, few mails go
/// in single requests; beyond that they share some. What no request can carry is added to `ended`.
std::vector<envelope_draft> plan_requests(prepared_mails& prepared, const claimed_outbox& claimed,
                                          const seal_limits& limits, std::size_t slots);

} // namespace herald
