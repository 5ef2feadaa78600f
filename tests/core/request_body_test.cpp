// Requests: the fields that the official client library sends, the same bytes and keys every time, and every
// mail in exactly one request within the limits.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/email/request_body.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using nlohmann::json;

json fixture(const std::string& name) {
  std::ifstream in{HERALD_SOURCE_DIR "/tests/core/resend/" + name + ".json"};
  return json::parse(in);
}

email_message sample(const std::string& to = "delivered@resend.dev") {
  email_message x;
  x.from = "Acme <notifications@example.com>";
  x.to = to;
  x.reply_to = "support@example.com";
  x.subject = "Déjà vu ✓";
  x.html = "<p>it works</p>";
  x.text = "it works";
  return x;
}

std::vector<unsealed_mail> some_mails(std::size_t n, std::int64_t first = 1, std::size_t padding = 0) {
  std::vector<unsealed_mail> out;
  for (std::size_t i = 0; i < n; ++i) {
    auto message = sample("user" + std::to_string(i) + "@example.com");
    message.text.append(padding, 'x');
    out.push_back({{first + static_cast<std::int64_t>(i), 1}, 0, std::move(message)});
  }
  return out;
}

std::vector<std::size_t> sizes(const seal_plan& x) {
  std::vector<std::size_t> out;
  for (auto& envelope : x.envelopes)
    out.push_back(envelope.mails.size());
  return out;
}

// -- bodies -------------------------------------------------------------------------------------------------

