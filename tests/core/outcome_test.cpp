// What an answer of the provider means: every row of its error table, answers to batches that do and do not
// add up, and bodies that are not what they should be.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/email/outcome.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

mail_answer answered(std::int32_t status, std::string body = "") {
  mail_answer x;
  x.status = status;
  x.body = std::move(body);
  return x;
}

mail_answer failed(std::int32_t status, const std::string& name,
                   const std::string& message = "as documented") {
  return answered(status, json{{"statusCode", status}, {"name", name}, {"message", message}}.dump());
}

mail_answer no_answer(bool maybe_delivered) {
  mail_answer x;
  x.error = "connection reset";
  x.maybe_delivered = maybe_delivered;
  return x;
}

send_outcome single(const mail_answer& x) {
  return classify(x, email_endpoint::single, 1);
}

send_outcome batch(std::size_t n, const std::string& body, std::int32_t status = 200) {
  return classify(answered(status, body), email_endpoint::batch, n);
}

// -- the table ----------------------------------------------------------------------------------------------

struct row {
  std::int32_t status;
  std::string name;
  send_result result;
  pause_reason pause = pause_reason::unauthorised;
};

const std::vector<row> error_table{
    {400, "invalid_idempotency_key", send_result::refused},
    {400, "validation_error", send_result::refused},
    {401, "missing_api_key", send_result::paused, pause_reason::unauthorised},
    {401, "restricted_api_key", send_result::paused, pause_reason::unauthorised},
    {403, "invalid_api_key", send_result::paused, pause_reason::unauthorised},
    {403, "validation_error", send_result::paused, pause_reason::unverified_sender},
    {404, "not_found", send_result::refused},
    {405, "method_not_allowed", send_result::paused, pause_reason::misconfigured},
    {409, "invalid_idempotent_request", send_result::conflict},
    {409, "concurrent_idempotent_requests", send_result::concurrent},
    {422, "missing_required_field", send_result::refused},
    {422, "invalid_from_address", send_result::refused},
    {422, "invalid_attachment", send_result::refused},
    {422, "invalid_parameter", send_result::refused},
    {422, "invalid_access", send_result::refused},
    {422, "invalid_region", send_result::refused},
    {422, "validation_error", send_result::refused},
    {429, "rate_limit_exceeded", send_result::rate_limited},
    {429, "daily_quota_exceeded", send_result::paused, pause_reason::daily_quota},
    {429, "monthly_quota_exceeded", send_result::paused, pause_reason::monthly_quota},
    {451, "security_error", send_result::paused, pause_reason::security},
    {500, "application_error", send_result::transient},
    {500, "internal_server_error", send_result::transient},
};

TEST(an_error, means_what_the_providers_table_says) {
  for (auto& x : error_table)
    for (auto endpoint : {email_endpoint::single, email_endpoint::batch}) {
      auto out = classify(failed(x.status, x.name), endpoint, endpoint == email_endpoint::single ? 1 : 3);
      EXPECT_EQ(to_string(out.result), to_string(x.result)) << x.status << " " << x.name;
      EXPECT_EQ(to_string(out.pause), to_string(x.pause)) << x.status << " " << x.name;
      EXPECT_NE(out.reason.find(std::to_string(x.status) + " " + x.name + ": as documented"),
                std::string::npos)
          << out.reason;
      EXPECT_TRUE(out.mails.empty());
    }
}

TEST(an_unknown_error_name, is_decided_by_the_class_of_the_status) {
  const std::map<std::int32_t, send_result> expected{
      {301, send_result::paused},       {400, send_result::refused},   {401, send_result::paused},
      {403, send_result::paused},       {408, send_result::transient}, {409, send_result::transient},
      {413, send_result::refused},      {418, send_result::refused},   {422, send_result::refused},
      {429, send_result::rate_limited}, {500, send_result::transient}, {501, send_result::transient},
  };
  for (auto [status, result] : expected)
    EXPECT_EQ(to_string(single(failed(status, "brand_new_error")).result), to_string(result)) << status;
}

