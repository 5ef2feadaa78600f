// Questions that handlers ask about the world of their batch.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/handlers.hpp"
#include "messages/context.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// The row with this id; nullptr without an id, and when the row does not exist (any more).
template <class T> const T* look_up(const by_uuid<T>& rows, const std::optional<uuid>& id) {
  if (!id)
    return nullptr;
  auto i = rows.find(*id);
  return i == rows.end() ? nullptr : &i->second;
}

bool contains(const std::vector<uuid>& users, const uuid& user);

/// Owners of an org; nobody when there is no such org.
std::vector<uuid> owners_of(const batch_context&, const uuid& org);

/// Whether a user reaches a project: by a grant, or as an owner of its owner org. Nobody reaches a project
/// that does not exist.
bool reaches_project(const batch_context&, const uuid& project, const uuid& user);

/// The warning of an event about something that was deleted meanwhile, e.g. `thread … no longer exists:
/// nobody was notified`.
std::string deleted_warning(std::string_view what, const uuid& id);

/// Whoever caused the event, by name; "Someone" when nobody is known.
std::string actor_name(const event&, const context&);

} // namespace herald
