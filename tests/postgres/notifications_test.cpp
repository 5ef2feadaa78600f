// Wake-ups: what arrives, how long a wait takes, and what a broken connection does to it.
#include <algorithm>
#include <thread>

#include "adapters/store/postgres/notifications.hpp"
#include "tests/postgres/fake_pooler.hpp"
#include "tests/postgres/postgres_fixture.hpp"

namespace herald::test {

namespace {

using names = std::vector<std::string>;

/// Long enough for any machine: waits in these tests end because something came.
constexpr auto long_time = std::chrono::seconds{60};

class notifications_test : public postgres_test {
protected:
  notification_options listening(names channels) const {
    notification_options out;
    out.database = options();
    out.channels = std::move(channels);
    out.min_reconnect = duration{1};
    out.max_reconnect = duration{20};
    return out;
  }

  static std::unique_ptr<notifications> open(const notification_options& x) {
    auto out = open_notifications(x);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  static names wait(notifications& x, duration limit = long_time) {
    auto out = x.wait(limit);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  /// Ends the session of whoever listens, and returns when it is gone.
  void kill_listener() const {
    auto db = connect();
    ASSERT_EQ(ask(db, "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
                      " WHERE query LIKE 'LISTEN%' AND datname = current_database()"),
              "1");
  }
};

TEST_F(notifications_test, the_first_wait_wakes_all_and_later_ones_whoever_was_called) {
  auto x = open(listening({"events", "Odd \"name\""}));
  EXPECT_EQ(wait(*x), (names{"events", "Odd \"name\""}));
  auto db = connect();
  ask(db, "SELECT pg_notify('Odd \"name\"', '')");
  EXPECT_EQ(wait(*x), names{"Odd \"name\""});
  ask(db, "NOTIFY other");
  ask(db, "SELECT pg_notify('events', n::text) FROM generate_series(1, 100) AS n");
  EXPECT_EQ(wait(*x), names{"events"});
}

TEST_F(notifications_test, a_wait_without_a_call_ends_with_nothing) {
  auto x = open(listening({"events"}));
  wait(*x);
  EXPECT_EQ(wait(*x, duration{1}), names{});
  EXPECT_EQ(wait(*x, duration{0}), names{});
}

TEST_F(notifications_test, a_wait_can_be_interrupted_from_elsewhere) {
  auto x = open(listening({"events"}));
  wait(*x);
  x->interrupt();
  EXPECT_EQ(wait(*x), names{});
  auto other = std::thread{[&x] { x->interrupt(); }};
  EXPECT_EQ(wait(*x), names{});
  other.join();
}

TEST_F(notifications_test, an_interruption_ends_one_wait_alone) {
  auto x = open(listening({"events"}));
  wait(*x);
  x->interrupt();
  EXPECT_EQ(wait(*x), names{});
  auto db = connect();
  // Comes while the next wait is under way.
  auto caller = std::thread{[&db] { ask(db, "SELECT pg_notify('events', '') FROM pg_sleep(0.2)"); }};
  EXPECT_EQ(wait(*x), names{"events"});
  caller.join();
}

TEST_F(notifications_test, a_new_connection_counts_as_a_call) {
  auto x = open(listening({"events"}));
  wait(*x);
  kill_listener();
  auto broken = x->wait(long_time);
  ASSERT_TRUE(broken.has_error());
  EXPECT_EQ(broken.error().kind, failure_class::outage);
  EXPECT_EQ(wait(*x), names{"events"});
  auto db = connect();
  ask(db, "NOTIFY events");
  EXPECT_EQ(wait(*x), names{"events"});
}

TEST_F(notifications_test, without_a_server_every_wait_fails_until_it_is_back) {
  auto x = open(listening({"events"}));
  wait(*x);
  auto& server = postgres_server::instance();
  server.stop();
  for (auto n = 0; n < 8; ++n)
    EXPECT_EQ(x->wait(long_time).has_error(), true);
  server.start();
  EXPECT_EQ(wait(*x), names{"events"});
}

TEST_F(notifications_test, behind_a_pooler_it_says_that_it_will_not_work) {
  auto pooler = fake_pooler{postgres_server::instance().directory()};
  auto y = listening({"events"});
  y.database.url = pooler.url(database->name());
  auto refused = open(y)->wait(long_time);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().kind, failure_class::permanent);
  expect_says(refused.error(), "behind a connection pooler");
  y.through_pooler = true;
  EXPECT_EQ(wait(*open(y)), names{"events"});
}

} // namespace

} // namespace herald::test
