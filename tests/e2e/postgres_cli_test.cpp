// herald migrate and herald doctor as people and scripts meet them, on a PostgreSQL server of the test's own.
#include <algorithm>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/store/postgres/connection.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using json = nlohmann::json;
using test::postgres_server;
using test::test_database;

class postgres_cli : public ::testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
  }

  outcome run(std::vector<std::string> args, const test_database& database) {
    return place.start_plain(std::move(args), {{"DATABASE_URL", std::string{database.url().reveal()}}})
        .wait();
  }

  /// On the database, with mails captured: there is no key here.
  outcome examine(const test_database& database) {
    return run({"doctor", "--json", "--set", "store.kind=postgres", "--set", "email.transport=capture"},
               database);
  }

  static json check_named(const json& answer, const std::string& name) {
    for (auto& x : answer["checks"])
      if (x["name"] == name)
        return x;
    return {};
  }

  static void do_in(const test_database& database, const std::string& sql) {
    postgres_options options;
    options.url = database.url();
    auto db = postgres::connection::open(options);
    ASSERT_FALSE(db.value().run(sql).has_error());
  }

  workplace place;
};

TEST_F(postgres_cli, migrate_says_what_it_would_do_does_it_and_says_that_it_is_done) {
  test_database database{test_database::kind::bare};
  auto foreign = run({"migrate", "--status", "--json"}, database);
  EXPECT_EQ(foreign.status, 1);
  EXPECT_THAT(json::parse(foreign.out)["obstacle"].get<std::string>(), HasSubstr("--with-base"));

  auto dry = run({"migrate", "--with-base", "--dry-run", "--json"}, database);
  ASSERT_EQ(dry.status, 0) << dry.err;
  auto plan = json::parse(dry.out);
  EXPECT_EQ(plan["version"], 0);
  EXPECT_EQ(plan["current"], false);
  EXPECT_EQ(plan["pending"][0]["file"], "base/001_roles.sql");
  EXPECT_THAT(plan["pending"].back()["sql"].get<std::string>(), HasSubstr("create index concurrently"));
  EXPECT_THAT(plan["pending"].back()["locks"].get<std::string>(), HasSubstr("SHARE UPDATE EXCLUSIVE"));
  EXPECT_THAT(run({"migrate", "--with-base", "--dry-run"}, database).out,
              HasSubstr("ACCESS EXCLUSIVE on notification"));

  auto done = run({"migrate", "--with-base", "--json"}, database);
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("applying 001_tables.sql (new)"));
  EXPECT_EQ(json::parse(done.out)["from"], 0);

  auto status = run({"migrate", "--status", "--json"}, database);
  EXPECT_EQ(status.status, 0);
  auto now = json::parse(status.out);
  EXPECT_EQ(now["current"], true);
  EXPECT_EQ(now["version"], now["wanted_version"]);
  EXPECT_EQ(now["pending"].size(), 0u);
  EXPECT_GE(now["applied"].size(), 8u);
  EXPECT_THAT(run({"migrate", "--status"}, database).out, HasSubstr("nothing is pending"));
  EXPECT_THAT(run({"migrate"}, database).out, HasSubstr("nothing was done"));
}

TEST_F(postgres_cli, migrate_without_a_url_is_wrong_usage_and_says_where_to_get_one) {
  auto out = place.start_plain({"migrate"}).wait();
  EXPECT_EQ(out.status, 2);
  EXPECT_THAT(out.err, HasSubstr("set DATABASE_URL"));
  EXPECT_THAT(out.err, HasSubstr("Supabase"));
}

TEST_F(postgres_cli, secrets_of_the_url_stand_in_no_message) {
  auto url =
      "host=" + postgres_server::instance().directory() + " dbname=nowhere user=nobody password=hunter22";
  for (auto command : {"migrate", "doctor"}) {
    auto out = place
                   .start_plain({command, "--set", "store.kind=postgres", "--set", "email.transport=capture"},
                                {{"DATABASE_URL", url}})
                   .wait();
    EXPECT_EQ(out.status, 1) << command;
    EXPECT_THAT(out.out + out.err, HasSubstr("nobody"));
    EXPECT_THAT(out.out + out.err, Not(HasSubstr("hunter22")));
  }
}

TEST_F(postgres_cli, doctor_passes_a_good_database_and_fails_one_that_is_not) {
  test_database database;
  ASSERT_EQ(run({"migrate"}, database).status, 0);
  auto good = examine(database);
  EXPECT_EQ(good.status, 0) << good.out;
  auto answer = json::parse(good.out);
  EXPECT_EQ(answer["verdict"], "ok") << good.out;
  EXPECT_EQ(answer["failed"], 0);

  do_in(database, "GRANT EXECUTE ON FUNCTION herald_claim(json) TO anon");
  auto bad = examine(database);
  EXPECT_EQ(bad.status, 1);
  auto functions = check_named(json::parse(bad.out), "functions");
  EXPECT_EQ(functions["verdict"], "failed");
  EXPECT_THAT(functions["reason"].get<std::string>(), HasSubstr("herald_claim (anon)"));
  EXPECT_THAT(functions["remedy"].get<std::string>(), HasSubstr("herald migrate --again"));
  // The remedy holds what it promises.
  ASSERT_EQ(run({"migrate", "--again"}, database).status, 0);
  EXPECT_EQ(examine(database).status, 0);
}

TEST_F(postgres_cli, a_warning_is_no_failure) {
  test_database database;
  ASSERT_EQ(run({"migrate"}, database).status, 0);
  do_in(database, "DROP TRIGGER herald_ring_events ON domain_events");
  auto out = examine(database);
  EXPECT_EQ(out.status, 0);
  EXPECT_EQ(json::parse(out.out)["verdict"], "warning");
}

TEST(cli, doctor_looks_at_the_embedded_store) {
  workplace place;
  auto none = place.run({"doctor", "--json"});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(json::parse(none.out)["verdict"], "failed");
  ASSERT_EQ(place.run({"emit", "meeting_invited"}).status, 0);
  auto out = place.run({"doctor"});
  EXPECT_EQ(out.status, 0) << out.out;
  EXPECT_THAT(out.out, HasSubstr("quick check finds nothing"));
}

} // namespace
} // namespace herald::testing
