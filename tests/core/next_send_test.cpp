// What happens to an envelope after an attempt: when it is sent again, when it waits for a person, and that
// nothing is ever sent under a new key that may have been accepted under an old one.
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/next_send.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

const auto now = from_epoch_ms(1'800'000'000'000);

send_outcome outcome(send_result result) {
  send_outcome x;
  x.result = result;
  x.reason = "what was said";
  x.maybe_accepted =
      result != send_result::refused && result != send_result::rate_limited && result != send_result::paused;
  x.counted =
      result == send_result::transient || result == send_result::unknown || result == send_result::concurrent;
  return x;
}

std::optional<duration> delay(const send_policy& policy, const send_outcome& x, std::int32_t attempts,
                              double random) {
  auto next = next_send(policy, x, attempts, now, now, random);
  EXPECT_EQ(next.at.has_value(), next.parked.empty());
  return next.at ? std::optional{*next.at - now} : std::nullopt;
}

sealed_envelope single_envelope() {
  sealed_envelope x;
  x.id = 7;
  x.claim_no = 3;
  x.idempotency_key = "test/1-aa";
  x.body = "{}";
  x.mail_ids = {40};
  return x;
}

sealed_envelope batch_envelope() {
  auto x = single_envelope();
  x.endpoint = email_endpoint::batch;
  x.idempotency_key = "test/3-aa";
  x.body = R"([{"to":["a@x.com"]},{"to":["b@x.com"]},{"to":["c@x.com"]}])";
  x.mail_ids = {40, 41, 42};
  return x;
}

envelope_outcome concluded(const sealed_envelope& x, const send_outcome& y) {
  return conclude({}, x, y, now - 2s, now, 0.5);
}

// -- when ---------------------------------------------------------------------------------------------------

TEST(a_failure, is_retried_at_random_below_a_bound_that_doubles) {
  const send_policy policy{.backoff_min = 1s, .backoff_max = 10s};
  auto x = outcome(send_result::transient);
  EXPECT_EQ(delay(policy, x, 0, 0.5), 500ms);
  EXPECT_EQ(delay(policy, x, 1, 0.5), 1s);
  EXPECT_EQ(delay(policy, x, 2, 0.5), 2s);
  EXPECT_EQ(delay(policy, x, 3, 0.5), 4s);
  EXPECT_EQ(delay(policy, x, 4, 0.5), 5s);
  EXPECT_EQ(delay(policy, x, 40, 0.5), 5s);
  EXPECT_EQ(delay(policy, x, 4, 0), 0s);
}

TEST(a_retry, is_never_sooner_than_the_provider_asks) {
  auto x = outcome(send_result::unknown);
  x.retry_after = 30s;
  EXPECT_EQ(delay({}, x, 0, 0.9), 30s);
  auto limited = outcome(send_result::rate_limited);
  EXPECT_EQ(delay({}, limited, 0, 0.9), 1s);
  limited.retry_after = 5s;
  EXPECT_EQ(delay({}, limited, 0, 0.9), 5s);
  limited.retry_after = -5s;
  EXPECT_EQ(delay({}, limited, 0, 0.9), 1s);
}

TEST(a_concurrent_attempt, is_waited_for_between_one_and_five_seconds) {
  auto x = outcome(send_result::concurrent);
  EXPECT_EQ(delay({}, x, 9, 0), 1s);
  EXPECT_EQ(delay({}, x, 9, 1), 5s);
}

TEST(the_last_counted_attempt, parks_and_not_the_one_before) {
  const send_policy policy{.max_attempts = 3};
  EXPECT_TRUE(delay(policy, outcome(send_result::transient), 1, 0));
  EXPECT_FALSE(delay(policy, outcome(send_result::transient), 2, 0));
  EXPECT_TRUE(delay(policy, outcome(send_result::rate_limited), 2, 0));
  EXPECT_FALSE(delay(policy, outcome(send_result::unknown), std::numeric_limits<std::int32_t>::max(), 0));
}

