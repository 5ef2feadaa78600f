// The event poller: credit, idle back-off, handing out, handing out again after a crash, drain.
#define CAF_SUITE event_poller

#include "actors/event_poller.hpp"
#include "actors/timer.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

using ids = std::vector<std::int64_t>;

/// What handlers were given, and how they answer.
struct handler_script {
  std::vector<event_batch_ptr> batches;
  /// Batches wait for the test; else they are settled at once.
  bool hold = false;
  std::vector<caf::typed_response_promise<settled_atom>> held;
  /// Any batch that contains this event is answered with a crash.
  std::int64_t poison = 0;
  int outages = 0;
};

using handler_script_ptr = std::shared_ptr<handler_script>;

HERALD_ATOM(let_go, "letGo") // settles what is held: all of it, or the newest alone

/// Dynamically typed, so that it can also be told to let go: a promise may only be kept by the actor that
/// made it.
caf::behavior scripted_handler(caf::event_based_actor* self, handler_script_ptr script) {
  return {
      [](status_atom) { return stage_status{}; },
      [=](let_go_atom, bool all) {
        while (!script->held.empty()) {
          script->held.back().deliver(settled_v);
          script->held.pop_back();
          if (!all)
            return;
        }
      },
      [=](const event_batch_ptr& x) -> caf::result<settled_atom> {
        script->batches.push_back(x);
        if (script->outages > 0) {
          --script->outages;
          return to_error({failure_class::outage, "queue full"});
        }
        for (auto& e : x->events)
          if (e.event.id == script->poison)
            return to_error({failure_class::crash, "boom"});
        if (!script->hold)
          return settled_v;
        script->held.push_back(self->make_response_promise<settled_atom>());
        return script->held.back();
      },
  };
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  handler_script_ptr handler = std::make_shared<handler_script>();
  handler_script_ptr unknown = std::make_shared<handler_script>();
  std::shared_ptr<std::vector<plan_batch_ptr>> reported = std::make_shared<std::vector<plan_batch_ptr>>();
  std::shared_ptr<int> opens = std::make_shared<int>(0);
  std::shared_ptr<const virtual_clock> time = std::make_shared<const virtual_clock>(sched);
  event_poller_config cfg;
  caf::actor handlers;
  event_poller_actor aut;
  bool drain_at_once = false;
  answer_ptr<drain_report> early_drain;

  fixture() {
    cfg.batch_size = 10;
    cfg.poll_min = 1s;
    cfg.poll_max = 8s;
    cfg.lease = 60s;
  }

  /// Starts the poller between a scripted gate, scripted handlers of the types `a` and `b`, and the real
  /// timer.
  void start(std::uint64_t limit = 100) {
    event_poller_links links;
    links.gate = spawn(scripted_gate, script);
    links.writer = spawn([reported = reported, opens = opens](
                             notification_writer_actor::pointer) -> notification_writer_actor::behavior_type {
      return {
          [](status_atom) { return stage_status{}; },
          [=](const plan_batch_ptr& x) {
            reported->push_back(x);
            return settled_v;
          },
          [=](open_atom) { ++*opens; },
          [](flush_atom, std::uint64_t) {},
          [](retry_atom) {},
      };
    });
    handlers = spawn(scripted_handler, handler);
    auto typed = [](const caf::actor& x) { return caf::actor_cast<event_handler_actor>(x); };
    links.handlers = {{"a", typed(handlers)}, {"b", typed(handlers)}};
    links.unknown = typed(spawn(scripted_handler, unknown));
    // The poller and the timer know each other, so the timer gets a forwarder.
    auto relay = spawn([target = target](tick_taker::pointer relay_self) -> tick_taker::behavior_type {
      return {[=](const tick& x) {
        if (*target)
          relay_self->send(*target, x);
      }};
    });
    links.timer = spawn(
        timer,
        std::vector<timer_entry>{{std::string{poll_job}, 30s, relay}, {std::string{renew_job}, 20s, relay}},
        std::uint64_t{1}, time, logger{});
    aut = spawn(event_poller, cfg, "w1", links, time, logger{});
    *target = aut;
    if (drain_at_once)
      early_drain = request<drain_report>(aut, herald::drain{30s});
    consume_messages();
    give(limit);
  }

  // The fixture's timer relay keeps a handle to the poller.
  ~fixture() override { *target = event_poller_actor{}; }

  void let_go(bool all = true) {
    caf::anon_send(handlers, let_go_v, all);
    consume_messages();
  }

  void give(std::uint64_t limit) {
    caf::anon_send(aut, credit{limit});
    consume_messages();
  }

  std::int64_t gauge(const std::string& name) {
    for (auto& [key, value] : ask<stage_status>(aut, status_v).gauges)
      if (key == name)
        return value;
    return -1;
  }

  static ids ids_of(const event_batch_ptr& x) {
    ids out;
    for (auto& e : x->events)
      out.push_back(e.event.id);
    return out;
  }

  std::shared_ptr<event_poller_actor> target = std::make_shared<event_poller_actor>();
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(event_poller_tests, fixture)

CAF_TEST(claims of an earlier life are handed back before the first claim) {
  start(0);
  CAF_REQUIRE_EQUAL(script->releases.size(), 1u);
  CAF_CHECK_EQUAL(script->releases[0].worker, "w1");
  CAF_CHECK(script->releases[0].claims.empty());
  CAF_CHECK_EQUAL(*opens, 1);
  CAF_CHECK(script->claims.empty());
}

CAF_TEST(nothing is claimed without credit) {
  start(0);
  advance(5min);
  CAF_CHECK(script->claims.empty());
  give(5);
  CAF_REQUIRE_EQUAL(script->claims.size(), 1u);
  CAF_CHECK_EQUAL(script->claims[0].limit, 5u);
}

CAF_TEST(a claim is split into one batch per event type) {
  script->claim_answers.push_back(
      make_claim({make_event(1, "a"), make_event(2, "b"), make_event(3, "a"), make_event(4, "new_type")}));
  start();
  CAF_REQUIRE_EQUAL(handler->batches.size(), 2u);
  CAF_CHECK_EQUAL(ids_of(handler->batches[0]), (ids{1, 3}));
  CAF_CHECK_EQUAL(ids_of(handler->batches[1]), ids{2});
  CAF_REQUIRE_EQUAL(unknown->batches.size(), 1u);
  CAF_CHECK_EQUAL(ids_of(unknown->batches[0]), ids{4});
}

CAF_TEST(never more events in flight than the credit whatever the order of answers) {
  handler->hold = true;
  for (int i = 0; i < 20; ++i)
    script->claim_answers.push_back(make_claim(10 * i + 1, 10, "a"));
  start(25);
  std::int64_t most = 0;
  for (int round = 0; round < 30; ++round) {
    consume_messages();
    most = std::max(most, gauge("in_flight"));
    if (handler->held.empty())
      break;
    let_go(false);
  }
  CAF_CHECK(most <= 25);
  CAF_CHECK(most >= 20);
  for (std::size_t i = 0; i < script->claims.size(); ++i)
    CAF_CHECK(script->claims[i].limit <= 10);
}

CAF_TEST(credit that is withdrawn stops further claims until it comes back) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 10, "a"));
  start(10);
  give(0);
  let_go();
  auto before = script->claims.size();
  advance(1min);
  CAF_CHECK_EQUAL(script->claims.size(), before);
  give(10);
  CAF_CHECK_EQUAL(script->claims.size(), before + 1);
}

