// The preference hierarchy: the rules one by one, then against a slow reference that spells them out.
#include <algorithm>
#include <ostream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/preferences.hpp"
#include "tests/support/generators.hpp"

namespace herald {

void showValue(const preference& x, std::ostream& out) {
  out << "{scope " << static_cast<int>(x.scope) << ' ' << (x.scope_id ? to_string(*x.scope_id) : "-") << ' '
      << x.event_type << ' ' << x.channel << ' ' << static_cast<int>(x.status) << '}';
}

namespace {

using testing::nth_uuid;
using enum preference_status;
using scope = preference_scope;

const auto thread = nth_uuid(1);
const auto other_thread = nth_uuid(2);
const auto home_project = nth_uuid(3);

const preference_query query{{"chat_message", "chat_message_sent"}, thread, home_project};

preference global_row(std::string event_type, std::string channel, preference_status status) {
  return {scope::global, {}, std::move(event_type), std::move(channel), status};
}

preference project_row(std::string event_type, std::string channel, preference_status status) {
  return {scope::project, home_project, std::move(event_type), std::move(channel), status};
}

preference thread_row(std::string event_type, std::string channel, preference_status status) {
  return {scope::thread, thread, std::move(event_type), std::move(channel), status};
}

using rows = std::vector<preference>;

/// The answer must not depend on the order in which the rows come.
std::optional<preference_status> decision(rows x, channel asked = channel::in_app) {
  auto out = decide(x, query, asked);
  std::ranges::reverse(x);
  EXPECT_EQ(decide(x, query, asked), out);
  return out;
}

// -- relevance ----------------------------------------------------------------------------------------------

TEST(preferences, without_rows_decide_nothing) {
  EXPECT_EQ(decide({}, query, channel::in_app), std::nullopt);
  EXPECT_EQ(decide({}, query, channel::email), std::nullopt);
}

TEST(preferences, of_other_events_channels_threads_and_projects_do_not_count) {
  EXPECT_EQ(decision({global_row("document_uploaded", "*", muted)}), std::nullopt);
  EXPECT_EQ(decision({global_row("*", "email", muted)}), std::nullopt);
  EXPECT_EQ(decision({{scope::thread, other_thread, "*", "*", muted}}), std::nullopt);
  EXPECT_EQ(decision({{scope::project, other_thread, "*", "*", muted}}), std::nullopt);
  EXPECT_EQ(decision({{scope::project, thread, "*", "*", muted}}), std::nullopt) << "a thread is no project";
  EXPECT_EQ(decision({{scope::thread, home_project, "*", "*", muted}}), std::nullopt)
      << "a project is no thread";
}

TEST(preferences, with_a_scope_the_event_lacks_do_not_count) {
  const preference_query bare{{"invite_accepted"}, {}, {}};
  const rows x{{scope::thread, {}, "*", "*", muted}, {scope::project, {}, "*", "*", muted}};
  EXPECT_EQ(decide(x, bare, channel::in_app), std::nullopt);
  EXPECT_EQ(decide(rows{thread_row("*", "*", muted)}, bare, channel::in_app), std::nullopt);
}

TEST(preferences, count_under_every_accepted_event_name) {
  EXPECT_EQ(decision({global_row("chat_message", "in_app", muted)}), muted);
  EXPECT_EQ(decision({global_row("chat_message_sent", "in_app", muted)}), muted);
}

// -- hierarchy ----------------------------------------------------------------------------------------------

TEST(preferences, of_the_thread_come_before_the_project_and_that_before_global) {
  EXPECT_EQ(decision({thread_row("*", "*", immediate), project_row("chat_message", "in_app", muted),
                      global_row("chat_message", "in_app", muted)}),
            immediate);
  EXPECT_EQ(decision({project_row("*", "*", immediate), global_row("chat_message", "in_app", muted)}),
            immediate);
}

TEST(preferences, with_the_exact_event_come_before_any_event) {
  EXPECT_EQ(decision({global_row("*", "in_app", muted), global_row("chat_message", "*", immediate)}),
            immediate);
}

TEST(preferences, with_the_exact_channel_come_before_any_channel) {
  EXPECT_EQ(
      decision({global_row("chat_message", "*", muted), global_row("chat_message", "in_app", immediate)}),
      immediate);
}

TEST(preferences, that_contradict_each_other_are_settled_by_the_stricter_one) {
  EXPECT_EQ(decision({global_row("*", "*", immediate), global_row("*", "*", muted)}), muted);
  EXPECT_EQ(decision({global_row("*", "*", immediate), global_row("*", "*", digest)}), digest);
  EXPECT_EQ(decision({global_row("chat_message", "*", muted), global_row("chat_message_sent", "*", digest)}),
            muted);
}

// -- channels -----------------------------------------------------------------------------------------------

TEST(in_app, is_wanted_unless_muted) {
  EXPECT_TRUE(wants_in_app({}, query));
  EXPECT_TRUE(wants_in_app(rows{global_row("*", "in_app", immediate)}, query));
  EXPECT_TRUE(wants_in_app(rows{global_row("*", "in_app", digest)}, query));
  EXPECT_FALSE(wants_in_app(rows{global_row("*", "in_app", muted)}, query));
}

TEST(email, follows_its_own_row) {
  auto wanted = [](preference_status x) {
    return wants_email(rows{global_row("*", "email", x)}, query, email_delivery::immediate);
  };
  EXPECT_EQ(wanted(muted), email_delivery::none);
  EXPECT_EQ(wanted(immediate), email_delivery::immediate);
  EXPECT_EQ(wanted(digest), email_delivery::aggregated);
}

TEST(email, without_a_row_of_its_own_is_silent_when_in_app_is_muted) {
  EXPECT_EQ(wants_email(rows{thread_row("*", "in_app", muted)}, query, email_delivery::immediate),
            email_delivery::none);
  EXPECT_EQ(wants_email(rows{thread_row("*", "in_app", digest)}, query, email_delivery::immediate),
            email_delivery::immediate);
}

TEST(email, without_any_row_falls_back_to_the_event_types_default) {
  EXPECT_EQ(wants_email({}, query, email_delivery::aggregated), email_delivery::aggregated);
  EXPECT_EQ(wants_email({}, query, email_delivery::none), email_delivery::none);
}

TEST(email, is_sent_although_in_app_is_muted_when_its_own_row_asks_for_it) {
  const rows x{thread_row("chat_message", "in_app", muted), global_row("*", "email", immediate)};
  EXPECT_FALSE(wants_in_app(x, query));
  EXPECT_EQ(wants_email(x, query, email_delivery::none), email_delivery::immediate);
}

TEST(a_row_for_any_channel, decides_for_both) {
  const rows x{global_row("*", "*", muted)};
  EXPECT_FALSE(wants_in_app(x, query));
  EXPECT_EQ(wants_email(x, query, email_delivery::immediate), email_delivery::none);
}

// -- against a reference ------------------------------------------------------------------------------------

/// The rules in the words of the contract: ask the most exact kind of row first, then the next, and so on.
std::optional<preference_status> reference(const rows& all, const preference_query& q,
                                           std::string_view asked) {
  for (auto s : {scope::thread, scope::project, scope::global})
    for (bool exact_event : {true, false})
      for (bool exact_channel : {true, false})
        for (auto status : {muted, digest, immediate})
          for (auto& row : all) {
            auto here = s == scope::global
                        || (s == scope::thread && q.thread_id && row.scope_id == q.thread_id)
                        || (s == scope::project && q.project_id && row.scope_id == q.project_id);
            auto is_named = std::ranges::count(q.event_types, std::string_view{row.event_type}) > 0;
            if (row.scope == s && here && (exact_event ? is_named : row.event_type == "*")
                && row.channel == (exact_channel ? asked : "*") && row.status == status)
              return status;
          }
  return std::nullopt;
}

email_delivery email_reference(const rows& all, const preference_query& q, email_delivery fallback) {
  if (auto own = reference(all, q, "email"))
    return *own == muted       ? email_delivery::none
           : *own == immediate ? email_delivery::immediate
                               : email_delivery::aggregated;
  return reference(all, q, "in_app") == muted ? email_delivery::none : fallback;
}

rc::Gen<preference> any_row() {
  return rc::gen::exec([] {
    preference x;
    x.scope = *rc::gen::element(scope::global, scope::project, scope::thread);
    if (x.scope != scope::global)
      x.scope_id = *testing::any_uuid(3);
    x.event_type =
        *rc::gen::element<std::string>("chat_message", "chat_message_sent", "document_uploaded", "*");
    x.channel = *rc::gen::element<std::string>("in_app", "email", "*", "sms");
    x.status = *rc::gen::element(immediate, digest, muted);
    return x;
  });
}

preference_query any_query() {
  preference_query x;
  x.event_types = *rc::gen::elementOf(std::vector<std::vector<std::string_view>>{
      {"chat_message", "chat_message_sent"}, {"document_uploaded"}, {"meeting_invited"}});
  x.thread_id = *rc::gen::element<std::optional<uuid>>(std::nullopt, nth_uuid(0), nth_uuid(1));
  x.project_id = *rc::gen::element<std::optional<uuid>>(std::nullopt, nth_uuid(1), nth_uuid(2));
  return x;
}

RC_GTEST_PROP(preferences, agree_with_the_reference_in_any_order, ()) {
  auto all = *rc::gen::container<rows>(any_row());
  auto q = any_query();
  auto fallback =
      *rc::gen::element(email_delivery::none, email_delivery::immediate, email_delivery::aggregated);
  for (int round = 0; round < 2; ++round) {
    RC_ASSERT(decide(all, q, channel::in_app) == reference(all, q, "in_app"));
    RC_ASSERT(decide(all, q, channel::email) == reference(all, q, "email"));
    RC_ASSERT(wants_in_app(all, q) == (reference(all, q, "in_app") != muted));
    RC_ASSERT(wants_email(all, q, fallback) == email_reference(all, q, fallback));
    std::ranges::reverse(all);
  }
}

RC_GTEST_PROP(preferences, do_not_depend_on_row_order, ()) {
  auto all = *rc::gen::container<rows>(any_row());
  auto q = any_query();
  auto before = decide(all, q, channel::email);
  for (auto i = all.size(); i > 1; --i)
    std::swap(all[i - 1], all[*rc::gen::inRange<std::size_t>(0, i)]);
  RC_ASSERT(decide(all, q, channel::email) == before);
}

} // namespace
} // namespace herald
