// Google through the calendar port: what goes over the wire, and what each of the provider's moods comes back as.
#include <fstream>
#include <functional>
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/calendar/fingerprint.hpp"
#include "adapters/calendar/google_calendar.hpp"
#include "tests/fakes/google_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

using nlohmann::json;
using verdict = calendar_verdict;
using namespace std::chrono_literals;

constexpr const char* refresh_text = "1//0fake-refresh_token/with+special=chars";
constexpr const char* channel_id = "01234567-89ab-cdef-0123-456789abcdef";
constexpr const char* calendar_id = "user+tag@example.com";

json fixture(const std::string& name) {
  std::ifstream file{HERALD_SOURCE_DIR "/tests/calendar/fixtures/" + name};
  return json::parse(file);
}

class google_calendar_test : public testing::Test {
protected:
  google_calendar_test() { server.google().add_account({"anna", refresh_text, {calendar_id}, {}}); }

  static google_server_options server_options() {
    google_server_options out;
    out.google.client_id = "id-1.apps.googleusercontent.com";
    out.google.client_secret = "GOCSPX-fake";
    return out;
  }

  google_options options() const { return options_for(server); }

  static google_options options_for(const google_server& at) {
    google_options out;
    out.client_id = "id-1.apps.googleusercontent.com";
    out.client_secret = secret{"GOCSPX-fake"};
    out.channel_secret = secret{"known to the webhook"};
    out.token_url = at.token_url();
    out.api_url = at.base_url();
    return out;
  }

  std::unique_ptr<calendar_api> open(const google_options& from) const {
    auto out = open_google_calendar(from, server.time());
    if (out.has_error())
      throw std::runtime_error(out.error().reason);
    return std::move(*out);
  }

  /// Through a connection that is kept.
  calendar_answer call(const calendar_call& x) {
    if (!google_)
      google_ = open(options());
    return google_->call(x);
  }

  static token_refresh refresh(const char* text = refresh_text) { return {secret{text}, {}}; }

  watch_creation creation(const std::string& id = channel_id) {
    watch_creation out;
    out.access_token = secret{server.google().issue_access_token("anna")};
    out.calendar_id = calendar_id;
    out.channel_id = id;
    out.address = "https://app.example.com/hooks/google-calendar";
    return out;
  }

  watch_stop stop_of(const calendar_answer& made, const std::string& id = channel_id) {
    return {secret{server.google().issue_access_token("anna")}, id, made.resource_id};
  }

  void queue_error(const std::string& name, int status = 0) {
    google_fault fault;
    fault.error = name;
    fault.status = status;
    server.google().queue(std::move(fault));
  }

  void queue_answer(int status, const std::string& body, http_headers headers = {}) {
    google_fault fault;
    fault.status = status;
    fault.body = body;
    fault.headers = std::move(headers);
    server.google().queue(std::move(fault));
  }

  void queue_trouble(google_delivery delivery, bool effect) {
    google_fault fault;
    fault.delivery = delivery;
    fault.effect = effect;
    server.google().queue(std::move(fault));
  }

  /// What came of a refusal, which has to tell its reader something and no secret.
  static void expect(const calendar_answer& x, verdict wanted, failure_class kind, const std::string& where) {
    EXPECT_EQ(x.verdict, wanted) << where << ": " << to_string(x.verdict) << ", " << x.why.reason;
    EXPECT_EQ(x.why.kind, kind) << where;
    EXPECT_GT(x.why.reason.size(), 40U) << where;
    for (auto* hidden : {refresh_text, "GOCSPX", "ya29", "example.com", "known to the webhook", "said by"})
      EXPECT_EQ(x.why.reason.find(hidden), std::string::npos) << x.why.reason;
  }

  google_server server{server_options()};

private:
  std::unique_ptr<calendar_api> google_;
};

/// A client whose server gives one answer.
class scripted_client final : public http_client {
public:
  explicit scripted_client(http_response answer) : answer_{std::move(answer)} {}

  http_exchange exchange(const http_request&) override { return {answer_, {}, true, false}; }

  std::size_t connections_made() const override { return 1; }

private:
  http_response answer_;
};

const auto now = from_epoch_ms(1'768'919'445'000);

/// What the call comes to when it is answered so.
calendar_answer answered(const calendar_call& x, const http_response& answer) {
  google_options options;
  options.client_id = "id";
  options.client_secret = secret{"s"};
  return make_google_calendar(options, std::make_shared<manual_clock>(now),
                              std::make_unique<scripted_client>(answer),
                              std::make_unique<scripted_client>(answer))
      ->call(x);
}