CAF_TEST(too little credit to be worth a round trip waits for more while work is in flight) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 10, "a"));
  start(12);
  // Two of ten are free: no claim for those.
  CAF_CHECK_EQUAL(script->claims.size(), 1u);
  let_go();
  CAF_CHECK_EQUAL(script->claims.size(), 2u);
  CAF_CHECK_EQUAL(script->claims.back().limit, 10u);
}

CAF_TEST(an idle poller backs off up to its longest pause) {
  start();
  CAF_CHECK_EQUAL(script->claims.size(), 1u);
  for (auto pause : {1s, 2s, 4s, 8s, 8s}) {
    auto before = script->claims.size();
    advance(pause - 1ms);
    CAF_CHECK_EQUAL(script->claims.size(), before);
    advance(1ms);
    // The safety net's own tick may fall into the same instant.
    CAF_CHECK(script->claims.size() > before);
  }
}

CAF_TEST(a wake up ends the pause at once and starts the back off anew) {
  start();
  advance(1s);
  advance(2s);
  auto before = script->claims.size();
  caf::anon_send(aut, wake_up_v);
  consume_messages();
  CAF_CHECK_EQUAL(script->claims.size(), before + 1);
  advance(1s);
  CAF_CHECK_EQUAL(script->claims.size(), before + 2);
}

