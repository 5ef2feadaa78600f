// The e-mail stages as a whole, on a real SQLite file, in virtual time, against a provider that keeps the documented
// rules: everything goes out once, at the provider's pace, whatever fails or is killed on the way.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/mail_setup.hpp"
#include "app/pipeline.hpp"
#include "core/random.hpp"
#include "tests/e2e/prepared_store.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/scripted_gate.hpp"

namespace herald::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// What the provider remembers, and how it misbehaves.
struct provider {
  std::shared_ptr<const herald::clock> time;
  /// Chance of each kind of trouble, 0 to 1.
  double trouble = 0;
  bool wrong_key = false;
  random_source random{1};

  std::map<std::string, std::pair<std::string, std::string>> answered; ///< key → body, answer
  std::map<std::string, int> accepted;                                 ///< mail id → times
  std::vector<timestamp> requests;
  int rate_limited = 0;
  int conflicts = 0;

  mail_answer receive(const mail_request& x) {
    auto now = time->now();
    auto recent = std::ranges::count_if(requests, [&](timestamp t) { return t > now - 1s; });
    requests.push_back(now);
    mail_answer out;
    out.limit_per_second = 2;
    out.remaining = std::max<std::int64_t>(0, 1 - recent);
    out.reset_after = 1s;
    if (recent >= 2) {
      ++rate_limited;
      return refuse(out, 429, "rate_limit_exceeded");
    }
    if (wrong_key)
      return refuse(out, 403, "invalid_api_key");
    if (random.uniform() < trouble)
      return refuse(out, 500, "internal_server_error");
    auto known = answered.find(x.idempotency_key);
    if (known != answered.end() && known->second.first != x.body) {
      ++conflicts;
      return refuse(out, 409, "invalid_idempotent_request");
    }
    if (known == answered.end())
      known = answered.emplace(x.idempotency_key, std::pair{x.body, accept(x)}).first;
    if (random.uniform() < trouble) {
      mail_answer lost;
      lost.error = "the connection was closed before the answer came";
      lost.maybe_delivered = true;
      return lost;
    }
    out.status = 200;
    out.body = known->second.second;
    return out;
  }

private:
  static mail_answer refuse(mail_answer out, int status, const char* name) {
    out.status = status;
    out.body = json{{"statusCode", status}, {"name", name}, {"message", "no"}}.dump();
    return out;
  }

  /// Looks for the tags by their bytes: reading hundreds of whole mails as JSON would be most of the test's time.
  std::string accept(const mail_request& x) {
    constexpr std::string_view tag = R"("name":"mail_id","value":")";
    auto ids = json::array();
    for (auto at = x.body.find(tag); at != std::string::npos; at = x.body.find(tag, at)) {
      at += tag.size();
      ++accepted[x.body.substr(at, x.body.find('"', at) - at)];
      ids.push_back({{"id", "re_" + std::to_string(accepted.size())}});
    }
    return x.body.front() == '[' ? json{{"data", ids}}.dump() : ids.at(0).dump();
  }
};

class provider_transport final : public mail_transport {
public:
  explicit provider_transport(std::shared_ptr<provider> to) : to_{std::move(to)} {}

  mail_answer send(const mail_request& x) override { return to_->receive(x); }

private:
  std::shared_ptr<provider> to_;
};

configuration quick(const std::string& path) {
  configuration out;
  out.store.sqlite.path = path;
  out.store.sqlite.durability = sqlite_durability::normal;
  out.email.batcher.poll_min = 50ms;
  out.email.batcher.poll_max = 500ms;
  out.email.batcher.lease = 20s;
  out.sender.lease_margin = 10s;
  out.email.batcher.digest_rule = "0 * * * *";
  out.email.batcher.digest_zone = "UTC";
  out.sender.governor.rate_start = out.sender.governor.rate_max = 2;
  out.sender.governor.share = 1;
  out.sender.governor.burst = 1;
  out.sender.governor.open_min = 1s;
  out.sender.governor.open_max = 4s;
  out.sender.retries.backoff_max = 4s;
  for (auto* x : {&out.supervision.root, &out.supervision.pipeline, &out.supervision.email}) {
    x->max_restarts = 10'000;
    x->backoff_min = 1ms;
    x->backoff_max = 5ms;
  }
  return out;
}

