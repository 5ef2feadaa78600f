// Three daemons on one PostgreSQL that is restarted and whose sessions are killed, again and again: nothing is
// lost, nothing happens twice, and no daemon ends.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/system_clock.hpp"
#include "app/conservation.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "core/random.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/fakes/resend_server.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::testing {
namespace {

using test::postgres_server;

constexpr std::size_t event_count = 20'000;
constexpr std::size_t replicas = 3;
/// A disruption after about this many events.
constexpr std::size_t stride = 1'200;

constexpr std::string_view down_event = "\"store-down\"";
constexpr std::string_view up_event = "\"store-recovered\"";

postgres_options to(const test::test_database& database) {
  postgres_options out;
  out.url = database.url();
  return out;
}

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++out;
  return out;
}

class postgres_chaos : public ::testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database_.emplace();
    // What a commit promises has to survive the restarts.
    test::sql_session{to(*database_)}.run("ALTER DATABASE " + database_->name()
                                          + " SET synchronous_commit = on");
    auto now = system_clock{}.now();
    auto people = make_company({.seed = 7, .now = now});
    // The system account is there already.
    std::erase_if(people.rows.profiles, [](auto& x) { return x.id == nil_uuid; });
    for (auto& x : people.rows.profiles) // the provider refuses addresses of example.com
      x.email.replace(x.email.find('@'), std::string::npos, "@harborview.io");
    auto written = test::sql_platform{to(*database_)}.insert_platform_rows(people.rows, now);
    ASSERT_TRUE(written) << written.error().reason;
    events_ = mixed_events(people, {.seed = 7, .at = now, .only_type = {}}, 0, event_count);
  }

  std::unique_ptr<child_process> start(std::size_t n) const {
    std::vector<std::string> args{"run", "--set", "jobs.enabled=false"};
    for (auto setting :
         {"store.kind=postgres", "poller.batch_size=100", "poller.lease_ms=3000", "poller.poll_min_ms=50",
          "poller.poll_max_ms=1000", "writer.outage_backoff_max_ms=500", "email.lease_ms=6000",
          "email.poll_min_ms=50", "email.poll_max_ms=1000", "resend.request_timeout_ms=2000",
          "resend.rate_start=500", "resend.rate_max=500", "resend.burst=20", "log.format=json"})
      args.insert(args.end(), {"--set", setting});
    child_process::environment env{{"DATABASE_URL", std::string{database_->url().reveal()}},
                                   {"RESEND_API_KEY", "re_test"},
                                   {"RESEND_BASE_URL", provider_.base_url()}};
    return std::make_unique<child_process>(HERALD_PROGRAM, std::move(args), env, places_.at(n).file(""));
  }

  /// A store of the test's own; the daemons' restarts are its restarts, so it asks until it is answered.
  template <class Ask> auto patiently(Ask ask) {
    for (;;) {
      if (!store_)
        if (auto opened = open_postgres_store(to(*database_)))
          store_ = std::move(*opened);
      if (store_)
        if (auto answer = ask(*store_))
          return std::move(*answer);
    }
  }

  std::size_t settled() {
    auto x =
        patiently([](postgres_store& s) { return s.status(system_clock{}.now(), std::chrono::hours{24}); });
    return x.completed + x.dead + x.expired;
  }

  /// Rows of a digest wait for their window; the others are to go out.
  std::int64_t immediate_left() {
    return std::stoll(ask("SELECT count(*) FROM pending_emails WHERE delivery_type = 'immediate'"
                          " AND status IN ('pending', 'processing')"));
  }

  std::string ask(const std::string& sql) {
    return std::string{test::sql_session{to(*database_)}.run(sql).text(0, 0)};
  }

  /// Exactly once, whatever becomes of the answer.
  void feed_to(std::size_t total, std::span<const new_event> events) {
    while (std::stoull(ask("SELECT count(*) FROM domain_events")) < total)
      patiently([&](postgres_store& s) {
        return result<bool>{s.insert_events(events, system_clock{}.now()).has_value()};
      });
  }

  void disturb() {
    if (random_.below(3) == 0) {
      postgres_server::instance().restart();
      ++restarts_;
      return;
    }
    kills_ += std::stoull(ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                              " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                              " AND backend_type = 'client backend' AND random() < 0.6"));
  }

  std::optional<test::test_database> database_;
  std::vector<new_event> events_;
  test::resend_server provider_;
  std::array<workplace, replicas> places_;
  random_source random_{20'261'125};
  std::size_t restarts_ = 0;
  std::size_t kills_ = 0;

private:
  std::unique_ptr<postgres_store> store_;
};