TEST(a_body_of_the_edge, falls_back_on_the_status) {
  EXPECT_EQ(single(answered(403, "error code: 1010")).pause, pause_reason::edge);
  EXPECT_EQ(single(answered(403, "<html>Forbidden</html>")).pause, pause_reason::unauthorised);
  for (auto status : {502, 503, 504, 520, 522, 524, 530}) {
    auto out = single(answered(status, "<html>\n<h1>Bad gateway</h1>"));
    EXPECT_EQ(out.result, send_result::unknown) << status;
    EXPECT_TRUE(out.outage);
    EXPECT_FALSE(out.counted);
  }
  EXPECT_EQ(single(answered(500, "")).result, send_result::transient);
  EXPECT_EQ(single(answered(429, "slow down")).result, send_result::rate_limited);
  // Not the API: nothing of ours dies for a wrong address.
  for (auto status : {407, 421, 425, 426, 431})
    EXPECT_EQ(single(answered(status, "<html>proxy</html>")).pause, pause_reason::misconfigured) << status;
  // Of the API's own, with a name, they are about the mail.
  EXPECT_EQ(single(answered(421, R"({"name":"validation_error","message":"no"})")).result,
            send_result::refused);
  EXPECT_EQ(single(answered(404, "<html>nginx</html>")).pause, pause_reason::misconfigured);
  EXPECT_EQ(single(answered(404, "<html>nginx</html>")).result, send_result::paused);
}

TEST(no_answer, leaves_open_what_became_of_a_request_that_was_sent) {
  auto sent = single(no_answer(true));
  EXPECT_EQ(sent.result, send_result::unknown);
  EXPECT_TRUE(sent.maybe_accepted);
  EXPECT_TRUE(sent.outage);
  EXPECT_NE(sent.reason.find("connection reset"), std::string::npos);
  auto not_sent = single(no_answer(false));
  EXPECT_EQ(not_sent.result, send_result::transient);
  EXPECT_FALSE(not_sent.maybe_accepted);
  EXPECT_FALSE(not_sent.counted);
  EXPECT_TRUE(not_sent.outage);
}

TEST(what_was_turned_away, was_not_accepted) {
  for (auto& x : error_table) {
    auto turned_away = x.result == send_result::refused || x.result == send_result::rate_limited
                       || x.result == send_result::paused;
    EXPECT_EQ(single(failed(x.status, x.name)).maybe_accepted, !turned_away) << x.status << " " << x.name;
  }
}

TEST(retry_after, comes_along) {
  auto x = failed(429, "rate_limit_exceeded");
  x.retry_after = 7s;
  EXPECT_EQ(single(x).retry_after, 7s);
}

// -- accepted -----------------------------------------------------------------------------------------------

TEST(a_single_mail, is_accepted_with_its_id) {
  auto out = single(answered(200, R"({"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"})"));
  EXPECT_EQ(out.result, send_result::settled);
  EXPECT_EQ(out.mails, (std::vector<mail_fate>{{"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794", ""}}));
}

TEST(a_batch, is_accepted_with_an_id_for_each_mail_in_order) {
  auto out = batch(2, R"({"data":[{"id":"a"},{"id":"b"}]})");
  EXPECT_EQ(out.result, send_result::settled);
  EXPECT_EQ(out.mails, (std::vector<mail_fate>{{"a", ""}, {"b", ""}}));
  EXPECT_EQ(batch(2, R"({"data":[{"id":"a"},{"id":"b"}],"errors":null})").result, send_result::settled);
}

TEST(a_batch, may_be_accepted_in_part) {
  auto out = batch(4, R"({"data":[{"id":"b"},{"id":"d"}],
    "errors":[{"index":2,"message":"The `to` field is missing."},{"index":0,"message":"Bad\r\nheader"}]})");
  EXPECT_EQ(out.result, send_result::settled);
  EXPECT_EQ(out.mails, (std::vector<mail_fate>{{"", "the provider refused it (Bad header)"},
                                               {"b", ""},
                                               {"", "the provider refused it (The `to` field is missing.)"},
                                               {"d", ""}}));
}

TEST(a_batch_that_does_not_add_up, is_unclear_for_all_its_mails) {
  for (auto body : {
           R"({"data":[{"id":"a"}]})",
           R"({"data":[{"id":"a"},{"id":"b"},{"id":"c"}]})",
           R"({"data":[{"id":"a"},{"id":"b"}],"errors":[{"index":1,"message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":[{"index":2,"message":"m"}]})",
           R"({"data":[],"errors":[{"index":1,"message":"m"},{"index":1,"message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":[{"index":-1,"message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":[{"index":1.0,"message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":[{"index":"1","message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":[{"message":"m"}]})",
           R"({"data":[{"id":"a"}],"errors":["m"]})",
           R"({"data":[{"id":"a"},{"id":"b"}],"errors":{}})",
           R"({"data":[{"id":"a"},{"id":"a"}]})",
           R"({"data":[{"id":"a"},{"id":""}]})",
           R"({"data":[{"id":"a"},{"id":7}]})",
           R"({"data":[{"id":"a"},"b"]})",
           R"({"data":[{"id":"a"},null]})",
           R"({"data":{"id":"a"}})",
           R"({"id":"a"})",
           R"([{"id":"a"},{"id":"b"}])",
           R"({})",
           R"(null)",
           R"("ok")",
       }) {
    auto out = batch(2, body);
    EXPECT_EQ(to_string(out.result), "unclear") << body;
    EXPECT_TRUE(out.maybe_accepted);
    EXPECT_TRUE(out.mails.empty());
  }
}

