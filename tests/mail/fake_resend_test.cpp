// The fake Resend keeps the documented rules, so that tests against it mean something.
#include <array>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/client.hpp"
#include "tests/fakes/resend_server.hpp"

namespace herald::test {

namespace {

using nlohmann::json;

class fake_resend : public testing::Test {
protected:
  struct reply {
    int status = 0;
    json body;
    http_response raw;
  };

  reply call(const std::string& method, const std::string& target, const std::string& body,
             const http_headers& headers = {}) {
    auto out = client->exchange({method, target, headers, body, false});
    if (!out.response)
      throw std::runtime_error(out.error);
    return {out.response->status, json::parse(out.response->body, nullptr, false), *out.response};
  }

  reply post(const json& body, const std::string& key = {}, const std::string& mode = {}) {
    http_headers headers{{"Authorization", "Bearer re_x"}};
    if (!key.empty())
      headers.emplace_back("Idempotency-Key", key);
    if (!mode.empty())
      headers.emplace_back("x-batch-validation", mode);
    return call("POST", body.is_array() ? "/emails/batch" : "/emails", body.dump(), headers);
  }

  static json mail(const std::string& to = "delivered@resend.dev") {
    return {{"from", "Acme <a@acme.org>"}, {"to", {to}}, {"subject", "s"}, {"html", "<p>h</p>"}};
  }

  static json with(json x, const std::string& field, const json& value) {
    x[field] = value;
    return x;
  }

  void expect_error(const reply& x, int status, const std::string& name) {
    EXPECT_EQ(x.status, status) << x.raw.body;
    EXPECT_EQ(x.body.value("name", ""), name) << x.raw.body;
    EXPECT_EQ(x.body.value("statusCode", 0), status);
  }

  resend_server server;
  std::unique_ptr<http_client> client = [this] {
    http_client_options options;
    options.base_url = server.base_url();
    options.user_agent = "test";
    return std::move(*open_http_client(options));
  }();
};

} // namespace

TEST_F(fake_resend, refuses_requests_without_a_user_agent_as_the_edge_does) {
  // By hand: our own client cannot be brought to leave it out.
  auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::string_view request = "POST /emails HTTP/1.1\r\nhost: x\r\nauthorization: Bearer re_x\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  shutdown(fd, SHUT_WR);
  std::string answer;
  std::array<char, 1'024> bytes;
  for (ssize_t n = 0; (n = recv(fd, bytes.data(), bytes.size(), 0)) > 0;)
    answer.append(bytes.data(), static_cast<std::size_t>(n));
  close(fd);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nerror code: 1010")) << answer;
}

TEST_F(fake_resend, checks_the_key) {
  expect_error(call("POST", "/emails", mail().dump()), 401, "missing_api_key");
  expect_error(call("POST", "/emails", mail().dump(), {{"Authorization", "Bearer x"}}), 403,
               "invalid_api_key");
}

TEST_F(fake_resend, knows_its_endpoints) {
  http_headers key{{"Authorization", "Bearer re_x"}};
  expect_error(call("POST", "/email", "{}", key), 404, "not_found");
  expect_error(call("PUT", "/emails", "{}", key), 405, "method_not_allowed");
}

TEST_F(fake_resend, checks_each_field) {
  auto without = [&](const char* field) {
    auto x = mail();
    x.erase(field);
    return post(x);
  };
  expect_error(without("to"), 422, "missing_required_field");
  expect_error(without("from"), 422, "missing_required_field");
  expect_error(without("subject"), 422, "missing_required_field");
  expect_error(without("html"), 422, "missing_required_field");
  for (auto* to : {"nobody", "a@example.com", "a@test.com", "a b@c.org", "A <a@b>", "@c.org"}) {
    auto refused = post(mail(to));
    expect_error(refused, 422, "validation_error");
    EXPECT_TRUE(refused.body["message"].get<std::string>().starts_with("Invalid `to` field")) << to;
  }
  expect_error(post(with(mail(), "to", json::array())), 422, "missing_required_field");
  expect_error(post(with(mail(), "from", "nobody")), 422, "invalid_from_address");
  expect_error(post(with(mail(), "tags", {{{"name", "a b"}, {"value", "c"}}})), 422, "validation_error");
  EXPECT_EQ(post(with(mail(), "tags", {{{"name", "a"}, {"value", "c-1"}}})).status, 200);
  EXPECT_EQ(post(with(mail(), "to", "Doe <delivered@resend.dev>")).status, 200);
  EXPECT_EQ(server.accepted().size(), 2U);
  EXPECT_EQ(server.accepted()[0].tags.at("a"), "c-1");
}

TEST_F(fake_resend, limits_batches_to_a_hundred) {
  EXPECT_EQ(post(json(std::vector<json>(100, mail()))).status, 200);
  expect_error(post(json(std::vector<json>(101, mail()))), 422, "validation_error");
  expect_error(post(json::array()), 422, "validation_error");
  EXPECT_EQ(server.accepted().size(), 100U);
}

TEST_F(fake_resend, fails_a_whole_batch_in_strict_mode_and_one_mail_in_permissive_mode) {
  auto batch = json::array({mail(), mail("nobody"), mail()});
  expect_error(post(batch), 422, "validation_error");
  expect_error(post(batch, "", "strict"), 422, "validation_error");
  EXPECT_EQ(server.accepted().size(), 0U);
  auto answer = post(batch, "", "permissive");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body["data"].size(), 2U);
  EXPECT_EQ(answer.body["errors"][0]["index"], 1);
  expect_error(post(json::array({with(mail(), "scheduled_at", "in 1 min")})), 422, "validation_error");
}

