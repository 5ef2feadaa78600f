// How the daemon learns of new events on PostgreSQL: it is told, and what it was not told of it finds by looking.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/herald.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::testing {
namespace {

using test::postgres_server;

class postgres_wake_up : public ::testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database_.emplace();
    postgres_options x;
    x.url = database_->url();
    db_.emplace(x);
  }

  /// A daemon that polls at this pace, once it has looked around for the first time.
  std::unique_ptr<child_process> start(const std::string& poll_ms, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"run", "--log-level", "DEBUG", "--set", "jobs.enabled=false"};
    more.insert(more.end(), {"store.kind=postgres", "email.enabled=false", "poller.poll_min_ms=" + poll_ms,
                             "poller.poll_max_ms=" + poll_ms});
    for (auto& x : more)
      args.insert(args.end(), {"--set", x});
    auto out = std::make_unique<child_process>(
        HERALD_PROGRAM, std::move(args),
        child_process::environment{{"DATABASE_URL", std::string{database_->url().reveal()}}},
        place_.file(""));
    append_event();
    EXPECT_TRUE(settles(*out, 1)) << "the first look finds what is there";
    return out;
  }

  /// Nobody can handle it, which settles it at once.
  void append_event() {
    run("INSERT INTO domain_events (event_type, payload) VALUES ('meeting_invited', '{}')");
  }

  void run(const std::string& sql) { db_->run(sql); }

  std::int64_t ask(const std::string& sql) { return std::stoll(std::string{db_->run(sql).text(0, 0)}); }

  /// Whether so many events are settled before the daemon's next poll of a slow pace.
  bool settles(child_process& daemon, std::int64_t events) {
    constexpr int patience = 2'000; // times 5 ms
    for (int i = 0; i < patience; ++i) {
      if (ask("SELECT count(*) FROM notification_processing WHERE processing_status = 'failed'"
              " AND herald_error_class = 'permanent'")
          >= events)
        return true;
      if (daemon.ended_within(5))
        return false;
    }
    return false;
  }

private:
  std::optional<test::test_database> database_;
  std::optional<test::sql_session> db_;
  workplace place_;
};

TEST_F(postgres_wake_up, the_database_tells_of_new_events_long_before_the_next_poll) {
  auto daemon = start("600000");
  for (int n = 2; n <= 4; ++n) {
    append_event();
    EXPECT_TRUE(settles(*daemon, n));
  }
}

TEST_F(postgres_wake_up, what_the_database_did_not_tell_of_is_found_by_the_next_poll) {
  auto daemon = start("200");
  run("DROP TRIGGER herald_ring_events ON domain_events");
  append_event();
  EXPECT_TRUE(settles(*daemon, 2));
}

TEST_F(postgres_wake_up, a_listener_that_lost_its_session_listens_again_and_looks_for_what_it_missed) {
  auto daemon = start("600000");
  run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
  append_event();
  EXPECT_TRUE(settles(*daemon, 2));
}

TEST_F(postgres_wake_up, without_listening_it_looks_at_the_configured_pace) {
  auto daemon = start("600000", {"store.listen=false", "store.look_every_ms=100"});
  append_event();
  EXPECT_TRUE(settles(*daemon, 2));
}

} // namespace
} // namespace herald::testing
