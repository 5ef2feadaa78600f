// The governor: never too fast and never idle without a reason, fair between the lanes, patient with a provider
// that is down, and unimpressed by clocks that are set.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/governor.hpp"
#include "core/iso8601.hpp"
#include "core/random.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;

const auto noon = from_iso8601("2026-11-23T12:00:00Z").value();
const lane_demand both{1, 1};
const lane_demand only_immediate{1, 0};
const lane_demand only_digest{0, 1};

send_observation alive(const send_ticket& ticket) {
  send_observation x;
  x.accepted = ticket.mails;
  return x;
}

send_observation signal(provider_signal what, pause_reason why = pause_reason::unauthorised) {
  send_observation x;
  x.signal = what;
  x.pause = why;
  return x;
}

/// A governor with its clock, driven by hand.
struct bench {
  explicit bench(const governor_config& config = {}) : rules{config, noon} {
    EXPECT_EQ(validate(config).value_or(""), "");
  }

  send_decision next(const lane_demand& demand = both) { return rules.next(demand, now); }
  send_block block(const lane_demand& demand = both) { return next(demand).block; }

  /// Starts a request now, or when the rate allows it.
  send_ticket start(const lane_demand& demand = both) {
    auto grant = next(demand);
    if (grant.block == send_block::rate) {
      now = *grant.until;
      grant = next(demand);
    }
    EXPECT_TRUE(grant.granted()) << to_string(grant.block);
    return rules.on_started(grant, now);
  }

  void answer(const send_ticket& ticket, const send_observation& x, double random = 0) {
    rules.on_answer(ticket, x, now, random);
  }

  /// Waits for the next grant, starts and answers it.
  send_ticket request(const std::function<send_observation(const send_ticket&)>& what = alive,
                      const lane_demand& demand = both) {
    wait(demand);
    auto ticket = start(demand);
    answer(ticket, what(ticket));
    return ticket;
  }

  void wait(const lane_demand& demand = both) {
    for (auto x = next(demand); !x.granted() && x.until; x = next(demand)) {
      ASSERT_GT(*x.until, now) << to_string(x.block);
      now = *x.until;
    }
  }

  governor_state state() { return rules.state(now); }

  timestamp now = noon;
  governor rules;
};

governor_config fast() {
  governor_config x;
  x.rate_start = x.rate_max = 100;
  return x;
}

std::function<send_observation(const send_ticket&)> says(provider_signal what,
                                                         pause_reason why = pause_reason::unauthorised) {
  return [=](const send_ticket&) { return signal(what, why); };
}

// -- configuration ------------------------------------------------------------------------------------------

TEST(a_governor_config, names_its_first_wrong_value) {
  auto wrong = [](auto change) {
    governor_config x;
    change(x);
    return validate(x).value_or("nothing");
  };
  auto starts = [](const std::string& text, std::string_view with) { return text.starts_with(with); };
  EXPECT_EQ(validate(governor_config{}), std::nullopt);
  EXPECT_PRED2(starts, wrong([](auto& x) { x.rate_max = 0; }), "rate_max");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.rate_max = std::numeric_limits<double>::quiet_NaN(); }),
               "rate_max");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.rate_start = x.rate_max + 1; }), "rate_start");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.share = 1.1; }), "share");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.burst = 0.5; }), "burst");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.max_in_flight = 0; }), "max_in_flight");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.daily_quota = -1; }), "daily_quota");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.digest_share = 1; }), "digest_share");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.outages_to_open = 0; }), "outages_to_open");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.open_max = 1ms; }), "open_min");
  EXPECT_PRED2(starts, wrong([](auto& x) { x.probe_interval = 0ms; }), "probe_interval");
}

// -- rate ---------------------------------------------------------------------------------------------------

TEST(the_rate, starts_low_and_follows_what_the_provider_announces) {
  bench b;
  EXPECT_EQ(b.state().rate, 2);
  auto announces = [](double limit) {
    return [=](const send_ticket& ticket) {
      auto x = alive(ticket);
      x.limit_per_second = limit;
      return x;
    };
  };
  b.request(announces(5));
  EXPECT_EQ(b.state().rate, 4) << "0.8 of 5";
  b.request(announces(100));
  EXPECT_EQ(b.state().rate, 8) << "the ceiling";
  b.request(announces(2));
  EXPECT_EQ(b.state().rate, 1.6);
  for (auto nonsense : {0.0, -1.0, 1e300, std::numeric_limits<double>::quiet_NaN()})
    b.request(announces(nonsense));
  EXPECT_EQ(b.state().rate, 1.6);
}