TEST(a_single_request, has_the_fields_of_the_official_client) {
  auto x = sample();
  x.headers = {
      {"List-Unsubscribe", "<https://app.example.com/u/tok>, <mailto:unsub@example.com?subject=unsubscribe>"},
      {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
      {"X-Entity-Ref-ID", "1234"}};
  x.tags = {{"delivery_id", "1234"}, {"kind", "digest"}};
  auto expected = fixture("send_full_idempotent").at("request");
  // What Herald never sends.
  expected.erase("cc");
  expected.erase("bcc");
  auto actual = json::parse(single_body(x));
  for (auto& [field, value] : expected.items())
    EXPECT_EQ(actual.value(field, json{}), value) << field;
  EXPECT_EQ(actual.size(), expected.size());
}

TEST(a_batch_request, has_the_fields_of_the_official_client) {
  auto expected = fixture("batch_permissive").at("request");
  auto first = sample("delivered+1@resend.dev");
  first.headers = {{"List-Unsubscribe", "<https://app.example.com/u/tok1>"},
                   {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}};
  first.tags = {{"delivery_id", "1"}};
  auto second = sample("delivered+2@resend.dev");
  second.tags = {{"delivery_id", "2"}};
  // The third one there has no recipient, which Herald's messages always have.
  expected.erase(2);
  EXPECT_EQ(json::parse(batch_body(std::vector{first, second})), expected);
}

TEST(a_field_that_is_not_set, is_left_out) {
  auto x = sample();
  x.reply_to.clear();
  auto body = json::parse(single_body(x));
  EXPECT_FALSE(body.contains("reply_to"));
  EXPECT_FALSE(body.contains("headers"));
  EXPECT_FALSE(body.contains("tags"));
  // An empty text stays: without the field the provider would make one up.
  x.text.clear();
  EXPECT_EQ(json::parse(single_body(x)).at("text"), "");
}

TEST(a_body, is_the_same_bytes_every_time) {
  EXPECT_EQ(
      single_body(sample()),
      R"({"from":"Acme <notifications@example.com>","html":"<p>it works</p>","reply_to":"support@example.com",)"
      R"("subject":"Déjà vu ✓","text":"it works","to":["delivered@resend.dev"]})");
  EXPECT_EQ(batch_body(std::vector<email_message>{}), "[]");
}

TEST(a_text_that_is_not_utf8, is_repaired_and_not_thrown_at_the_caller) {
  auto x = sample();
  x.subject = "a\xFFz";
  EXPECT_EQ(json::parse(single_body(x)).at("subject"), "a\uFFFDz");
}

// -- envelopes ----------------------------------------------------------------------------------------------

TEST(few_mails, go_in_single_requests) {
  auto plan = plan_envelopes(some_mails(9), email_lane::immediate, {});
  EXPECT_EQ(sizes(plan), std::vector<std::size_t>(9, 1));
  for (auto& x : plan.envelopes) {
    EXPECT_EQ(x.endpoint, email_endpoint::single);
    EXPECT_EQ(x.lane, email_lane::immediate);
  }
  EXPECT_EQ(plan.envelopes[2].body, single_body(some_mails(9)[2].message));
  EXPECT_EQ(plan.envelopes[2].mails, (std::vector<mail_ref>{{3, 1}}));
}

TEST(many_mails, go_in_batches_and_the_rest_in_single_requests) {
  auto plan = plan_envelopes(some_mails(212), email_lane::digest, {});
  EXPECT_EQ(sizes(plan), (std::vector<std::size_t>{100, 100, 12}));
  EXPECT_EQ(sizes(plan_envelopes(some_mails(102), email_lane::digest, {})),
            (std::vector<std::size_t>{100, 1, 1}));
  EXPECT_EQ(plan.envelopes[2].endpoint, email_endpoint::batch);
  EXPECT_EQ(plan.envelopes[2].lane, email_lane::digest);
  EXPECT_EQ(json::parse(plan.envelopes[2].body).size(), 12u);
}

TEST(a_batch, ends_before_its_body_is_too_large) {
  seal_limits limits;
  limits.batch_min = 2;
  auto mails = some_mails(10, 1, 1000);
  limits.body_max = batch_body(std::vector{mails[0].message, mails[1].message, mails[2].message}).size();
  EXPECT_EQ(sizes(plan_envelopes(mails, email_lane::digest, limits)), (std::vector<std::size_t>{3, 3, 3, 1}));
  --limits.body_max;
  EXPECT_EQ(sizes(plan_envelopes(mails, email_lane::digest, limits)),
            (std::vector<std::size_t>{2, 2, 2, 2, 2}));
}

TEST(a_mail_too_large_for_any_request, is_refused_alone) {
  auto mails = some_mails(3);
  mails[1].message.html.assign(2000, 'x');
  auto plan = plan_envelopes(mails, email_lane::digest, {.body_max = 1024});
  EXPECT_EQ(sizes(plan), (std::vector<std::size_t>{1, 1}));
  ASSERT_EQ(plan.refused.size(), 1u);
  EXPECT_EQ(plan.refused[0].first, (mail_ref{2, 1}));
  EXPECT_NE(plan.refused[0].second.find("too large"), std::string::npos);
}

TEST(no_mails, need_no_request) {
  EXPECT_TRUE(plan_envelopes({}, email_lane::digest, {}).envelopes.empty());
}

// -- keys ---------------------------------------------------------------------------------------------------

std::string key_of(const std::vector<unsealed_mail>& mails, email_lane lane = email_lane::digest,
                   const seal_limits& limits = {}) {
  return plan_envelopes(mails, lane, limits).envelopes.at(0).idempotency_key;
}

TEST(a_key, follows_from_lane_and_mails_alone) {
  auto mails = some_mails(12);
  EXPECT_EQ(key_of(mails), "herald/12-d9c8e07d-3d8f-58f4-8238-ce47822f7d89");
  auto other_text = mails;
  other_text[0].message.subject = "Something else";
  other_text[0].mail.claim_no = 9;
  EXPECT_EQ(key_of(other_text), key_of(mails));
  EXPECT_TRUE(key_of(mails).starts_with("herald/12-"));
  EXPECT_EQ(key_of(mails).size(), std::string{"herald/12-"}.size() + 36);
}

TEST(a_key, is_another_one_for_other_mails) {
  auto mails = some_mails(12);
  auto another_lane = key_of(mails, email_lane::immediate);
  auto another_prefix = key_of(mails, email_lane::digest, {.key_prefix = "staging"});
  auto in_another_order = mails;
  std::swap(in_another_order[0], in_another_order[1]);
  auto sent_again = mails;
  sent_again[3].generation = 1;
  auto one_less = mails;
  one_less.pop_back();
  // 1 and 11 is not 11 and 1, 111.
  auto alike = some_mails(2, 1);
  alike[0].mail.mail_id = 11;
  auto alike_too = some_mails(2, 1);
  alike_too[1].mail.mail_id = 11;
  const seal_limits two{.batch_min = 2};
  const std::set<std::string> keys{key_of(mails),
                                   another_lane,
                                   another_prefix,
                                   key_of(in_another_order),
                                   key_of(sent_again),
                                   key_of(one_less),
                                   key_of(alike, email_lane::digest, two),
                                   key_of(alike_too, email_lane::digest, two)};
  EXPECT_EQ(keys.size(), 8u);
}

TEST(the_longest_prefix, leaves_room_for_the_rest_of_a_key) {
  EXPECT_LE(key_of(some_mails(100), email_lane::digest, {.key_prefix = std::string(128, 'p')}).size(), 256u);
}

TEST(seal_limits, name_their_first_wrong_value) {
  auto wrong = [](const seal_limits& x) { return validate(x).value_or("nothing"); };
  EXPECT_EQ(wrong({}), "nothing");
  EXPECT_NE(wrong({.key_prefix = ""}).find("key_prefix"), std::string::npos);
  EXPECT_NE(wrong({.key_prefix = "a b"}).find("key_prefix"), std::string::npos);
  EXPECT_NE(wrong({.key_prefix = std::string(129, 'p')}).find("key_prefix"), std::string::npos);
  EXPECT_NE(wrong({.batch_max = 101}).find("batch_max"), std::string::npos);
  EXPECT_NE(wrong({.batch_max = 0}).find("batch_max"), std::string::npos);
  EXPECT_NE(wrong({.batch_min = 1}).find("batch_min"), std::string::npos);
  EXPECT_NE(wrong({.body_max = 10}).find("body_max"), std::string::npos);
}

// -- splitting ----------------------------------------------------------------------------------------------

sealed_envelope sealed(const envelope_draft& x) {
  sealed_envelope out;
  out.endpoint = x.endpoint;
  out.lane = x.lane;
  out.idempotency_key = x.idempotency_key;
  out.body = x.body;
  for (auto& mail : x.mails)
    out.mail_ids.push_back(mail.mail_id);
  return out;
}

TEST(a_split_batch, becomes_its_mails_under_keys_of_their_own) {
  auto mails = some_mails(12);
  auto batch = sealed(plan_envelopes(mails, email_lane::digest, {.key_prefix = "prod/eu"}).envelopes.at(0));
  auto parts = split_batch(batch).value();
  ASSERT_EQ(parts.size(), 12u);
  std::set<std::string> keys{batch.idempotency_key};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].endpoint, email_endpoint::single);
    EXPECT_EQ(parts[i].lane, email_lane::digest);
    EXPECT_EQ(parts[i].body, single_body(mails[i].message));
    EXPECT_EQ(parts[i].mails, (std::vector<mail_ref>{{mails[i].mail.mail_id, 0}}));
    EXPECT_TRUE(parts[i].idempotency_key.starts_with("prod/eu/1-"));
    // Nor the key that the mail had in a single request of its own.
    EXPECT_NE(parts[i].idempotency_key, key_of({mails[i]}, email_lane::digest, {.key_prefix = "prod/eu"}));
    keys.insert(parts[i].idempotency_key);
  }
  EXPECT_EQ(keys.size(), 13u);
  EXPECT_EQ(split_batch(batch).value()[5].idempotency_key, parts[5].idempotency_key);
}