TEST(an_outage, is_not_counted_however_long_it_lasts) {
  auto x = outcome(send_result::unknown);
  x.counted = false;
  EXPECT_TRUE(delay({.max_attempts = 1}, x, 1000, 0));
}

TEST(a_retry_beyond_the_keys_life, parks_instead) {
  auto x = outcome(send_result::unknown);
  x.retry_after = 10s;
  EXPECT_TRUE(next_send({}, x, 0, now - 23h + 11s, now, 0).at);
  EXPECT_FALSE(next_send({}, x, 0, now - 23h + 10s, now, 0).at);
  EXPECT_FALSE(next_send({}, outcome(send_result::rate_limited), 0, now - 23h, now, 0).at);
}

TEST(a_key, protects_until_its_life_is_over) {
  EXPECT_FALSE(key_expired({}, std::nullopt, now));
  EXPECT_FALSE(key_expired({}, now - 23h + 1ms, now));
  EXPECT_TRUE(key_expired({}, now - 23h, now));
}

TEST(a_send_policy, names_its_first_wrong_value) {
  EXPECT_EQ(validate(send_policy{}), std::nullopt);
  EXPECT_NE(validate(send_policy{.key_life = 24h})->find("key_life"), std::string::npos);
  EXPECT_NE(validate(send_policy{.max_attempts = 0})->find("max_attempts"), std::string::npos);
  EXPECT_NE(validate(send_policy{.backoff_min = 0ms})->find("backoff_min"), std::string::npos);
  EXPECT_NE(validate(send_policy{.backoff_min = 2s, .backoff_max = 1s})->find("backoff_max"),
            std::string::npos);
}

// -- what is recorded ---------------------------------------------------------------------------------------

TEST(a_settled_envelope, has_a_verdict_for_each_of_its_mails) {
  auto x = outcome(send_result::settled);
  x.mails = {{"id-a", ""}, {"", "refused"}, {"id-c", ""}};
  auto out = concluded(batch_envelope(), x);
  EXPECT_EQ(out.fate, envelope_fate::settled);
  EXPECT_EQ(out.envelope_id, 7);
  EXPECT_EQ(out.claim_no, 3);
  ASSERT_EQ(out.mails.size(), 3u);
  EXPECT_EQ(out.mails[0].mail_id, 40);
  EXPECT_EQ(out.mails[0].provider_id, "id-a");
  EXPECT_EQ(out.mails[1].mail_id, 41);
  EXPECT_EQ(out.mails[1].provider_id, "");
  EXPECT_EQ(out.mails[1].reason, "refused");
  EXPECT_EQ(out.mails[2].provider_id, "id-c");
}

TEST(verdicts_for_other_mails, are_not_believed) {
  auto x = outcome(send_result::settled);
  x.mails = {{"id-a", ""}};
  EXPECT_EQ(concluded(batch_envelope(), x).fate, envelope_fate::parked);
}

TEST(a_single_mail_that_is_refused, dies_with_the_reason) {
  auto out = concluded(single_envelope(), outcome(send_result::refused));
  EXPECT_EQ(out.fate, envelope_fate::settled);
  ASSERT_EQ(out.mails.size(), 1u);
  EXPECT_EQ(out.mails[0].mail_id, 40);
  EXPECT_EQ(out.mails[0].provider_id, "");
  EXPECT_EQ(out.mails[0].reason, "what was said");
}

TEST(a_batch_that_is_refused, is_split_into_its_mails) {
  auto out = concluded(batch_envelope(), outcome(send_result::refused));
  EXPECT_EQ(out.fate, envelope_fate::split);
  EXPECT_EQ(out.why.reason, "what was said");
  ASSERT_EQ(out.parts.size(), 3u);
  EXPECT_EQ(out.parts[1].mails, (std::vector<mail_ref>{{41, 0}}));
  EXPECT_EQ(out.parts[1].body, R"({"to":["b@x.com"]})");
}

TEST(a_batch_that_may_have_been_accepted_earlier, is_not_split_when_it_is_refused) {
  auto x = batch_envelope();
  x.first_attempt_at = now - 1h;
  EXPECT_EQ(concluded(x, outcome(send_result::refused)).fate, envelope_fate::parked);
}