TEST(a_second, never_sees_more_requests_than_the_announced_limit) {
  for (auto limit : {1.0, 2.0, 5.0, 10.0}) {
    bench b;
    b.request([=](const send_ticket& ticket) {
      auto x = alive(ticket);
      x.limit_per_second = limit;
      return x;
    });
    b.now += 1min; // the bucket is full
    std::vector<timestamp> at;
    while (b.now < noon + 2min) {
      b.request();
      at.push_back(b.now);
    }
    for (std::size_t i = 0; i < at.size(); ++i)
      EXPECT_LE(std::count_if(at.begin(), at.end(), [&](auto t) { return t >= at[i] && t < at[i] + 1s; }),
                std::max(limit, 2.0))
          << limit;
  }
}

TEST(an_exhausted_second, is_waited_out) {
  bench b{fast()};
  b.request([](const send_ticket& ticket) {
    auto x = alive(ticket);
    x.remaining = 0;
    x.reset_after = 3s;
    return x;
  });
  EXPECT_EQ(b.block(), send_block::retry_after);
  EXPECT_EQ(b.next().until, b.now + 3s);
  b.now += 3s;
  EXPECT_EQ(b.block(), send_block::nothing);
}

TEST(an_exhausted_second, that_we_used_up_ourselves_needs_no_waiting_beyond_our_pace) {
  auto config = fast();
  config.rate_start = config.rate_max = 2;
  config.share = 1;
  config.burst = 1;
  bench b{config};
  auto begin = b.now;
  auto starts = 0;
  auto window = 0;
  auto in_window = 0;
  for (; b.now < begin + 100s; b.now += 1ms) {
    if (b.block() != send_block::nothing)
      continue;
    // A provider that counts by whole seconds.
    auto second = static_cast<int>((b.now - begin) / 1s);
    in_window = second == std::exchange(window, second) ? in_window + 1 : 1;
    ++starts;
    b.request([&](const send_ticket& ticket) {
      auto x = alive(ticket);
      x.limit_per_second = 2;
      x.remaining = 2 - in_window;
      x.reset_after = 1s;
      return x;
    });
  }
  EXPECT_GE(starts, 199);
  EXPECT_LE(starts, 201);
}

TEST(retry_after, stops_the_whole_sender_for_so_long) {
  bench b{fast()};
  auto slow = signal(provider_signal::rate_limited);
  slow.retry_after = 7s;
  auto x = b.start();
  auto y = b.start();
  b.answer(x, slow);
  auto until = b.now + 7s;
  EXPECT_EQ(b.block(only_digest), send_block::retry_after);
  EXPECT_EQ(b.next().until, until);
  // A second answer of the same moment does not shorten it.
  slow.retry_after = 1s;
  b.answer(y, slow);
  EXPECT_EQ(b.next().until, until);
  EXPECT_EQ(b.state().until, until);
  b.now = until - 1ms;
  EXPECT_EQ(b.block(), send_block::retry_after);
  b.now = until;
  EXPECT_EQ(b.block(), send_block::nothing);
}

TEST(retry_after, is_followed_by_single_requests_and_no_burst) {
  bench b;
  auto announced = [](const send_ticket& ticket) {
    auto x = alive(ticket);
    x.limit_per_second = 100;
    return x;
  };
  b.request(announced);
  b.now += 10s;
  EXPECT_EQ(b.state().tokens, 2) << "there would be a burst";
  auto slow = signal(provider_signal::rate_limited);
  slow.retry_after = 7s;
  b.answer(b.start(), slow);
  b.now += 7s;
  EXPECT_EQ(b.state().tokens, 1);
  b.start();
  EXPECT_EQ(b.block(), send_block::rate);
}

TEST(a_rate_limit_without_retry_after, is_waited_for_a_second) {
  bench b{fast()};
  b.request(says(provider_signal::rate_limited));
  EXPECT_EQ(b.next().until, noon + 1s);
}

