// The simulated Google where tests of others lean on it: who is let in, ids that stay used, what was covered when.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/calendar/google_calendar.hpp"
#include "tests/fakes/google_server.hpp"

namespace herald::test {

namespace {

using nlohmann::json;
using verdict = calendar_verdict;
using namespace std::chrono_literals;

class simulated_google_test : public testing::Test {
protected:
  simulated_google_test() {
    google->add_account({"anna", "1//anna", {"anna@acme.org", "team"}, {"team"}});
    google->add_account({"ben", "1//ben", {}, {}});
  }

  /// Herald's own client, without a socket.
  calendar_answer call(const calendar_call& x) {
    google_options options;
    options.client_id = "id";
    options.client_secret = secret{"secret"};
    return make_google_calendar(options, time, make_simulated_client(google), make_simulated_client(google))
        ->call(x);
  }

  calendar_answer watch(const std::string& id, const std::string& calendar = "anna@acme.org",
                        const std::string& account = "anna") {
    watch_creation x;
    x.access_token = secret{google->issue_access_token(account)};
    x.calendar_id = calendar;
    x.channel_id = id;
    x.address = "https://app.acme.org/hook";
    return call(x);
  }

  verdict stop(const std::string& id, const std::string& resource, const std::string& account = "anna") {
    return call(watch_stop{secret{google->issue_access_token(account)}, id, resource}).verdict;
  }

  int last_status() const { return google->requests().back().status; }

  bool unwatched() const { return google->was_unwatched("anna", "anna@acme.org"); }

  std::shared_ptr<manual_clock> time = std::make_shared<manual_clock>();
  std::shared_ptr<simulated_google> google =
      std::make_shared<simulated_google>(simulated_google_options{}, time);
};

} // namespace

TEST_F(simulated_google_test, lets_nobody_in_with_a_token_that_has_run_out_or_was_revoked) {
  auto token = call(token_refresh{secret{"1//anna"}, {}});
  EXPECT_EQ(token.verdict, verdict::done);
  watch_stop x{token.access_token, "a", "r"};
  call(x);
  EXPECT_EQ(last_status(), 404);
  google->expire_access_tokens("anna");
  call(x);
  EXPECT_EQ(last_status(), 401);
  x.access_token = call(token_refresh{secret{"1//anna"}, {}}).access_token;
  time->advance(3'599s);
  call(x);
  EXPECT_EQ(last_status(), 401);
  google->revoke("anna");
  EXPECT_EQ(call(token_refresh{secret{"1//anna"}, {}}).verdict, verdict::needs_reconnect);
  EXPECT_EQ(call(token_refresh{secret{"1//ben"}, {}}).verdict, verdict::done);
}

TEST_F(simulated_google_test, never_takes_an_id_twice) {
  auto made = watch("a");
  EXPECT_EQ(stop("a", made.resource_id), verdict::done);
  EXPECT_EQ(watch("a").verdict, verdict::channel_taken);
  EXPECT_EQ(watch("a", "ben", "ben").verdict, verdict::channel_taken);
}

TEST_F(simulated_google_test, ends_a_channel_only_for_its_own_account_and_resource) {
  auto made = watch("a");
  stop("a", "another");
  EXPECT_EQ(last_status(), 404);
  stop("a", made.resource_id, "ben");
  EXPECT_EQ(last_status(), 404);
  EXPECT_EQ(google->live_channels("anna", "anna@acme.org").size(), 1U);
  stop("a", made.resource_id);
  EXPECT_EQ(last_status(), 204);
  EXPECT_TRUE(google->live_channels("anna", "anna@acme.org").empty());
}

TEST_F(simulated_google_test, gives_a_calendar_the_same_resource_for_ever) {
  auto first = watch("a").resource_id;
  EXPECT_EQ(watch("b", "primary").resource_id, first);
  EXPECT_NE(watch("c", "ben", "ben").resource_id, first);
  EXPECT_EQ(watch("d", "team").verdict, verdict::not_watchable);
  EXPECT_EQ(watch("e", "ben").verdict, verdict::not_watchable);
}

TEST_F(simulated_google_test, tells_a_renewal_from_a_gap_even_within_one_millisecond) {
  auto first = watch("a");
  auto second = watch("b");
  stop("a", first.resource_id);
  EXPECT_FALSE(unwatched());
  stop("b", second.resource_id);
  EXPECT_TRUE(unwatched());
  watch("c");
  EXPECT_TRUE(unwatched());
}

TEST_F(simulated_google_test, counts_a_channel_until_it_expires) {
  watch("a");
  time->advance(std::chrono::hours{24 * 7} - 1ms);
  EXPECT_FALSE(unwatched());
  watch("b");
  time->advance(1ms);
  EXPECT_FALSE(unwatched());
  auto counts = google->coverage("anna", "anna@acme.org");
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts[1].live, 2U);
  EXPECT_EQ(counts[2].live, 1U);
  time->advance(std::chrono::hours{24 * 7});
  EXPECT_TRUE(unwatched());
}

TEST_F(simulated_google_test, takes_a_channel_that_begins_as_another_ends_for_no_gap) {
  watch("a");
  time->advance(std::chrono::hours{24 * 7});
  watch("b");
  EXPECT_FALSE(unwatched());
}

TEST_F(simulated_google_test, strikes_the_call_and_the_account_that_a_fault_names) {
  google_fault fault;
  fault.error = "backendError";
  fault.call = google_call::watch;
  fault.account = "anna";
  fault.times = 2;
  google->queue(fault);
  EXPECT_EQ(watch("a", "ben", "ben").verdict, verdict::done);
  EXPECT_EQ(call(token_refresh{secret{"1//anna"}, {}}).verdict, verdict::done);
  EXPECT_EQ(watch("b").verdict, verdict::try_later);
  EXPECT_EQ(watch("b").verdict, verdict::try_later);
  EXPECT_EQ(watch("b").verdict, verdict::done);
  EXPECT_EQ(google->queued_faults(), 0U);
  fault.error = "no such error";
  EXPECT_THROW(google->queue(fault), std::invalid_argument);
}

TEST_F(simulated_google_test, loses_an_answer_before_or_after_the_effect) {
  google_fault fault;
  fault.delivery = google_delivery::lost;
  google->queue(fault);
  EXPECT_EQ(watch("a").verdict, verdict::try_later);
  EXPECT_TRUE(google->channels().empty());
  fault.effect = true;
  google->queue(fault);
  EXPECT_EQ(watch("b").verdict, verdict::try_later);
  EXPECT_EQ(google->channels().size(), 1U);
}

} // namespace herald::test
