// kill -9 in the middle of a time-driven job on PostgreSQL: nobody is nudged twice, nobody is left out.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::testing {
namespace {

using json = nlohmann::json;
using test::postgres_server;

/// Where it dies.
struct crash_point {
  const char* step;
  const char* when;
  int hit;
};

void PrintTo(const crash_point& x, std::ostream* out) {
  *out << x.step << "_" << x.when << "_" << x.hit;
}

class postgres_job_crash : public ::testing::TestWithParam<crash_point> {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database_.emplace();
    postgres_options options;
    options.url = database_->url();
    db_.emplace(options);
    auto now = system_clock{}.now();
    auto people = make_company({.seed = 7, .now = now});
    // The system account is there already.
    std::erase_if(people.rows.profiles, [](auto& x) { return x.id == nil_uuid; });
    auto written = test::sql_platform{options}.insert_platform_rows(people.rows, now);
    ASSERT_TRUE(written) << written.error().reason;
    as_of_ = to_iso8601(now);
  }

  outcome once(const std::string& failpoint = {}, bool dry_run = false) const {
    child_process::environment env{{"DATABASE_URL", std::string{database_->url().reveal()}}};
    if (!failpoint.empty())
      env["HERALD_FAILPOINT"] = failpoint;
    std::vector<std::string> args{"once",  "unread-thread-nudges", "--json", "--at",        as_of_,
                                  "--set", "store.kind=postgres",  "--set",  "jobs.chunk=2"};
    if (dry_run)
      args.emplace_back("--dry-run");
    return child_process{HERALD_FAILPOINT_PROGRAM, std::move(args), env, place_.file("")}.wait();
  }

  static json counts_of(const outcome& x) {
    EXPECT_EQ(x.status, 0) << x.err;
    return json::parse(last_line(x.out), nullptr, false)["counts"];
  }

  std::int64_t ask(const std::string& sql) { return std::stoll(std::string{db_->run(sql).text(0, 0)}); }

  void end_leases() {
    db_->run("UPDATE herald_job_runs SET lease_until = now() - interval '1 hour' WHERE state = 'running'");
  }

private:
  std::optional<test::test_database> database_;
  std::optional<test::sql_session> db_;
  workplace place_;
  std::string as_of_;
};

TEST_P(postgres_job_crash, nudges_every_reader_once) {
  auto wanted = counts_of(once({}, true)).value("created", 0);
  ASSERT_GT(wanted, 5);
  EXPECT_EQ(ask("SELECT (SELECT count(*) FROM domain_events) + (SELECT count(*) FROM herald_job_runs)"), 0)
      << "a dry run writes nothing";
  auto& x = GetParam();
  auto died = once(std::string{x.step} + ":" + x.when + ":" + std::to_string(x.hit));
  ASSERT_EQ(died.status, 128 + SIGKILL) << "it never came to this step\n" << died.err;
  end_leases();
  counts_of(once());
  EXPECT_FALSE(counts_of(once()).contains("created"));

  EXPECT_EQ(ask("SELECT count(*) FROM unread_thread_stale_log"), wanted);
  EXPECT_EQ(ask("SELECT count(*) FROM domain_events"), wanted);
  EXPECT_EQ(ask("SELECT count(DISTINCT (l.thread_id, l.user_id)) FROM unread_thread_stale_log l"
                " JOIN domain_events e ON e.id = l.event_id AND e.thread_id = l.thread_id"
                " AND e.payload->>'user_id' = l.user_id::text"),
            wanted);
  EXPECT_EQ(ask("SELECT count(*) FROM herald_job_runs WHERE state = 'running'"), 0);
}

INSTANTIATE_TEST_SUITE_P(steps, postgres_job_crash,
                         ::testing::Values(crash_point{"begin_run", "before", 1},
                                           crash_point{"begin_run", "after", 1},
                                           crash_point{"chunk", "before", 2},
                                           crash_point{"chunk", "after", 1}, crash_point{"chunk", "after", 3},
                                           crash_point{"finish_run", "before", 1},
                                           crash_point{"finish_run", "after", 1}),
                         [](const auto& x) { return ::testing::PrintToString(x.param); });

} // namespace
} // namespace herald::testing