TEST(an_absurd_retry_after, is_bounded) {
  bench b{fast()};
  auto slow = signal(provider_signal::rate_limited);
  slow.retry_after = duration::max();
  b.answer(b.start(), slow);
  EXPECT_EQ(b.next().until, noon + 24h);
}

// -- lanes --------------------------------------------------------------------------------------------------

TEST(immediate_mail, goes_first) {
  bench b{fast()};
  EXPECT_EQ(b.start().lane, email_lane::immediate);
}

TEST(a_lane, has_everything_while_the_other_is_empty) {
  bench b{fast()};
  for (auto i = 0; i < 20; ++i) {
    EXPECT_EQ(b.request(alive, only_digest).lane, email_lane::digest);
    EXPECT_EQ(b.request(alive, only_immediate).lane, email_lane::immediate);
  }
}

TEST(no_work, needs_no_request) {
  bench b;
  EXPECT_EQ(b.block({0, 0}), send_block::no_work);
  EXPECT_EQ(b.next({0, 0}).until, std::nullopt);
}

// -- concurrency --------------------------------------------------------------------------------------------

TEST(requests_under_way, are_bounded_until_one_is_answered) {
  auto config = fast();
  config.max_in_flight = 2;
  bench b{config};
  auto x = b.start();
  b.now += 1s;
  b.start();
  b.now += 1s;
  EXPECT_EQ(b.block(), send_block::in_flight);
  EXPECT_EQ(b.next().until, std::nullopt);
  b.answer(x, alive(x));
  EXPECT_EQ(b.block(), send_block::nothing);
}

TEST(a_cancelled_request, gives_back_its_place_and_its_quota) {
  auto config = fast();
  config.max_in_flight = 1;
  config.daily_quota = 10;
  bench b{config};
  auto x = b.start({10, 0});
  b.rules.on_cancelled(x, b.now);
  b.now += 1s;
  EXPECT_EQ(b.state().in_flight, 0);
  EXPECT_EQ(b.block({10, 0}), send_block::nothing);
}

// -- the breaker --------------------------------------------------------------------------------------------

TEST(the_breaker, opens_after_some_outages_in_a_row) {
  bench b{fast()};
  for (auto i = 0; i < 4; ++i)
    b.request(says(provider_signal::outage));
  b.request();
  for (auto i = 0; i < 5; ++i) {
    EXPECT_EQ(b.state().breaker, breaker_state::closed);
    EXPECT_EQ(b.state().outages, i);
    b.request(says(provider_signal::outage));
  }
  EXPECT_EQ(b.state().breaker, breaker_state::open);
  EXPECT_EQ(b.block(), send_block::breaker);
  EXPECT_EQ(b.next().until, b.now + 2s);
}

bench with_open_breaker(governor_config config = fast()) {
  config.outages_to_open = 1;
  bench b{config};
  b.request(says(provider_signal::outage));
  return b;
}

TEST(an_open_breaker, lets_one_probe_through_at_a_time) {
  auto b = with_open_breaker();
  b.now += 2s;
  EXPECT_EQ(b.state().breaker, breaker_state::half_open);
  auto probe = b.start();
  EXPECT_TRUE(probe.probe);
  b.now += 1h;
  EXPECT_EQ(b.block(), send_block::breaker);
  EXPECT_EQ(b.next().until, std::nullopt) << "until the probe is answered";
  b.answer(probe, alive(probe));
  EXPECT_EQ(b.state().breaker, breaker_state::closed);
  EXPECT_FALSE(b.next().probe);
  EXPECT_EQ(b.block(), send_block::nothing);
}

