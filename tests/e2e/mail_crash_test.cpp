// kill -9 between every pair of durable steps on an e-mail's way: each row is accepted by the provider exactly once.
#include <cstdio>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/herald.hpp"
#include "tests/e2e/prepared_store.hpp"
#include "tests/fakes/resend_server.hpp"

namespace herald::testing {
namespace {

constexpr std::size_t event_count = 120;

struct crash_point {
  const char* step;
  const char* when;
  int hit;
  /// What the provider does to the request meanwhile.
  bool lose_answer = false;
};

void PrintTo(const crash_point& x, std::ostream* out) {
  *out << x.step << "_" << x.when << "_" << x.hit << (x.lose_answer ? "_answer_lost" : "");
}

/// What became of the rows of `pending_emails`.
struct ledger {
  std::size_t rows = 0;
  std::size_t lost = 0;
  std::size_t duplicated = 0;
};

class mail_crash : public ::testing::TestWithParam<crash_point> {
protected:
  mail_crash() {
    prepare_store(place_.database(), event_count);
    // The provider refuses addresses of example.com.
    change(place_.database(), "UPDATE profiles SET email = replace(email, '@example.com', '@harborview.io')");
    // All e-mails are queued, none is sent.
    auto queued = place_.run({"once", "notify-fan-out"}, {{"NOTIFY_FANOUT_MAX_EVENT_AGE_HOURS", "1000"}});
    if (queued.status != 0)
      throw std::runtime_error(queued.err);
  }

  child_process start(const std::string& failpoint) const {
    child_process::environment env{{"RESEND_API_KEY", "re_test"}, {"RESEND_BASE_URL", provider_.base_url()}};
    if (!failpoint.empty())
      env["HERALD_FAILPOINT"] = failpoint;
    std::vector<std::string> args{"run",     "--database", place_.database(),   "--log-level",
                                  "WARNING", "--set",      "jobs.enabled=false"};
    for (auto setting :
         {"daemon.worker_id=w", "email.lease_ms=1500", "resend.request_timeout_ms=500",
          "email.poll_min_ms=20", "email.poll_max_ms=100", "email.digest.rule=* * * * *",
          "email.claim_batch=20", "email.batch_max=5", "email.batch_min=2", "resend.rate_start=200",
          "resend.rate_max=200", "resend.burst=20", "resend.retries.backoff_min_ms=20",
          "resend.retries.backoff_max_ms=50", "store.sqlite.durability=normal", "email.digest.time_zone=UTC"})
      args.insert(args.end(), {"--set", setting});
    return child_process{HERALD_FAILPOINT_PROGRAM, std::move(args), env, place_.file("")};
  }

  /// Aggregated rows wait for a window that closes after them: now is as good as the next full minute.
  void close_window() const {
    auto store = open_store(place_.database());
    auto now = system_clock{}.now();
    ASSERT_TRUE(store->open_window({now, now}).has_value());
  }

  bool all_sent() const {
    auto outbox = open_store(place_.database())->summarize_outbox();
    return outbox && outbox->pending + outbox->deferred + outbox->claimed + outbox->sealed == 0;
  }

  /// Each row's mail, and how often the provider accepted it.
  ledger count() const {
    std::map<std::string, std::size_t> accepted;
    for (auto& mail : provider_.accepted())
      ++accepted[mail.tags.at("mail_id")];
    ledger out;
    for (auto& row : rows_of(place_.database(), "SELECT e.id, r.mail_id, r.state FROM pending_emails e"
                                                " LEFT JOIN herald_mail_rows r ON r.email_id = e.id")) {
      ++out.rows;
      auto first = row.find('|');
      auto second = row.find('|', first + 1);
      if (row.substr(second + 1) != "member")
        continue; // skipped for a reason that stands in its row
      auto times = accepted[row.substr(first + 1, second - first - 1)];
      out.lost += times == 0 ? 1 : 0;
      out.duplicated += times > 1 ? 1 : 0;
    }
    return out;
  }

  workplace place_;
  test::resend_server provider_;
};

TEST_P(mail_crash, loses_and_doubles_nothing) {
  auto& x = GetParam();
  close_window();
  if (x.lose_answer) {
    test::resend_fault fault;
    fault.kind = test::resend_fault_kind::lose_answer;
    fault.times = 2;
    fault.accept = true;
    provider_.queue(fault);
  }
  auto failpoint = std::string{x.step} + ":" + x.when + ":" + std::to_string(x.hit);
  {
    auto doomed = start(failpoint);
    for (int i = 0; i < 2'000 && !doomed.ended_within(5); ++i) {
    }
    doomed.signal(SIGKILL); // in vain if the fuse has burnt
    auto result = doomed.wait();
    ASSERT_FALSE(all_sent()) << "it never came to " << failpoint;
    ASSERT_EQ(result.status, 128 + SIGKILL) << "it never came to " << failpoint << "\n" << result.err;
  }
  auto healthy = start({});
  for (int i = 0; i < 12'000 && !all_sent(); ++i)
    ASSERT_FALSE(healthy.ended_within(5));
  healthy.signal(SIGTERM);
  auto last = healthy.wait();
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_TRUE(all_sent()) << last.err;

  auto got = count();
  EXPECT_GT(got.rows, 50u);
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(got.duplicated, 0u);
  EXPECT_EQ(provider_.stats().conflicts, 0u);
  EXPECT_TRUE(
      rows_of(place_.database(), "SELECT id, reason FROM herald_mails WHERE state IN ('failed', 'parked')")
          .empty());
  // ./dev crash-matrix collects these lines.
  std::printf("| %s %s (call %d)%s | %zu | %zu | %zu | %llu |\n", x.when, x.step, x.hit,
              x.lose_answer ? ", two answers lost" : "", got.rows, got.lost, got.duplicated,
              static_cast<unsigned long long>(provider_.stats().replays));
}

INSTANTIATE_TEST_SUITE_P(
    steps, mail_crash,
    ::testing::Values(crash_point{"claim", "after", 1}, crash_point{"claim", "after", 3},
                      crash_point{"seal", "before", 1}, crash_point{"seal", "after", 1},
                      crash_point{"seal", "after", 3}, crash_point{"send", "before", 1},
                      crash_point{"send", "before", 5}, crash_point{"send", "after", 1},
                      crash_point{"send", "after", 5}, crash_point{"send", "after", 2, true},
                      crash_point{"record", "before", 1}, crash_point{"record", "before", 4},
                      crash_point{"record", "after", 1}, crash_point{"record", "after", 4},
                      crash_point{"open_window", "before", 1}, crash_point{"open_window", "after", 1}),
    [](const auto& x) { return ::testing::PrintToString(x.param); });

} // namespace
} // namespace herald::testing
