// The sender: rate, lanes, answers of the provider, pauses, lost answers, recording, drain.
#define CAF_SUITE resend_sender

#include "actors/resend_sender.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

const failure store_down{failure_class::outage, "the database is locked"};

/// A provider that answers when it is told to, or at once by a script.
struct provider_script {
  std::vector<sealed_envelope_ptr> requests;
  std::vector<timestamp> times;
  std::deque<mail_answer> answers; ///< of the next requests; without one: accepted
  bool hold = false;
  bool die = false;
  std::vector<std::pair<sealed_envelope_ptr, caf::typed_response_promise<mail_answer_ptr>>> held;
};

using provider_ptr = std::shared_ptr<provider_script>;

mail_answer accepted(const sealed_envelope& x) {
  mail_answer out;
  out.status = 200;
  if (x.endpoint == email_endpoint::single) {
    out.body = R"({"id":"re_)" + std::to_string(x.id) + R"("})";
    return out;
  }
  out.body = R"({"data":[)";
  for (std::size_t i = 0; i < x.mail_ids.size(); ++i)
    out.body += (i == 0 ? "" : ",") + std::string{R"({"id":"re_)"} + std::to_string(x.mail_ids[i]) + R"("})";
  out.body += "]}";
  return out;
}

mail_answer refusal(int status, const std::string& name) {
  mail_answer out;
  out.status = status;
  out.body = R"({"statusCode":)" + std::to_string(status) + R"(,"message":"no","name":")" + name + R"("})";
  return out;
}

mail_answer no_answer(bool maybe_delivered) {
  mail_answer out;
  out.error = "the connection was reset";
  out.maybe_delivered = maybe_delivered;
  return out;
}

mail_gate_actor::behavior_type scripted_provider(mail_gate_actor::pointer self, provider_ptr script,
                                                 std::shared_ptr<const herald::clock> time) {
  return {
      [](status_atom) {
        return stage_status{"scripted_provider", "running", {}, {}};
      },
      [self, script, time](const sealed_envelope_ptr& x) -> caf::result<mail_answer_ptr> {
        script->requests.push_back(x);
        script->times.push_back(time->now());
        if (script->die)
          return caf::make_error(caf::sec::request_receiver_down);
        if (script->hold) {
          script->held.emplace_back(x, self->make_response_promise<mail_answer_ptr>());
          return script->held.back().second;
        }
        auto out = script->answers.empty() ? accepted(*x) : script->answers.front();
        if (!script->answers.empty())
          script->answers.pop_front();
        return std::make_shared<const mail_answer>(std::move(out));
      },
      // Answers what is held.
      [script](freed_atom, std::uint64_t) {
        for (auto& [x, promise] : std::exchange(script->held, {}))
          promise.deliver(std::make_shared<const mail_answer>(accepted(*x)));
      },
  };
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  std::shared_ptr<const herald::clock> time = std::make_shared<const virtual_clock>(sched);
  provider_ptr provider = std::make_shared<provider_script>();
  mail_gate_actor mail = spawn(scripted_provider, provider, time);
  std::shared_ptr<std::vector<std::uint64_t>> credits = std::make_shared<std::vector<std::uint64_t>>();
  credit_taker batcher = spawn([credits = credits](credit_taker::pointer) -> credit_taker::behavior_type {
    return {[credits](const credit& x) { credits->push_back(x.limit); }};
  });
  resend_sender_config cfg;
  resend_sender_actor aut;

  fixture() {
    cfg.max_waiting = 8;
    cfg.hold = 5s;
    cfg.governor.rate_start = 2;
    cfg.governor.rate_max = 2;
    cfg.governor.burst = 1;
    cfg.governor.max_in_flight = 2;
    cfg.governor.outages_to_open = 3;
    cfg.record_backoff_min = 100ms;
    cfg.record_backoff_max = 400ms;
  }

  void start() {
    aut = spawn(resend_sender, cfg, "w1", resend_sender_links{gate, mail, batcher}, time, logger{});
    consume_messages();
  }

  static sealed_envelope_ptr envelope(std::int64_t id, std::int64_t mails = 1,
                                      email_lane lane = email_lane::immediate) {
    sealed_envelope x;
    x.id = id;
    x.claim_no = 1;
    x.lease_until = virtual_clock::epoch + 1h;
    x.lane = lane;
    x.idempotency_key = "key/" + std::to_string(id);
    x.endpoint = mails == 1 ? email_endpoint::single : email_endpoint::batch;
    x.body = mails == 1 ? R"({"to":["a@example.org"]})" : "[";
    for (std::int64_t i = 0; i < mails; ++i) {
      x.mail_ids.push_back(id * 100 + i);
      if (mails > 1)
        x.body += (i == 0 ? "" : ",") + std::string{R"({"to":["a@example.org"]})"};
    }
    if (mails > 1)
      x.body += "]";
    return std::make_shared<const sealed_envelope>(std::move(x));
  }

  answer_ptr<settled_atom> send(const sealed_envelope_ptr& x) {
    auto out = request<settled_atom>(aut, x);
    consume_messages();
    return out;
  }

  /// What was recorded about the envelope last.
  envelope_outcome recorded(std::int64_t id) const {
    envelope_outcome out;
    for (auto& request : script->records)
      for (auto& x : request->outcomes)
        if (x.envelope_id == id)
          out = x;
    CAF_CHECK_EQUAL(out.envelope_id, id);
    return out;
  }

  std::size_t outcomes() const { return script->records.size(); }

  stage_status status() { return ask<stage_status>(aut, status_v); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(resend_sender_tests, fixture)

CAF_TEST(an accepted envelope is settled once its outcome is recorded) {
  start();
  auto got = send(envelope(1, 2));
  CAF_CHECK(got->value);
  auto out = recorded(1);
  CAF_CHECK(out.fate == envelope_fate::settled);
  CAF_REQUIRE_EQUAL(out.mails.size(), 2u);
  CAF_CHECK_EQUAL(out.mails[1].mail_id, 101);
  CAF_CHECK_EQUAL(out.mails[1].provider_id, "re_101");
}

CAF_TEST(requests keep to the rate whatever waits) {
  start();
  for (std::int64_t id = 1; id <= 6; ++id)
    send(envelope(id));
  advance(10s);
  CAF_REQUIRE_EQUAL(provider->times.size(), 6u);
  for (std::size_t i = 1; i < provider->times.size(); ++i)
    CAF_CHECK(provider->times[i] - provider->times[i - 1] >= 499ms);
  // And do not idle while something waits.
  CAF_CHECK(provider->times[5] - provider->times[0] <= 2600ms);
}

CAF_TEST(immediate mail goes before digests and digests have their share) {
  cfg.governor.digest_share = 0.25;
  start();
  for (std::int64_t id = 1; id <= 6; ++id)
    request<settled_atom>(aut, envelope(id, 1, id <= 2 ? email_lane::digest : email_lane::immediate));
  consume_messages();
  advance(2s);
  std::vector<bool> digests;
  for (auto& x : provider->requests)
    digests.push_back(x->lane == email_lane::digest);
  CAF_CHECK_EQUAL(std::count(digests.begin(), digests.end(), true), 1 + (digests.front() ? 1 : 0));
}

CAF_TEST(no more requests are under way than allowed) {
  cfg.governor.rate_start = cfg.governor.rate_max = 100;
  cfg.governor.burst = 10;
  provider->hold = true;
  start();
  for (std::int64_t id = 1; id <= 5; ++id)
    send(envelope(id));
  advance(2s);
  CAF_CHECK_EQUAL(provider->requests.size(), 2u);
}

CAF_TEST(a refused address kills one mail and not its batch) {
  auto answer = mail_answer{};
  answer.status = 200;
  answer.body = R"({"data":[{"id":"re_1"}],"errors":[{"index":1,"message":"Invalid `to` field"}]})";
  provider->answers = {answer};
  start();
  send(envelope(1, 2));
  auto out = recorded(1);
  CAF_CHECK(out.fate == envelope_fate::settled);
  CAF_CHECK_EQUAL(out.mails[0].provider_id, "re_1");
  CAF_CHECK(out.mails[1].provider_id.empty());
  CAF_CHECK(out.mails[1].reason.find("Invalid") != std::string::npos);
}

CAF_TEST(a batch that is refused as a whole is split) {
  provider->answers = {refusal(422, "validation_error")};
  start();
  send(envelope(1, 3));
  auto out = recorded(1);
  CAF_CHECK(out.fate == envelope_fate::split);
  CAF_CHECK_EQUAL(out.parts.size(), 3u);
}

CAF_TEST(too fast is not counted and the wait the provider asks for is kept) {
  auto answer = refusal(429, "rate_limit_exceeded");
  answer.retry_after = 3s;
  provider->answers = {answer};
  start();
  send(envelope(1));
  auto out = recorded(1);
  CAF_CHECK(out.fate == envelope_fate::deferred);
  CAF_CHECK(out.retry_at >= virtual_clock::epoch + 3s);
  send(envelope(2));
  advance(2s);
  CAF_CHECK_EQUAL(provider->requests.size(), 1u);
  advance(2s);
  CAF_CHECK_EQUAL(provider->requests.size(), 2u);
}

CAF_TEST(an unknown outcome is tried again with the same bytes and key) {
  provider->answers = {no_answer(true)};
  start();
  auto x = envelope(1);
  send(x);
  auto out = recorded(1);
  CAF_CHECK(out.fate == envelope_fate::retry || out.fate == envelope_fate::deferred);
  CAF_CHECK(out.first_attempt_at == virtual_clock::epoch);
  CAF_CHECK(out.parts.empty());
}

CAF_TEST(a request that died under way may have been sent) {
  provider->die = true;
  start();
  send(envelope(1));
  CAF_CHECK(recorded(1).first_attempt_at == virtual_clock::epoch);
}

CAF_TEST(a conflict is parked and never sent again blindly) {
  provider->answers = {refusal(409, "invalid_idempotent_request")};
  start();
  send(envelope(1));
  CAF_CHECK(recorded(1).fate == envelope_fate::parked);
}

CAF_TEST(an envelope whose key no longer protects is parked without an attempt) {
  start();
  auto x = *envelope(1);
  x.first_attempt_at = virtual_clock::epoch - 23h;
  send(std::make_shared<const sealed_envelope>(x));
  CAF_CHECK(recorded(1).fate == envelope_fate::parked);
  CAF_CHECK(provider->requests.empty());
}

CAF_TEST(an envelope whose turn comes when its claim may be over is handed back) {
  cfg.lease_margin = std::chrono::hours{1} - 2s;
  start();
  for (std::int64_t id = 1; id <= 8; ++id)
    send(envelope(id));
  advance(10s);
  CAF_CHECK(recorded(4).fate == envelope_fate::settled);
  CAF_CHECK(recorded(8).fate == envelope_fate::deferred);
  CAF_CHECK(!recorded(8).first_attempt_at);
  CAF_CHECK(provider->requests.size() <= 5u);
}

CAF_TEST(an envelope that is handed over twice is attempted once) {
  provider->hold = true;
  start();
  auto first = send(envelope(1));
  auto again = *envelope(1);
  again.claim_no = 2;
  auto second = send(std::make_shared<const sealed_envelope>(again));
  CAF_CHECK(second->value);
  CAF_CHECK_EQUAL(provider->requests.size(), 1u);
  caf::anon_send(mail, freed_v, std::uint64_t{0});
  consume_messages();
  CAF_CHECK(first->value);
  // The governor counts one request, so that others may follow.
  provider->hold = false;
  send(envelope(2));
  send(envelope(3));
  advance(3s);
  CAF_CHECK_EQUAL(provider->requests.size(), 3u);
}

CAF_TEST(a long wait that the provider asks for shows in the status) {
  auto answer = refusal(429, "rate_limit_exceeded");
  answer.retry_after = 600s;
  provider->answers = {answer};
  start();
  send(envelope(1));
  send(envelope(2));
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK(status().reason.find("retry_after") != std::string::npos);
  CAF_CHECK_EQUAL(credits->back(), 0u);
}

CAF_TEST(a wrong key stops sending and keeps every row) {
  provider->answers = {refusal(403, "invalid_api_key")};
  start();
  auto first = send(envelope(1));
  auto second = send(envelope(2));
  advance(1s);
  CAF_CHECK(recorded(1).fate == envelope_fate::deferred);
  CAF_CHECK(recorded(2).fate == envelope_fate::deferred);
  // Never attempted: its key is unknown to the provider. What blocks us need not block another daemon.
  CAF_CHECK(!recorded(2).first_attempt_at);
  CAF_CHECK(recorded(2).retry_at <= time->now());
  CAF_CHECK(first->value && second->value);
  CAF_CHECK_EQUAL(provider->requests.size(), 1u);
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK_EQUAL(credits->back(), 0u);
}

CAF_TEST(after a pause one request finds out whether mail may go out again) {
  cfg.governor.probe_interval = 60s;
  provider->answers = {refusal(403, "invalid_api_key")};
  start();
  send(envelope(1));
  advance(61s);
  CAF_CHECK_EQUAL(credits->back(), 2u);
  send(envelope(2));
  advance(1s);
  CAF_CHECK(recorded(2).fate == envelope_fate::settled);
  CAF_CHECK_EQUAL(credits->back(), 8u);
  CAF_CHECK_EQUAL(status().state, "running");
}

CAF_TEST(a provider that is down is left alone and asked by single requests) {
  cfg.governor.open_min = 20s;
  cfg.governor.open_max = 20s;
  for (int i = 0; i < 3; ++i)
    provider->answers.push_back(refusal(500, "application_error"));
  start();
  for (std::int64_t id = 1; id <= 4; ++id)
    send(envelope(id));
  advance(4s);
  CAF_CHECK_EQUAL(provider->requests.size(), 3u);
  CAF_CHECK(recorded(4).fate == envelope_fate::deferred);
  CAF_CHECK_EQUAL(credits->back(), 0u);
  CAF_CHECK_EQUAL(status().state, "degraded");
  advance(21s);
  CAF_CHECK_EQUAL(credits->back(), 2u);
  send(envelope(5));
  advance(1s);
  CAF_CHECK(recorded(5).fate == envelope_fate::settled);
  CAF_CHECK_EQUAL(credits->back(), 8u);
}

CAF_TEST(the quota of a day holds and what it keeps back goes to the store) {
  cfg.governor.rate_start = cfg.governor.rate_max = 100;
  cfg.governor.burst = 10;
  cfg.governor.daily_quota = 3;
  start();
  for (std::int64_t id = 1; id <= 5; ++id)
    send(envelope(id));
  advance(2s);
  CAF_CHECK_EQUAL(provider->requests.size(), 3u);
  CAF_CHECK(recorded(5).fate == envelope_fate::deferred);
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK_EQUAL(credits->back(), 0u);
}

CAF_TEST(an outcome that the store does not take is recorded later and only then settled) {
  script->record_failures = {store_down, store_down};
  start();
  auto got = send(envelope(1));
  CAF_CHECK(got->pending());
  CAF_CHECK_EQUAL(status().state, "degraded");
  advance(1s);
  CAF_CHECK(got->value);
  CAF_CHECK_EQUAL(status().state, "running");
  CAF_CHECK_EQUAL(outcomes(), 3u);
  CAF_CHECK_EQUAL(provider->requests.size(), 1u);
}

// -- other senders ------------------------------------------------------------------------------------------

CAF_TEST(three senders take a third of the rate each) {
  script->share.senders = 3;
  start();
  for (std::int64_t id = 1; id <= 4; ++id)
    send(envelope(id));
  advance(10s);
  CAF_REQUIRE_EQUAL(provider->times.size(), 4u);
  for (std::size_t i = 1; i < provider->times.size(); ++i)
    CAF_CHECK(provider->times[i] - provider->times[i - 1] >= 1499ms);
}

CAF_TEST(nothing is sent before the share is known) {
  script->share_failures = {store_down, store_down};
  start();
  auto got = send(envelope(1));
  CAF_CHECK(provider->requests.empty());
  // A single run ends on this instead of waiting for ever.
  CAF_CHECK_EQUAL(status().state, "degraded");
  CAF_CHECK_EQUAL(status().reason, store_down.reason);
  advance(1s);
  CAF_CHECK_EQUAL(script->sender_reports.size(), 3u);
  CAF_CHECK(got->value);
  CAF_CHECK_EQUAL(status().state, "running");
}

CAF_TEST(a share that is known holds through an outage of the store but not for good) {
  start();
  send(envelope(1));
  script->share_failures = std::deque<failure>(1'000, store_down);
  advance(25s);
  send(envelope(2));
  CAF_CHECK_EQUAL(provider->requests.size(), 2u);
  advance(10s);
  send(envelope(3));
  CAF_CHECK_EQUAL(provider->requests.size(), 2u);
}

CAF_TEST(mails that went out are reported once and within the interval) {
  start();
  send(envelope(1, 2));
  send(envelope(2));
  advance(11s);
  std::int64_t reported = 0;
  for (auto& x : script->sender_reports) {
    CAF_CHECK_EQUAL(x.worker, "w1");
    reported += x.mails;
  }
  CAF_CHECK_EQUAL(reported, 3);
  advance(60s);
  // An idle sender is none of those who share.
  CAF_CHECK_EQUAL(script->sender_reports.size(), 2u);
}

CAF_TEST(a report that failed is made again with the mails it was about) {
  start();
  send(envelope(1, 2));
  script->share_failures = {store_down};
  advance(12s);
  CAF_REQUIRE_EQUAL(script->sender_reports.size(), 3u);
  CAF_CHECK_EQUAL(script->sender_reports[1].mails, 2);
  CAF_CHECK_EQUAL(script->sender_reports[2].mails, 2);
}

CAF_TEST(what others sent counts against the quota of the day) {
  cfg.governor.daily_quota = 100;
  script->share.mails_today = 99;
  start();
  send(envelope(1, 2));
  CAF_CHECK(provider->requests.empty());
  send(envelope(2));
  advance(1s);
  CAF_CHECK_EQUAL(provider->requests.size(), 1u);
}

CAF_TEST(a batcher that starts anew is told its credit) {
  start();
  CAF_CHECK_EQUAL(credits->size(), 1u);
  caf::anon_send(aut, open_v);
  consume_messages();
  CAF_CHECK_EQUAL(credits->size(), 2u);
  CAF_CHECK_EQUAL(credits->back(), 8u);
}

CAF_TEST(a drain hands back what waits and finishes what is under way) {
  provider->hold = true;
  start();
  auto first = send(envelope(1));
  auto second = send(envelope(2));
  auto drained = request<drain_report>(aut, herald::drain{10s});
  consume_messages();
  CAF_CHECK(recorded(2).fate == envelope_fate::deferred);
  CAF_CHECK(!recorded(2).first_attempt_at);
  CAF_CHECK(second->value);
  CAF_CHECK(drained->pending());
  caf::anon_send(mail, freed_v, std::uint64_t{0});
  consume_messages();
  CAF_CHECK(first->value);
  CAF_REQUIRE(drained->value);
  CAF_CHECK_EQUAL(drained->value->released, 0u);
}

CAF_TEST(a drain that takes too long says how much has no recorded outcome) {
  provider->hold = true;
  start();
  send(envelope(1));
  auto drained = request<drain_report>(aut, herald::drain{2s});
  consume_messages();
  advance(2s);
  CAF_REQUIRE(drained->value);
  CAF_CHECK_EQUAL(drained->value->released, 1u);
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  cfg.max_waiting = 1;
  auto broken = sys.spawn(resend_sender, cfg, "w1", resend_sender_links{gate, mail, batcher}, time, logger{});
  self->monitor(broken);
  consume_messages();
  self->receive([&](const caf::down_msg& x) {
    CAF_CHECK(to_string(x.reason).find("max_waiting") != std::string::npos);
  });
}

CAF_TEST_FIXTURE_SCOPE_END()
