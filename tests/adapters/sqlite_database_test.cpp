// The thin layer over SQLite: statements that let go of their snapshots, and transactions that undo
// themselves.
#include <gtest/gtest.h>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "tests/support/store_world.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

class sqlite_database : public testing::Test {
protected:
  sqlite_database() { db.execute_script("CREATE TABLE t (x ANY, y ANY)"); }

  sqlite_options options() const {
    sqlite_options out;
    out.path = dir.file("t.db");
    out.busy_timeout = duration{0};
    return out;
  }

  std::int64_t rows() { return db.read_integer("SELECT count(*) FROM t"); }

  temp_dir dir;
  sqlite::database db{options()};
};

} // namespace

TEST_F(sqlite_database, a_statement_left_half_way_does_not_pin_its_snapshot) {
  db.run("INSERT INTO t (x) VALUES (1), (2)");
  {
    auto half = db.prepare("SELECT x FROM t");
    ASSERT_TRUE(half.step());
  }
  auto other = sqlite::database{options()};
  other.run("INSERT INTO t (x) VALUES (3)");
  EXPECT_NO_THROW(db.run("INSERT INTO t (x) VALUES (4)"));
  EXPECT_EQ(rows(), 4);
}

TEST_F(sqlite_database, a_transaction_that_is_not_committed_is_undone) {
  {
    auto tx = sqlite::transaction{db, sqlite::transaction::mode::write};
    db.run("INSERT INTO t (x) VALUES (1)");
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(rows(), 0);
  auto tx = sqlite::transaction{db, sqlite::transaction::mode::write};
  db.run("INSERT INTO t (x) VALUES (1)");
  tx.commit();
  EXPECT_EQ(rows(), 1);
}

TEST_F(sqlite_database, a_write_transaction_takes_its_lock_at_once) {
  auto other = sqlite::database{options()};
  auto tx = sqlite::transaction{db, sqlite::transaction::mode::write};
  EXPECT_THROW((sqlite::transaction{other, sqlite::transaction::mode::write}), sqlite::database_error);
}

TEST_F(sqlite_database, values_come_back_as_they_went_in) {
  auto text = std::string{"a\0b\xff", 4};
  db.query("INSERT INTO t (x, y) VALUES (?1, ?2)", text, ids::olga).run();
  auto row = db.prepare("SELECT x, y FROM t");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.text(0), text);
  EXPECT_EQ(row.id(1), ids::olga);
  EXPECT_EQ(row.optional_id(0), std::nullopt);
  EXPECT_EQ(row.id(0), nil_uuid);
  EXPECT_FALSE(row.step());
}

TEST_F(sqlite_database, nothing_is_null_and_an_empty_text_is_not) {
  db.query("INSERT INTO t (x, y) VALUES (?1, ?2)", std::optional<timestamp>{}, std::string_view{}).run();
  auto row = db.prepare("SELECT x, y FROM t");
  ASSERT_TRUE(row.step());
  EXPECT_TRUE(row.is_null(0));
  EXPECT_EQ(row.optional_time(0), std::nullopt);
  EXPECT_FALSE(row.is_null(1));
  EXPECT_EQ(row.text(1), "");
}

TEST_F(sqlite_database, a_returned_statement_forgets_its_parameters) {
  db.query("INSERT INTO t (x) VALUES (?1)", 7).run();
  db.prepare("INSERT INTO t (x) VALUES (?1)").run();
  EXPECT_EQ(db.read_integer("SELECT count(*) FROM t WHERE x IS NULL"), 1);
}

TEST_F(sqlite_database, a_wrong_statement_names_the_file_and_the_fault) {
  try {
    db.prepare("SELECT nonsense FROM t");
    FAIL() << "it was prepared";
  } catch (const sqlite::database_error& e) {
    EXPECT_EQ(e.why().kind, failure_class::transient);
    EXPECT_NE(e.why().reason.find(options().path), std::string::npos);
    EXPECT_NE(e.why().reason.find("nonsense"), std::string::npos);
  }
}

TEST(sqlite_json_list, elements_are_written_as_json) {
  EXPECT_EQ(sqlite::to_json_list(std::vector<std::int64_t>{}), "[]");
  EXPECT_EQ(sqlite::to_json_list(std::vector<std::int64_t>{1, -2}), "[1,-2]");
  EXPECT_EQ(sqlite::to_json_list(std::vector{ids::olga}), "[\"" + to_string(ids::olga) + "\"]");
  EXPECT_EQ(sqlite::to_json_list(std::vector<std::string>{"a\"b", "\xff"}), "[\"a\\\"b\",\"\xef\xbf\xbd\"]");
}

} // namespace herald::test
