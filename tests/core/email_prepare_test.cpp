// Claimed mails become messages, or end with a reason; never both, never neither.
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "core/email/prepare.hpp"
#include "core/reasons.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {
namespace {

using namespace herald::testing;

constexpr timestamp now{duration{1'768'900'000'000}};

/// Rows of an event type without a handler, which only preferences can object to.
struct outbox {
  claimed_outbox claimed;
  std::shared_ptr<email_context> facts = std::make_shared<email_context>();

  outbox() { claimed.context = facts; }

  void add(const uuid& user, std::vector<std::int64_t> rows) {
    claimed_mail x;
    x.mail.id = static_cast<std::int64_t>(claimed.mails.size()) + 1;
    x.mail.user_id = user;
    x.claim_no = 3;
    for (auto id : rows) {
      email_row row;
      row.id = id;
      row.event_id = id;
      row.event_type = "type_" + std::to_string(id);
      x.mail.rows.push_back(row);
      facts->events[id].id = id;
    }
    facts->world.profiles[user].email = "x@example.com";
    claimed.mails.push_back(std::move(x));
  }

  void mute(const uuid& user, std::int64_t row) {
    facts->world.preferences[user].push_back(muted_everywhere("type_" + std::to_string(row)));
  }

  prepared_mails prepared(const render_fn& render) const {
    return prepare(claimed, render, handlers(), {}, now);
  }
};

/// A message whose subject lists the rows it was made of.
result<email_message> list_rows(const email_mail& mail, const profile&, timestamp) {
  email_message out;
  for (auto& row : mail.rows)
    out.subject += std::to_string(row.id) + " ";
  return out;
}

TEST(prepare, a_digest_is_rendered_without_the_rows_that_were_objected_to) {
  outbox x;
  x.add(cast::ben, {1, 2, 3});
  x.mute(cast::ben, 2);
  auto out = x.prepared(list_rows);
  ASSERT_EQ(out.immediate.size(), 1u);
  EXPECT_EQ(out.immediate[0].message.subject, "1 3 ");
  EXPECT_EQ(out.immediate[0].mail, (mail_ref{1, 3}));
  ASSERT_EQ(out.ended.size(), 1u);
  EXPECT_EQ(out.ended[0].row_id, 2);
  EXPECT_EQ(out.ended[0].reason, reasons::muted);
}

TEST(prepare, a_digest_without_rows_is_never_rendered) {
  outbox x;
  x.add(cast::ben, {1, 2});
  x.mute(cast::ben, 1);
  x.mute(cast::ben, 2);
  auto out = x.prepared([](auto&, auto&, auto) -> result<email_message> {
    ADD_FAILURE() << "rendered an empty digest";
    return email_message{};
  });
  EXPECT_TRUE(out.immediate.empty());
  EXPECT_EQ(out.ended.size(), 2u);
}

TEST(prepare, a_mail_that_cannot_be_rendered_ends_alone_with_all_its_rows) {
  outbox x;
  x.add(cast::ben, {1, 2});
  x.add(cast::dan, {3});
  auto out = x.prepared([](const email_mail& mail, const profile& to, timestamp t) -> result<email_message> {
    if (mail.user_id == cast::ben)
      return failure{failure_class::permanent, "the address is none"};
    return list_rows(mail, to, t);
  });
  EXPECT_EQ(out.immediate.size(), 1u);
  ASSERT_EQ(out.ended.size(), 2u);
  for (auto& row : out.ended) {
    EXPECT_EQ(row.ending, row_ending::failed);
    EXPECT_EQ(row.reason, "the address is none");
  }
}

TEST(prepare, settings_that_cannot_work_fail_no_mail) {
  outbox x;
  x.add(cast::ben, {1});
  auto out = x.prepared([](auto&, auto&, auto) -> result<email_message> {
    return failure{failure_class::outage, "the time zone is unknown"};
  });
  EXPECT_TRUE(out.immediate.empty());
  EXPECT_TRUE(out.ended.empty());
  EXPECT_EQ(out.outage, "the time zone is unknown");
}

TEST(prepare, a_crash_of_the_renderer_ends_one_mail_and_not_the_stage) {
  outbox x;
  x.add(cast::ben, {1});
  x.add(cast::dan, {2});
  auto out = x.prepared([](const email_mail& mail, const profile& to, timestamp t) -> result<email_message> {
    if (mail.user_id == cast::ben)
      throw std::out_of_range("boom");
    return list_rows(mail, to, t);
  });
  EXPECT_EQ(out.immediate.size(), 1u);
  ASSERT_EQ(out.ended.size(), 1u);
  EXPECT_NE(out.ended[0].reason.find("boom"), std::string::npos);
}

TEST(prepare, mails_share_requests_only_when_there_are_more_of_them_than_slots) {
  outbox x;
  for (std::int64_t row = 1; row <= 4; ++row)
    x.add(cast::ben, {row});
  x.claimed.mails[3].mail.lane = email_lane::digest;
  auto out = x.prepared(list_rows);
  EXPECT_EQ(plan_requests(out, x.claimed, {}, 4).size(), 4u);
  auto tight = plan_requests(out, x.claimed, {}, 2);
  ASSERT_EQ(tight.size(), 2u);
  EXPECT_EQ(tight[0].mails.size(), 3u);
  EXPECT_EQ(tight[1].lane, email_lane::digest);
}

TEST(prepare, keys_differ_between_databases_whose_ids_are_the_same) {
  outbox x;
  x.add(cast::ben, {1});
  auto out = x.prepared(list_rows);
  x.claimed.installation = "a1";
  auto one = plan_requests(out, x.claimed, {}, 1).at(0).idempotency_key;
  x.claimed.installation = "b2";
  EXPECT_NE(plan_requests(out, x.claimed, {}, 1).at(0).idempotency_key, one);
}

TEST(prepare, a_mail_that_no_request_can_carry_ends_as_failed) {
  outbox x;
  x.add(cast::ben, {1, 2});
  auto out = x.prepared(list_rows);
  auto limits = seal_limits{};
  limits.body_max = 10;
  EXPECT_TRUE(plan_requests(out, x.claimed, limits, 4).empty());
  EXPECT_EQ(out.ended.size(), 2u);
}

} // namespace
} // namespace herald
