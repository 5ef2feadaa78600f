#include "core/access.hpp"

namespace herald {

namespace {

template <class T> const T* find(const by_uuid<T>& map, const uuid& key) {
  auto i = map.find(key);
  return i == map.end() ? nullptr : &i->second;
}

} // namespace

bool can_view(const access_tree& tree, const uuid& user, const uuid& resource) {
  auto node = find(tree.nodes, resource);
  if (!node)
    return false;
  if (auto owners = find(tree.owners, node->org_id); owners && owners->contains(user))
    return true;
  // A path without a cycle visits each node once at most; who is still walking after that walks in circles.
  for (auto steps = tree.nodes.size(); node && steps > 0; --steps) {
    if (auto permission = find(node->permissions, user))
      return *permission;
    node = node->parent ? find(tree.nodes, *node->parent) : nullptr;
  }
  return false;
}

} // namespace herald
