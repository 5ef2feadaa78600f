// The demo's rows and events against the real store and the real rules: what is meant to work does, and
// nothing else fails.
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "core/handlers.hpp"

using namespace herald;
using namespace std::chrono_literals;

namespace {

constexpr timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 20} + 12h};

/// A database that holds `firm` and `events`.
std::unique_ptr<sqlite_store> store_with(const company& firm, const std::vector<new_event>& events) {
  auto store = open_sqlite_store({":memory:"});
  if (!store) {
    ADD_FAILURE() << store.error().reason;
    return nullptr;
  }
  auto inserted = (*store)->insert_platform_rows(firm.rows, noon);
  EXPECT_TRUE(inserted) << inserted.error().reason;
  auto ids = (*store)->insert_events(events, noon);
  EXPECT_TRUE(ids) << ids.error().reason;
  return std::move(*store);
}

claimed_batch claim_all(event_store& store) {
  claim_request request;
  request.worker = "test";
  request.now = noon;
  request.limit = 10'000;
  auto claimed = store.claim(request);
  if (claimed)
    return std::move(*claimed);
  ADD_FAILURE() << claimed.error().reason;
  return {};
}

/// One batch per event type, as the poller makes them.
std::map<std::string, event_batch> by_type(const claimed_batch& claimed) {
  std::map<std::string, event_batch> out;
  for (auto& x : claimed.events) {
    auto& batch = out[x.event.type];
    batch.type = x.event.type;
    batch.context = claimed.context;
    batch.events.push_back(x);
  }
  return out;
}

} // namespace

TEST(demo_in_the_store, every_event_is_planned_but_the_broken_ones) {
  company_options options;
  options.now = noon;
  auto firm = make_company(options);
  auto store = store_with(firm, demo_events(firm, {300, 1, noon}));
  ASSERT_TRUE(store);
  auto claimed = claim_all(*store);
  EXPECT_EQ(claimed.expired, 1U);
  auto batches = by_type(claimed);
  std::multiset<std::string> failed;
  for (auto& row : handlers()) {
    auto planned = plan_events(row, batches[std::string{row.event_type}], {});
    std::size_t reached = 0;
    for (auto& plan : planned.plans)
      reached += plan.notifications.size() + plan.roll_ups.size() + plan.emails.size();
    EXPECT_GT(reached, 0U) << row.event_type << " reaches nobody";
    for (auto& failure : planned.failures) {
      EXPECT_EQ(failure.why.kind, failure_class::permanent);
      failed.insert(failure.event_type);
    }
  }
  EXPECT_EQ(failed,
            (std::multiset<std::string>{"document_uploaded", "meeting_invited", "project_access_granted"}));
}

TEST(demo_in_the_store, the_click_on_the_data_room_becomes_one_notification) {
  company_options options;
  options.now = noon;
  auto firm = make_company(options);
  auto store = store_with(firm, demo_events(firm, {14, 1, noon}));
  ASSERT_TRUE(store);
  auto batches = by_type(claim_all(*store));
  for (auto& row : handlers())
    if (row.event_type == "document_permission_granted") {
      auto planned = plan_events(row, batches["document_permission_granted"], {});
      std::size_t largest = 0;
      for (auto& plan : planned.plans)
        largest = std::max(largest, plan.claims.size());
      EXPECT_GE(largest, firm.data_room_files.size());
    }
}

TEST(demo_in_the_store, a_sized_company_gives_every_upload_its_audience) {
  company_options options;
  options.now = noon;
  options.people_per_project = 26;
  options.denials_per_project = 0;
  options.preferences = false;
  auto firm = make_company(options);
  auto store = store_with(firm, mixed_events(firm, {1, noon, "document_uploaded"}, 0, 50));
  ASSERT_TRUE(store);
  auto batches = by_type(claim_all(*store));
  for (auto& row : handlers())
    if (row.event_type == "document_uploaded") {
      auto planned = plan_events(row, batches["document_uploaded"], {});
      ASSERT_EQ(planned.plans.size(), 50U);
      for (auto& plan : planned.plans) {
        ASSERT_EQ(plan.notifications.size(), 1U);
        EXPECT_EQ(plan.notifications[0].users.size(), 25U);
      }
    }
}