TEST(a_batch_whose_body_cannot_be_read, is_parked_when_it_is_refused) {
  auto x = batch_envelope();
  for (auto body : {"", "[]", "{}", "[{}]", "[{},{},{}"}) {
    x.body = body;
    EXPECT_EQ(concluded(x, outcome(send_result::refused)).fate, envelope_fate::parked) << body;
  }
}

TEST(a_conflict_and_an_unclear_answer, wait_for_a_person) {
  for (auto result : {send_result::conflict, send_result::unclear})
    for (auto& envelope : {single_envelope(), batch_envelope()}) {
      auto out = concluded(envelope, outcome(result));
      EXPECT_EQ(out.fate, envelope_fate::parked);
      EXPECT_EQ(out.why.reason, "what was said");
      EXPECT_TRUE(out.parts.empty());
    }
}

TEST(what_was_turned_away, is_deferred_and_its_key_is_as_good_as_new) {
  for (auto result : {send_result::rate_limited, send_result::paused}) {
    auto out = concluded(single_envelope(), outcome(result));
    EXPECT_EQ(out.fate, envelope_fate::deferred);
    EXPECT_EQ(out.why.kind, failure_class::outage);
    EXPECT_EQ(out.first_attempt_at, std::nullopt);
  }
}

TEST(what_was_turned_away, keeps_the_time_of_an_earlier_attempt) {
  auto x = single_envelope();
  x.first_attempt_at = now - 1h;
  EXPECT_EQ(concluded(x, outcome(send_result::paused)).first_attempt_at, now - 1h);
}

TEST(what_may_have_been_accepted, has_a_known_key_since_the_attempt_began) {
  auto out = concluded(single_envelope(), outcome(send_result::unknown));
  EXPECT_EQ(out.fate, envelope_fate::retry);
  EXPECT_EQ(out.first_attempt_at, now - 2s);
  EXPECT_EQ(out.retry_at, now + 500ms);
}

TEST(an_uncounted_failure, is_deferred) {
  auto x = outcome(send_result::unknown);
  x.counted = false;
  x.outage = true;
  auto out = concluded(single_envelope(), x);
  EXPECT_EQ(out.fate, envelope_fate::deferred);
  EXPECT_EQ(out.why.kind, failure_class::outage);
  EXPECT_EQ(out.first_attempt_at, now - 2s);
}

// -- properties ---------------------------------------------------------------------------------------------

RC_GTEST_PROP(no_new_key, is_made_for_what_may_have_been_accepted, ()) {
  auto envelope = *rc::gen::arbitrary<bool>() ? batch_envelope() : single_envelope();
  envelope.attempts = *rc::gen::inRange(0, 60);
  if (*rc::gen::arbitrary<bool>())
    envelope.first_attempt_at = now - duration{*rc::gen::inRange(0, 25 * 3'600'000)};
  auto x = outcome(static_cast<send_result>(*rc::gen::inRange(1, 9)));
  x.retry_after = duration{*rc::gen::inRange(-1000, 100'000'000)};
  auto out = concluded(envelope, x);
  // New keys only for what was turned away, and was never sent before.
  if (out.fate == envelope_fate::split)
    RC_ASSERT((!x.maybe_accepted && !envelope.first_attempt_at));
  // And the old key only while it protects.
  if (out.fate == envelope_fate::retry || out.fate == envelope_fate::deferred) {
    RC_ASSERT(!key_expired({}, out.first_attempt_at, out.retry_at));
    RC_ASSERT(out.retry_at >= now);
    RC_ASSERT(out.retry_at >= now + std::min(*x.retry_after, duration{24h}));
    if (envelope.first_attempt_at)
      RC_ASSERT(out.first_attempt_at == envelope.first_attempt_at);
    else
      RC_ASSERT(out.first_attempt_at.has_value() == x.maybe_accepted);
  }
}

} // namespace
} // namespace herald
