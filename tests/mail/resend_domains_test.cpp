// What the mail provider says of the sender's domain, and what is made of answers that are none.
#include <chrono>

#include <gtest/gtest.h>

#include "adapters/mail/resend_domains.hpp"
#include "tests/fakes/loopback_server.hpp"

namespace herald::test {

namespace {

using answer = sender_facts::answer;

/// Asks a provider that answers so.
sender_facts asked(int status, const std::string& body, std::vector<raw_request>* seen = nullptr) {
  loopback_server server{[&](conversation& x) {
    while (auto request = x.read_request()) {
      if (seen)
        seen->push_back(*request);
      x.answer(status, body);
    }
  }};
  resend_options options;
  options.base_url = server.base_url();
  options.api_key = secret{"re_key"};
  return ask_resend_about("mail.example", options);
}

TEST(resend_domains, a_domain_has_the_status_that_the_provider_gives_it) {
  std::vector<raw_request> seen;
  auto out = asked(200,
                   R"({"object":"list","data":[{"id":"1","name":"other.example","status":"pending"},)"
                   R"({"id":"2","name":"Mail.Example","status":"verified","region":"eu-west-1"}]})",
                   &seen);
  EXPECT_EQ(out.outcome, answer::listed);
  EXPECT_EQ(out.domain, "mail.example");
  EXPECT_EQ(out.status, "verified");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].method, "GET");
  EXPECT_EQ(seen[0].target, "/domains");
  EXPECT_EQ(*seen[0].header("authorization"), "Bearer re_key");
}

TEST(resend_domains, a_domain_that_is_not_listed_has_no_status) {
  auto out = asked(200, R"({"data":[]})");
  EXPECT_EQ(out.outcome, answer::listed);
  EXPECT_EQ(out.status, "");
}

TEST(resend_domains, a_key_that_may_only_send_is_no_mistake) {
  auto out = asked(401, R"({"statusCode":401,"name":"restricted_api_key","message":"only send"})");
  EXPECT_EQ(out.outcome, answer::restricted);
}

TEST(resend_domains, a_key_that_is_refused_is_told_from_a_provider_in_trouble) {
  EXPECT_EQ(asked(403, R"({"name":"invalid_api_key"})").outcome, answer::refused);
  EXPECT_EQ(asked(403, "error code: 1010").outcome, answer::refused);
  for (auto status : {404, 429, 500, 503})
    EXPECT_EQ(asked(status, "<html>").outcome, answer::unreachable) << status;
}

TEST(resend_domains, answers_that_make_no_sense_are_no_list) {
  for (auto body : {"", "null", "[]", "{}", R"({"data":7})", R"({"data":)", "\xff"})
    EXPECT_EQ(asked(200, body).outcome, answer::unreachable) << body;
  auto odd = asked(200, R"({"data":[null,7,{"name":7},{"name":"mail.example","status":null}]})");
  EXPECT_EQ(odd.outcome, answer::listed);
  EXPECT_EQ(odd.status, "");
}

TEST(resend_domains, a_provider_that_says_nothing_is_given_up) {
  loopback_server server{[](conversation& x) {
    x.read_request();
    x.wait_for_close();
  }};
  resend_options options;
  options.base_url = server.base_url();
  options.api_key = secret{"re_key"};
  options.request_timeout = duration{50};
  auto out = ask_resend_about("mail.example", options);
  EXPECT_EQ(out.outcome, answer::unreachable);
  EXPECT_EQ(out.why.find("re_key"), std::string::npos);
}

TEST(resend_domains, without_a_key_nobody_is_asked) {
  auto out = ask_resend_about("mail.example", {});
  EXPECT_EQ(out.outcome, answer::not_asked);
  EXPECT_NE(out.why, "");
}

} // namespace

} // namespace herald::test
