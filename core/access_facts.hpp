// What the event types about access say: who may now do what with a project or with one of its resources.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/fan_out_builder.hpp"
#include "core/handlers.hpp"
#include "core/payload.hpp"
#include "messages/failure.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// What the access is to.
enum class access_target : std::uint8_t { project, resource };

/// Whether the permission is new, or took the place of another one.
enum class access_act : std::uint8_t { grant, change };

struct access_facts {
  uuid user_id{};
  uuid project_id{};
  std::string project_name;
  std::optional<uuid> resource_id; ///< nothing for access to a project
  std::string resource_name;
  /// Always there for a change.
  std::optional<std::string> old_permission;
  std::optional<std::string> new_permission;
};

/// Reads the event's fields. Names that the payload carries win over looked-up ones: they are what the actor
/// saw. Fails permanently when a required field is missing.
result<access_facts> read_access(const event&, const context&, access_target, access_act);

/// The keys of the in-app payload, `type` among them; `old_permission` only for a change.
json_object access_payload(const event&, const access_facts&, access_act);

/// `view access`, `edit access`, or just `access` for anything else.
std::string access_words(const access_facts&);

/// From view to edit.
bool is_upgrade(const access_facts&);

/// Whether the user still has what the event says they were given: the project is reachable, or the resource
/// visible.
bool still_has_access(const context&, const access_facts&);

/// Warns when what the access is to no longer exists.
void warn_if_deleted(fan_out_builder&, const context&, const access_facts&);

} // namespace herald
