// Herald's functions while connections break and servers restart: what was under way is either done or not,
// and asking again finds out which.
#include <memory>
#include <thread>
#include <vector>

#include "tests/postgres/fake_pooler.hpp"
#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

class interruption_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database.emplace();
    auto& db = side_door();
    // The test server is in a hurry otherwise; here its promises count.
    ask(db, "ALTER DATABASE " + database->name() + " SET synchronous_commit = on");
    ask(db, "INSERT INTO auth.users (id) VALUES ('" + to_string(ids::mia) + "')");
    ask(db, "INSERT INTO profiles (id, email, app_role) VALUES ('" + to_string(ids::mia)
                + "', 'mia@example.com', 'borrower')");
  }

  std::unique_ptr<postgres_store> open() const { return open(database->url()); }

  static std::unique_ptr<postgres_store> open(const secret& url) {
    postgres_options x;
    x.url = url;
    auto out = open_postgres_store(x);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return std::move(*out);
  }

  postgres::connection& side_door() {
    if (!side_door_ || !side_door_->alive()) {
      postgres_options x;
      x.url = database->url();
      side_door_.emplace(postgres::connection::open(x).value());
    }
    return *side_door_;
  }

  static std::string ask(postgres::connection& db, const std::string& sql) {
    auto out = db.run(sql);
    if (out.has_error())
      throw std::runtime_error(to_string(out.error()));
    return out->size() > 0 ? std::string{out->text(0, 0)} : "";
  }

  std::string ask(const std::string& sql) { return ask(side_door(), sql); }

  timestamp server_time() {
    return timestamp{
        duration{std::stoll(ask("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"))}};
  }

  void emit(postgres_store& store, std::size_t n) {
    new_event event;
    event.type = "document_uploaded";
    ASSERT_TRUE(store.insert_events(std::vector<new_event>(n, event), t0));
  }

  claim_request claiming(std::string worker = "worker-1") const {
    claim_request out;
    out.worker = std::move(worker);
    out.limit = 100;
    out.now = now;
    out.lease = std::chrono::seconds{60};
    out.max_age = std::chrono::hours{24};
    return out;
  }

  /// A notification for mia from each event.
  commit_request committing(const claimed_batch& claimed) const {
    plan_batch batch;
    for (auto& x : claimed.events) {
      fan_out_plan plan;
      plan.claims = {x.ref()};
      plan.event_type = x.event.type;
      plan.notifications = {{"Title", "Body", "/", "{}", {ids::mia}, ""}};
      batch.plans.push_back(std::move(plan));
    }
    commit_request out;
    out.worker = "worker-1";
    out.now = now;
    out.batches = {std::make_shared<const plan_batch>(std::move(batch))};
    return out;
  }

  /// Makes the store's session know its statements, so that what follows is one exchange per call.
  void warm_up(postgres_store& store) const {
    ASSERT_TRUE(store.claim(claiming()));
    commit_request nothing;
    nothing.worker = "worker-1";
    nothing.now = now;
    ASSERT_TRUE(store.commit(nothing));
  }

  std::optional<test_database> database;
  timestamp now = t0;

private:
  std::optional<postgres::connection> side_door_;
};

TEST_F(interruption_test, a_daemon_whose_clock_is_days_ahead_sets_nothing_aside) {
  auto store = open();
  ask("INSERT INTO domain_events (event_type, created_at) VALUES ('document_uploaded', now())");
  now = server_time();
  auto ahead = claiming("worker-2");
  ahead.now += std::chrono::days{2};
  auto wrong = store->claim(ahead);
  ASSERT_TRUE(wrong) << to_string(wrong.error());
  EXPECT_EQ(wrong->expired, 0u);
  EXPECT_TRUE(wrong->events.empty());
  auto right = store->claim(claiming());
  ASSERT_TRUE(right) << to_string(right.error());
  EXPECT_EQ(right->events.size(), 1u);
}

TEST_F(interruption_test, a_daemon_whose_clock_is_ahead_settles_no_instants_of_jobs) {
  auto store = open();
  begin_run_request ahead;
  ahead.job = "meeting-reminders";
  ahead.worker = "worker-2";
  ahead.now = server_time();
  ahead.lease = std::chrono::minutes{1};
  ASSERT_FALSE(store->open_jobs({{ahead.job}, ahead.now - std::chrono::minutes{1}}).has_error());
  ahead.now += std::chrono::hours{1};
  ahead.scheduled_at = ahead.now;
  auto refused = store->begin_run(ahead);
  ASSERT_TRUE(refused.has_error());
  EXPECT_NE(refused.error().reason.find("worker-2"), std::string::npos) << refused.error().reason;
  EXPECT_NE(refused.error().reason.find("time server"), std::string::npos) << refused.error().reason;
  ahead.now -= std::chrono::hours{1};
  ahead.scheduled_at = ahead.now;
  auto granted = store->begin_run(ahead);
  ASSERT_FALSE(granted.has_error()) << granted.error().reason;
  EXPECT_EQ(granted->verdict, begin_verdict::begun);
}

TEST_F(interruption_test, a_daemon_whose_clock_is_ahead_begins_no_run_by_hand_either) {
  auto store = open();
  begin_run_request ahead;
  ahead.job = "meeting-reminders";
  ahead.worker = "worker-2";
  ahead.cause = run_cause::hand;
  ahead.scheduled_at = server_time();
  ahead.now = ahead.scheduled_at + std::chrono::hours{1};
  ahead.lease = std::chrono::minutes{1};
  auto refused = store->begin_run(ahead);
  ASSERT_TRUE(refused.has_error());
  EXPECT_NE(refused.error().reason.find("time server"), std::string::npos) << refused.error().reason;
  ahead.now = ahead.scheduled_at;
  auto granted = store->begin_run(ahead);
  ASSERT_FALSE(granted.has_error()) << granted.error().reason;
  EXPECT_EQ(granted->verdict, begin_verdict::begun);
}

