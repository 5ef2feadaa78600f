// The e-mail batcher: credit, windows, sealing, refusals, outages, drain.
#define CAF_SUITE email_batcher

#include "actors/email_batcher.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

const failure store_down{failure_class::outage, "the database is locked"};
const failure refused{failure_class::permanent, "a constraint does not hold"};

/// What the sender was given, and its answers that are still to come.
struct sender_script {
  std::vector<sealed_envelope_ptr> envelopes;
  std::vector<caf::typed_response_promise<settled_atom>> held;
  int opens = 0;
};

using sender_script_ptr = std::shared_ptr<sender_script>;

/// Settles its oldest envelope when it is told that a wait is over.
resend_sender_actor::behavior_type scripted_sender(resend_sender_actor::pointer self,
                                                   sender_script_ptr script) {
  return {
      [](status_atom) {
        return stage_status{"scripted_sender", "running", {}, {}};
      },
      [self, script](const sealed_envelope_ptr& x) -> caf::result<settled_atom> {
        script->envelopes.push_back(x);
        script->held.push_back(self->make_response_promise<settled_atom>());
        return script->held.back();
      },
      [script](open_atom) { ++script->opens; },
      [](const herald::drain&) { return drain_report{}; },
      [script](due_atom, std::uint64_t) {
        script->held.front().deliver(settled_v);
        script->held.erase(script->held.begin());
      },
      [](retry_atom, std::int64_t) {},
      [](share_atom) {},
      [](flush_atom) {},
  };
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  sender_script_ptr sent = std::make_shared<sender_script>();
  resend_sender_actor sender = spawn(scripted_sender, sent);
  std::shared_ptr<std::vector<herald::alarm>> alarms = std::make_shared<std::vector<herald::alarm>>();
  timer_actor timer = spawn([alarms = alarms](timer_actor::pointer) -> timer_actor::behavior_type {
    return {[](status_atom) { return stage_status{}; },
            [alarms](const herald::alarm& x) { alarms->push_back(x); }, //
            [](const schedule_change_ptr&) {},                          //
            [](due_atom, std::uint64_t, std::uint64_t) {}};
  });
  std::shared_ptr<email_rules> rules = std::make_shared<email_rules>();
  email_batcher_config cfg;
  email_batcher_actor aut;

  fixture() {
    cfg.claim_batch = 50;
    cfg.max_open_envelopes = 20;
    cfg.poll_min = 1s;
    cfg.poll_max = 8s;
    cfg.digest_rule = "0 * * * *";
    cfg.digest_zone = "UTC";
    rules->render = [](const email_mail& mail, const profile& to, timestamp) -> result<email_message> {
      email_message out;
      out.to = to.email;
      out.subject = "mail " + std::to_string(mail.id);
      return out;
    };
  }

  void start(std::uint64_t limit = 4) {
    aut = spawn(email_batcher, cfg, "w1", email_batcher_links{gate, sender, timer},
                std::shared_ptr<const email_rules>{rules}, std::make_shared<const virtual_clock>(sched),
                logger{});
    consume_messages();
    grant(limit);
  }

  void grant(std::uint64_t limit) {
    caf::anon_send(aut, credit{limit});
    consume_messages();
  }

  void settle() {
    caf::anon_send(sender, due_v, std::uint64_t{0});
    consume_messages();
  }

  void look() {
    caf::anon_send(aut, tick{"email-poll", {}});
    consume_messages();
  }

  /// `n` mails of one row each, of a type that only preferences can object to.
  static claimed_outbox mails(std::int64_t first, std::int64_t n) {
    claimed_outbox out;
    auto facts = std::make_shared<email_context>();
    auto user = uuid{{7}};
    facts->world.profiles[user].email = "x@example.com";
    for (auto id = first; id < first + n; ++id) {
      claimed_mail x;
      x.mail.id = id;
      x.mail.user_id = user;
      x.claim_no = 1;
      email_row row;
      row.id = id;
      row.event_id = id;
      row.event_type = "test";
      x.mail.rows = {row};
      facts->events[id].id = id;
      out.mails.push_back(std::move(x));
    }
    out.context = facts;
    return out;
  }

  static claimed_outbox envelopes(std::int64_t first, std::int64_t n) {
    claimed_outbox out;
    for (auto id = first; id < first + n; ++id) {
      sealed_envelope x;
      x.id = id;
      x.claim_no = 2;
      x.lease_until = virtual_clock::epoch + 120s;
      x.mail_ids = {id};
      out.envelopes.push_back(std::make_shared<const sealed_envelope>(std::move(x)));
    }
    return out;
  }

  std::int64_t gauge(const std::string& name) {
    for (auto& [key, value] : ask<stage_status>(aut, status_v).gauges)
      if (key == name)
        return value;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(email_batcher_tests, fixture)

CAF_TEST(nothing is claimed without credit) {
  start(0);
  CAF_CHECK(script->outbox_claims.empty());
  CAF_CHECK_EQUAL(sent->opens, 1);
  grant(1);
  CAF_CHECK_EQUAL(script->outbox_claims.size(), 1u);
  CAF_CHECK_EQUAL(script->outbox_claims[0].envelopes, 1u);
}

CAF_TEST(what an earlier instance had claimed is taken back first) {
  start();
  CAF_REQUIRE_EQUAL(script->outbox_releases.size(), 1u);
  CAF_CHECK_EQUAL(script->outbox_releases[0].worker, "w1");
}

CAF_TEST(claimed mails are sealed before they reach the sender) {
  script->outbox_answers.emplace_back(mails(1, 2));
  start();
  CAF_REQUIRE_EQUAL(script->seals.size(), 1u);
  CAF_CHECK_EQUAL(script->seals[0]->envelopes.size(), 2u);
  CAF_CHECK_EQUAL(sent->envelopes.size(), 2u);
  CAF_CHECK_EQUAL(sent->envelopes[0]->body, script->seals[0]->envelopes[0].body);
}

CAF_TEST(the sender never has more envelopes than it granted) {
  cfg.requests.batch_min = 100;
  script->outbox_answers.emplace_back(mails(1, 3));
  script->outbox_answers.emplace_back(envelopes(50, 4));
  start(2);
  CAF_CHECK(sent->held.size() <= 2u);
  for (int i = 0; i < 10 && !sent->held.empty(); ++i) {
    settle();
    CAF_CHECK(sent->held.size() <= 2u);
  }
  CAF_CHECK_EQUAL(sent->envelopes.size(), 5u);
}

CAF_TEST(many mails share requests when there is little room) {
  script->outbox_answers.emplace_back(mails(1, 8));
  start(2);
  CAF_REQUIRE_EQUAL(script->seals.size(), 1u);
  CAF_CHECK_EQUAL(script->seals[0]->envelopes.size(), 1u);
  CAF_CHECK_EQUAL(script->seals[0]->envelopes[0].mails.size(), 8u);
}

CAF_TEST(no more is claimed than fills the requests there is room for) {
  cfg.claim_batch = 1000;
  cfg.requests.batch_max = 20;
  start(2);
  CAF_CHECK_EQUAL(script->outbox_claims.at(0).mails, 40u);
}

CAF_TEST(digests come first in every so many claims) {
  cfg.digest_turn = 3;
  start();
  for (int i = 0; i < 5; ++i)
    look();
  std::vector<bool> turns;
  for (auto& x : script->outbox_claims)
    turns.push_back(x.digest_share > 0);
  CAF_CHECK(turns == std::vector<bool>({false, false, true, false, false, true}));
}

CAF_TEST(an envelope that the sender has is not handed over again) {
  script->outbox_answers.emplace_back(envelopes(1, 1));
  script->outbox_answers.emplace_back(envelopes(1, 1));
  start();
  look();
  CAF_CHECK_EQUAL(sent->envelopes.size(), 1u);
}

CAF_TEST(an envelope whose lease is half over is left to the store) {
  script->outbox_answers.emplace_back(envelopes(1, 2));
  start(1);
  grant(0);
  advance(61s);
  settle();
  grant(4);
  CAF_CHECK_EQUAL(sent->envelopes.size(), 1u);
}

CAF_TEST(mails that cannot be rendered at all are not claimed one batch after the other) {
  rules->render = [](auto&, auto&, auto) -> result<email_message> {
    return failure{failure_class::outage, "the template is broken"};
  };
  for (int i = 0; i < 5; ++i)
    script->outbox_answers.emplace_back(mails(i * 10 + 1, 3));
  start();
  CAF_CHECK_EQUAL(script->outbox_claims.size(), 1u);
  CAF_CHECK_EQUAL(ask<stage_status>(aut, status_v).reason, "the template is broken");
}

CAF_TEST(whoever wakes it during a look gets another one) {
  start();
  auto looks = script->outbox_claims.size();
  caf::anon_send(aut, tick{"email-poll", {}});
  caf::anon_send(aut, wake_up_v);
  consume_messages();
  CAF_CHECK_EQUAL(script->outbox_claims.size(), looks + 2);
}

CAF_TEST(an idle batcher looks less and less often) {
  cfg.digest_rule = "0 0 1 1 *";
  start();
  for (int i = 0; i < 5; ++i)
    look();
  CAF_REQUIRE(alarms->size() >= 5);
  CAF_CHECK(alarms->at(0).delay == 1s);
  CAF_CHECK(alarms->at(1).delay == 2s);
  CAF_CHECK(alarms->at(4).delay == 8s);
}

CAF_TEST(a due retry is looked for in time) {
  claimed_outbox waiting;
  waiting.next_due = virtual_clock::epoch + 300ms;
  script->outbox_answers.emplace_back(waiting);
  start();
  CAF_CHECK(alarms->back().delay == 300ms);
}

CAF_TEST(the newest closed window is opened at the start and each further one once) {
  start();
  CAF_REQUIRE_EQUAL(script->windows.size(), 1u);
  auto first = script->windows[0].window_at;
  CAF_CHECK(first <= virtual_clock::epoch && first > virtual_clock::epoch - 1h);
  look();
  CAF_CHECK_EQUAL(script->windows.size(), 1u);
  advance(1h);
  look();
  CAF_REQUIRE_EQUAL(script->windows.size(), 2u);
  CAF_CHECK(script->windows[1].window_at == first + 1h);
}

CAF_TEST(after a downtime one window takes in those that were missed) {
  start();
  advance(5h);
  look();
  CAF_CHECK_EQUAL(script->windows.size(), 2u);
}

CAF_TEST(a window that could not be opened is opened later) {
  script->window_failures.push_back(store_down);
  start();
  CAF_CHECK_EQUAL(script->windows.size(), 1u);
  CAF_CHECK(ask<stage_status>(aut, status_v).state == "degraded");
  look();
  CAF_CHECK_EQUAL(script->windows.size(), 2u);
  CAF_CHECK(script->windows[0].window_at == script->windows[1].window_at);
  CAF_CHECK(ask<stage_status>(aut, status_v).state == "running");
}

CAF_TEST(a row that is no longer true is ended with its reason and not rendered) {
  auto claimed = mails(1, 1);
  auto facts = std::make_shared<email_context>(*claimed.context);
  facts->world.profiles.clear();
  claimed.context = facts;
  script->outbox_answers.emplace_back(std::move(claimed));
  start();
  CAF_REQUIRE_EQUAL(script->seals.size(), 1u);
  CAF_CHECK(script->seals[0]->envelopes.empty());
  CAF_REQUIRE_EQUAL(script->seals[0]->ended.size(), 1u);
  CAF_CHECK_EQUAL(script->seals[0]->ended[0].reason, "no_profile");
  CAF_CHECK_EQUAL(gauge("skipped"), 1);
}

CAF_TEST(a refused seal is tried piece by piece so that one mail does not hold up the others) {
  script->outbox_answers.emplace_back(mails(1, 3));
  script->seal_failures = {refused, refused};
  start();
  // The whole, then one by one; of these, the first was refused again.
  CAF_CHECK_EQUAL(script->seals.size(), 4u);
  CAF_CHECK_EQUAL(sent->envelopes.size(), 2u);
}

CAF_TEST(while the store is down nothing is sealed and the next look comes by itself) {
  script->outbox_answers.emplace_back(store_down);
  start();
  CAF_CHECK(ask<stage_status>(aut, status_v).state == "degraded");
  CAF_CHECK(!alarms->empty());
  script->outbox_answers.emplace_back(mails(1, 1));
  look();
  CAF_CHECK_EQUAL(sent->envelopes.size(), 1u);
}

CAF_TEST(idle is answered when nothing is due and nothing is with the sender) {
  script->outbox_answers.emplace_back(mails(1, 1));
  start();
  auto idle = request<idle_atom>(aut, idle_v);
  consume_messages();
  CAF_CHECK(idle->pending());
  settle();
  CAF_CHECK(idle->value);
}

CAF_TEST(a drain waits for the sender and claims nothing more) {
  script->outbox_answers.emplace_back(mails(1, 1));
  start();
  auto drained = request<drain_report>(aut, herald::drain{10s});
  consume_messages();
  CAF_CHECK(drained->pending());
  auto looks = script->outbox_claims.size();
  settle();
  CAF_REQUIRE(drained->value);
  CAF_CHECK_EQUAL(drained->value->released, 0u);
  CAF_CHECK_EQUAL(script->outbox_claims.size(), looks);
}

CAF_TEST(a drain hands back what nobody has tried to send) {
  cfg.requests.batch_min = 100;
  script->outbox_answers.emplace_back(envelopes(1, 3));
  start(2);
  auto drained = request<drain_report>(aut, herald::drain{10s});
  consume_messages();
  CAF_REQUIRE_EQUAL(script->records.size(), 1u);
  CAF_REQUIRE_EQUAL(script->records[0]->outcomes.size(), 1u);
  CAF_CHECK(script->records[0]->outcomes[0].fate == envelope_fate::deferred);
  CAF_CHECK(!script->records[0]->outcomes[0].first_attempt_at);
  settle();
  settle();
  CAF_CHECK(drained->value);
}

CAF_TEST(a drain that takes too long is answered with what is left) {
  script->outbox_answers.emplace_back(mails(1, 1));
  start();
  auto drained = request<drain_report>(aut, herald::drain{2s});
  consume_messages();
  advance(2s);
  CAF_REQUIRE(drained->value);
  CAF_CHECK_EQUAL(drained->value->released, 1u);
}

CAF_TEST(a dry run reads page by page and writes nothing) {
  cfg.dry_run = true;
  script->outbox_answers.emplace_back(mails(1, 3));
  start(0);
  CAF_CHECK_EQUAL(script->outbox_claims.size(), 2u);
  CAF_CHECK(script->outbox_claims[1].dry_run);
  CAF_CHECK_EQUAL(script->outbox_claims[1].after_id, 3);
  CAF_CHECK(script->seals.empty());
  CAF_CHECK(script->windows.empty());
  CAF_CHECK_EQUAL(gauge("mails"), 3);
}

CAF_TEST(an unusable digest rule stops the actor with its name) {
  cfg.digest_rule = "61 * * * *";
  auto broken = sys.spawn(email_batcher, cfg, "w1", email_batcher_links{gate, sender, timer},
                          std::shared_ptr<const email_rules>{rules},
                          std::make_shared<const virtual_clock>(sched), logger{});
  self->monitor(broken);
  consume_messages();
  self->receive(
      [&](const caf::down_msg& x) { CAF_CHECK(to_string(x.reason).find("digest") != std::string::npos); });
}

CAF_TEST_FIXTURE_SCOPE_END()
