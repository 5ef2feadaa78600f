// kill -9 at any moment: nothing lost, nothing doubled. And SIGTERM: nothing left claimed.
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include "core/random.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/e2e/prepared_store.hpp"

namespace herald::testing {
namespace {

constexpr std::size_t event_count = 2'000;
constexpr int kills = 20;

/// Small batches and short leases: kills fall into the middle of things, and what they orphan is soon taken
/// over.
std::vector<std::string> run_arguments() {
  return {"run",
          "--set",
          "jobs.enabled=false",
          "--set",
          "poller.batch_size=40",
          "--set",
          "writer.max_in_flight=120",
          "--set",
          "writer.commit_batch=20",
          "--set",
          "poller.lease_ms=1000",
          "--set",
          "poller.poll_min_ms=20",
          "--set",
          "poller.poll_max_ms=200",
          "--log-level",
          "WARNING"};
}

/// Takes connections on a socket and says nothing.
class silent_server {
public:
  explicit silent_server(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0
        || listen(listener_, 8) != 0)
      throw std::runtime_error("cannot listen on " + path);
  }

  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;

  ~silent_server() {
    for (auto x : clients_)
      close(x);
    close(listener_);
  }

  /// Whether so many clients come, each within half a minute.
  bool takes(std::size_t n) {
    while (clients_.size() < n) {
      pollfd on{listener_, POLLIN, 0};
      if (poll(&on, 1, 30'000) <= 0)
        return false;
      clients_.push_back(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    }
    return true;
  }

private:
  int listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> clients_;
};

std::uint64_t settled_events(sqlite_store& store) {
  auto status = store.status(system_clock{}.now(), std::chrono::hours{24});
  return status ? status->completed + status->dead : 0;
}

/// Waits, watching the database, until `target` events are settled; false when the program ended before.
bool wait_for(sqlite_store& store, child_process& herald, std::uint64_t target) {
  constexpr int pause_ms = 1;
  while (settled_events(store) < target)
    if (herald.ended_within(pause_ms))
      return false;
  return true;
}

/// Lets Herald finish the work and stops it in order.
outcome finish(const workplace& place, sqlite_store& store) {
  auto herald = place.start(run_arguments());
  wait_for(store, herald, event_count);
  herald.signal(SIGTERM);
  return herald.wait();
}

TEST(kill, twenty_kills_end_in_the_same_rows_as_an_undisturbed_run) {
  workplace calm;
  workplace rough;
  prepare_store(calm.database(), event_count);
  std::filesystem::copy_file(calm.database(), rough.database());
  auto calm_store = open_store(calm.database());
  auto rough_store = open_store(rough.database());
  ASSERT_EQ(finish(calm, *calm_store).status, 0);

  random_source random{20'260'120};
  std::uint64_t interrupted = 0;
  for (int i = 0; i < kills; ++i) {
    auto herald = rough.start(run_arguments());
    // From the first commit of this life on; the rest of the moment is up to the scheduler.
    auto target = settled_events(*rough_store) + 1 + random.below(event_count / kills);
    if (!wait_for(*rough_store, herald, std::min<std::uint64_t>(target, event_count)))
      break;
    herald.signal(SIGKILL);
    herald.wait();
    auto status = rough_store->status(system_clock{}.now(), std::chrono::hours{24});
    ASSERT_TRUE(status.has_value());
    interrupted += status->in_flight + status->stale;
  }
  auto last = finish(rough, *rough_store);
  ASSERT_EQ(last.status, 0) << last.err;
  // Without work in flight at the kills the test would prove nothing.
  EXPECT_GT(interrupted, 0u);

  auto expected = image_of(calm.database());
  auto got = image_of(rough.database());
  EXPECT_GT(expected.notifications.size(), event_count);
  EXPECT_EQ(difference(expected, got), "");
}

TEST(stop, sigterm_in_the_middle_of_work_leaves_nothing_claimed_and_exits_0) {
  workplace place;
  prepare_store(place.database(), event_count);
  auto store = open_store(place.database());
  auto herald = place.start(run_arguments());
  ASSERT_TRUE(wait_for(*store, herald, 1));
  herald.signal(SIGTERM);
  auto result = herald.wait();
  EXPECT_EQ(result.status, 0) << result.err;
  auto status = store->status(system_clock{}.now(), std::chrono::hours{24});
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->in_flight + status->stale, 0u);
  EXPECT_EQ(status->dead, 0u);
  EXPECT_LT(status->completed, event_count);
}

TEST(stop, a_drain_that_may_take_no_time_hands_claims_back_uncounted) {
  workplace place;
  prepare_store(place.database(), event_count);
  auto store = open_store(place.database());
  auto args = run_arguments();
  args.insert(args.end(), {"--set", "daemon.drain_deadline_ms=1", "--set", "writer.commit_delay_ms=400",
                           "--set", "writer.commit_batch=100"});
  auto herald = place.start(args);
  ASSERT_TRUE(wait_for(*store, herald, 1));
  herald.signal(SIGTERM);
  auto result = herald.wait();
  auto status = store->status(system_clock{}.now(), std::chrono::hours{24});
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->in_flight + status->stale, 0u);
  EXPECT_TRUE(result.status == 0 || result.status == 3) << result.status << result.err;
  auto attempts = rows_of(place.database(), "SELECT SUM(retry_count) FROM notification_processing");
  EXPECT_EQ(*attempts.begin(), "0");
}

TEST(stop, a_database_that_hangs_while_it_is_connected_to_does_not_hold_it_up) {
  workplace place;
  silent_server server{place.file(".s.PGSQL.5432")};
  auto herald = place.start_plain({"run", "--set", "jobs.enabled=false", "--set", "store.kind=postgres",
                                   "--set", "store.postgres.connect_timeout_ms=600000", "--set",
                                   "email.enabled=false", "--set", "daemon.drain_deadline_ms=100"},
                                  {{"DATABASE_URL", "host=" + place.file("") + " dbname=d user=u"}});
  // The pipeline, and the watch that listens.
  ASSERT_TRUE(server.takes(2));
  herald.signal(SIGTERM);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  auto ended = false;
  while (!ended && std::chrono::steady_clock::now() < until)
    ended = herald.ended_within(100);
  ASSERT_TRUE(ended) << herald.said_so_far();
  EXPECT_EQ(herald.wait().status, 3);
}

} // namespace
} // namespace herald::testing
