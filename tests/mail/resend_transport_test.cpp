// Mail through Resend: what goes over the wire, and what each of the provider's moods comes back as.
#include <fstream>
#include <future>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/mail/resend_transport.hpp"
#include "tests/fakes/resend_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// Long enough for any machine; no test waits for it unless it fails.
constexpr auto patience = 20s;

json fixture(const std::string& name) {
  std::ifstream file{HERALD_SOURCE_DIR "/tests/mail/fixtures/" + name};
  return json::parse(file);
}

class resend_transport_test : public testing::Test {
protected:
  static resend_server_options server_options() {
    resend_server_options out;
    out.api_key = "re_test_key";
    return out;
  }

  resend_options options() const {
    resend_options out;
    out.base_url = server.base_url();
    out.api_key = secret{"re_test_key"};
    return out;
  }

  static std::unique_ptr<mail_transport> open(const resend_options& from) {
    auto out = open_resend_transport(from);
    if (out.has_error())
      throw std::runtime_error(out.error().reason);
    return std::move(*out);
  }

  static std::string mail_to(const std::string& to) {
    return json{{"from", "Acme <notifications@acme.org>"}, {"to", to}, {"subject", "s"}, {"text", "t"}}
        .dump();
  }

  static mail_request single(const std::string& key, const std::string& to = "delivered@resend.dev") {
    return {email_endpoint::single, key, mail_to(to)};
  }

  /// A status and body as they would come from the edge or the API.
  void queue_answer(int status, std::vector<std::pair<std::string, std::string>> headers,
                    std::string body = "{}") {
    resend_fault fault;
    fault.kind = resend_fault_kind::answer;
    fault.status = status;
    fault.headers = std::move(headers);
    fault.body = std::move(body);
    server.queue(fault);
  }

  void queue(resend_fault_kind kind, bool accept) {
    resend_fault fault;
    fault.kind = kind;
    fault.accept = accept;
    server.queue(fault);
  }

  static std::string id_in(const mail_answer& x) { return json::parse(x.body).at("id"); }

  resend_server server{server_options()};
};

} // namespace

// -- the wire ----------------------------------------------------------------------------------------------------

TEST_F(resend_transport_test, sends_what_the_official_client_sends) {
  auto transport = open(options());
  for (auto& expected : fixture("sdk_requests.json")) {
    server.reset();
    auto endpoint = expected["endpoint"] == "batch" ? email_endpoint::batch : email_endpoint::single;
    auto answer = transport->send({endpoint, expected["headers"]["idempotency-key"], expected["body"]});
    ASSERT_NE(answer.status, 0) << answer.error;
    auto requests = server.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].method, expected["method"]);
    EXPECT_EQ(requests[0].target, expected["path"]);
    std::set<std::string> more;
    for (auto& [name, value] : requests[0].headers) {
      std::string lower;
      for (auto c : name)
        lower += static_cast<char>(std::tolower(c));
      if (expected["headers"].contains(lower))
        EXPECT_EQ(value, expected["headers"][lower]) << lower;
      else
        EXPECT_TRUE(more.insert(lower).second) << lower;
    }
    for (auto& [name, value] : expected["headers"].items())
      EXPECT_NE(requests[0].header(name), nullptr) << name;
    EXPECT_EQ(more, (std::set<std::string>{"host", "user-agent", "content-length"}));
    EXPECT_TRUE(requests[0].header("user-agent")->starts_with("herald/"));
    // The bytes themselves: the provider compares them under the key.
    EXPECT_EQ(requests[0].body, expected["body"].get<std::string>());
  }
}

TEST_F(resend_transport_test, sends_batches_in_permissive_mode) {
  auto batch = "[" + mail_to("delivered@resend.dev") + "," + mail_to("nobody") + ","
               + mail_to("bounced@resend.dev") + "]";
  auto answer = open(options())->send({email_endpoint::batch, "batch-1", batch});
  EXPECT_EQ(answer.status, 200);
  auto body = json::parse(answer.body);
  EXPECT_EQ(body["data"].size(), 2U);
  ASSERT_EQ(body["errors"].size(), 1U);
  EXPECT_EQ(body["errors"][0]["index"], 1);
  ASSERT_EQ(server.accepted().size(), 2U);
  EXPECT_EQ(server.accepted()[1].index, 2U);
}