CAF_TEST(work ends the back off) {
  start();
  advance(1s);
  advance(2s);
  script->claim_answers.push_back(make_claim(1, 3, "a"));
  advance(4s);
  auto before = script->claims.size();
  advance(1s);
  CAF_CHECK_EQUAL(script->claims.size(), before + 1);
}

CAF_TEST(a retry that falls due sooner than the pause ends it in time) {
  auto nothing = make_claim({});
  nothing.next_due = virtual_clock::epoch + 250ms;
  script->claim_answers.push_back(nothing);
  start();
  advance(249ms);
  CAF_CHECK_EQUAL(script->claims.size(), 1u);
  advance(1ms);
  CAF_CHECK_EQUAL(script->claims.size(), 2u);
}

CAF_TEST(a full claim is followed by the next one at once) {
  script->claim_answers = {make_claim(1, 10, "a"), make_claim(11, 10, "a"), make_claim(21, 4, "a")};
  start();
  CAF_CHECK_EQUAL(script->claims.size(), 3u);
  CAF_CHECK_EQUAL(gauge("claimed"), 24);
}

CAF_TEST(a store that is down is a state and is asked again) {
  script->claim_answers.push_back(failure{failure_class::outage, "no such host"});
  start();
  auto status = ask<stage_status>(aut, status_v);
  CAF_CHECK_EQUAL(status.state, "degraded");
  CAF_CHECK_EQUAL(status.reason, "no such host");
  advance(1s);
  CAF_CHECK_EQUAL(script->claims.size(), 2u);
  CAF_CHECK_EQUAL(ask<stage_status>(aut, status_v).state, "running");
}

CAF_TEST(a batch that crashed its handler is handed out again one event at a time) {
  handler->poison = 3;
  script->claim_answers.push_back(
      make_claim({make_event(1, "a"), make_event(2, "a"), make_event(3, "a", 4, 1), make_event(4, "a")}));
  start();
  CAF_REQUIRE_EQUAL(handler->batches.size(), 5u);
  for (std::size_t i = 1; i < 5; ++i)
    CAF_CHECK_EQUAL(handler->batches[i]->events.size(), 1u);
  // Only the one at fault is reported, with its counters and what killed the handler.
  CAF_REQUIRE_EQUAL(reported->size(), 1u);
  auto& x = reported->front()->failures.front();
  CAF_CHECK_EQUAL(x.claim.event_id, 3);
  CAF_CHECK_EQUAL(x.attempts, 4);
  CAF_CHECK_EQUAL(x.crashes, 1);
  CAF_CHECK(x.why.kind == failure_class::crash);
  CAF_CHECK_EQUAL(x.why.reason, "boom");
  CAF_CHECK_EQUAL(gauge("in_flight"), 0);
}

CAF_TEST(a full queue is nobodys fault and the batch comes again after a pause) {
  handler->outages = 2;
  script->claim_answers.push_back(make_claim(1, 4, "a"));
  start();
  CAF_CHECK_EQUAL(handler->batches.size(), 1u);
  advance(100ms);
  advance(100ms);
  CAF_CHECK_EQUAL(handler->batches.size(), 3u);
  CAF_CHECK_EQUAL(handler->batches.back()->events.size(), 4u);
  CAF_CHECK(reported->empty());
  CAF_CHECK_EQUAL(gauge("in_flight"), 0);
}

CAF_TEST(leases are renewed for what is in flight and for nothing else) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 2, "a"));
  start();
  advance(20s);
  CAF_REQUIRE_EQUAL(script->renewals.size(), 1u);
  CAF_CHECK(script->renewals[0].claims == std::vector<claim_ref>({{1, 1}, {2, 1}}));
  let_go();
  advance(20s);
  CAF_CHECK_EQUAL(script->renewals.size(), 1u);
}

