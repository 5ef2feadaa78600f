// Rows that no program of ours has written: what reads them has to come through.
#include "adapters/store/postgres/postgres_store.hpp"
#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/sql_platform.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

class odd_rows_test : public postgres_test {
protected:
  void SetUp() override {
    postgres_test::SetUp();
    if (IsSkipped())
      return;
    database.emplace(test_database::kind::herald);
    store = std::move(open_postgres_store(options()).value());
    ASSERT_FALSE(sql_platform{options()}.insert_platform_rows(make_world(), t0).has_error());
  }

  void do_in_database(const std::string& sql) {
    auto db = connect();
    ask(db, sql);
  }

  std::unique_ptr<postgres_store> store;
};

TEST_F(odd_rows_test, a_calendar_with_dates_that_never_come_is_renewed_like_others) {
  do_in_database(
      "INSERT INTO calendar_connections (id, user_id, provider, provider_account_id, token_expires_at,"
      " calendar_list, watch_channel_id, watch_expiration) VALUES ('"
      + to_string(make_id(10, 1)) + "', '" + to_string(ids::olga)
      + "', 'google', 'a', 'infinity', NULL, 'c', '-infinity'), ('" + to_string(make_id(10, 2)) + "', '"
      + to_string(ids::olga) + "', 'google', 'b', NULL, '\"x\"', 'c', 'infinity')");
  auto due = store->find_due_watches({t0, std::chrono::hours{24}, 10, std::nullopt});
  ASSERT_FALSE(due.has_error()) << due.error().reason;
  ASSERT_EQ(due->watches.size(), 1u);
  EXPECT_FALSE(due->watches[0].token_expires_at);
  EXPECT_EQ(due->watches[0].calendar_list, "[]");
  EXPECT_LT(due->watches[0].expires_at, t0);
  auto summary = store->summarize_watches(t0);
  ASSERT_FALSE(summary.has_error()) << summary.error().reason;
  EXPECT_EQ(summary->watched, 1u);
  EXPECT_EQ(summary->expired, 1u);
  EXPECT_FALSE(summary->next_expiry);
}

TEST_F(odd_rows_test, counts_that_are_none_are_left_out) {
  do_in_database("INSERT INTO herald_jobs (job, known_since) VALUES ('j', now())");
  do_in_database("INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, counts)"
                 " SELECT 'j', now() + n * interval '1 minute', now(), 'schedule', 'ran', counts"
                 " FROM (VALUES (1, '[1]'::jsonb), (2, '{\"a\": -1, \"b\": 1.5, \"c\": \"x\", \"d\": null,"
                 " \"e\": 7, \"f\": 99999999999999999999}')) x (n, counts)");
  auto runs = store->job_runs(10);
  ASSERT_FALSE(runs.has_error()) << runs.error().reason;
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ(runs->at(0).counts, (job_counts{{"e", 7}}));
  EXPECT_TRUE(runs->at(1).counts.empty());
}

} // namespace

} // namespace herald::test
