#include "core/world.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace herald {

bool contains(const std::vector<uuid>& users, const uuid& user) {
  return std::ranges::find(users, user) != users.end();
}

std::vector<uuid> owners_of(const batch_context& world, const uuid& id) {
  auto found = look_up(world.orgs, id);
  return found ? found->owners : std::vector<uuid>{};
}

bool reaches_project(const batch_context& world, const uuid& id, const uuid& user) {
  auto found = look_up(world.projects, id);
  if (!found)
    return false;
  if (contains(found->grantees, user))
    return true;
  auto owner_org = look_up(world.orgs, found->owner_org_id);
  return owner_org && contains(owner_org->owners, user);
}

std::string deleted_warning(std::string_view what, const uuid& id) {
  return std::string{what}.append(" ").append(to_string(id)).append(" no longer exists: nobody was notified");
}

std::string actor_name(const event& x, const context& c) {
  return person_name(look_up(c.world.profiles, x.row.actor_id));
}

} // namespace herald