TEST_F(fake_resend, remembers_keys_until_they_expire) {
  auto first = post(mail(), "k");
  auto again = post(mail(), "k");
  EXPECT_EQ(first.raw.body, again.raw.body);
  expect_error(post(with(mail(), "subject", "other"), "k"), 409, "invalid_idempotent_request");
  EXPECT_EQ(server.accepted().size(), 1U);
  server.expire_keys();
  EXPECT_NE(post(mail(), "k").raw.body, first.raw.body);
  EXPECT_EQ(server.accepted().size(), 2U);
}

TEST_F(fake_resend, does_not_hold_a_refusal_against_its_key) {
  EXPECT_EQ(post(mail("nobody"), "k").status, 422);
  EXPECT_EQ(post(mail(), "k").status, 200);
}

TEST_F(fake_resend, is_controlled_over_http) {
  EXPECT_EQ(call("POST", "/control/faults", R"([{"kind":"error","name":"security_error"},
    {"kind":"answer","status":502,"body":"<html>","times":2,"path":"/emails"}])")
                .status,
            200);
  EXPECT_EQ(server.queued_faults(), 2U);
  EXPECT_EQ(call("POST", "/control/faults", R"({"kind":"unheard"})").status, 400);
  EXPECT_EQ(call("POST", "/control/faults", R"({"kind":"error","typo":1})").status, 400);
  expect_error(post(mail()), 451, "security_error");
  EXPECT_EQ(post(mail()).status, 502);
  EXPECT_EQ(post(json::array({mail()})).status, 200);
  EXPECT_EQ(post(mail()).status, 502);
  EXPECT_EQ(post(with(mail(), "tags", {{{"name", "mail"}, {"value", "7"}}}), "key").status, 200);
  auto accepted = call("GET", "/control/accepted", "").body;
  ASSERT_EQ(accepted.size(), 2U);
  EXPECT_EQ(accepted[1]["tags"]["mail"], "7");
  EXPECT_EQ(accepted[1]["idempotency_key"], "key");
  auto stats = call("GET", "/control/stats", "").body;
  EXPECT_EQ(stats["requests"], 5);
  EXPECT_EQ(stats["accepted_mails"], 2);
  EXPECT_EQ(stats["faults"], 3);
  EXPECT_EQ(stats["by_status"]["502"], 2);
  EXPECT_EQ(call("POST", "/control/limit", R"({"per_second":1})").status, 200);
  auto limited = 0;
  for (auto i = 0; i < 5; ++i)
    limited += post(mail()).status == 429 ? 1 : 0;
  EXPECT_GE(limited, 1);
  EXPECT_EQ(call("POST", "/control/reset", "").status, 200);
  EXPECT_EQ(call("GET", "/control/accepted", "").body.size(), 0U);
  EXPECT_EQ(call("GET", "/control/nothing", "").status, 404);
}

} // namespace herald::test