/// The e-mail stages alone, every step under the test's control.
class mail_world : public actor_fixture {
public:
  explicit mail_world(const configuration& cfg) {
    mail->time = std::make_shared<const virtual_clock>(sched);
    pipeline_environment env;
    env.with_fan_out = false;
    env.open_store = [options = cfg.store.sqlite]() -> result<std::unique_ptr<pipeline_store>> {
      auto opened = open_sqlite_store(options);
      if (!opened)
        return opened.error();
      return std::unique_ptr<pipeline_store>{std::move(*opened)};
    };
    env.render = *make_renderer(cfg);
    env.open_transport = [to = mail]() -> std::unique_ptr<mail_transport> {
      return std::make_unique<provider_transport>(to);
    };
    env.time = mail->time;
    env.on_supervision = [this](const supervision_record& x) { restarts += x.what == "restarting" ? 1 : 0; };
    env.threads = gate_threads::scheduled;
    auto rows = handlers();
    handles_ = spawn_pipeline(sys, cfg, "w", {rows.begin(), rows.end()}, env);
    own(handles_.root);
    for (auto& x : handles_.fronts)
      own(x);
  }

  ~mail_world() override {
    handles_ = {};
    shut_down();
  }

  void run(std::uint64_t messages) {
    while (messages-- > 0 && sched.try_run_once()) {
    }
  }

  void kill(const std::string& stage) {
    auto pipeline = child(handles_.root, "pipeline");
    auto victim =
        stage == "store_gate" ? child(handles_.root, stage) : child(child(pipeline, "email"), stage);
    if (victim)
      caf::anon_send_exit(victim, caf::exit_reason::kill);
  }

  std::shared_ptr<provider> mail = std::make_shared<provider>();
  int restarts = 0;

private:
  caf::actor child(const caf::actor& parent, const std::string& name) {
    if (!parent)
      return {};
    auto got = request<caf::actor>(parent, where_is_v, name);
    for (int i = 0; i < 10'000 && got->pending() && sched.try_run_once(); ++i) {
    }
    return got->value ? *got->value : caf::actor{};
  }

  pipeline_handles handles_;
};

/// Queues `immediate` rows, and `aggregated` rows spread over the people, all an hour old. Their event type has no
/// handler, so that preferences alone could object to them.
void queue_emails(const std::string& path, int immediate, int aggregated, int people) {
  open_store(path);
  auto at = std::to_string(to_epoch_ms(virtual_clock::epoch - 2h));
  auto count = [](int n) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(n)
           + ") ";
  };
  auto user = [&](const std::string& i) {
    return "printf('00000000-0000-4000-8000-%012d', " + i + " % " + std::to_string(people) + ")";
  };
  change(path, count(people)
                   + "INSERT INTO profiles (id, full_name, email, app_role, created_at, updated_at) SELECT "
                   + user("i") + ", 'Person ' || i, 'p' || i || '@harborview.io', 'borrower', 0, 0 FROM n");
  change(path,
         count(immediate + aggregated)
             + "INSERT INTO domain_events (id, event_type, created_at, payload) SELECT i, 'deal_update', "
             + at + ", '{}' FROM n");
  change(
      path,
      count(immediate + aggregated)
          + "INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, body_data, "
            "created_at) SELECT "
          + user("i") + ", i, 'deal_update', iif(i <= " + std::to_string(immediate)
          + ", 'immediate', 'aggregated'), 'Update ' || i, '{}', " + at + " FROM n");
}

outbox_summary outbox_of(sqlite_store& store) {
  return store.summarize_outbox().value();
}

bool all_sent(sqlite_store& store) {
  auto x = outbox_of(store);
  return x.pending + x.deferred + x.claimed + x.sealed == 0;
}

int most_in_a_second(const std::vector<timestamp>& times) {
  int most = 0;
  for (auto t : times)
    most = std::max(most, static_cast<int>(std::ranges::count_if(
                              times, [t](timestamp x) { return x >= t && x < t + 1s; })));
  return most;
}

