// Who may see a resource: the platform's rule case by case, then against a naive reference on broken trees.
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/access.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using testing::nth_uuid;

const auto home_org = nth_uuid(100);
const auto other_org = nth_uuid(101);
const auto owner = nth_uuid(50);
const auto guest = nth_uuid(51);

/// root ← folder ← file, all of home_org.
access_tree three_levels() {
  access_tree x;
  x.nodes[nth_uuid(0)] = {std::nullopt, home_org, {}};
  x.nodes[nth_uuid(1)] = {nth_uuid(0), home_org, {}};
  x.nodes[nth_uuid(2)] = {nth_uuid(1), home_org, {}};
  x.owners[home_org] = {owner};
  return x;
}

const auto root = nth_uuid(0);
const auto folder = nth_uuid(1);
const auto file = nth_uuid(2);

TEST(can_view, is_granted_to_owners_of_the_resources_org) {
  auto x = three_levels();
  EXPECT_TRUE(can_view(x, owner, file));
  x.nodes[file].permissions[owner] = false;
  EXPECT_TRUE(can_view(x, owner, file)) << "an explicit denial does not bind an owner";
}

TEST(can_view, is_not_granted_to_owners_of_another_org) {
  auto x = three_levels();
  x.owners[other_org] = {guest};
  EXPECT_FALSE(can_view(x, guest, file));
}

TEST(can_view, asks_for_the_org_of_the_resource_and_not_of_its_ancestors) {
  auto x = three_levels();
  x.nodes[file].org_id = other_org;
  EXPECT_FALSE(can_view(x, owner, file));
}

TEST(can_view, is_refused_without_any_permission) {
  EXPECT_FALSE(can_view(three_levels(), guest, file));
}

TEST(can_view, is_inherited_from_any_ancestor) {
  auto x = three_levels();
  x.nodes[root].permissions[guest] = true;
  EXPECT_TRUE(can_view(x, guest, root));
  EXPECT_TRUE(can_view(x, guest, file));
}

TEST(can_view, follows_the_closest_permission) {
  auto x = three_levels();
  x.nodes[root].permissions[guest] = true;
  x.nodes[folder].permissions[guest] = false;
  EXPECT_FALSE(can_view(x, guest, file));
  x.nodes[file].permissions[guest] = true;
  EXPECT_TRUE(can_view(x, guest, file));
}

TEST(can_view, does_not_look_below_the_resource) {
  auto x = three_levels();
  x.nodes[file].permissions[guest] = true;
  EXPECT_FALSE(can_view(x, guest, folder));
}

TEST(can_view, is_refused_for_a_resource_that_does_not_exist) {
  EXPECT_FALSE(can_view(three_levels(), owner, nth_uuid(7)));
  EXPECT_FALSE(can_view({}, owner, file));
}

TEST(can_view, ends_at_a_missing_parent) {
  auto x = three_levels();
  x.nodes[root].permissions[guest] = true;
  x.nodes.erase(folder);
  EXPECT_FALSE(can_view(x, guest, file));
}

TEST(can_view, ends_in_a_cycle_and_still_finds_what_stands_on_it) {
  auto x = three_levels();
  x.nodes[root].parent = file;
  EXPECT_FALSE(can_view(x, guest, file));
  x.nodes[root].permissions[guest] = true;
  EXPECT_TRUE(can_view(x, guest, file));
}

// -- against a reference ------------------------------------------------------------------------------------

bool reference(const access_tree& tree, const uuid& user, const uuid& resource) {
  if (!tree.nodes.contains(resource))
    return false;
  auto owners = tree.owners.find(tree.nodes.at(resource).org_id);
  if (owners != tree.owners.end() && owners->second.contains(user))
    return true;
  std::set<uuid> seen;
  for (auto at = std::optional{resource}; at && tree.nodes.contains(*at) && seen.insert(*at).second;) {
    auto& node = tree.nodes.at(*at);
    if (node.permissions.contains(user))
      return node.permissions.at(user);
    at = node.parent;
  }
  return false;
}

constexpr std::uint8_t users = 3;
constexpr std::uint8_t orgs = 3;

/// Parents are drawn from one id more than there are nodes and without order: trees, cycles, missing parents.
access_tree any_tree(std::uint8_t size) {
  access_tree x;
  for (std::uint8_t i = 0; i < size; ++i) {
    auto& node = x.nodes[nth_uuid(i)];
    if (*rc::gen::inRange(0, 5) > 0)
      node.parent = *testing::any_uuid(static_cast<std::uint8_t>(size + 1));
    node.org_id = *testing::any_uuid(orgs);
    for (std::uint8_t user = 0; user < users; ++user)
      if (*rc::gen::inRange(0, 4) == 0)
        node.permissions[nth_uuid(user)] = *rc::gen::arbitrary<bool>();
  }
  for (std::uint8_t org = 0; org < orgs; ++org)
    if (*rc::gen::inRange(0, 3) == 0)
      x.owners[nth_uuid(org)].insert(*testing::any_uuid(users));
  return x;
}

RC_GTEST_PROP(can_view, agrees_with_the_reference_on_any_graph, ()) {
  auto size = static_cast<std::uint8_t>(*rc::gen::inRange(0, 12));
  auto tree = any_tree(size);
  for (std::uint8_t user = 0; user < users; ++user)
    for (std::uint8_t i = 0; i <= size; ++i)
      RC_ASSERT(can_view(tree, nth_uuid(user), nth_uuid(i)) == reference(tree, nth_uuid(user), nth_uuid(i)));
}

RC_GTEST_PROP(can_view, walks_a_path_of_any_length_to_its_end, ()) {
  auto length = static_cast<std::uint8_t>(*rc::gen::inRange(1, 100));
  access_tree x;
  for (std::uint8_t i = 0; i < length; ++i)
    x.nodes[nth_uuid(i)].parent = nth_uuid(static_cast<std::uint8_t>(i + 1));
  x.nodes[nth_uuid(static_cast<std::uint8_t>(length - 1))].permissions[guest] = true;
  RC_ASSERT(can_view(x, guest, nth_uuid(0)));
}

} // namespace
} // namespace herald