TEST_F(resend_transport_test, keeps_its_connection) {
  auto transport = open(options());
  for (auto i = 0; i < 5; ++i)
    EXPECT_EQ(transport->send(single("k" + std::to_string(i))).status, 200);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(resend_transport_test, speaks_tls_with_a_server_of_a_given_authority) {
  temp_dir dir;
  test_authority authority;
  auto tls = server_options();
  tls.identity = authority.issue({"DNS:localhost"});
  resend_server secure{tls};
  auto to = options();
  to.base_url = secure.base_url();
  auto refused = open(to)->send(single("k"));
  EXPECT_EQ(refused.status, 0);
  EXPECT_FALSE(refused.maybe_delivered);
  to.ca_file = authority.write_pem(dir.path() / "ca.pem");
  EXPECT_EQ(open(to)->send(single("k")).status, 200);
}

TEST_F(resend_transport_test, does_not_start_without_a_key_or_in_plain_text_to_strangers) {
  auto without = options();
  without.api_key = {};
  EXPECT_TRUE(open_resend_transport(without).has_error());
  auto plain = options();
  plain.base_url = "http://api.resend.com";
  auto refused = open_resend_transport(plain);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().reason.find("re_test_key"), std::string::npos) << refused.error().reason;
}

TEST_F(resend_transport_test, does_not_send_a_key_with_a_line_break) {
  auto answer = open(options())->send(single("k\r\nEvil: 1"));
  EXPECT_EQ(answer.status, 0);
  EXPECT_FALSE(answer.maybe_delivered);
  EXPECT_EQ(server.stats().requests, 0U);
}

// -- answers -----------------------------------------------------------------------------------------------------

