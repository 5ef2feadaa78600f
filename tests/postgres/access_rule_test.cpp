// The access rule that is applied to all pairs at once says what the platform's can_view says pair by pair: on
// random trees, and when can_view is another than the known one.
#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/postgres_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::test {

namespace {

class access_rule_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database_.emplace();
    postgres_options options;
    options.url = database_->url();
    db_.emplace(options);
  }

  template <class... Ts> std::int64_t ask(const std::string& sql, const Ts&... xs) {
    auto out = db_->run(sql, xs...);
    return out.size() > 0 && !out.is_null(0, 0) ? std::stoll(std::string{out.text(0, 0)}) : 0;
  }

  void run(const std::string& sql) { db_->run(sql); }

  /// 12 people, three organisations, 60 resources in trees up to ten deep with rows of every kind on them, and
  /// two parents that lead in circles.
  void plant(std::uint64_t seed) {
    run("SELECT setseed(" + std::to_string(static_cast<double>(seed) / 1'000) + ")");
    run("DELETE FROM resources");
    run("DELETE FROM org_members");
    run("DELETE FROM orgs");
    run("DELETE FROM profiles WHERE email LIKE 'p%'");
    run("DELETE FROM auth.users WHERE email LIKE 'p%'");
    run("INSERT INTO auth.users (id, email) SELECT gen_random_uuid(), 'p' || n FROM generate_series(1, 12) "
        "n");
    run("INSERT INTO profiles (id, email, app_role) SELECT id, email, 'borrower' FROM auth.users"
        " WHERE email LIKE 'p%'");
    run("INSERT INTO orgs (name, entity_type) SELECT 'o' || n, 'borrower' FROM generate_series(1, 3) n");
    run("INSERT INTO org_members (org_id, user_id, role) SELECT o.id, u.id, CASE WHEN random() < 0.4 THEN"
        " 'owner' ELSE 'member' END FROM orgs o, auth.users u WHERE u.email LIKE 'p%' AND random() < 0.3");
    run("DO $$ BEGIN FOR n IN 1..60 LOOP"
        " INSERT INTO resources (org_id, parent_id, resource_type, name)"
        " SELECT (SELECT id FROM orgs ORDER BY random() LIMIT 1),"
        "  (SELECT id FROM resources WHERE random() < 0.9 ORDER BY created_at DESC, random() LIMIT 1),"
        "  'FOLDER', 'r' || n;"
        " END LOOP; END $$");
    run("UPDATE resources SET parent_id = (SELECT id FROM resources ORDER BY random() LIMIT 1)"
        " WHERE id IN (SELECT id FROM resources ORDER BY random() LIMIT 2)");
    run("INSERT INTO permissions (resource_id, user_id, permission, granted_by)"
        " SELECT r.id, u.id, (array['view', 'edit', 'none'])[1 + floor(random() * 3)::int], u.id"
        " FROM resources r, auth.users u WHERE u.email LIKE 'p%' AND random() < 0.12");
  }

  /// Pairs on which the two do not agree.
  std::int64_t disagreements() {
    return ask("WITH pairs AS MATERIALIZED (SELECT r.id AS resource_id, u.id AS user_id FROM resources r,"
               " auth.users u),"
               " one_by_one AS (SELECT resource_id, user_id FROM pairs WHERE can_view(user_id, resource_id)),"
               " at_once AS (SELECT v.* FROM (SELECT array_agg(resource_id) AS r, array_agg(user_id) AS u"
               "  FROM pairs) x, herald_viewers(x.r, x.u) v)"
               " SELECT (SELECT count(*) FROM (TABLE one_by_one EXCEPT TABLE at_once) x)"
               " + (SELECT count(*) FROM (TABLE at_once EXCEPT TABLE one_by_one) x)");
  }

  std::int64_t allowed() {
    return ask("SELECT count(*) FROM resources r, auth.users u WHERE can_view(u.id, r.id)");
  }

private:
  std::optional<test_database> database_;
  std::optional<sql_session> db_;
};

TEST_F(access_rule_test, the_rule_for_all_pairs_is_can_views_on_random_trees) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    plant(seed);
    ASSERT_EQ(ask("SELECT count(*) FROM herald_access_rules WHERE fingerprint = herald_access_fingerprint()"),
              1);
    auto pairs = ask("SELECT count(*) FROM resources") * ask("SELECT count(*) FROM auth.users");
    // Trees on which everybody or nobody may see everything would prove little.
    EXPECT_GT(allowed(), pairs / 10) << seed;
    EXPECT_LT(allowed(), pairs * 9 / 10) << seed;
    EXPECT_EQ(disagreements(), 0) << seed;
  }
}

TEST_F(access_rule_test, a_platform_with_a_rule_of_its_own_is_asked_pair_by_pair) {
  plant(99);
  auto before = allowed();
  // As a later version of the platform might: one group of people sees everything.
  run("CREATE OR REPLACE FUNCTION can_view(p_user_id uuid, p_resource_id uuid) RETURNS boolean"
      " LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$"
      " SELECT get_effective_permission(p_user_id, p_resource_id) IS NOT NULL OR"
      " EXISTS (SELECT FROM profiles p WHERE p.id = p_user_id AND p.email IN ('p1', 'p2', 'p3')) $$");
  EXPECT_GT(allowed(), before);
  EXPECT_EQ(disagreements(), 0);
}

TEST_F(access_rule_test, a_resource_that_is_gone_is_seen_by_nobody) {
  plant(7);
  EXPECT_EQ(ask("SELECT count(*) FROM auth.users u, herald_viewers(array[gen_random_uuid()], array[u.id])"),
            0);
}

} // namespace

} // namespace herald::test