TEST(a_failed_probe, opens_the_breaker_for_twice_as_long_up_to_a_bound) {
  auto b = with_open_breaker();
  for (auto wait : {2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    EXPECT_EQ(b.next().until, b.now + wait);
    b.request(says(provider_signal::outage));
  }
  b.request();
  // And starts over.
  b.request(says(provider_signal::outage));
  EXPECT_EQ(b.next().until, b.now + 2s);
}

TEST(the_breakers_wait, is_half_random) {
  auto config = fast();
  config.outages_to_open = 1;
  bench b{config};
  auto x = b.start();
  b.answer(x, signal(provider_signal::outage), 1);
  EXPECT_EQ(b.next().until, b.now + 1s);
}

TEST(late_answers, do_not_move_an_open_breaker) {
  auto config = fast();
  config.outages_to_open = 1;
  bench b{config};
  auto first = b.start();
  auto second = b.start();
  b.now += 1s;
  auto third = b.start();
  b.answer(first, signal(provider_signal::outage));
  b.now += 1s;
  b.answer(second, signal(provider_signal::outage));
  EXPECT_EQ(b.next().until, b.now + 1s) << "not extended";
  b.answer(third, alive(third));
  EXPECT_EQ(b.state().breaker, breaker_state::open) << "it was sent before";
}

TEST(a_cancelled_probe, makes_room_for_another) {
  auto b = with_open_breaker();
  b.now += 2s;
  b.rules.on_cancelled(b.start(), b.now);
  b.now += 1s;
  EXPECT_TRUE(b.start().probe);
}

TEST(a_rate_limited_probe, shows_that_the_provider_is_back) {
  auto b = with_open_breaker();
  b.request(says(provider_signal::rate_limited));
  EXPECT_EQ(b.state().breaker, breaker_state::closed);
  EXPECT_EQ(b.block(), send_block::retry_after);
}

// -- the pause ----------------------------------------------------------------------------------------------

TEST(a_provider_that_takes_no_mail, is_probed_once_an_hour) {
  bench b{fast()};
  b.request(says(provider_signal::paused, pause_reason::unverified_sender));
  EXPECT_EQ(b.block(), send_block::paused);
  EXPECT_EQ(b.state().paused, pause_reason::unverified_sender);
  EXPECT_EQ(b.next().until, noon + 1h);
  b.now = noon + 1h;
  auto probe = b.start();
  EXPECT_TRUE(probe.probe);
  EXPECT_EQ(b.block(), send_block::paused);
  b.answer(probe, signal(provider_signal::paused, pause_reason::daily_quota));
  EXPECT_EQ(b.state().paused, pause_reason::daily_quota);
  EXPECT_EQ(b.next().until, noon + 2h);
  b.now = noon + 2h;
  auto again = b.start();
  b.answer(again, alive(again));
  EXPECT_EQ(b.state().paused, std::nullopt);
  EXPECT_FALSE(b.start().probe);
}

TEST(late_answers, do_not_end_or_extend_a_pause) {
  bench b{fast()};
  auto first = b.start();
  auto second = b.start();
  b.now += 1s;
  auto third = b.start();
  b.answer(first, signal(provider_signal::paused));
  auto until = b.now + 1h;
  b.now += 10min;
  b.answer(second, alive(second));
  b.answer(third, signal(provider_signal::paused));
  EXPECT_EQ(b.next().until, until);
}

TEST(a_pause, ends_when_an_operator_says_so) {
  bench b{fast()};
  b.request(says(provider_signal::paused));
  b.rules.resume(b.now);
  b.now += 1s;
  EXPECT_EQ(b.block(), send_block::nothing);
  EXPECT_FALSE(b.next().probe);
}

// -- the quota ----------------------------------------------------------------------------------------------

TEST(the_quota, counts_mails_and_is_new_at_midnight) {
  auto config = fast();
  config.daily_quota = 25;
  bench b{config};
  b.request(alive, {20, 0});
  b.wait({5, 0});
  EXPECT_EQ(b.block({6, 0}), send_block::quota);
  EXPECT_EQ(b.next({6, 0}).until, from_iso8601("2026-11-24T00:00:00Z"));
  EXPECT_EQ(b.start({5, 0}).mails, 5);
  EXPECT_EQ(b.state().quota_used, 25);
  b.now = from_iso8601("2026-11-24T00:00:00Z").value();
  EXPECT_EQ(b.block({6, 0}), send_block::nothing);
  EXPECT_EQ(b.state().quota_used, 0);
}

TEST(the_quota, lets_what_was_sealed_under_a_larger_one_go_out_first_and_alone) {
  auto config = fast();
  config.daily_quota = 25;
  bench b{config};
  b.request(alive, {100, 0});
  EXPECT_EQ(b.block({1, 0}), send_block::quota);
}

TEST(a_lane_that_does_not_fit_the_quota, leaves_it_to_the_other) {
  auto config = fast();
  config.daily_quota = 25;
  bench b{config};
  b.request(alive, {20, 0});
  EXPECT_EQ(b.request(alive, {10, 3}).lane, email_lane::digest);
}

TEST(refused_mails, do_not_count_against_the_quota) {
  auto config = fast();
  config.daily_quota = 25;
  bench b{config};
  b.request(says(provider_signal::rate_limited), {20, 0});
  EXPECT_EQ(b.state().quota_used, 0);
  b.request(
      [](const send_ticket&) {
        send_observation x;
        x.accepted = 12;
        return x;
      },
      {20, 0});
  EXPECT_EQ(b.state().quota_used, 12);
}

TEST(mails_of_others, count_when_the_provider_tells) {
  auto config = fast();
  config.daily_quota = 100;
  bench b{config};
  b.request([](const send_ticket& ticket) {
    auto x = alive(ticket);
    x.daily_used = 99;
    return x;
  });
  b.now += 1s;
  EXPECT_EQ(b.block({2, 0}), send_block::quota);
  EXPECT_EQ(b.block({1, 0}), send_block::nothing);
  b.rules.on_quota_count(100, b.now, b.now);
  EXPECT_EQ(b.block({1, 0}), send_block::quota);
}

TEST(several_senders, together_keep_to_the_announced_limit) {
  for (std::uint32_t senders : {1u, 2u, 3u, 7u}) {
    bench b;
    b.rules.share_among(senders, b.now);
    b.request([](const send_ticket& ticket) {
      auto x = alive(ticket);
      x.limit_per_second = 10;
      return x;
    });
    EXPECT_LE(b.state().rate * senders, 10 * governor_config{}.share + 1e-6) << senders;
    b.rules.share_among(1, b.now);
    EXPECT_NEAR(b.state().rate, std::min(8.0, 10 * governor_config{}.share), 1e-6);
  }
}

TEST(yesterdays_answer, says_nothing_about_todays_quota) {
  auto config = fast();
  config.daily_quota = 100;
  bench b{config};
  auto x = b.start({50, 0});
  b.now += 12h;
  auto late = alive(x);
  late.daily_used = 100;
  late.accepted = 0;
  b.start({60, 0});
  b.answer(x, late);
  EXPECT_EQ(b.state().quota_used, 60);
}

TEST(yesterdays_count, says_nothing_about_todays_quota) {
  auto config = fast();
  config.daily_quota = 100;
  bench b{config};
  auto counted = b.now;
  b.now += 12h;
  b.rules.on_quota_count(100, counted, b.now);
  EXPECT_EQ(b.state().quota_used, 0);
  EXPECT_EQ(b.block({1, 0}), send_block::nothing);
}

// -- what an answer says ------------------------------------------------------------------------------------

TEST(an_observation, follows_from_the_meaning_of_the_answer) {
  const send_ticket ticket{email_lane::digest, 3, false, 0};
  auto observed = [&](std::int32_t status, const std::string& body) {
    mail_answer x;
    x.status = status;
    x.body = body;
    x.daily_used = 5;
    return observe(ticket, x, classify(x, email_endpoint::batch, 3));
  };
  auto partly = observed(200, R"({"data":[{"id":"a"},{"id":"b"}],"errors":[{"index":1,"message":"m"}]})");
  EXPECT_EQ(partly.signal, provider_signal::alive);
  EXPECT_EQ(partly.accepted, 2);
  EXPECT_EQ(partly.daily_used, 5);
  EXPECT_EQ(observed(200, "{}").accepted, 3);
  EXPECT_EQ(observed(422, R"({"name":"validation_error"})").signal, provider_signal::alive);
  EXPECT_EQ(observed(422, R"({"name":"validation_error"})").accepted, 0);
  EXPECT_EQ(observed(500, "").signal, provider_signal::outage);
  EXPECT_EQ(observed(500, "").accepted, 3);
  EXPECT_EQ(observed(0, "").signal, provider_signal::outage);
  EXPECT_EQ(observed(429, "").signal, provider_signal::rate_limited);
  EXPECT_EQ(observed(403, R"({"name":"validation_error"})").signal, provider_signal::paused);
  EXPECT_EQ(observed(403, R"({"name":"validation_error"})").pause, pause_reason::unverified_sender);
  EXPECT_EQ(observed(409, R"({"name":"concurrent_idempotent_requests"})").signal, provider_signal::alive);
}

// -- properties: a provider and a backlog, in virtual time ---------------------------------------------------

template <class T> T any_of(T min, T max) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(min, max));
}

