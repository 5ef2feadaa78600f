// The way of one calendar watch's renewal: which calls it makes in which order, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/calendar/renewal.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const timestamp start = from_epoch_ms(1'768'900'000'000);
const uuid connection = *parse_uuid("00000000-0000-4000-8000-00000000c0de");

due_watch watch_with_token(duration left = 1h) {
  due_watch out;
  out.connection_id = connection;
  out.access_token = secret{"access"};
  out.refresh_token = secret{"refresh"};
  out.token_expires_at = start + left;
  out.calendar_list = R"([{"id":"me@example.com","primary":true}])";
  out.channel_id = "old-channel";
  out.resource_id = "resource";
  return out;
}

calendar_answer answer(calendar_verdict verdict) {
  calendar_answer out;
  out.verdict = verdict;
  out.why = {failure_class::transient, "because"};
  return out;
}

/// Plays a renewal against a provider and a store that a test scripts, and writes down what it did.
struct play {
  explicit play(due_watch x) : subject{std::move(x), settings, start} {}

  /// Runs to the end.
  renewal_end run() {
    auto step = subject.begin(now);
    for (auto i = 0; i < 100; ++i) {
      if (auto* end = std::get_if<renewal_end>(&step))
        return *end;
      step = std::visit([this](auto& x) { return take(x); }, step);
    }
    ADD_FAILURE() << "the renewal does not end";
    return {};
  }

  renewal_step take(calendar_call& x) {
    if (auto* refresh = std::get_if<token_refresh>(&x)) {
      did.push_back("refresh " + std::string{refresh->refresh_token.reveal()});
      return subject.on_answer(next(refreshes), now, 0.0);
    }
    if (auto* creation = std::get_if<watch_creation>(&x)) {
      did.push_back("create with " + std::string{creation->access_token.reveal()});
      channels.push_back(creation->channel_id);
      calendars.push_back(creation->calendar_id);
      return subject.on_answer(next(creations), now, 0.0);
    }
    auto& stop = std::get<watch_stop>(x);
    did.push_back("stop " + (stop.channel_id.starts_with("capmatch-") ? "ours" : stop.channel_id) + " of "
                  + stop.resource_id);
    return subject.on_answer(next(stops), now, 0.0);
  }

  renewal_step take(watch_update& x) {
    EXPECT_EQ(x.connection_id, connection);
    if (x.token)
      did.push_back("keep token");
    if (x.planned)
      did.push_back("plan");
    if (x.created)
      did.push_back("keep channel instead of " + x.created->replaces);
    if (x.failed)
      did.push_back("note " + x.failed->refused_token);
    last_update = x;
    auto lost = lost_at == did.back();
    return subject.on_kept(lost, now);
  }

  renewal_step take(renewal_pause& x) {
    pauses.push_back(x.length);
    now += x.length;
    return subject.on_pause_over(now);
  }

  renewal_step take(renewal_end&) { return renewal_end{}; }

  calendar_answer next(std::vector<calendar_answer>& script) {
    if (!script.empty()) {
      auto out = script.front();
      script.erase(script.begin());
      return out;
    }
    calendar_answer out;
    out.access_token = secret{"fresh"};
    out.expires_in = 1h;
    out.resource_id = "resource";
    out.expires_at = now + std::chrono::hours{24 * 7};
    return out;
  }

  renewal_settings settings{.address = "https://hooks.example.com/api/v1/webhooks/google-calendar"};
  timestamp now = start;
  std::vector<calendar_answer> refreshes;
  std::vector<calendar_answer> creations;
  std::vector<calendar_answer> stops;
  std::string lost_at;
  std::vector<std::string> did;
  std::vector<std::string> channels;
  std::vector<std::string> calendars;
  std::vector<duration> pauses;
  watch_update last_update;
  renewal subject;
};

// -- the way ------------------------------------------------------------------------------------------------

TEST(a_renewal, keeps_the_new_channel_before_it_stops_the_old_one) {
  play x{watch_with_token()};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.did, ElementsAre("plan", "create with access", "keep channel instead of old-channel",
                                 "stop old-channel of resource"));
  EXPECT_THAT(x.calendars, ElementsAre("me@example.com"));
  EXPECT_FALSE(x.subject.token_refreshed());
}

TEST(a_renewal, names_its_channel_after_connection_and_time) {
  play x{watch_with_token()};
  x.run();
  EXPECT_THAT(x.channels, ElementsAre("capmatch-00000000-0000-4000-8000-00000000c0de-1768900000000"));
  EXPECT_LE(x.channels.front().size(), 64u);
}