TEST_F(postgres_chaos, three_daemons_lose_and_double_nothing_and_come_back_each_time) {
  auto started = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<child_process>> daemons;
  for (std::size_t n = 0; n < replicas; ++n)
    daemons.push_back(start(n));
  constexpr std::size_t portion = 1'000;
  std::size_t fed = 0;
  std::size_t next = stride / 2;
  auto all_alive = [&] {
    for (auto& x : daemons)
      if (x->ended_within(5))
        return false;
    return true;
  };
  auto over = [&](std::chrono::seconds limit) { return std::chrono::steady_clock::now() - started > limit; };
  for (auto done = settled(); done < event_count; done = settled()) {
    ASSERT_TRUE(all_alive()) << "a daemon ended";
    ASSERT_FALSE(over(std::chrono::seconds{240})) << done << " of " << event_count << " events are settled";
    // Not all at once, so that the daemons find the queue empty now and then and have to be woken.
    if (fed < event_count && done + portion >= fed) {
      fed += portion;
      feed_to(fed, std::span{events_}.subspan(fed - portion, portion));
    }
    if (done >= next) {
      next += stride;
      disturb();
    }
  }
  while (immediate_left() > 0) {
    ASSERT_TRUE(all_alive()) << "a daemon ended";
    ASSERT_FALSE(over(std::chrono::seconds{270})) << immediate_left() << " mails are left";
  }
  // Whoever was degraded comes back, the latest with its next look at the store.
  auto degraded = [&] {
    return std::ranges::any_of(daemons, [](auto& x) {
      return count_of(x->said_so_far(), down_event) != count_of(x->said_so_far(), up_event);
    });
  };
  while (degraded()) {
    ASSERT_TRUE(all_alive()) << "a daemon ended";
    ASSERT_FALSE(over(std::chrono::seconds{280})) << "a stage stays degraded";
  }
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  std::size_t down = 0;
  for (auto& x : daemons) {
    x->signal(SIGTERM);
    auto end = x->wait();
    EXPECT_EQ(end.status, 0) << end.err;
    EXPECT_GT(count_of(end.err, down_event), 0u) << "it never noticed";
    EXPECT_EQ(count_of(end.err, "\"child-crashed\""), 0u) << end.err;
    down += count_of(end.err, down_event);
  }
  EXPECT_GT(restarts_, 1u);
  EXPECT_GT(kills_, 10u);

  auto summary = patiently([](postgres_store& s) { return s.summarize(); });
  auto outbox = patiently([](postgres_store& s) { return s.summarize_outbox(); });
  auto sums = check_conservation(summary, outbox);
  for (auto& x : sums.checks)
    EXPECT_TRUE(x.holds()) << x.name << ": " << x.left << " and " << x.right;
  auto doubled =
      ask("SELECT count(*) FROM (SELECT FROM notifications WHERE payload->>'type' <> 'thread_activity'"
          " GROUP BY event_id, user_id, title HAVING count(*) > 1) AS twice");
  auto doubled_mails = ask("SELECT count(*) FROM (SELECT FROM pending_emails"
                           " GROUP BY event_id, user_id, delivery_type HAVING count(*) > 1) AS twice");
  EXPECT_EQ(doubled, "0");
  EXPECT_EQ(doubled_mails, "0");
  EXPECT_EQ(ask("SELECT count(*) FROM herald_mails WHERE state IN ('failed', 'parked')"), "0");
  std::map<std::string, std::size_t> accepted;
  for (auto& mail : provider_.accepted())
    ++accepted[mail.tags.at("mail_id")];
  EXPECT_GT(accepted.size(), 1'000u);
  auto sent_twice = std::ranges::count_if(accepted, [](auto& x) { return x.second > 1; });
  EXPECT_EQ(sent_twice, 0);
  EXPECT_EQ(std::to_string(accepted.size()), ask("SELECT count(*) FROM herald_mails WHERE state = 'sent'"));
  // ./dev chaos collects this line.
  std::printf("| %zu | %zu | %zu | %zu | %zu | %s | %s | %zu | %td | %zu | %.0f |\n", replicas, event_count,
              restarts_, kills_, static_cast<std::size_t>(summary.notification_rows), doubled.c_str(),
              doubled_mails.c_str(), accepted.size(), sent_twice, down, seconds);
}

} // namespace
} // namespace herald::testing
