// The contract between the pipeline and the code that knows one event type. docs/handlers.md: how to write
// one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/payload.hpp"
#include "messages/context.hpp"
#include "messages/event.hpp"
#include "messages/fan_out.hpp"

namespace herald {

/// What an operator may tune about the rules.
struct handler_settings {
  /// Accounts that are never notified, besides the nil UUID.
  std::unordered_set<uuid, uuid_hash> system_accounts;
};

/// One event as its handler sees it: the row, its payload parsed once.
struct event {
  const domain_event& row;
  payload data;
};

/// The world as its handler sees it. Ids are looked up in `world`; what is not there does not exist.
struct context {
  const batch_context& world;
  const handler_settings& settings;
};

/// Turns one event into its plan. Pure: same event and context, same plan; no clock, no I/O, no randomness. A
/// plan need not set `claims` and `event_type`, the caller does. Failures are `permanent` when the event
/// itself is at fault (a missing field), `transient` when a later try may differ.
using handler_fn = result<fan_out_plan> (*)(const event&, const context&);

/// Whether events of one type that are claimed together and go to the same user and project become one
/// notification.
enum class burst_rule : std::uint8_t { keep_apart, coalesce };

/// One row of the handler table.
struct handler_row {
  std::string_view event_type;
  handler_fn handle = nullptr;
  burst_rule bursts = burst_rule::keep_apart;
};

/// The table: every event type Herald knows, sorted by name. See core/handlers/table.cpp.
std::span<const handler_row> handlers();

/// The row that takes every event type nobody else takes: it completes the event with a warning.
const handler_row& unknown_type_handler();

/// Handles a claimed batch: parses payloads, calls the handler event by event, then coalesces bursts and
/// drops duplicates where the row asks for it. Exceptions of a handler pass through: they are crashes, and
/// the caller's supervisor deals with them.
plan_batch plan_events(const handler_row& row, const event_batch& batch, const handler_settings& settings);

} // namespace herald
