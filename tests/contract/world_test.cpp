// The fixture world is what the suites rely on.
#include <set>

#include <gtest/gtest.h>

#include "tests/support/store_world.hpp"

namespace herald::test {

TEST(world, has_no_id_twice) {
  auto rows = make_world();
  std::set<uuid> seen;
  std::size_t n = 0;
  auto note = [&](auto& table) {
    for (auto& x : table) {
      seen.insert(x.id);
      ++n;
    }
  };
  note(rows.profiles), note(rows.orgs), note(rows.projects), note(rows.grants), note(rows.resources);
  note(rows.threads), note(rows.meetings), note(rows.meeting_participants), note(rows.preferences);
  EXPECT_EQ(seen.size(), n);
  EXPECT_FALSE(seen.contains(ids::nobody));
}

} // namespace herald::test