calendar_answer refreshed_with(const std::string& body) {
  return answered(token_refresh{secret{"1//r"}, {}}, {200, {}, body});
}

watch_creation plain_creation() {
  watch_creation out;
  out.access_token = secret{"ya29.t"};
  out.calendar_id = "c";
  out.channel_id = "id-1";
  out.address = "https://app.example.com/hook";
  return out;
}

calendar_answer created_with(const std::string& body) {
  return answered(plain_creation(), {200, {}, body});
}

std::string channel_body(const json& changes) {
  json out{{"id", "id-1"},
           {"resourceId", "res-1"},
           {"expiration", std::to_string(to_epoch_ms(now + std::chrono::hours{24 * 7}))}};
  out.merge_patch(changes);
  return out.dump();
}

std::map<std::string, std::string> headers_of(const http_request& x) {
  std::map<std::string, std::string> out;
  for (auto& [name, value] : x.headers) {
    std::string lower;
    for (auto c : name)
      lower += static_cast<char>(std::tolower(c));
    out[lower] = value;
  }
  return out;
}

} // namespace

// -- the wire ----------------------------------------------------------------------------------------------------

TEST_F(google_calendar_test, sends_what_the_official_client_sends) {
  auto expected_body = [](const json& from) {
    auto body = json::parse(from.get<std::string>());
    body["token"] = channel_token(secret{"known to the webhook"}, channel_id);
    return body;
  };
  const std::map<std::string, std::string> calendars{
      {"watch_primary", "primary"},
      {"watch_email_calendar", "user+tag@example.com"},
      {"watch_group_calendar", "en.usa#holiday@group.v.calendar.google.com"}};
  for (auto& expected : fixture("sdk_requests.json")) {
    auto name = expected["name"].get<std::string>();
    queue_answer(expected["answer"]["status"], expected["answer"]["body"]);
    auto access = secret{"ya29.fake-access-token"};
    auto to = options();
    to.client_id = "000000000000-fake.apps.googleusercontent.com";
    auto google = open(to);
    if (name == "refresh_ok") {
      EXPECT_EQ(google->call(refresh()).verdict, verdict::done);
    } else if (name == "stop") {
      EXPECT_EQ(google->call(watch_stop{access, channel_id, "o3hgv1538sdjfh"}).verdict, verdict::done);
    } else {
      auto x = creation();
      x.access_token = access;
      x.calendar_id = calendars.at(name);
      google->call(x);
    }
    auto sent = server.google().requests().back().request;
    EXPECT_EQ(sent.method, "POST");
    EXPECT_EQ(sent.target, expected["path"]) << name;
    auto headers = headers_of(sent);
    EXPECT_TRUE(headers["user-agent"].starts_with("herald/"));
    for (auto* own : {"host", "user-agent", "content-length"})
      headers.erase(own);
    EXPECT_EQ(json(headers), expected["headers"]) << name;
    if (name == "watch_primary") {
      EXPECT_EQ(json::parse(sent.body), expected_body(expected["body"]));
    } else if (expected.contains("body")) {
      EXPECT_EQ(sent.body, expected["body"]) << name;
    }
  }
}

