// The program on Supabase: through TLS, a gateway and a real PostgREST, all of which fail in the middle of the work.
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/system_clock.hpp"
#include "app/conservation.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/fakes/resend_server.hpp"
#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/postgrest_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using json = nlohmann::json;
using test::gateway_fault;
using test::gateway_fault_kind;
using test::postgres_server;
using test::postgrest_server;
using test::supabase_gateway;

constexpr std::size_t event_count = 1'500;
constexpr std::size_t portion = 150;
constexpr std::size_t replicas = 2;

constexpr std::string_view down_event = "\"store-down\"";
constexpr std::string_view up_event = "\"store-recovered\"";

/// Longer than Herald waits for an answer here.
constexpr std::chrono::milliseconds too_slow{3'000};
constexpr std::chrono::milliseconds slow{400};

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++out;
  return out;
}

gateway_fault answered(int status, const std::string& body) {
  gateway_fault out;
  out.kind = gateway_fault_kind::answer;
  out.status = status;
  out.body = body;
  return out;
}

gateway_fault ended(gateway_fault_kind how, bool after_forwarding) {
  gateway_fault out;
  out.kind = how;
  out.after_forwarding = after_forwarding;
  return out;
}

gateway_fault delayed(std::chrono::milliseconds by) {
  gateway_fault out;
  out.kind = gateway_fault_kind::delay;
  out.delay = by;
  return out;
}

/// One for each portion of the events.
std::vector<gateway_fault> faults() {
  return {answered(503, "<html>no healthy upstream</html>"),
          ended(gateway_fault_kind::close, true),
          answered(520, "<html>unknown error</html>"),
          delayed(too_slow),
          answered(544, "<html>database timed out</html>"),
          ended(gateway_fault_kind::reset, true),
          ended(gateway_fault_kind::close, false),
          delayed(slow),
          ended(gateway_fault_kind::close, true)};
}

class supabase : public ::testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    if (!postgrest_server::installed())
      GTEST_SKIP() << "PostgREST is not installed";
    database_.emplace();
    auto now = system_clock{}.now();
    auto people = make_company({.seed = 7, .now = now});
    // The system account is there already.
    std::erase_if(people.rows.profiles, [](auto& x) { return x.id == nil_uuid; });
    for (auto& x : people.rows.profiles) // the provider refuses addresses of example.com
      x.email.replace(x.email.find('@'), std::string::npos, "@harborview.io");
    auto written = test::sql_platform{direct()}.insert_platform_rows(people.rows, now);
    ASSERT_TRUE(written) << written.error().reason;
    events_ = mixed_events(people, {.seed = 7, .at = now, .only_type = {}}, 0, event_count);
    auto opened = open_postgres_store(direct());
    ASSERT_TRUE(opened) << opened.error().reason;
    store_ = std::move(*opened);
    postgrest_.emplace(database_->name());
    gateway_.emplace(test::supabase_gateway_options{.identity = authority_.issue({"DNS:localhost"}),
                                                    .socket = postgrest_->socket()});
  }

  /// The way to the database of whoever only looks on.
  postgres_options direct() const {
    postgres_options out;
    out.url = database_->url();
    return out;
  }

  std::string ask(const std::string& sql) {
    return std::string{test::sql_session{direct()}.run(sql).text(0, 0)};
  }

  std::unique_ptr<child_process> start(const workplace& place, std::vector<std::string> args) {
    for (auto setting : {std::string{"store.kind=supabase"},
                         "store.supabase.ca_file=" + authority_.write_pem(place.file("ca.pem")),
                         std::string{"log.format=json"}})
      args.insert(args.end(), {"--set", setting});
    child_process::environment env{{"SUPABASE_URL", gateway_->base_url()},
                                   {"SUPABASE_SERVICE_ROLE_KEY", supabase_gateway::secret_key()},
                                   {"RESEND_API_KEY", "re_test"},
                                   {"RESEND_BASE_URL", provider_.base_url()}};
    return std::make_unique<child_process>(HERALD_PROGRAM, std::move(args), env, place.file(""));
  }

  outcome run(std::vector<std::string> args) { return start(places_.front(), std::move(args))->wait(); }

  std::optional<test::test_database> database_;
  std::unique_ptr<postgres_store> store_;
  std::vector<new_event> events_;
  test::test_authority authority_;
  std::optional<postgrest_server> postgrest_;
  std::optional<supabase_gateway> gateway_;
  test::resend_server provider_;
  std::array<workplace, replicas> places_;
};

/// Two daemons at work.
class supabase_chaos : public supabase {
protected:
  void start_daemons() {
    for (auto& place : places_) {
      std::vector<std::string> args{"run", "--set", "jobs.enabled=false"};
      for (auto setting :
           {"poller.batch_size=50", "poller.lease_ms=6000", "poller.poll_min_ms=50", "poller.poll_max_ms=500",
            "writer.outage_backoff_max_ms=500", "email.lease_ms=6000", "email.poll_min_ms=50",
            "email.poll_max_ms=500", "resend.request_timeout_ms=2000", "resend.rate_start=500",
            "resend.rate_max=500", "resend.burst=20", "store.supabase.answer_timeout_ms=2000"})
        args.insert(args.end(), {"--set", setting});
      daemons_.push_back(start(place, std::move(args)));
    }
  }

  /// Takes in what the daemons say until it has come to that. False when one of them ends, or nothing comes of it.
  bool until(const std::function<bool()>& reached) {
    constexpr std::chrono::seconds patience{100};
    auto start = std::chrono::steady_clock::now();
    while (!reached()) {
      for (auto& x : daemons_)
        if (x->ended_within(10))
          return false;
      if (std::chrono::steady_clock::now() - start > patience)
        return false;
    }
    return true;
  }

