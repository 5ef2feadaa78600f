// What herald doctor learns of an embedded store: a good one, a damaged one, one that is not there.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/examine.hpp"
#include "adapters/system_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unprivileged.hpp"

namespace herald::test {

namespace {

class sqlite_examine : public testing::Test {
protected:
  sqlite_examine() { options.path = dir.file("herald.db"); }

  void make() { ASSERT_FALSE(open_sqlite_store(options).has_error()); }

  void run(const std::string& sql) {
    sqlite::database db{options};
    db.execute_script(sql);
  }

  doctor_facts examined() {
    doctor_facts out;
    examine_sqlite(options, system_clock{}, std::chrono::hours{24}, out);
    return out;
  }

  temp_dir dir;
  sqlite_options options;
};

TEST_F(sqlite_examine, a_good_file_has_nothing_wrong) {
  make();
  auto facts = examined();
  EXPECT_EQ(facts.unreachable, "");
  EXPECT_EQ(facts.file.value().integrity, "ok");
  EXPECT_EQ(facts.file->schema_version, facts.wanted_version);
  EXPECT_EQ(facts.file->not_writable, "");
  EXPECT_EQ(facts.work.value().dead_letters, 0);
  EXPECT_EQ(overall(judge(facts)), verdict::ok);
}

TEST_F(sqlite_examine, a_file_that_is_not_there_is_not_made) {
  auto facts = examined();
  EXPECT_NE(facts.unreachable.find(options.path), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(options.path));
}

TEST_F(sqlite_examine, what_waits_for_a_person_is_counted) {
  make();
  run("INSERT INTO domain_events (id, event_type, created_at) VALUES (1, 'a', 0), (2, 'b', 0);"
      "INSERT INTO notification_processing (event_id, processing_status, created_at) VALUES (1, 'failed', 0),"
      " (2, 'processing', 0)");
  auto facts = examined();
  ASSERT_TRUE(facts.work.has_value()) << facts.unreachable;
  EXPECT_EQ(facts.work->dead_letters, 1);
  EXPECT_EQ(facts.work->left_behind, 1);
}

TEST_F(sqlite_examine, a_file_that_may_not_be_written_is_told_from_one_that_may) {
  make();
  std::filesystem::permissions(dir.path(), std::filesystem::perms{0555});
  std::filesystem::permissions(options.path, std::filesystem::perms{0444});
  unprivileged nobody;
  auto facts = examined();
  // Where not even opening works, that says it.
  EXPECT_TRUE(!facts.unreachable.empty() || !facts.file.value().not_writable.empty());
  EXPECT_EQ(overall(judge(facts)), verdict::failed);
}

TEST_F(sqlite_examine, a_database_in_memory_is_looked_at_without_a_file) {
  options.path = ":memory:";
  EXPECT_FALSE(examined().file.has_value());
}

} // namespace

} // namespace herald::test