TEST(a_token, is_refreshed_and_kept_first_when_it_has_under_five_minutes_left) {
  play x{watch_with_token(5min - 1ms)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.did, ElementsAre("refresh refresh", "keep token", "plan", "create with fresh",
                                 "keep channel instead of old-channel", "stop old-channel of resource"));
  EXPECT_TRUE(x.subject.token_refreshed());
  play enough{watch_with_token(5min)};
  enough.run();
  EXPECT_EQ(enough.did.front(), "plan");
}

TEST(a_token, is_kept_with_the_grant_that_it_came_of_also_when_that_is_replaced) {
  play x{watch_with_token(0ms)};
  calendar_answer rotated;
  rotated.access_token = secret{"fresh"};
  rotated.refresh_token = secret{"next refresh"};
  rotated.expires_in = 1h;
  x.refreshes = {rotated};
  x.lost_at = "keep token";
  EXPECT_EQ(x.run().how, renewal_ending::lost);
  EXPECT_THAT(x.did, ElementsAre("refresh refresh", "keep token"));
  ASSERT_TRUE(x.last_update.token);
  EXPECT_EQ(x.last_update.token->used.reveal(), "refresh");
  EXPECT_EQ(x.last_update.token->refresh_token.reveal(), "next refresh");
}

TEST(a_token, that_is_not_accepted_is_refreshed_once) {
  play x{watch_with_token()};
  x.creations = {answer(calendar_verdict::stale_token)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.did, ElementsAre("plan", "create with access", "refresh refresh", "keep token", "plan",
                                 "create with fresh", "keep channel instead of old-channel",
                                 "stop old-channel of resource"));
  play twice{watch_with_token()};
  twice.creations = {answer(calendar_verdict::stale_token), answer(calendar_verdict::stale_token)};
  EXPECT_EQ(twice.run().how, renewal_ending::needs_reconnect);
}

TEST(a_connection, without_a_refresh_token_needs_its_owner) {
  auto watch = watch_with_token(0ms);
  watch.refresh_token = secret{};
  play x{std::move(watch)};
  auto end = x.run();
  EXPECT_EQ(end.how, renewal_ending::needs_reconnect);
  EXPECT_EQ(end.why.kind, failure_class::permanent);
  EXPECT_THAT(x.did, ElementsAre("note none"));
}

TEST(a_connection, without_an_access_token_gets_one) {
  auto watch = watch_with_token();
  watch.access_token = secret{};
  play x{std::move(watch)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_EQ(x.did.front(), "refresh refresh");
}

TEST(a_refused_grant, is_noted_with_its_fingerprint_and_not_tried_again) {
  play x{watch_with_token(0ms)};
  auto refused = answer(calendar_verdict::needs_reconnect);
  refused.refused_token = "fingerprint";
  x.refreshes = {refused};
  EXPECT_EQ(x.run().how, renewal_ending::needs_reconnect);
  EXPECT_THAT(x.did, ElementsAre("refresh refresh", "note fingerprint"));
}

TEST(a_step_put_off, is_repeated_after_growing_pauses_until_tries_are_used_up) {
  play x{watch_with_token(0ms)};
  x.refreshes = {answer(calendar_verdict::try_later), answer(calendar_verdict::try_later),
                 answer(calendar_verdict::try_later)};
  EXPECT_EQ(x.run().how, renewal_ending::failed);
  EXPECT_THAT(x.pauses, ElementsAre(500ms, 1000ms));
  EXPECT_THAT(x.did, ElementsAre("refresh refresh", "refresh refresh", "refresh refresh", "note "));
}

TEST(a_step_put_off, waits_as_long_as_the_provider_asks_but_not_past_the_deadline) {
  play x{watch_with_token()};
  auto later = answer(calendar_verdict::try_later);
  later.retry_after = 20s;
  x.creations = {later};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.pauses, ElementsAre(20s));
  play too_long{watch_with_token()};
  later.retry_after = 10min;
  too_long.creations = {later};
  EXPECT_EQ(too_long.run().how, renewal_ending::failed);
  EXPECT_THAT(too_long.pauses, ElementsAre());
}

TEST(a_creation_without_an_answer, is_repeated_under_a_new_id_and_its_channel_stopped) {
  play x{watch_with_token()};
  x.creations = {answer(calendar_verdict::try_later)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.did, ElementsAre("plan", "create with access", "plan", "create with access",
                                 "keep channel instead of old-channel", "stop old-channel of resource",
                                 "stop ours of resource"));
  ASSERT_EQ(x.channels.size(), 2u);
  EXPECT_NE(x.channels[0], x.channels[1]);
}