TEST(a_body_that_does_not_match_its_mails, is_not_split) {
  auto batch = sealed(plan_envelopes(some_mails(12), email_lane::digest, {}).envelopes.at(0));
  batch.mail_ids.pop_back();
  EXPECT_FALSE(split_batch(batch).has_value());
  auto single = sealed(plan_envelopes(some_mails(1), email_lane::digest, {}).envelopes.at(0));
  EXPECT_FALSE(split_batch(single).has_value());
}

// -- properties ---------------------------------------------------------------------------------------------

email_message any_message() {
  email_message x;
  x.from = *testing::awkward_text();
  x.to = *testing::awkward_text();
  x.reply_to = *testing::awkward_text();
  x.subject = *testing::awkward_text();
  x.html = *testing::awkward_text();
  x.text = *testing::awkward_text();
  for (auto n = *rc::gen::inRange(0, 3); n > 0; --n)
    x.headers.emplace_back(*testing::awkward_text(), *testing::awkward_text());
  for (auto n = *rc::gen::inRange(0, 3); n > 0; --n)
    x.tags.emplace_back(*testing::awkward_text(), *testing::awkward_text());
  return x;
}

RC_GTEST_PROP(a_plan, has_every_mail_once_and_in_order_and_keeps_the_limits, ()) {
  seal_limits limits;
  limits.batch_max = *rc::gen::inRange<std::size_t>(1, 8);
  limits.batch_min = *rc::gen::inRange<std::size_t>(2, 5);
  limits.body_max = *rc::gen::inRange<std::size_t>(1024, 6000);
  std::vector<unsealed_mail> mails;
  for (auto n = *rc::gen::inRange(0, 20); n > 0; --n)
    mails.push_back({{*rc::gen::inRange(1, 100) * 100LL + n, n}, 0, any_message()});
  auto plan = plan_envelopes(mails, email_lane::digest, limits);
  std::map<std::int64_t, std::string> refused;
  for (auto& [mail, why] : plan.refused)
    refused[mail.mail_id] = why;
  auto next = mails.begin();
  for (auto& x : plan.envelopes) {
    RC_ASSERT(x.body.size() <= limits.body_max);
    RC_ASSERT(x.mails.size() <= limits.batch_max);
    auto batch = x.endpoint == email_endpoint::batch;
    RC_ASSERT((batch ? x.mails.size() >= limits.batch_min : x.mails.size() == 1));
    std::vector<email_message> messages;
    for (auto& mail : x.mails) {
      while (refused.contains(next->mail.mail_id))
        ++next;
      RC_ASSERT(mail == next->mail);
      messages.push_back((next++)->message);
    }
    RC_ASSERT(x.body == (batch ? batch_body(messages) : single_body(messages[0])));
  }
  RC_ASSERT(static_cast<std::size_t>(
                std::count_if(next, mails.end(), [&](auto& x) { return !refused.contains(x.mail.mail_id); }))
            == 0);
}

RC_GTEST_PROP(a_body, reads_back_as_the_message, ()) {
  auto x = any_message();
  auto body = json::parse(single_body(x));
  RC_ASSERT(body.at("from") == x.from);
  RC_ASSERT(body.at("to") == json::array({x.to}));
  RC_ASSERT(body.at("subject") == x.subject);
  RC_ASSERT(body.at("html") == x.html);
  RC_ASSERT(body.at("text") == x.text);
  RC_ASSERT(body.value("reply_to", "") == x.reply_to);
  RC_ASSERT(json::parse(batch_body(std::vector{x, x})) == json::array({body, body}));
}

} // namespace
} // namespace herald
