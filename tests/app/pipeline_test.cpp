// The real pipeline on a real SQLite file under the deterministic scheduler: stages are killed at random
// moments, and the result is the same as without.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/pipeline.hpp"
#include "core/random.hpp"
#include "tests/e2e/prepared_store.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/scripted_gate.hpp"

namespace herald::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t event_count = 600;

configuration small_batches(const std::string& path) {
  configuration out;
  out.store.sqlite.path = path;
  out.store.sqlite.durability = sqlite_durability::normal;
  out.poller.batch_size = 40;
  out.poller.poll_min = 10ms;
  out.poller.poll_max = 100ms;
  out.poller.lease = 5s;
  // Events carry the wall clock of the test machine, the pipeline a virtual one.
  out.poller.max_event_age = std::chrono::hours{24 * 3650};
  out.writer.max_in_flight = 100;
  out.writer.commit_batch = 15;
  for (auto* x : {&out.supervision.root, &out.supervision.pipeline, &out.supervision.handlers}) {
    x->max_restarts = 10'000;
    x->backoff_min = 1ms;
    x->backoff_max = 5ms;
  }
  return out;
}

/// A pipeline whose every step the test controls.
class world : public actor_fixture {
public:
  explicit world(const std::string& path) {
    auto rows = handlers();
    pipeline_environment env;
    env.open_store = [options =
                          small_batches(path).store.sqlite]() -> result<std::unique_ptr<pipeline_store>> {
      auto opened = open_sqlite_store(options);
      if (!opened)
        return opened.error();
      return std::unique_ptr<pipeline_store>{std::move(*opened)};
    };
    env.time = std::make_shared<const virtual_clock>(sched);
    env.on_supervision = [this](const supervision_record& x) {
      if (x.what == "restarting")
        ++restarts;
    };
    env.threads = gate_threads::scheduled;
    handles_ = spawn_pipeline(sys, small_batches(path), "w", {rows.begin(), rows.end()}, env);
    own(handles_.root);
    for (auto& x : handles_.fronts)
      own(x);
  }

  ~world() override {
    handles_ = {};
    shut_down();
  }

  /// Runs a number of messages, in whatever stage they are.
  void run(std::uint64_t messages) {
    while (messages-- > 0 && sched.try_run_once()) {
    }
  }

  /// Kills a stage if it runs just now.
  void kill(const std::string& stage) {
    auto parent = stage == "store_gate" ? handles_.root : child(handles_.root, "pipeline");
    if (stage.starts_with("handlers/"))
      parent = child(child(parent, "handlers"), stage.substr(9));
    else
      parent = child(parent, stage);
    if (parent)
      caf::anon_send_exit(parent, caf::exit_reason::kill);
  }

  int restarts = 0;

private:
  caf::actor child(const caf::actor& parent, const std::string& name) {
    if (!parent)
      return {};
    auto got = request<caf::actor>(parent, where_is_v, name);
    // Not consume_messages(): that would let the whole pipeline come to rest first.
    for (int i = 0; i < 10'000 && got->pending() && sched.try_run_once(); ++i) {
    }
    return got->value ? *got->value : caf::actor{};
  }

  pipeline_handles handles_;
};

bool settled(sqlite_store& store) {
  auto status = store.status(virtual_clock::epoch, std::chrono::hours{24 * 3650});
  return status && status->completed + status->dead == event_count;
}

TEST(pipeline, settles_everything_under_the_deterministic_scheduler) {
  temp_dir dir;
  prepare_store(dir / "a.db", event_count);
  auto store = open_store(dir / "a.db");
  world calm{dir / "a.db"};
  for (int i = 0; i < 1'000 && !settled(*store); ++i)
    calm.advance(20ms);
  EXPECT_TRUE(settled(*store));
  EXPECT_EQ(calm.restarts, 0);
}

TEST(pipeline, stages_killed_at_random_moments_lose_and_double_nothing) {
  temp_dir dir;
  prepare_store(dir / "calm.db", event_count);
  std::filesystem::copy_file(dir / "calm.db", dir / "start.db");
  {
    auto store = open_store(dir / "calm.db");
    world calm{dir / "calm.db"};
    for (int i = 0; i < 1'000 && !settled(*store); ++i)
      calm.advance(20ms);
    ASSERT_TRUE(settled(*store));
  }
  auto expected = image_of(dir / "calm.db");
  const std::vector<std::string> stages{
      "event_poller", "notification_writer",        "timer",
      "store_gate",   "handlers/document_uploaded", "handlers/chat_message_sent"};
  int restarts = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto path = dir / ("rough-" + std::to_string(seed) + ".db");
    std::filesystem::copy_file(dir / "start.db", path);
    auto store = open_store(path);
    random_source random{seed};
    world rough{path};
    for (int i = 0; i < 60 && !settled(*store); ++i) {
      rough.run(random.below(25));
      rough.kill(stages[random.below(stages.size())]);
      if (random.below(4) == 0)
        rough.advance(duration{static_cast<std::int64_t>(random.below(6))});
    }
    for (int i = 0; i < 2'000 && !settled(*store); ++i)
      rough.advance(20ms);
    ASSERT_TRUE(settled(*store)) << "seed " << seed;
    restarts += rough.restarts;
    auto got = image_of(path);
    // Handing back is not counted, a kill of the gate in the middle of a claim leaves it to the lease.
    got.events = expected.events;
    EXPECT_EQ(difference(expected, got), "") << "seed " << seed;
  }
  // Without kills in the middle of things the test would prove nothing.
  EXPECT_GT(restarts, 20);
}

} // namespace
} // namespace herald::testing