TEST(a_channel_id_that_is_taken, is_replaced_also_within_the_same_millisecond) {
  play x{watch_with_token()};
  x.creations = {answer(calendar_verdict::channel_taken)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  ASSERT_EQ(x.channels.size(), 2u);
  EXPECT_NE(x.channels[0], x.channels[1]);
}

TEST(channels_planned_by_earlier_runs, are_stopped_once_there_is_a_new_one) {
  auto watch = watch_with_token();
  watch.planned_channels = {"orphan 1", "orphan 2"};
  play x{std::move(watch)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_THAT(x.did, ElementsAre("plan", "create with access", "keep channel instead of old-channel",
                                 "stop old-channel of resource", "stop orphan 1 of resource",
                                 "stop orphan 2 of resource"));
}

TEST(a_failed_stop, is_counted_and_the_watch_is_renewed_all_the_same) {
  play x{watch_with_token()};
  x.stops = {answer(calendar_verdict::try_later)};
  EXPECT_EQ(x.run().how, renewal_ending::renewed);
  EXPECT_EQ(x.subject.failed_stops(), 1u);
}

TEST(a_connection_that_was_changed_meanwhile, loses_the_channel_that_is_one_too_many) {
  play x{watch_with_token()};
  x.lost_at = "keep channel instead of old-channel";
  EXPECT_EQ(x.run().how, renewal_ending::lost);
  EXPECT_EQ(x.did.back(), "stop ours of resource");
  EXPECT_EQ(x.did.size(), 4u);
}

TEST(a_connection_that_was_removed_meanwhile, is_left_alone) {
  play x{watch_with_token()};
  x.lost_at = "plan";
  EXPECT_EQ(x.run().how, renewal_ending::lost);
  EXPECT_THAT(x.did, ElementsAre("plan"));
}

TEST(a_calendar_without_push_channels_and_a_wrong_set_up, end_as_what_they_are) {
  play gone{watch_with_token()};
  gone.creations = {answer(calendar_verdict::not_watchable)};
  EXPECT_EQ(gone.run().how, renewal_ending::not_watchable);
  EXPECT_EQ(gone.did.back(), "note ");
  play wrong{watch_with_token()};
  wrong.creations = {answer(calendar_verdict::misconfigured)};
  EXPECT_EQ(wrong.run().how, renewal_ending::misconfigured);
}

RC_GTEST_PROP(a_renewal, stops_the_old_channel_only_after_the_new_one_was_kept, ()) {
  auto watch = watch_with_token(std::chrono::minutes{*rc::gen::inRange(0, 10)});
  play x{std::move(watch)};
  auto verdicts = rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 7));
  for (auto* script : {&x.refreshes, &x.creations, &x.stops})
    for (auto v : *verdicts) {
      auto next = answer(static_cast<calendar_verdict>(v));
      next.access_token = secret{"fresh"};
      next.expires_in = 1h;
      next.resource_id = "resource";
      script->push_back(next);
    }
  auto end = x.run();
  auto kept = std::ranges::find(x.did, "keep channel instead of old-channel");
  auto stopped = std::ranges::find(x.did, "stop old-channel of resource");
  RC_ASSERT((end.how == renewal_ending::renewed) == (kept != x.did.end()));
  RC_ASSERT((stopped != x.did.end()) == (kept != x.did.end()));
  RC_ASSERT(kept <= stopped);
  auto ids = x.channels;
  std::ranges::sort(ids);
  RC_ASSERT(std::ranges::adjacent_find(ids) == ids.end());
}

// -- the calendar -------------------------------------------------------------------------------------------

TEST(the_calendar_to_watch, is_the_primary_one_else_a_selected_one_else_the_users_own) {
  struct row {
    const char* list;
    const char* expected;
  };
  for (
      auto& x : {
          row{R"([{"id":"a","selected":true},{"id":"b","primary":true}])", "b"},
          row{R"([{"id":"a"},{"id":"b","selected":true},{"id":"c","selected":true}])", "b"},
          row{R"([{"id":"a"}])", "primary"},
          row{R"([])", "primary"},
          row{"", "primary"},
          row{"not JSON", "primary"},
          row{R"({"id":"a","primary":true})", "primary"},
          row{R"([7,null,{"primary":true},{"id":9,"primary":true},{"id":"","primary":true},{"id":"x","primary":true}])",
              "x"},
          row{R"([{"id":"a","primary":"yes"}])", "primary"},
      })
    EXPECT_EQ(choose_calendar(x.list), x.expected) << x.list;
  EXPECT_EQ(choose_calendar(R"([{"primary":true,"id":")" + std::string(2'000, 'x') + "\"}]"), "primary");
}

} // namespace

} // namespace herald
