// Two workers with a connection and a thread each, on one file, at full speed: nothing is lost, doubled or
// miscounted.
#include <thread>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "tests/support/store_world.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

constexpr std::size_t messages = 400;

std::unique_ptr<sqlite_store> open(const std::string& path) {
  sqlite_options options;
  options.path = path;
  options.durability = sqlite_durability::normal;
  options.busy_timeout = duration{60'000};
  auto store = open_sqlite_store(options);
  if (store.has_error())
    throw std::runtime_error(to_string(store.error()));
  return std::move(*store);
}

/// Settles chat messages until none is left; returns what its commits reported.
commit_report work(const std::string& path, const std::string& worker) {
  auto store = open(path);
  commit_report total;
  for (;;) {
    claim_request request;
    request.worker = worker;
    request.now = t0;
    request.limit = 3;
    auto batch = store->claim(request).value();
    if (batch.events.empty())
      return total;
    auto plans = std::make_shared<plan_batch>();
    for (auto& x : batch.events) {
      fan_out_plan plan;
      plan.claims = {x.ref()};
      plan.event_type = x.event.type;
      plan.roll_ups = {{ids::closing_thread, "#Closing", "Tower", "/", {ids::olga, ids::max}}};
      plans->plans.push_back(std::move(plan));
    }
    total += store->commit({worker, t0, {plans}, {}}).value();
  }
}

} // namespace

TEST(sqlite_concurrency, two_workers_count_every_message_once) {
  temp_dir dir;
  auto path = dir.file("herald.db");
  auto store = open(path);
  ASSERT_FALSE(store->insert_platform_rows(make_world(), t0).has_error());
  new_event event;
  event.type = "chat_message_sent";
  event.thread_id = ids::closing_thread;
  ASSERT_FALSE(store->insert_events(std::vector(messages, event), t0).has_error());
  commit_report theirs;
  auto other = std::thread{[&] { theirs = work(path, "worker-2"); }};
  auto total = work(path, "worker-1");
  other.join();
  total += theirs;
  EXPECT_EQ(total.completed, messages);
  EXPECT_EQ(total.lost, 0u);
  EXPECT_EQ(total.notifications, 2u) << "one row per reader";
  EXPECT_EQ(total.rolled_up, 2 * messages - 2);
  auto summary = store->summarize().value();
  EXPECT_EQ(summary.roll_up_count, 2 * messages);
  EXPECT_EQ(summary.notification_rows, 2u);
}

} // namespace herald::test