TEST(mail_flow, a_large_backlog_goes_out_at_the_providers_pace_and_no_slower) {
  temp_dir dir;
  auto path = dir / "a.db";
  queue_emails(path, 10'000, 10'000, 2'000);
  auto store = open_store(path);
  mail_world world{quick(path)};
  auto start = virtual_clock::epoch;
  for (int i = 0; i < 100 && !all_sent(*store); ++i)
    world.advance(1s);
  auto x = outbox_of(*store);
  EXPECT_EQ(x.immediate_mails, 10'000u);
  EXPECT_EQ(x.digest_mails, 2'000u);
  EXPECT_EQ(x.merged, 10'000u);
  EXPECT_TRUE(x.adds_up());
  EXPECT_EQ(world.mail->rate_limited, 0);
  EXPECT_LE(most_in_a_second(world.mail->requests), 2);
  // 12000 mails by hundreds, two requests a second; a few requests are not quite full.
  auto requests = world.mail->requests.size();
  EXPECT_LE(requests, 140u);
  auto seconds = static_cast<double>((world.mail->requests.back() - start).count()) / 1'000;
  EXPECT_GE(static_cast<double>(requests) / (2 * seconds), 0.97);
}

TEST(mail_flow, one_claim_holds_no_more_digest_rows_than_fit_and_always_one_digest) {
  temp_dir dir;
  auto path = dir / "a.db";
  queue_emails(path, 0, 7'500, 3);
  auto store = open_store(path);
  auto now = virtual_clock::epoch;
  ASSERT_EQ(store->open_window({now, now})->digests, 3u);
  outbox_claim_request request;
  request.worker = "w";
  request.now = now;
  request.envelopes = request.max_open = request.mails = 10;
  for (int i = 0; i < 3; ++i) {
    auto claimed = store->claim_outbox(request);
    ASSERT_TRUE(claimed.has_value());
    ASSERT_EQ(claimed->mails.size(), 1u);
    EXPECT_EQ(claimed->mails[0].mail.rows.size(), 2'500u);
    EXPECT_EQ(claimed->more, i < 2);
  }
}

TEST(mail_flow, stages_killed_at_random_and_a_troubled_provider_lose_and_double_nothing) {
  temp_dir dir;
  queue_emails(dir / "start.db", 400, 300, 60);
  const std::vector<std::string> stages{"email_batcher", "resend_sender", "mail_gate", "store_gate"};
  int restarts = 0;
  std::size_t repeats = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    auto path = dir / ("rough-" + std::to_string(seed) + ".db");
    std::filesystem::copy_file(dir / "start.db", path);
    auto store = open_store(path);
    auto cfg = quick(path);
    cfg.email.batcher.claim_batch = 30;
    cfg.email.batcher.requests.batch_max = 10;
    random_source random{seed};
    mail_world world{cfg};
    world.mail->trouble = 0.2;
    world.mail->random = random_source{seed};
    for (int i = 0; i < 150 && !all_sent(*store); ++i) {
      world.run(random.below(40));
      world.kill(stages[random.below(stages.size())]);
      world.advance(duration{static_cast<std::int64_t>(random.below(700))});
    }
    for (int i = 0; i < 500 && !all_sent(*store); ++i)
      world.advance(2s);
    auto x = outbox_of(*store);
    EXPECT_TRUE(all_sent(*store)) << "seed " << seed;
    EXPECT_EQ(x.sent + x.merged, 700u) << "seed " << seed;
    EXPECT_EQ(x.failed + x.parked + x.skipped, 0u) << "seed " << seed;
    EXPECT_EQ(world.mail->accepted.size(), x.immediate_mails + x.digest_mails) << "seed " << seed;
    for (auto& [mail, times] : world.mail->accepted)
      EXPECT_EQ(times, 1) << "mail " << mail << ", seed " << seed;
    EXPECT_EQ(world.mail->conflicts, 0) << "seed " << seed;
    restarts += world.restarts;
    repeats += world.mail->requests.size() - world.mail->answered.size();
  }
  // Without kills and repeated requests the test would prove nothing.
  EXPECT_GT(restarts, 50);
  EXPECT_GT(repeats, 20u);
}

TEST(mail_flow, a_refused_key_keeps_every_row_and_mail_goes_out_once_it_is_put_right) {
  temp_dir dir;
  auto path = dir / "a.db";
  queue_emails(path, 30, 0, 10);
  auto store = open_store(path);
  auto cfg = quick(path);
  cfg.sender.governor.probe_interval = 60s;
  mail_world world{cfg};
  world.mail->wrong_key = true;
  for (int i = 0; i < 60; ++i)
    world.advance(500ms);
  auto x = outbox_of(*store);
  EXPECT_EQ(x.sent + x.failed + x.parked, 0u);
  // One request found out; nobody insists.
  EXPECT_EQ(world.mail->requests.size(), 1u);
  world.mail->wrong_key = false;
  for (int i = 0; i < 200 && !all_sent(*store); ++i)
    world.advance(500ms);
  EXPECT_EQ(outbox_of(*store).immediate_mails, 30u);
}

} // namespace
} // namespace herald::testing
