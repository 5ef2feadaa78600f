// A database that is locked, full or damaged while the store works on it: outages that lose nothing.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/claim.hpp"
#include "adapters/store/sqlite/commit.hpp"
#include "adapters/store/sqlite/operator_queries.hpp"
#include "adapters/store/sqlite/schema.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "tests/support/store_world.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

claim_request request(std::uint32_t limit = 1'000) {
  claim_request out;
  out.worker = "worker-1";
  out.now = t0;
  out.limit = limit;
  return out;
}

std::vector<new_event> plain_events(std::size_t n) {
  new_event event;
  event.type = "document_uploaded";
  return std::vector(n, event);
}

/// Notifies Olga of every event, at some length.
commit_request notify_all(const claimed_batch& batch) {
  auto plans = std::make_shared<plan_batch>();
  for (auto& x : batch.events) {
    fan_out_plan plan;
    plan.claims = {x.ref()};
    plan.event_type = x.event.type;
    plan.notifications = {
        {std::string(2'000, 'x'), "body", "/", R"({"type":"document_uploaded"})", {ids::olga}, ""}};
    plans->plans.push_back(std::move(plan));
  }
  return {"worker-1", t0, {plans}, {}};
}

class sqlite_outage : public testing::Test {
protected:
  sqlite_options options() const {
    sqlite_options out;
    out.path = dir.file("herald.db");
    out.busy_timeout = duration{1};
    return out;
  }

  temp_dir dir;
};

} // namespace

TEST_F(sqlite_outage, a_lock_held_by_another_program_is_an_outage_that_ends_with_the_lock) {
  auto store = std::move(*open_sqlite_store(options()));
  ASSERT_FALSE(store->insert_events(plain_events(2), t0).has_error());
  auto other = sqlite::database{options()};
  {
    auto lock = sqlite::transaction{other, sqlite::transaction::mode::write};
    for (auto& why : {store->claim(request()).error(), store->release({"worker-1", t0, {}}).error(),
                      store->insert_events(plain_events(1), t0).error(), store->commit({}).error()}) {
      EXPECT_EQ(why.kind, failure_class::outage);
      EXPECT_NE(why.reason.find(options().path), std::string::npos) << why.reason;
      EXPECT_NE(why.reason.find("lock"), std::string::npos) << why.reason;
    }
    EXPECT_EQ(store->summarize()->event_rows, 2u) << "reading goes on";
  }
  EXPECT_EQ(store->claim(request())->events.size(), 2u);
}

TEST_F(sqlite_outage, a_full_disk_undoes_the_whole_call_and_the_store_works_on_once_there_is_space) {
  auto db = sqlite::database{options()};
  sqlite::prepare_schema(db, true);
  sqlite::insert_platform_rows(db, make_world(), t0);
  sqlite::insert_events(db, plain_events(200), t0);
  auto batch = sqlite::claim_events(db, request());
  auto pages = db.read_integer("PRAGMA page_count");
  db.read_integer("PRAGMA max_page_count = " + std::to_string(pages + 2));
  try {
    sqlite::commit_plans(db, notify_all(batch));
    FAIL() << "400 KB went into two pages";
  } catch (const sqlite::database_error& e) {
    EXPECT_EQ(e.why().kind, failure_class::outage);
    EXPECT_NE(e.why().reason.find("space"), std::string::npos) << e.why().reason;
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(sqlite::summarize(db).notification_rows, 0u);
  EXPECT_EQ(sqlite::read_status(db, t0, std::chrono::hours{24}).in_flight, 200u);
  db.read_integer("PRAGMA max_page_count = 1000000");
  EXPECT_EQ(sqlite::commit_plans(db, notify_all(batch)).completed, 200u);
}

TEST_F(sqlite_outage, a_damaged_table_fails_the_call_and_asks_for_a_backup) {
  std::int64_t page = 0;
  {
    auto db = sqlite::database{options()};
    sqlite::prepare_schema(db, true);
    sqlite::insert_events(db, plain_events(10), t0);
    page = db.read_integer("SELECT rootpage FROM sqlite_schema WHERE name = 'domain_events'");
  }
  {
    std::fstream file{options().path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp((page - 1) * 4'096);
    file << std::string(4'096, '\x7f');
  }
  auto store = open_sqlite_store(options());
  ASSERT_FALSE(store.has_error()) << store.error().reason;
  auto claimed = (*store)->claim(request());
  ASSERT_TRUE(claimed.has_error());
  EXPECT_EQ(claimed.error().kind, failure_class::outage);
  EXPECT_NE(claimed.error().reason.find("backup"), std::string::npos) << claimed.error().reason;
}

TEST_F(sqlite_outage, a_payload_that_is_not_even_json_costs_the_claim_nothing) {
  auto store = std::move(*open_sqlite_store(options()));
  auto events = plain_events(3);
  events[0].payload = "{\"user_id\": ";
  events[1].payload = std::string{"\xff\xfe\x00\x01", 4};
  ASSERT_FALSE(store->insert_events(events, t0).has_error());
  auto batch = store->claim(request());
  ASSERT_FALSE(batch.has_error()) << batch.error().reason;
  ASSERT_EQ(batch->events.size(), 3u);
  EXPECT_EQ(batch->events[0].event.payload, events[0].payload);
  EXPECT_EQ(batch->events[1].event.payload, events[1].payload);
}

} // namespace herald::test