CAF_TEST(idle is answered when nothing is due and nothing in flight) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 3, "a"));
  start();
  auto got = request<idle_atom>(aut, idle_v);
  advance(10s);
  CAF_CHECK(got->pending());
  let_go();
  CAF_CHECK(got->value);
}

CAF_TEST(idle is answered with the failure when the store is down) {
  start();
  script->claim_answers.push_back(failure{failure_class::outage, "gone"});
  auto got = request<idle_atom>(aut, idle_v);
  consume_messages();
  CAF_REQUIRE(!got->pending());
  CAF_CHECK_EQUAL(to_failure(got->error, sys).reason, "gone");
}

CAF_TEST(a drain claims nothing more and ends when the last batch is settled) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 3, "a"));
  start();
  auto before = script->claims.size();
  auto got = request<drain_report>(aut, herald::drain{10s});
  consume_messages();
  caf::anon_send(aut, wake_up_v);
  consume_messages();
  CAF_CHECK(got->pending());
  CAF_CHECK_EQUAL(script->claims.size(), before);
  let_go();
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 0u);
}

CAF_TEST(a drain that takes too long hands back what is left) {
  handler->hold = true;
  script->claim_answers.push_back(make_claim(1, 3, "a"));
  script->released = 0;
  start();
  script->released = 3;
  auto got = request<drain_report>(aut, herald::drain{10s});
  advance(9999ms);
  CAF_CHECK(got->pending());
  advance(1ms);
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL(got->value->released, 3u);
  CAF_CHECK_EQUAL(script->releases.size(), 2u);
}

CAF_TEST(a dry run claims nothing and pages through the events once) {
  cfg.dry_run = true;
  script->claim_answers = {make_claim(1, 10, "a"), make_claim(11, 2, "a")};
  start();
  CAF_CHECK(script->releases.empty());
  CAF_REQUIRE(script->claims.size() >= 2);
  CAF_CHECK(script->claims[0].dry_run);
  CAF_CHECK_EQUAL(script->claims[0].after_id, 0);
  CAF_CHECK_EQUAL(script->claims[1].after_id, 10);
  advance(40s);
  CAF_CHECK_EQUAL(script->claims.back().after_id, 12);
  CAF_CHECK(script->renewals.empty());
}

CAF_TEST(an unusable configuration is refused with the name of the field) {
  auto field = [](auto change) {
    event_poller_config x;
    change(x);
    return to_string(validate(x));
  };
  CAF_CHECK(validate(event_poller_config{}) == caf::none);
  CAF_CHECK(field([](auto& x) { x.batch_size = 0; }).find("batch_size") != std::string::npos);
  CAF_CHECK(field([](auto& x) { x.poll_max = 1ms; }).find("poll_min") != std::string::npos);
  CAF_CHECK(field([](auto& x) { x.lease = 0ms; }).find("lease") != std::string::npos);
  CAF_CHECK(field([](auto& x) { x.max_event_age = 0ms; }).find("max_event_age") != std::string::npos);
}

CAF_TEST(a drain that comes while the poller starts is answered once it has started) {
  drain_at_once = true;
  start();
  CAF_CHECK_EQUAL(early_drain->count, 1);
  CAF_CHECK(script->claims.empty());
}

CAF_TEST(a claim that fails is asked again at half its size until one gets through) {
  script->claim_answers.emplace_back(failure{failure_class::outage, "too slow"});
  script->claim_answers.emplace_back(failure{failure_class::outage, "too slow"});
  start();
  advance(60s);
  CAF_REQUIRE(script->claims.size() >= 4u);
  CAF_CHECK_EQUAL(script->claims[0].limit, 10u);
  CAF_CHECK_EQUAL(script->claims[1].limit, 5u);
  CAF_CHECK_EQUAL(script->claims[2].limit, 2u);
  CAF_CHECK_EQUAL(script->claims[3].limit, 4u);
}

CAF_TEST_FIXTURE_SCOPE_END()