TEST_F(interruption_test, an_instant_from_before_a_clock_was_set_back_is_not_settled) {
  auto store = open();
  begin_run_request x;
  x.job = "meeting-reminders";
  x.worker = "worker-2";
  x.now = server_time();
  x.lease = std::chrono::minutes{1};
  x.scheduled_at = x.now + std::chrono::hours{1};
  EXPECT_TRUE(store->begin_run(x).has_error());
}

TEST_F(interruption_test, a_job_is_known_no_later_than_the_servers_clock_says) {
  auto store = open();
  auto ahead = server_time() + std::chrono::minutes{9};
  auto states = store->open_jobs({{"meeting-reminders"}, ahead});
  ASSERT_FALSE(states.has_error()) << states.error().reason;
  EXPECT_LE(states->at(0).settled_until, server_time());
  begin_run_request x;
  x.job = "unread-thread-nudges";
  x.worker = "worker-2";
  x.cause = run_cause::hand;
  x.now = x.scheduled_at = ahead;
  x.lease = std::chrono::minutes{1};
  ASSERT_FALSE(store->begin_run(x).has_error());
  states = store->open_jobs({{x.job}, ahead});
  ASSERT_FALSE(states.has_error()) << states.error().reason;
  EXPECT_LE(states->at(0).settled_until, server_time());
}

TEST_F(interruption_test, a_commit_whose_answer_was_lost_is_found_done_when_it_is_repeated) {
  auto proxy = fake_pooler{postgres_server::instance().directory()};
  auto store = open(proxy.url(database->name()));
  warm_up(*store);
  emit(*store, 3);
  auto claimed = store->claim(claiming()).value();
  auto request = committing(claimed);
  proxy.lose_next_answer();
  auto lost = store->commit(request);
  ASSERT_TRUE(lost.has_error());
  EXPECT_EQ(lost.error().kind, failure_class::outage);
  EXPECT_EQ(ask("SELECT count(*) FROM notifications"), "3") << "the server had the request";
  auto repeated = store->commit(request).value();
  EXPECT_EQ(repeated.notifications, 0u);
  EXPECT_EQ(ask("SELECT count(*) FROM notifications"), "3");
  EXPECT_TRUE(store->claim(claiming("worker-2"))->events.empty());
}

TEST_F(interruption_test, events_of_a_claim_whose_answer_was_lost_come_back_with_the_end_of_the_lease) {
  auto proxy = fake_pooler{postgres_server::instance().directory()};
  auto store = open(proxy.url(database->name()));
  warm_up(*store);
  emit(*store, 3);
  proxy.lose_next_answer();
  ASSERT_TRUE(store->claim(claiming()).has_error());
  EXPECT_TRUE(store->claim(claiming("worker-2"))->events.empty());
  now += std::chrono::seconds{61};
  auto again = store->claim(claiming("worker-2")).value();
  ASSERT_EQ(again.events.size(), 3u);
  EXPECT_EQ(again.events.front().attempts, 0) << "nobody has tried them";
}

TEST_F(interruption_test, a_restart_of_the_server_between_claim_and_commit_loses_neither) {
  auto store = open();
  emit(*store, 3);
  auto claimed = store->claim(claiming()).value();
  postgres_server::instance().restart();
  auto done = store->commit(committing(claimed)).value();
  EXPECT_EQ(done.completed, 3u);
  EXPECT_EQ(ask("SELECT count(*) FROM notifications"), "3");
}

TEST_F(interruption_test, a_session_that_is_killed_before_its_commit_has_written_nothing) {
  auto store = open();
  warm_up(*store);
  emit(*store, 2);
  auto claimed = store->claim(claiming()).value();
  ASSERT_EQ(claimed.events.size(), 2u);
  // Holds the commit up where it writes its first row, until its session is gone.
  auto& holder = side_door();
  ask(holder, "BEGIN");
  ask(holder, "LOCK TABLE notifications IN EXCLUSIVE MODE");
  auto killer = std::thread{[this] {
    postgres_options x;
    x.url = database->url();
    auto db = postgres::connection::open(x).value();
    constexpr auto kill_waiting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                                  "datname = current_database() AND wait_event_type = 'Lock'";
    while (ask(db, kill_waiting) == "0") {
    }
  }};
  auto cut = store->commit(committing(claimed));
  killer.join();
  ask(holder, "ROLLBACK");
  ASSERT_TRUE(cut.has_error());
  EXPECT_EQ(cut.error().kind, failure_class::outage);
  EXPECT_EQ(ask("SELECT count(*) FROM notifications"), "0");
  EXPECT_EQ(store->commit(committing(claimed))->completed, 2u);
  EXPECT_EQ(ask("SELECT count(*) FROM notifications"), "2");
}

TEST_F(interruption_test, a_null_character_that_the_database_cannot_keep_becomes_a_replacement_character) {
  auto store = open();
  new_event event;
  event.type = "document_uploaded";
  event.payload = R"({"fileName":"a\u0000b"})";
  ASSERT_TRUE(store->insert_events(std::vector{event}, t0));
  EXPECT_EQ(ask("SELECT payload->>'fileName' FROM domain_events"), "a\xef\xbf\xbd"
                                                                   "b");
}

} // namespace

} // namespace herald::test
