// The platform's `can_view` rule for stores that cannot ask the platform itself. Source: the database's
// get_effective_permission: owners of the resource's org may; otherwise the closest explicit permission on
// the resource or its ancestors decides, and none (or no row at all) means no.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "messages/context.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// A part of the resource tree, with the permissions that stand on it.
struct access_tree {
  struct node {
    std::optional<uuid> parent;
    uuid org_id{};
    /// Explicit permissions by user; false is the explicit denial `none`.
    by_uuid<bool> permissions;
  };
  by_uuid<node> nodes;
  /// Owners by org.
  by_uuid<std::unordered_set<uuid, uuid_hash>> owners;
};

/// A parent that is not in the tree, or a cycle, ends the walk: no row found, no access.
bool can_view(const access_tree&, const uuid& user, const uuid& resource);

} // namespace herald
