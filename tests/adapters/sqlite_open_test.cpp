// Opening the embedded store: what is created, what is refused and in which words, and that nothing is lost
// by it.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/schema.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "tests/support/store_world.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unprivileged.hpp"

namespace herald::test {

namespace fs = std::filesystem;

namespace {

class sqlite_open : public testing::Test {
protected:
  std::unique_ptr<sqlite_store> open() {
    auto store = open_sqlite_store(options);
    if (store.has_error())
      throw std::runtime_error(to_string(store.error()));
    return std::move(*store);
  }

  failure refusal() {
    auto store = open_sqlite_store(options);
    if (!store.has_error())
      throw std::runtime_error("the store was opened");
    return store.error();
  }

  void expect_names_path(const failure& why) const {
    EXPECT_NE(why.reason.find(options.path), std::string::npos) << why.reason;
  }

  /// A database with one event in it.
  void fill() {
    new_event event;
    event.type = "document_uploaded";
    auto ids = open()->insert_events(std::span{&event, 1}, t0);
    ASSERT_FALSE(ids.has_error());
  }

  std::uint64_t events() { return open()->summarize()->event_rows; }

  temp_dir dir;
  sqlite_options options = [this] {
    sqlite_options out;
    out.path = dir.file("herald.db");
    return out;
  }();
};

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream{path, std::ios::binary}.rdbuf();
  return out.str();
}

} // namespace

TEST_F(sqlite_open, a_missing_file_is_created_with_its_schema_and_kept) {
  fill();
  EXPECT_TRUE(fs::exists(options.path));
  options.create = false;
  EXPECT_EQ(events(), 1u);
}

TEST_F(sqlite_open, a_database_in_memory_needs_no_file) {
  options.path = ":memory:";
  fill();
  EXPECT_EQ(events(), 0u) << "each connection has a database of its own";
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST_F(sqlite_open, a_missing_file_is_an_outage_when_it_may_not_be_created) {
  options.create = false;
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
  EXPECT_FALSE(fs::exists(options.path));
}

TEST_F(sqlite_open, an_empty_file_is_refused_when_nothing_may_be_created) {
  std::ofstream{options.path};
  options.create = false;
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_names_path(why);
  EXPECT_EQ(fs::file_size(options.path), 0u);
}

TEST_F(sqlite_open, a_missing_directory_is_an_outage) {
  options.path = dir.file("missing/herald.db");
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
  EXPECT_NE(why.reason.find("directory"), std::string::npos) << why.reason;
}

TEST_F(sqlite_open, a_file_that_is_no_database_is_left_alone) {
  auto text = std::string(5'000, 'x');
  std::ofstream{options.path} << text;
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
  EXPECT_NE(why.reason.find("not a SQLite database"), std::string::npos) << why.reason;
  EXPECT_EQ(content(options.path), text);
}

TEST_F(sqlite_open, a_damaged_file_asks_for_a_backup) {
  fill();
  {
    std::fstream file{options.path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(4'096);
    file << std::string(fs::file_size(options.path) - 4'096, '\x7f');
  }
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
  EXPECT_NE(why.reason.find("backup"), std::string::npos) << why.reason;
}

TEST_F(sqlite_open, a_newer_schema_is_refused_and_nothing_is_lost) {
  fill();
  sqlite::database{options}.execute_script("PRAGMA user_version = 99");
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_names_path(why);
  EXPECT_NE(why.reason.find("99"), std::string::npos) << why.reason;
  sqlite::database{options}.execute_script("PRAGMA user_version = " + std::to_string(sqlite::schema_version));
  EXPECT_EQ(events(), 1u);
}

TEST_F(sqlite_open, an_older_schema_is_brought_up_to_date_with_everything_in_it) {
  fill();
  sqlite::database{options}.execute_script(
      "DROP TABLE herald_senders; DROP TABLE herald_job_runs; DROP TABLE herald_jobs;"
      " DROP TABLE herald_calendar_watches; DROP INDEX domain_events_resume_nudges;"
      " DROP INDEX unread_thread_stale_log_sent; DROP INDEX unread_thread_stale_log_event; PRAGMA "
      "user_version = 2");
  EXPECT_EQ(events(), 1u);
  sqlite::database db{options};
  EXPECT_EQ(db.read_integer("PRAGMA user_version"), sqlite::schema_version);
  EXPECT_EQ(db.read_integer("SELECT count(*) FROM herald_senders"), 0);
}

TEST_F(sqlite_open, another_programs_database_is_refused_and_left_alone) {
  sqlite::database{options}.execute_script("CREATE TABLE recipes (name TEXT)");
  auto before = content(options.path);
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::permanent);
  expect_names_path(why);
  EXPECT_EQ(content(options.path), before);
}

TEST_F(sqlite_open, a_write_protected_file_is_an_outage_at_once) {
  fill();
  fs::permissions(dir.path(), fs::perms::all);
  fs::permissions(options.path, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  auto guard = unprivileged{};
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
  EXPECT_NE(why.reason.find("writable"), std::string::npos) << why.reason;
}

TEST_F(sqlite_open, a_write_protected_directory_is_an_outage) {
  fs::permissions(dir.path(), fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read
                                  | fs::perms::others_exec);
  auto guard = unprivileged{};
  auto why = refusal();
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_names_path(why);
}

TEST_F(sqlite_open, durability_and_safety_settings_are_applied) {
  open();
  auto full = sqlite::database{options};
  EXPECT_EQ(full.read_integer("PRAGMA synchronous"), 2);
  EXPECT_EQ(full.read_integer("PRAGMA foreign_keys"), 1);
  options.durability = sqlite_durability::normal;
  auto normal = sqlite::database{options};
  EXPECT_EQ(normal.read_integer("PRAGMA synchronous"), 1);
  auto mode = normal.prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode.step());
  EXPECT_EQ(mode.text(0), "wal");
}

TEST_F(sqlite_open, the_data_version_changes_with_the_commits_of_others_alone) {
  auto mine = open();
  auto before = mine->data_version();
  new_event event;
  event.type = "document_uploaded";
  ASSERT_FALSE(mine->insert_events(std::span{&event, 1}, t0).has_error());
  EXPECT_EQ(mine->data_version(), before);
  fill();
  EXPECT_NE(mine->data_version(), before);
}

} // namespace herald::test