TEST(a_single_mail_without_a_plain_id, is_unclear) {
  for (auto& body : {std::string{R"({})"}, std::string{R"({"id":""})"}, std::string{R"({"id":"a b"})"},
                     std::string{R"({"id":"\u0007"})"}, std::string{R"({"id":"é"})"}, std::string{R"([])"},
                     R"({"id":")" + std::string(129, 'x') + R"("})"})
    EXPECT_EQ(to_string(single(answered(200, body)).result), "unclear") << body;
}

TEST(an_unreadable_acceptance, is_asked_for_again_under_the_same_key) {
  for (auto& body : {std::string{}, std::string{R"({"id":"49a39)"}, std::string{"\xFF\xFE"},
                     std::string(2'000'000, ' ')}) {
    auto out = single(answered(200, body));
    EXPECT_EQ(to_string(out.result), "unknown");
    EXPECT_TRUE(out.maybe_accepted);
    EXPECT_TRUE(out.counted);
    EXPECT_FALSE(out.outage);
  }
}

// -- strangers ----------------------------------------------------------------------------------------------

TEST(a_reason, is_short_and_on_one_line_whatever_was_answered) {
  auto out = single(failed(422, std::string(5000, 'n') + "\n", std::string(100'000, 'm') + "\r\n\x1B[2J"));
  EXPECT_LT(out.reason.size(), 500u);
  for (auto c : out.reason)
    EXPECT_GE(static_cast<unsigned char>(c), 0x20);
  auto raw = single(answered(502, std::string(5000, '\x1B') + std::string(5000, '\xFF')));
  EXPECT_LT(raw.reason.size(), 300u);
  EXPECT_EQ(invalid_utf8_at(raw.reason), std::nullopt);
}

TEST(deep_nesting, is_no_danger) {
  EXPECT_EQ(single(answered(422, std::string(100'000, '['))).result, send_result::refused);
  EXPECT_EQ(single(answered(422, std::string(50'000, '[') + std::string(50'000, ']'))).result,
            send_result::refused);
}

RC_GTEST_PROP(any_answer, has_one_meaning_that_fits_its_mails, ()) {
  auto n = *rc::gen::inRange<std::size_t>(1, 6);
  auto endpoint = *rc::gen::element(email_endpoint::single, email_endpoint::batch);
  auto mails = endpoint == email_endpoint::single ? std::size_t{1} : n;
  auto index = rc::gen::inRange<std::size_t>(0, 7);
  json body;
  for (auto i = *index; i > 0; --i)
    body["data"].push_back({{"id", std::string(1, static_cast<char>('a' + i))}});
  for (auto i = *rc::gen::inRange(0, 4); i > 0; --i)
    body["errors"].push_back({{"index", *index}, {"message", *testing::awkward_text()}});
  if (*rc::gen::arbitrary<bool>())
    body["id"] = *testing::awkward_text();
  if (*rc::gen::arbitrary<bool>())
    body["name"] = *testing::awkward_text();
  auto text = *rc::gen::arbitrary<bool>() ? body.dump() : *testing::awkward_bytes();
  auto status = *rc::gen::element(0, 100, 200, 201, 302, 400, 403, 409, 422, 429, 500, 503, 599, 999, -1);
  auto out = classify(answered(status, text), endpoint, mails);
  RC_ASSERT((out.result == send_result::settled) == !out.mails.empty());
  if (out.result == send_result::settled) {
    RC_ASSERT(out.mails.size() == mails);
    for (auto& x : out.mails)
      RC_ASSERT(x.accepted() != !x.reason.empty());
  } else {
    RC_ASSERT(!out.reason.empty());
  }
  RC_ASSERT(!invalid_utf8_at(out.reason));
}

} // namespace
} // namespace herald