TEST_F(resend_transport_test, hands_on_every_error_of_the_provider_as_it_came) {
  auto transport = open(options());
  for (auto& expected : fixture("error_answers.json")) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (auto& [name, value] : expected["headers"].items())
      headers.emplace_back(name, value);
    queue_answer(expected["status"], headers, expected["body"]);
    auto answer = transport->send(single("k"));
    EXPECT_EQ(answer.status, expected["status"]) << expected["name"];
    EXPECT_EQ(answer.body, expected["body"]) << expected["name"];
    EXPECT_EQ(answer.error, "");
    EXPECT_EQ(answer.retry_after.has_value(), expected["headers"].contains("retry-after"));
  }
  EXPECT_EQ(server.accepted().size(), 0U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(resend_transport_test, learns_of_a_wrong_key) {
  auto wrong = options();
  wrong.api_key = secret{"re_wrong"};
  auto answer = open(wrong)->send(single("k"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(json::parse(answer.body)["name"], "invalid_api_key");
}

TEST_F(resend_transport_test, keeps_the_key_out_of_an_answer_that_repeats_the_request) {
  resend_fault fault;
  fault.kind = resend_fault_kind::answer;
  fault.body = "bad gateway, you sent: Authorization: Bearer re_test_key; re_test_key";
  server.queue(fault);
  auto answer = open(options())->send(single("k"));
  EXPECT_EQ(answer.status, 502);
  EXPECT_EQ(answer.body, "bad gateway, you sent: Authorization: Bearer ***; ***");
}

TEST_F(resend_transport_test, reads_the_budget_off_the_headers) {
  server.set_limit(2);
  auto transport = open(options());
  auto first = transport->send(single("a"));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.limit_per_second, 2.0);
  EXPECT_EQ(first.remaining, 1);
  EXPECT_EQ(first.reset_after, duration{1'000});
  EXPECT_EQ(first.retry_after, std::nullopt);
  EXPECT_EQ(first.daily_used, std::nullopt);
  // The limiter counts by the clock; at most one more window can open before this loop ends.
  mail_answer last;
  for (auto i = 0; i < 50 && last.status != 429; ++i)
    last = transport->send(single("b" + std::to_string(i)));
  ASSERT_EQ(last.status, 429);
  EXPECT_EQ(json::parse(last.body)["name"], "rate_limit_exceeded");
  EXPECT_EQ(last.retry_after, duration{1'000});
  EXPECT_EQ(last.remaining, 0);
  EXPECT_GE(server.stats().rate_limited, 1U);
}

TEST_F(resend_transport_test, reads_quotas_and_dates) {
  queue_answer(429, {{"X-Resend-Daily-Quota", "100"},
                     {"x-resend-monthly-quota", " 2999 "},
                     {"date", "Sun, 28 Feb 2027 23:59:30 GMT"},
                     {"Retry-After", "Mon, 01 Mar 2027 00:00:15 GMT"}});
  auto answer = open(options())->send(single("k"));
  EXPECT_EQ(answer.daily_used, 100);
  EXPECT_EQ(answer.monthly_used, 2'999);
  EXPECT_EQ(answer.retry_after, duration{45'000});
}

TEST(resend_budget, makes_sense_of_what_it_can_and_leaves_the_rest) {
  auto answer_to = [](http_headers headers) {
    return to_mail_answer({http_response{429, std::move(headers), {}}, {}, false});
  };
  auto retry = [&](const std::string& value) { return answer_to({{"retry-after", value}}).retry_after; };
  EXPECT_EQ(retry("2"), duration{2'000});
  EXPECT_EQ(retry("0"), duration{0});
  EXPECT_EQ(retry("1.5"), duration{1'500});
  EXPECT_EQ(retry("999999999999999999999999"), duration{24h});
  for (auto* nonsense : {"", " ", "-1", "-0.5", "soon", "1s", "nan", "inf", "0x10", "1e999", "+1",
                         "Mon, 01 Mar 2027 00:00:15 GMT"})
    EXPECT_EQ(retry(nonsense), std::nullopt) << nonsense;
  auto until = [&](const std::string& value) {
    return answer_to({{"date", "Mon, 01 Mar 2027 00:00:00 GMT"}, {"retry-after", value}}).retry_after;
  };
  EXPECT_EQ(until("Mon, 01 Mar 2027 01:00:00 GMT"), duration{1h});
  EXPECT_EQ(until("Sun, 28 Feb 2027 00:00:00 GMT"), duration{0});
  EXPECT_EQ(until("Mon, 01 Mar 2100 01:00:00 GMT"), duration{24h});
  for (auto* nonsense :
       {"Mon, 31 Feb 2027 01:00:00 GMT", "Mon, 01 Foo 2027 01:00:00 GMT", "Mon, 01 Mar 2027 25:00:00 GMT",
        "Mon, 01 Mar 2027 01:00:00 CET", "2027-03-01T01:00:00Z"})
    EXPECT_EQ(until(nonsense), std::nullopt) << nonsense;
  auto limit = [&](const std::string& value, const std::string& policy) {
    return answer_to({{"ratelimit-limit", value}, {"ratelimit-policy", policy}}).limit_per_second;
  };
  EXPECT_EQ(limit("10", "10;w=1"), 10.0);
  EXPECT_EQ(limit("10, 10;w=1", ""), 10.0);
  EXPECT_EQ(limit("120", "120;w=60"), 2.0);
  EXPECT_EQ(limit("10", "10;w=0"), 10.0);
  EXPECT_EQ(limit("10", "10;w=x"), 10.0);
  for (auto* nonsense : {"0", "-1", "many", "1e300", "10 per second", "99999999999"})
    EXPECT_EQ(limit(nonsense, ""), std::nullopt) << nonsense;
  EXPECT_EQ(answer_to({{"ratelimit-remaining", "99999999999999999999"}}).remaining, std::nullopt);
  EXPECT_EQ(answer_to({{"ratelimit-remaining", "0"}}).remaining, 0);
  EXPECT_EQ(answer_to({{"ratelimit-reset", "1;w=1"}}).reset_after, duration{1'000});
}

// -- no answers --------------------------------------------------------------------------------------------------

TEST_F(resend_transport_test, knows_that_an_unanswered_request_may_have_been_accepted) {
  for (auto kind : {resend_fault_kind::lose_answer, resend_fault_kind::reset, resend_fault_kind::cut_answer,
                    resend_fault_kind::garbage}) {
    server.reset();
    queue(kind, true);
    auto transport = open(options());
    auto lost = transport->send(single("k"));
    EXPECT_EQ(lost.status, 0);
    EXPECT_TRUE(lost.maybe_delivered);
    EXPECT_NE(lost.error, "");
    EXPECT_EQ(lost.error.find("re_test_key"), std::string::npos) << lost.error;
    ASSERT_EQ(server.accepted().size(), 1U);
    // The same key and bytes: the first answer, and no second mail.
    auto again = transport->send(single("k"));
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(id_in(again), server.accepted()[0].id);
    EXPECT_EQ(server.accepted().size(), 1U);
    EXPECT_EQ(server.stats().replays, 1U);
  }
}

TEST_F(resend_transport_test, repeats_by_itself_on_a_connection_that_had_gone_stale) {
  auto transport = open(options());
  EXPECT_EQ(transport->send(single("a")).status, 200);
  queue(resend_fault_kind::lose_answer, true);
  EXPECT_EQ(transport->send(single("b")).status, 200);
  EXPECT_EQ(server.accepted().size(), 2U);
  EXPECT_EQ(server.stats().replays, 1U);
}

TEST_F(resend_transport_test, knows_that_nothing_was_accepted_where_nobody_listens) {
  auto to = options();
  {
    resend_server gone;
    to.base_url = gone.base_url();
  }
  auto answer = open(to)->send(single("k"));
  EXPECT_EQ(answer.status, 0);
  EXPECT_FALSE(answer.maybe_delivered);
  EXPECT_NE(answer.error.find(to.base_url + "/emails"), std::string::npos) << answer.error;
}

TEST_F(resend_transport_test, does_not_wait_for_ever) {
  queue(resend_fault_kind::hold, true);
  auto hasty = options();
  hasty.request_timeout = duration{200};
  auto transport = open(hasty);
  auto late = transport->send(single("k"));
  EXPECT_EQ(late.status, 0);
  EXPECT_TRUE(late.maybe_delivered);
  // The first one still runs over there.
  auto meanwhile = open(options())->send(single("k"));
  EXPECT_EQ(meanwhile.status, 409);
  EXPECT_EQ(json::parse(meanwhile.body)["name"], "concurrent_idempotent_requests");
  EXPECT_EQ(server.accepted().size(), 1U);
  server.release_held();
}

TEST_F(resend_transport_test, is_answered_when_a_slow_provider_gets_there) {
  queue(resend_fault_kind::hold, true);
  auto answer = std::async(std::launch::async, [&] { return open(options())->send(single("k")); });
  ASSERT_TRUE(server.wait_for_held(1, patience));
  server.release_held();
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(resend_transport_test, does_not_swallow_a_huge_answer) {
  queue(resend_fault_kind::huge, true);
  auto answer = open(options())->send(single("k"));
  EXPECT_EQ(answer.status, 0);
  EXPECT_TRUE(answer.maybe_delivered);
  EXPECT_NE(answer.error.find("larger than the limit"), std::string::npos) << answer.error;
}

// -- keys --------------------------------------------------------------------------------------------------------

TEST_F(resend_transport_test, is_told_when_a_key_comes_with_other_bytes) {
  auto transport = open(options());
  EXPECT_EQ(transport->send(single("k", "delivered+1@resend.dev")).status, 200);
  auto other = transport->send(single("k", "delivered+2@resend.dev"));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(json::parse(other.body)["name"], "invalid_idempotent_request");
  EXPECT_EQ(server.accepted().size(), 1U);
}

TEST_F(resend_transport_test, is_told_when_a_key_is_too_long) {
  EXPECT_EQ(open(options())->send(single(std::string(256, 'k'))).status, 200);
  auto answer = open(options())->send(single(std::string(257, 'k')));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(json::parse(answer.body)["name"], "invalid_idempotency_key");
}

} // namespace herald::test