TEST_F(google_calendar_test, refreshes_watches_and_stops) {
  auto google = open(options());
  auto token = google->call(refresh());
  ASSERT_EQ(token.verdict, verdict::done) << token.why.reason;
  EXPECT_EQ(token.expires_in, 3'599s);
  EXPECT_TRUE(token.refresh_token.empty());
  auto x = creation();
  x.access_token = token.access_token;
  auto made = google->call(x);
  ASSERT_EQ(made.verdict, verdict::done) << made.why.reason;
  auto live = server.google().live_channels("anna", calendar_id);
  ASSERT_EQ(live.size(), 1U);
  EXPECT_EQ(live[0].id, channel_id);
  EXPECT_EQ(made.resource_id, live[0].resource_id);
  EXPECT_EQ(made.expires_at, live[0].expires_at);
  EXPECT_EQ(made.expires_at, server.time()->now() + std::chrono::hours{24 * 7});
  EXPECT_EQ(google->call(stop_of(made)).verdict, verdict::done);
  EXPECT_TRUE(server.google().live_channels("anna", calendar_id).empty());
  // One connection for each of the two servers that Google has for this.
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(google_calendar_test, keeps_a_new_refresh_token_that_comes_with_a_refresh) {
  auto rotating = server_options();
  rotating.google.rotates_refresh_tokens = true;
  google_server other{rotating};
  other.google().add_account({"anna", refresh_text, {}, {}});
  auto google = open(options_for(other));
  auto first = google->call(refresh());
  ASSERT_FALSE(first.refresh_token.empty());
  EXPECT_EQ(google->call(refresh()).verdict, verdict::needs_reconnect);
  EXPECT_EQ(google->call(token_refresh{first.refresh_token, {}}).verdict, verdict::done);
}

TEST_F(google_calendar_test, lets_a_channel_live_as_long_as_the_provider_wants) {
  auto brief = server_options();
  brief.google.longest_channel = std::chrono::hours{24};
  brief.google.numeric_expiration = true;
  google_server other{brief};
  other.google().add_account({"anna", refresh_text, {calendar_id}, {}});
  auto x = creation();
  x.access_token = secret{other.google().issue_access_token("anna")};
  auto made = open(options_for(other))->call(x);
  EXPECT_EQ(made.verdict, verdict::done) << made.why.reason;
  EXPECT_EQ(made.expires_at, other.time()->now() + std::chrono::hours{24});
}

TEST_F(google_calendar_test, speaks_tls_with_a_server_of_a_given_authority) {
  temp_dir dir;
  test_authority authority;
  auto tls = server_options();
  tls.identity = authority.issue({"DNS:localhost"});
  google_server secure{tls};
  secure.google().add_account({"anna", refresh_text, {}, {}});
  auto to = options_for(secure);
  expect(open(to)->call(refresh()), verdict::try_later, failure_class::outage, "unknown authority");
  EXPECT_TRUE(secure.google().requests().empty());
  to.ca_file = authority.write_pem(dir.path() / "ca.pem");
  EXPECT_EQ(open(to)->call(refresh()).verdict, verdict::done);
}

TEST_F(google_calendar_test, does_not_start_in_plain_text_to_strangers) {
  auto plain = options();
  plain.token_url = "http://oauth2.googleapis.com/token";
  EXPECT_TRUE(open_google_calendar(plain, server.time()).has_error());
  plain = options();
  plain.api_url = "http://www.googleapis.com";
  EXPECT_TRUE(open_google_calendar(plain, server.time()).has_error());
  plain.api_url = "no address";
  EXPECT_TRUE(open_google_calendar(plain, server.time()).has_error());
}

TEST_F(google_calendar_test, signs_a_channel_only_with_a_secret) {
  call(creation());
  EXPECT_EQ(server.google().channels()[0].token, channel_token(secret{"known to the webhook"}, channel_id));
  auto without = options();
  without.channel_secret = {};
  open(without)->call(creation("another"));
  EXPECT_EQ(server.google().channels()[1].token, "");
  EXPECT_FALSE(json::parse(server.google().requests().back().request.body).contains("token"));
}

TEST(fingerprint, is_the_plain_sha_256_of_the_token) {
  EXPECT_EQ(fingerprint(secret{"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(fingerprint(secret{}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(channel_token, is_the_plain_hmac_sha_256_of_the_id) {
  // RFC 4231, test case 2.
  EXPECT_EQ(channel_token(secret{"Jefe"}, "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_NE(channel_token(secret{"Jefe"}, "a"), channel_token(secret{"Jefe"}, "b"));
}

// -- what is not sent --------------------------------------------------------------------------------------------

TEST_F(google_calendar_test, does_not_ask_again_with_a_token_that_was_refused) {
  server.google().revoke("anna");
  auto refused = call(refresh());
  expect(refused, verdict::needs_reconnect, failure_class::permanent, "revoked");
  EXPECT_EQ(refused.refused_token, fingerprint(secret{refresh_text}));
  auto asked = server.google().requests().size();
  auto again = call(token_refresh{secret{refresh_text}, refused.refused_token});
  expect(again, verdict::needs_reconnect, failure_class::permanent, "refused before");
  EXPECT_EQ(again.refused_token, refused.refused_token);
  EXPECT_EQ(server.google().requests().size(), asked);
  // A new grant brings a new token.
  server.google().add_account({"anna", "1//new", {}, {}});
  EXPECT_EQ(call(token_refresh{secret{"1//new"}, refused.refused_token}).verdict, verdict::done);
}

TEST_F(google_calendar_test, does_not_ask_without_a_token_or_our_own_credentials) {
  for (auto& text : {std::string{}, std::string(5'000, 'x'), std::string{"1//a\r\nb"}})
    expect(call(token_refresh{secret{text}, {}}), verdict::needs_reconnect, failure_class::permanent,
           "token");
  for (auto without : {0, 1}) {
    auto to = options();
    if (without == 0)
      to.client_id = {};
    else
      to.client_secret = {};
    auto answer = open(to)->call(refresh());
    expect(answer, verdict::misconfigured, failure_class::permanent, "credentials");
    EXPECT_NE(answer.why.reason.find("GOOGLE_CLIENT_ID"), std::string::npos);
    EXPECT_NE(answer.why.reason.find("GOOGLE_CLIENT_SECRET"), std::string::npos);
  }
  EXPECT_TRUE(server.google().requests().empty());
}

TEST_F(google_calendar_test, sends_no_request_out_of_rows_that_make_none) {
  struct row {
    const char* name;
    verdict wanted;
    failure_class kind;
    std::function<void(watch_creation&)> change;
  };
  using kind = failure_class;
  const std::vector<row> rows{
      {"no token", verdict::stale_token, kind::transient, [](auto& x) { x.access_token = {}; }},
      {"line break", verdict::stale_token, kind::transient,
       [](auto& x) { x.access_token = secret{"ya29.a\r\nX-Evil: 1"}; }},
      {"NUL", verdict::stale_token, kind::transient,
       [](auto& x) {
         x.access_token = secret{std::string{"ya29\0a", 6}};
       }},
      {"not ASCII", verdict::stale_token, kind::transient,
       [](auto& x) { x.access_token = secret{"ya29.ü"}; }},
      {"long token", verdict::stale_token, kind::transient,
       [](auto& x) { x.access_token = secret{std::string(4'097, 'a')}; }},
      {"no calendar", verdict::not_watchable, kind::permanent, [](auto& x) { x.calendar_id = {}; }},
      {"dot", verdict::not_watchable, kind::permanent, [](auto& x) { x.calendar_id = "."; }},
      {"two dots", verdict::not_watchable, kind::permanent, [](auto& x) { x.calendar_id = ".."; }},
      {"long calendar", verdict::not_watchable, kind::permanent,
       [](auto& x) { x.calendar_id = std::string(1'025, 'a'); }},
      {"no id", verdict::misconfigured, kind::permanent, [](auto& x) { x.channel_id = {}; }},
      {"id with a dot", verdict::misconfigured, kind::permanent, [](auto& x) { x.channel_id = "a.b"; }},
      {"long id", verdict::misconfigured, kind::permanent,
       [](auto& x) { x.channel_id = std::string(65, 'a'); }},
      {"no life", verdict::misconfigured, kind::permanent, [](auto& x) { x.ttl = 0s; }},
      {"no address", verdict::misconfigured, kind::permanent, [](auto& x) { x.address = {}; }},
      {"plain address", verdict::misconfigured, kind::permanent,
       [](auto& x) { x.address = "http://app.example.com/hook"; }},
      {"no host", verdict::misconfigured, kind::permanent, [](auto& x) { x.address = "https:///hook"; }},
      {"blank", verdict::misconfigured, kind::permanent,
       [](auto& x) { x.address = "https://app.example.com/a?b c"; }},
      {"fragment", verdict::misconfigured, kind::permanent,
       [](auto& x) { x.address = "https://app.example.com/a?b#c"; }},
  };
  for (auto& row : rows) {
    auto x = creation();
    row.change(x);
    expect(call(x), row.wanted, row.kind, row.name);
  }
  for (auto& [id, resource] : std::vector<std::pair<std::string, std::string>>{
           {"", "r"}, {"a", ""}, {"a.b", "r"}, {"a", "r\n"}, {"a", "\xff"}, {"a", std::string(257, 'r')}})
    expect(call(watch_stop{secret{"ya29.a"}, id, resource}), verdict::not_watchable, failure_class::permanent,
           id);
  expect(call(watch_stop{secret{"a\nb"}, "a", "r"}), verdict::stale_token, failure_class::transient, "stop");
  EXPECT_TRUE(server.google().requests().empty());
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(google_calendar_test, names_any_calendar_by_one_segment) {
  for (std::string id :
       {"a/b", "../x", "a?b=c", "a%2Fb", "50%", "ü@example.org", "a b", "a#b", "\x01\xff", "..."}) {
    server.google().add_account({"anna", refresh_text, {id}, {}});
    auto x = creation("c" + std::to_string(server.google().requests().size()));
    x.calendar_id = id;
    ASSERT_EQ(call(x).verdict, verdict::done) << id;
    EXPECT_EQ(server.google().channels().back().calendar, id);
  }
}

TEST_F(google_calendar_test, takes_the_longest_channel_id_and_an_address_with_a_query) {
  auto x = creation(std::string(60, 'a') + "-_+=");
  x.address += "?source=google";
  EXPECT_EQ(call(x).verdict, verdict::done);
  EXPECT_EQ(server.google().channels()[0].address, x.address);
}

// -- answers -----------------------------------------------------------------------------------------------------

TEST_F(google_calendar_test, knows_every_error_that_was_recorded) {
  const std::map<std::string, verdict> meanings{{"refresh_invalid_grant", verdict::needs_reconnect},
                                                {"refresh_invalid_client", verdict::misconfigured},
                                                {"error_401", verdict::stale_token},
                                                {"error_403_rate", verdict::try_later},
                                                {"error_404", verdict::not_watchable},
                                                {"error_400_channel_id", verdict::channel_taken},
                                                {"error_stop_404", verdict::done}};
  for (auto& x : fixture("error_answers.json")) {
    queue_answer(x["status"], x["body"]);
    auto answer = x["call"] == "token"  ? call(refresh())
                  : x["call"] == "stop" ? call(watch_stop{secret{"ya29.a"}, "a", "gone"})
                                        : call(creation());
    EXPECT_EQ(answer.verdict, meanings.at(x["name"])) << x["name"] << answer.why.reason;
  }
}

TEST_F(google_calendar_test, knows_what_each_error_of_a_refresh_means) {
  struct row {
    const char* name;
    int status;
    verdict wanted;
    failure_class kind;
  };
  using kind = failure_class;
  for (auto& row : {row{"invalid_grant", 400, verdict::needs_reconnect, kind::permanent},
                    row{"admin_policy_enforced", 400, verdict::needs_reconnect, kind::permanent},
                    row{"admin_policy_enforced", 403, verdict::needs_reconnect, kind::permanent},
                    row{"org_internal", 400, verdict::needs_reconnect, kind::permanent},
                    row{"org_internal", 403, verdict::needs_reconnect, kind::permanent},
                    row{"invalid_client", 401, verdict::misconfigured, kind::permanent},
                    row{"unauthorized_client", 400, verdict::misconfigured, kind::permanent},
                    row{"unauthorized_client", 401, verdict::misconfigured, kind::permanent},
                    row{"invalid_request", 400, verdict::misconfigured, kind::permanent},
                    row{"internal_failure", 500, verdict::try_later, kind::transient}}) {
    queue_error(row.name, row.status);
    auto answer = call(refresh());
    expect(answer, row.wanted, row.kind, row.name);
    EXPECT_NE(answer.why.reason.find(std::to_string(row.status) + " " + row.name), std::string::npos)
        << answer.why.reason;
    EXPECT_EQ(answer.refused_token,
              row.wanted == verdict::needs_reconnect ? fingerprint(secret{refresh_text}) : "");
  }
  auto wrong = options();
  wrong.client_secret = secret{"other"};
  expect(open(wrong)->call(refresh()), verdict::misconfigured, kind::permanent, "the server's own check");
}

TEST_F(google_calendar_test, tells_why_a_grant_was_refused) {
  queue_answer(400,
               R"({"error":"invalid_grant","error_description":"said by","error_subtype":"invalid_rapt"})");
  auto answer = call(refresh());
  expect(answer, verdict::needs_reconnect, failure_class::permanent, "subtype");
  EXPECT_NE(answer.why.reason.find("invalid_grant (invalid_rapt)"), std::string::npos) << answer.why.reason;
}

TEST_F(google_calendar_test, knows_what_each_error_of_a_channel_means) {
  struct row {
    const char* name;
    int status;
    verdict wanted;
    failure_class kind;
  };
  using kind = failure_class;
  for (auto& row : {row{"channelIdNotUnique", 400, verdict::channel_taken, kind::transient},
                    row{"pushNotSupportedForRequestedResource", 400, verdict::not_watchable, kind::permanent},
                    row{"push.webhookUrlNotHttps", 400, verdict::misconfigured, kind::permanent},
                    row{"push.webhookUrlUnauthorized", 401, verdict::misconfigured, kind::permanent},
                    row{"authError", 401, verdict::stale_token, kind::transient},
                    row{"rateLimitExceeded", 403, verdict::try_later, kind::transient},
                    row{"userRateLimitExceeded", 403, verdict::try_later, kind::transient},
                    row{"quotaExceeded", 403, verdict::try_later, kind::transient},
                    row{"insufficientPermissions", 403, verdict::needs_reconnect, kind::permanent},
                    row{"ACCESS_TOKEN_SCOPE_INSUFFICIENT", 403, verdict::needs_reconnect, kind::permanent},
                    row{"forbidden", 403, verdict::needs_reconnect, kind::permanent},
                    row{"notACalendarUser", 403, verdict::needs_reconnect, kind::permanent},
                    row{"accessNotConfigured", 403, verdict::misconfigured, kind::permanent},
                    row{"SERVICE_DISABLED", 403, verdict::misconfigured, kind::permanent},
                    row{"notFound", 404, verdict::not_watchable, kind::permanent},
                    row{"deleted", 410, verdict::not_watchable, kind::permanent},
                    row{"fullSyncRequired", 410, verdict::try_later, kind::transient},
                    row{"updatedMinTooLongAgo", 410, verdict::try_later, kind::transient},
                    row{"rateLimitExceeded", 429, verdict::try_later, kind::transient},
                    row{"backendError", 500, verdict::try_later, kind::transient},
                    row{"backendError", 503, verdict::try_later, kind::outage},
                    row{"invalid", 400, verdict::try_later, kind::transient}}) {
    queue_error(row.name, row.status);
    auto answer = call(creation());
    expect(answer, row.wanted, row.kind, row.name);
    EXPECT_NE(answer.why.reason.find(std::to_string(row.status) + " " + row.name), std::string::npos)
        << answer.why.reason;
  }
  EXPECT_TRUE(server.google().channels().empty());
}

TEST_F(google_calendar_test, takes_a_channel_that_is_gone_for_a_stopped_one) {
  auto made = call(creation());
  EXPECT_EQ(call(stop_of(made)).verdict, verdict::done);
  EXPECT_EQ(server.google().requests().back().status, 204);
  EXPECT_EQ(call(stop_of(made)).verdict, verdict::done);
  EXPECT_EQ(server.google().requests().back().status, 404);
  queue_error("deleted");
  EXPECT_EQ(call(stop_of(made)).verdict, verdict::done);
}

TEST_F(google_calendar_test, does_not_doubt_a_grant_because_of_a_channel_of_others) {
  queue_error("forbidden");
  expect(call(watch_stop{secret{"ya29.a"}, "a", "r"}), verdict::not_watchable, failure_class::permanent,
         "stop");
  queue_error("insufficientPermissions");
  expect(call(watch_stop{secret{"ya29.a"}, "a", "r"}), verdict::needs_reconnect, failure_class::permanent,
         "stop");
  expect(call(watch_stop{secret{"ya29.unknown"}, "a", "r"}), verdict::stale_token, failure_class::transient,
         "stop");
}

TEST_F(google_calendar_test, learns_that_an_access_token_has_run_out) {
  auto x = creation();
  server.time()->advance(1h);
  expect(call(x), verdict::stale_token, failure_class::transient, "expired");
  EXPECT_EQ(call(creation()).verdict, verdict::done);
}

TEST_F(google_calendar_test, judges_by_the_status_what_is_no_error_of_googles) {
  struct row {
    int status;
    verdict wanted;
    failure_class kind;
  };
  using kind = failure_class;
  for (auto* body :
       {"", "<html>said by a proxy</html>", "[]", "7", R"({"error":[]})", R"({"error":{"errors":{}}})",
        R"({"error":{"errors":[7,{"reason":"said by\n"},{"reason":""}]}})", "{\"error\":"})
    for (auto& row :
         {row{302, verdict::misconfigured, kind::permanent}, row{400, verdict::try_later, kind::transient},
          row{403, verdict::try_later, kind::transient}, row{404, verdict::misconfigured, kind::permanent},
          row{405, verdict::misconfigured, kind::permanent},
          row{407, verdict::misconfigured, kind::permanent}, row{408, verdict::try_later, kind::transient},
          row{410, verdict::try_later, kind::transient}, row{418, verdict::try_later, kind::transient},
          row{429, verdict::try_later, kind::transient}, row{500, verdict::try_later, kind::transient},
          row{502, verdict::try_later, kind::outage}, row{504, verdict::try_later, kind::outage}}) {
      auto where = std::to_string(row.status) + " " + body;
      http_response response{row.status, {{"location", "https://evil.example/"}}, body};
      expect(answered(token_refresh{secret{"1//r"}, {}}, response), row.wanted, row.kind, "token " + where);
      expect(answered(plain_creation(), response), row.wanted, row.kind, "watch " + where);
      expect(answered(watch_stop{secret{"ya29.a"}, "a", "r"}, response), row.wanted, row.kind,
             "stop " + where);
    }
  http_response unauthorised{401, {}, "<html>"};
  expect(answered(plain_creation(), unauthorised), verdict::stale_token, kind::transient, "401");
  expect(answered(token_refresh{secret{"1//r"}, {}}, unauthorised), verdict::try_later, kind::transient,
         "401");
}

TEST_F(google_calendar_test, follows_no_redirect) {
  queue_answer(307, "", {{"location", server.base_url() + "/calendar/v3/channels/stop"}});
  EXPECT_EQ(call(creation()).verdict, verdict::misconfigured);
  EXPECT_EQ(server.google().requests().size(), 1U);
}

TEST_F(google_calendar_test, waits_as_long_as_it_is_told) {
  for (auto status : {429, 403, 503}) {
    google_fault fault;
    fault.error = "rateLimitExceeded";
    fault.status = status;
    fault.headers = {{"Retry-After", "17"}};
    server.google().queue(fault);
    auto answer = call(creation());
    EXPECT_EQ(answer.verdict, verdict::try_later);
    EXPECT_EQ(answer.retry_after, 17s);
  }
  queue_answer(429, "{}", {{"Retry-After", "soon"}});
  EXPECT_EQ(call(refresh()).retry_after, std::nullopt);
  queue_answer(429, "{}", {{"Retry-After", "99999999999"}});
  EXPECT_EQ(call(refresh()).retry_after, 24h);
  queue_answer(400, R"({"error":"invalid_grant"})", {{"Retry-After", "17"}});
  EXPECT_EQ(call(refresh()).retry_after, std::nullopt);
}

// -- answers that say success ------------------------------------------------------------------------------------

TEST(google_answers, a_refresh_without_a_usable_token_is_tried_again) {
  EXPECT_EQ(refreshed_with(R"({"access_token":"ya29.a","expires_in":3599})").verdict, verdict::done);
  EXPECT_EQ(refreshed_with(R"({"access_token":"ya29.a","expires_in":"3599"})").expires_in, 3'599s);
  EXPECT_EQ(refreshed_with(R"({"access_token":"ya29.a","expires_in":86400})").expires_in, 24h);
  for (auto* body : {"",
                     "{}",
                     "[]",
                     "null",
                     "<html>",
                     R"({"expires_in":3599})",
                     R"({"access_token":"","expires_in":3599})",
                     R"({"access_token":7,"expires_in":3599})",
                     R"({"access_token":"a\r\nb","expires_in":3599})",
                     R"({"access_token":"a\u0000b","expires_in":3599})",
                     R"({"access_token":"ya29.a"})",
                     R"({"access_token":"ya29.a","expires_in":0})",
                     R"({"access_token":"ya29.a","expires_in":-5})",
                     R"({"access_token":"ya29.a","expires_in":86401})",
                     R"({"access_token":"ya29.a","expires_in":1e300})",
                     R"({"access_token":"ya29.a","expires_in":3599.5})",
                     R"({"access_token":"ya29.a","expires_in":18446744073709551615})",
                     R"({"access_token":"ya29.a","expires_in":"9999999999999999999999"})",
                     R"({"access_token":"ya29.a","expires_in":"1h"})",
                     R"({"access_token":"ya29.a","expires_in":null})",
                     R"({"access_token":"ya29.a","expires_in":3599,"refresh_token":"a b"})"}) {
    auto answer = refreshed_with(body);
    EXPECT_EQ(answer.verdict, verdict::try_later) << body;
    EXPECT_EQ(answer.why.kind, failure_class::transient) << body;
    EXPECT_TRUE(answer.access_token.empty()) << body;
    EXPECT_EQ(answer.why.reason.find("ya29"), std::string::npos) << answer.why.reason;
  }
}

TEST(google_answers, a_channel_is_only_one_with_what_it_can_be_ended_and_renewed_by) {
  auto week = to_epoch_ms(now + std::chrono::hours{24 * 7});
  EXPECT_EQ(created_with(channel_body(json::object())).verdict, verdict::done);
  EXPECT_EQ(to_epoch_ms(created_with(channel_body({{"expiration", week}})).expires_at), week);
  EXPECT_EQ(created_with(channel_body({{"expiration", to_epoch_ms(now) + 1}})).verdict, verdict::done);
  const std::vector<json> changes{{{"id", "id-2"}},
                                  {{"id", nullptr}},
                                  {{"resourceId", nullptr}},
                                  {{"resourceId", ""}},
                                  {{"resourceId", 7}},
                                  {{"resourceId", "a b"}},
                                  {{"resourceId", std::string(257, 'r')}},
                                  {{"expiration", nullptr}},
                                  {{"expiration", ""}},
                                  {{"expiration", "soon"}},
                                  {{"expiration", 1.5}},
                                  {{"expiration", -1}},
                                  {{"expiration", std::to_string(to_epoch_ms(now))}},
                                  {{"expiration", week + 86'400'001}},
                                  {{"expiration", "9223372036854775807"}},
                                  {{"expiration", 18'446'744'073'709'551'615U}}};
  for (auto& change : changes) {
    auto answer = created_with(channel_body(change));
    EXPECT_EQ(answer.verdict, verdict::try_later) << change;
    EXPECT_EQ(answer.why.kind, failure_class::transient) << change;
  }
  for (auto* body : {"", "[]", "<html>", "{}"})
    EXPECT_EQ(created_with(body).verdict, verdict::try_later) << body;
}

// -- no answers --------------------------------------------------------------------------------------------------

TEST_F(google_calendar_test, tries_again_later_when_no_answer_comes) {
  for (auto delivery :
       {google_delivery::lost, google_delivery::reset, google_delivery::cut, google_delivery::garbage}) {
    for (auto effect : {false, true}) {
      auto before = server.google().channels().size();
      queue_trouble(delivery, effect);
      auto x = creation("c" + std::to_string(server.google().requests().size()));
      auto lost = open(options())->call(x);
      expect(lost, verdict::try_later, failure_class::outage, "watch");
      EXPECT_NE(lost.why.reason.find("may exist"), std::string::npos) << lost.why.reason;
      EXPECT_EQ(server.google().channels().size(), before + (effect ? 1 : 0));
      // It may not be repeated under its id once it took effect.
      EXPECT_EQ(call(x).verdict, effect ? verdict::channel_taken : verdict::done);
      queue_trouble(delivery, effect);
      expect(open(options())->call(refresh()), verdict::try_later, failure_class::outage, "refresh");
    }
  }
}

TEST_F(google_calendar_test, never_repeats_a_creation_by_itself) {
  auto google = open(options());
  EXPECT_EQ(google->call(creation("first")).verdict, verdict::done);
  queue_trouble(google_delivery::lost, true);
  // On a connection that was kept, where the client would repeat what can be repeated.
  EXPECT_EQ(google->call(creation("second")).verdict, verdict::try_later);
  EXPECT_EQ(server.google().requests().size(), 2U);
}

TEST_F(google_calendar_test, repeats_a_refresh_and_a_stop_on_a_connection_that_had_gone_stale) {
  auto google = open(options());
  EXPECT_EQ(google->call(refresh()).verdict, verdict::done);
  queue_trouble(google_delivery::lost, true);
  EXPECT_EQ(google->call(refresh()).verdict, verdict::done);
  auto made = google->call(creation());
  queue_trouble(google_delivery::lost, true);
  EXPECT_EQ(google->call(stop_of(made)).verdict, verdict::done);
  EXPECT_EQ(server.google().requests().back().status, 404);
}

TEST_F(google_calendar_test, does_not_wait_for_ever) {
  auto hasty = options();
  hasty.request_timeout = duration{200};
  queue_trouble(google_delivery::held, true);
  expect(open(hasty)->call(creation()), verdict::try_later, failure_class::outage, "held");
  EXPECT_EQ(server.google().channels().size(), 1U);
  server.release_held();
}

TEST_F(google_calendar_test, says_where_nobody_listens) {
  auto to = options();
  {
    google_server gone;
    to.token_url = gone.token_url();
    to.api_url = gone.base_url();
  }
  auto answer = open(to)->call(creation());
  expect(answer, verdict::try_later, failure_class::outage, "nobody");
  EXPECT_NE(answer.why.reason.find(to.api_url), std::string::npos) << answer.why.reason;
  EXPECT_EQ(answer.why.reason.find("may exist"), std::string::npos) << answer.why.reason;
  EXPECT_EQ(answer.why.reason.find("user%2Btag"), std::string::npos) << answer.why.reason;
}

TEST_F(google_calendar_test, does_not_swallow_a_huge_answer) {
  queue_answer(200, std::string(70'000, 'x'));
  auto answer = call(refresh());
  expect(answer, verdict::try_later, failure_class::transient, "huge");
  EXPECT_NE(answer.why.reason.find("larger than the limit"), std::string::npos) << answer.why.reason;
}

} // namespace herald::test
