#include "core/email/still_true.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/preferences.hpp"
#include "core/reasons.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

row_objection skip_for(std::string_view reason) {
  return {row_ending::skipped, std::string{reason}};
}

row_objection fail_for(const email_row& row, const std::string& why) {
  return {row_ending::failed, "event " + std::to_string(row.event_id) + " (" + row.event_type
                                  + ") could not be checked again: " + why};
}

/// What the handler of the type would do about this user's e-mail today.
std::optional<row_objection> ask_handler(const email_row& row, const handler_row& handler,
                                         const domain_event& event, const uuid& user,
                                         const email_context& facts, const handler_settings& settings) {
  auto data = payload::parse(event.payload);
  if (!data)
    return fail_for(row, data.error().reason);
  auto plan = result<fan_out_plan>{failure{}};
  try {
    plan = handler.handle(herald::event{event, std::move(*data)}, context{facts.world, settings});
  } catch (const std::exception& e) {
    return fail_for(row, std::string{"its handler crashed: "} + e.what());
  } catch (...) {
    return fail_for(row, "its handler crashed");
  }
  if (!plan)
    return fail_for(row, plan.error().reason);
  for (auto& draft : plan->emails)
    if (contains(draft.immediate, user) || contains(draft.aggregated, user))
      return std::nullopt;
  for (auto& x : plan->skips)
    if (x.channel == channel::email && contains(x.users, user))
      return skip_for(x.reason);
  // Not even looked at: no longer among those whom the event concerns.
  return skip_for(reasons::no_access);
}

std::optional<row_objection> ask_preferences(const email_row& row, const domain_event& event,
                                             const uuid& user, const email_context& facts) {
  auto found = facts.world.preferences.find(user);
  if (found == facts.world.preferences.end())
    return std::nullopt;
  auto query = preference_query{{row.event_type}, event.thread_id, event.project_id};
  return wants_email(found->second, query, email_delivery::immediate) == email_delivery::none
             ? std::optional{skip_for(reasons::muted)}
             : std::nullopt;
}

/// The event row first, then the payload, as everywhere.
std::optional<uuid> id_of(const domain_event& event, const std::optional<uuid>& column,
                          std::string_view key) {
  if (column)
    return column;
  auto data = payload::parse(event.payload);
  return data ? data->id(key) : std::nullopt;
}

bool was_read(const domain_event& event, const uuid& user, const email_context& facts) {
  auto thread = id_of(event, event.thread_id, "thread_id");
  auto unread = thread ? facts.unread.find({*thread, user}) : facts.unread.end();
  return unread != facts.unread.end() && unread->second == 0;
}

bool was_completed(const domain_event& event, const email_context& facts) {
  auto project = id_of(event, event.project_id, "project_id");
  auto data = payload::parse(event.payload);
  auto type = data ? data->text("resume_type") : std::nullopt;
  if (!project || !type)
    return false;
  auto percent = facts.completeness.find({*project, *type});
  return percent != facts.completeness.end() && percent->second >= 100;
}

} // namespace

std::optional<row_objection> objection_to(const email_row& row, const uuid& user, const email_context& facts,
                                          std::span<const handler_row> table,
                                          const handler_settings& settings) {
  auto event = facts.events.find(row.event_id);
  if (event == facts.events.end())
    return skip_for(reasons::withdrawn);
  if (!facts.world.profiles.contains(user))
    return skip_for(reasons::no_profile);
  auto handler = std::ranges::find(table, row.event_type, &handler_row::event_type);
  auto objection = handler == table.end() ? ask_preferences(row, event->second, user, facts)
                                          : ask_handler(row, *handler, event->second, user, facts, settings);
  if (objection)
    return objection;
  if (row.event_type == "thread_unread_stale" && was_read(event->second, user, facts))
    return skip_for(reasons::already_read);
  if (row.event_type == "resume_incomplete_nudge" && was_completed(event->second, facts))
    return skip_for(reasons::resume_complete);
  return std::nullopt;
}

} // namespace herald