governor_config any_config() {
  governor_config x;
  x.rate_max = any_of(10, 400) / 10.0;
  x.rate_start = std::max(x.rate_max * any_of(1, 11) / 10.0, 0.5);
  x.rate_max = std::max(x.rate_max, x.rate_start);
  x.share = any_of(3, 11) / 10.0;
  x.burst = any_of(10, 100) / 10.0;
  x.max_in_flight = any_of(1, 9);
  x.digest_share = any_of(1, 1000) / 1000.0;
  x.outages_to_open = any_of(1, 7);
  return x;
}

/// One request as it went out, in true time.
struct sent {
  timestamp at;
  send_ticket ticket;
};

/// Sends as fast as the governor lets it.
struct simulation {
  simulation(const governor_config& config, std::uint64_t seed) : rules{config, noon}, random{seed} {}

  std::function<lane_demand()> demand = [] { return both; };
  std::function<send_observation(const send_ticket&)> provider = alive;
  duration latency_min = 1ms;
  duration latency_max = 50ms;
  /// How far the clock that the governor sees is off.
  duration clock_error{0};
  std::function<void()> before_each_question = [] {};
  std::function<void(const send_ticket&)> started = [](const send_ticket&) {};

  void run(timestamp until) {
    while (now < until) {
      while (!under_way.empty() && under_way.begin()->first <= now) {
        auto ticket = under_way.begin()->second;
        under_way.erase(under_way.begin());
        rules.on_answer(ticket, provider(ticket), shown(), random.uniform());
      }
      before_each_question();
      auto x = rules.next(demand(), shown());
      if (x.granted()) {
        auto ticket = rules.on_started(x, shown());
        started(ticket);
        log.push_back({now, ticket});
        auto range = static_cast<std::uint64_t>((latency_max - latency_min).count()) + 1;
        under_way.emplace(now + latency_min + duration{static_cast<duration::rep>(random.below(range))},
                          ticket);
        most_in_flight = std::max(most_in_flight, under_way.size());
        continue;
      }
      auto wake = x.until ? *x.until - clock_error : until;
      stuck = stuck || (!x.until && under_way.empty());
      if (!under_way.empty())
        wake = std::min(wake, under_way.begin()->first);
      now = std::max(wake, now + 1ms);
    }
  }