  bool until_settled(std::size_t events) {
    return until([&] {
      auto x = store_->status(system_clock{}.now(), std::chrono::hours{24});
      return x && x->completed + x->dead + x->expired >= events;
    });
  }

  /// PostgREST goes, and comes back elsewhere once every daemon has noticed.
  bool replace_postgrest() {
    std::vector<std::size_t> before;
    for (auto& x : daemons_)
      before.push_back(count_of(x->said_so_far(), down_event));
    postgrest_.reset();
    auto noticed = until([&] {
      for (std::size_t n = 0; n < replicas; ++n)
        if (count_of(daemons_[n]->said_so_far(), down_event) == before[n])
          return false;
      return true;
    });
    postgrest_.emplace(database_->name());
    gateway_->pass_to(postgrest_->socket());
    return noticed;
  }

  bool recovered() const {
    return std::ranges::all_of(daemons_, [](auto& x) {
      return count_of(x->said_so_far(), down_event) == count_of(x->said_so_far(), up_event);
    });
  }

  std::vector<std::unique_ptr<child_process>> daemons_;
};

TEST_F(supabase_chaos, faults_of_the_gateway_and_a_restarted_postgrest_lose_and_double_nothing) {
  start_daemons();
  auto troubles = faults();
  ASSERT_LT(troubles.size(), event_count / portion);
  for (std::size_t fed = 0; fed < event_count; fed += portion) {
    ASSERT_TRUE(store_->insert_events(std::span{events_}.subspan(fed, portion), system_clock{}.now()));
    // Once some of the portion are settled, so that the trouble falls into the work on the others.
    ASSERT_TRUE(until_settled(fed + 1)) << "after " << fed << " events";
    if (auto n = fed / portion; n < troubles.size())
      gateway_->queue(troubles[n]);
    if (fed == event_count / 2 / portion * portion) {
      ASSERT_TRUE(replace_postgrest()) << "a daemon ended, or did not notice";
    }
  }
  ASSERT_TRUE(until_settled(event_count));
  // Rows of a digest wait for their window; the others are to go out.
  ASSERT_TRUE(until([&] {
    return ask("SELECT count(*) FROM pending_emails WHERE delivery_type = 'immediate'"
               " AND status IN ('pending', 'processing')")
           == "0";
  })) << "mails are left";
  ASSERT_TRUE(until([&] { return gateway_->queued_faults() == 0 && recovered(); }))
      << "a stage stays degraded";
  for (auto& x : daemons_) {
    x->signal(SIGTERM);
    auto end = x->wait();
    EXPECT_EQ(end.status, 0) << end.err;
    EXPECT_GT(count_of(end.err, down_event), 0u) << "it never noticed";
    EXPECT_EQ(count_of(end.err, down_event), count_of(end.err, up_event)) << end.err;
    EXPECT_EQ(count_of(end.err, "\"child-crashed\""), 0u) << end.err;
  }

  auto summary = store_->summarize();
  auto outbox = store_->summarize_outbox();
  ASSERT_TRUE(summary && outbox);
  for (auto& x : check_conservation(*summary, *outbox).checks)
    EXPECT_TRUE(x.holds()) << x.name << ": " << x.left << " and " << x.right;
  EXPECT_EQ(ask("SELECT count(*) FROM notification_processing WHERE processing_status = 'completed'"),
            std::to_string(event_count));
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT FROM notifications WHERE payload->>'type' <> 'thread_activity'"
                " GROUP BY event_id, user_id, title HAVING count(*) > 1) AS twice"),
            "0");
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT FROM pending_emails"
                " GROUP BY event_id, user_id, delivery_type HAVING count(*) > 1) AS twice"),
            "0");
  EXPECT_EQ(ask("SELECT count(*) FROM herald_mails WHERE state IN ('failed', 'parked')"), "0");
  std::map<std::string, std::size_t> accepted;
  for (auto& mail : provider_.accepted())
    ++accepted[mail.tags.at("mail_id")];
  EXPECT_GT(accepted.size(), 50u);
  EXPECT_EQ(std::ranges::count_if(accepted, [](auto& x) { return x.second > 1; }), 0);
  EXPECT_EQ(std::to_string(accepted.size()), ask("SELECT count(*) FROM herald_mails WHERE state = 'sent'"));
}

TEST_F(supabase, commands_work_through_the_rest_interface) {
  auto emitted = run({"emit", "document_uploaded", "project_id=" + ask("SELECT id FROM projects LIMIT 1"),
                      "payload.fileName=Rent Roll.xlsx", "--json"});
  ASSERT_EQ(emitted.status, 0) << emitted.err;
  auto id = json::parse(emitted.out)["event_ids"][0].get<std::int64_t>();
  auto waiting = run({"status", "--json"});
  ASSERT_EQ(waiting.status, 0) << waiting.err;
  auto once = run({"once", "notify-fan-out", "--json"});
  ASSERT_EQ(once.status, 0) << once.err;
  EXPECT_EQ(json::parse(last_line(once.out))["completed"], 1);
  EXPECT_GT(std::stoi(ask("SELECT count(*) FROM notifications WHERE event_id = " + std::to_string(id))), 0);
  auto status = run({"status", "--json"});
  ASSERT_EQ(status.status, 0) << status.err;
  EXPECT_NE(json::parse(status.out), json::parse(waiting.out));
  auto chain = run({"explain", std::to_string(id)});
  EXPECT_EQ(chain.status, 0) << chain.err;
  EXPECT_THAT(chain.out, HasSubstr("document_uploaded"));
  EXPECT_THAT(chain.out, HasSubstr("notified"));
}

} // namespace
} // namespace herald::testing