  timestamp shown() const { return now + clock_error; }

  std::size_t of(email_lane lane) const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const sent& x) { return x.ticket.lane == lane; }));
  }

  /// Whether some window holds more than rate·t + burst requests.
  bool too_fast(double rate, double burst) const {
    for (std::size_t i = 0; i < log.size(); ++i)
      for (auto j = i; j < log.size(); ++j) {
        auto seconds = static_cast<double>((log[j].at - log[i].at).count()) / 1000;
        if (static_cast<double>(j - i + 1) > rate * seconds + burst + 1e-6)
          return true;
      }
    return false;
  }

  governor rules;
  random_source random;
  timestamp now = noon;
  std::vector<sent> log;
  std::multimap<timestamp, send_ticket> under_way;
  std::size_t most_in_flight = 0;
  /// A backlog, nothing under way, and no time to ask again.
  bool stuck = false;
};

RC_GTEST_PROP(a_governor, never_lets_more_through_than_rate_and_burst, ()) {
  auto config = any_config();
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  s.latency_max = duration{any_of(1, 500)};
  auto top = config.rate_start;
  if (any_of(0, 2) == 0) {
    auto limit = any_of(1, 600) / 10.0;
    top = std::max(top, std::min(config.rate_max, limit * config.share));
    s.provider = [=](const send_ticket& ticket) {
      auto x = alive(ticket);
      x.limit_per_second = limit;
      return x;
    };
  }
  // Some idle time, so that the bucket fills up.
  auto idle_until = noon + duration{any_of(0, 5000)};
  s.demand = [&] { return s.now < idle_until ? lane_demand{} : both; };
  s.run(noon + duration{any_of(1000, 20'000)});
  RC_ASSERT(!s.too_fast(top, config.burst));
  RC_ASSERT(s.most_in_flight <= static_cast<std::size_t>(config.max_in_flight));
}

RC_GTEST_PROP(a_governor, uses_its_rate_while_there_is_work, ()) {
  governor_config config;
  config.rate_start = config.rate_max = any_of(10, 100) / 10.0;
  config.burst = any_of(10, 60) / 10.0;
  config.max_in_flight = any_of(2, 6);
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  s.run(noon + 1min);
  RC_ASSERT(static_cast<double>(s.log.size()) >= 0.99 * config.rate_max * 60);
  RC_ASSERT(!s.too_fast(config.rate_max, config.burst));
}

RC_GTEST_PROP(a_governor, shares_between_the_lanes_as_configured, ()) {
  auto config = any_config();
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  s.run(noon + 30s);
  auto n = static_cast<double>(s.log.size());
  auto digests = static_cast<double>(s.of(email_lane::digest));
  RC_ASSERT(digests >= std::floor(n * config.digest_share));
  RC_ASSERT(digests <= n * config.digest_share + 1);
}

RC_GTEST_PROP(a_governor, keeps_the_digests_share_when_immediate_work_comes_and_goes, ()) {
  auto config = any_config();
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  // Digests always wait; where immediate mail waits too they get their share, elsewhere everything.
  std::size_t contended = 0;
  std::size_t shared = 0; // digests among those
  auto last = both;
  s.demand = [&] { return last = s.random.below(3) == 0 ? only_digest : both; };
  s.started = [&](const send_ticket& ticket) {
    contended += last.immediate > 0;
    shared += last.immediate > 0 && ticket.lane == email_lane::digest;
  };
  s.run(noon + 20s);
  RC_ASSERT(static_cast<double>(shared) >= std::floor(static_cast<double>(contended) * config.digest_share));
  RC_ASSERT(static_cast<double>(shared) <= static_cast<double>(contended) * config.digest_share + 1);
}

RC_GTEST_PROP(a_governor, obeys_every_retry_after, ()) {
  auto config = any_config();
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  std::vector<std::pair<timestamp, timestamp>> closed;
  s.provider = [&](const send_ticket& ticket) {
    if (s.random.below(5) != 0)
      return alive(ticket);
    auto x = signal(s.random.below(2) == 0 ? provider_signal::rate_limited : provider_signal::outage);
    x.retry_after = duration{static_cast<duration::rep>(s.random.below(5000))};
    closed.emplace_back(s.now, s.now + *x.retry_after);
    return x;
  };
  s.run(noon + 60s);
  for (auto& [from, until] : closed)
    for (auto& x : s.log)
      RC_ASSERT((x.at < from || x.at >= until));
  RC_ASSERT(!s.stuck);
}

RC_GTEST_PROP(an_outage, is_probed_by_one_request_at_a_time_and_ends, ()) {
  auto config = any_config();
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  auto down_until = noon + duration{any_of(1'000, 600'000)};
  std::int32_t in_a_row = 0;
  s.provider = [&](const send_ticket& ticket) {
    if (s.now >= down_until)
      return alive(ticket);
    ++in_a_row;
    return signal(provider_signal::outage);
  };
  auto one_at_a_time = true;
  auto opens_in_time = true;
  s.before_each_question = [&] {
    auto probes =
        std::count_if(s.under_way.begin(), s.under_way.end(), [](auto& x) { return x.second.probe; });
    one_at_a_time = one_at_a_time && probes <= 1;
    auto open = s.rules.state(s.shown()).breaker != breaker_state::closed;
    opens_in_time = opens_in_time && (s.now >= down_until || open == (in_a_row >= config.outages_to_open));
  };
  s.run(down_until + config.open_max + 5s);
  RC_ASSERT(one_at_a_time);
  RC_ASSERT(opens_in_time);
  RC_ASSERT(s.rules.state(s.shown()).breaker == breaker_state::closed);
  // What went out while it was open: a probe after each wait, half of which is certain.
  auto probes = std::count_if(s.log.begin(), s.log.end(), [](auto& x) { return x.ticket.probe; });
  RC_ASSERT((probes >= 1) == (in_a_row >= config.outages_to_open));
  RC_ASSERT(probes <= 2 + (down_until - noon) / (config.open_min / 2));
  RC_ASSERT(probes <= 12 + (down_until - noon) / (config.open_max / 2));
  RC_ASSERT(!s.stuck);
}

RC_GTEST_PROP(the_quota, of_no_day_is_exceeded_and_every_day_is_used, ()) {
  auto config = any_config();
  config.daily_quota = any_of(100, 400);
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  s.latency_max = 30s;
  s.demand = [&] {
    return lane_demand{1 + static_cast<std::int32_t>(s.random.below(3)),
                       static_cast<std::int32_t>(s.random.below(101))};
  };
  s.provider = [&](const send_ticket& ticket) {
    auto x = alive(ticket);
    x.accepted = static_cast<std::int32_t>(s.random.below(static_cast<std::uint64_t>(ticket.mails) + 1));
    return x;
  };
  std::map<std::int64_t, std::int64_t> accepted;
  auto inner = s.provider;
  s.provider = [&](const send_ticket& ticket) {
    auto x = inner(ticket);
    accepted[ticket.day] += x.accepted;
    return x;
  };
  s.run(noon + 72h);
  for (auto& [day, mails] : accepted)
    RC_ASSERT(mails <= config.daily_quota);
  RC_ASSERT(accepted.size() >= 3u);
  RC_ASSERT(!s.stuck);
}

RC_GTEST_PROP(a_clock_that_is_set_back, is_harmless, ()) {
  governor_config config;
  config.rate_start = config.rate_max = any_of(10, 100) / 10.0;
  config.burst = any_of(10, 60) / 10.0;
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  auto next_jump = noon + 1s;
  auto jumps = 0;
  s.before_each_question = [&] {
    if (s.now < next_jump)
      return;
    ++jumps;
    s.clock_error -= duration{static_cast<duration::rep>(s.random.below(400'000'000))};
    next_jump = s.now + duration{static_cast<duration::rep>(1 + s.random.below(20'000))};
  };
  s.run(noon + 1min);
  // The governor may miss the step during which the clock was set, no more.
  RC_ASSERT(static_cast<double>(s.log.size()) >= 0.99 * config.rate_max * 60 - 2 * jumps);
  RC_ASSERT(!s.too_fast(config.rate_max, config.burst));
  RC_ASSERT(!s.stuck);
}

RC_GTEST_PROP(a_clock_that_is_set_back, does_not_prolong_a_wait, ()) {
  bench b{fast()};
  auto slow = signal(provider_signal::rate_limited);
  slow.retry_after = 100s;
  b.answer(b.start(), slow);
  b.now += 40s;
  b.next();
  b.now -= duration{any_of<std::int64_t>(0, 4'000'000'000)};
  RC_ASSERT(b.next().until == b.now + 60s);
  b.now += 60s;
  RC_ASSERT(b.block() == send_block::nothing);
}

RC_GTEST_PROP(a_clock_that_leaps_ahead, ends_waits_and_nothing_else, ()) {
  bench b{with_open_breaker()};
  b.now += duration{any_of<std::int64_t>(600'000, 250'000'000'000'000)};
  RC_ASSERT(b.next().granted());
  auto probe = b.start();
  b.answer(probe, alive(probe));
  RC_ASSERT(b.state().breaker == breaker_state::closed);
  RC_ASSERT(b.state().tokens <= 6);
}

RC_GTEST_PROP(any_provider, leaves_the_governor_with_a_way_on, ()) {
  auto config = any_config();
  config.daily_quota = any_of(0, 2) * 200;
  simulation s{config, *rc::gen::arbitrary<std::uint64_t>()};
  s.provider = [&](const send_ticket& ticket) {
    auto x =
        signal(static_cast<provider_signal>(s.random.below(4)), static_cast<pause_reason>(s.random.below(7)));
    x.accepted = static_cast<std::int32_t>(s.random.below(static_cast<std::uint64_t>(ticket.mails) + 1));
    if (s.random.below(3) == 0)
      x.retry_after = duration{static_cast<duration::rep>(s.random.below(10'000)) - 1000};
    if (s.random.below(3) == 0)
      x.limit_per_second = s.random.uniform() * 20;
    if (s.random.below(3) == 0) {
      x.remaining = static_cast<std::int64_t>(s.random.below(3));
      x.reset_after = 1s;
    }
    return x;
  };
  s.run(noon + 48h);
  RC_ASSERT(!s.stuck);
  RC_ASSERT(s.log.size() >= 20u);
  RC_ASSERT(s.most_in_flight <= static_cast<std::size_t>(config.max_in_flight));
  RC_ASSERT(!s.too_fast(config.rate_max, config.burst));
}

} // namespace
} // namespace herald
