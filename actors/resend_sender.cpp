#include "actors/resend_sender.hpp"

#include <algorithm>
#include <utility>

#include "actors/caf_compat.hpp"
#include "actors/errors.hpp"

namespace herald {

namespace {

constexpr std::string_view component = "email-notifications";

constexpr const char* stopping = "handed back when the daemon stopped";

/// While the provider is probed: one request that asks, one that waits for its answer.
constexpr std::uint64_t probe_credit = 2;

std::int32_t mails_in_front(const auto& lane) {
  return lane.empty() ? 0 : static_cast<std::int32_t>(lane.front().envelope->mail_ids.size());
}

envelope_outcome deferred(const sealed_envelope& x, timestamp until, const std::string& why) {
  envelope_outcome out;
  out.envelope_id = x.id;
  out.claim_no = x.claim_no;
  out.fate = envelope_fate::deferred;
  out.why = {failure_class::outage, why};
  out.retry_at = until;
  out.first_attempt_at = x.first_attempt_at;
  return out;
}

/// Waits that are over soon and by themselves.
bool is_short(send_block x) {
  return x == send_block::rate || x == send_block::in_flight || x == send_block::no_work;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------
caf::error validate(const resend_sender_config& cfg) {
  auto invalid = [](const std::string& what) {
    return caf::make_error(caf::sec::invalid_argument, "resend." + what);
  };
  if (auto wrong = herald::validate(cfg.governor))
    return invalid(*wrong);
  if (auto wrong = herald::validate(cfg.retries))
    return invalid(*wrong);
  if (cfg.max_waiting < probe_credit)
    return invalid("max_waiting must be at least 2");
  if (cfg.share_interval.count() <= 0)
    return invalid("share_interval must be positive");
  if (cfg.record_backoff_min.count() <= 0 || cfg.record_backoff_max < cfg.record_backoff_min)
    return invalid("record_backoff_min must be positive and not above record_backoff_max");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------
resend_sender_state::resend_sender_state(self_ptr owner) : self{owner} {
  // nop
}

resend_sender_actor::behavior_type resend_sender_state::make_behavior(resend_sender_config config,
                                                                      std::string worker_id,
                                                                      resend_sender_links neighbours,
                                                                      std::shared_ptr<const clock> wall_clock,
                                                                      logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return resend_sender_actor::behavior_type::make_empty_behavior();
  }
  cfg = config;
  worker = std::move(worker_id);
  links = std::move(neighbours);
  time = std::move(wall_clock);
  log = std::move(sink);
  random = random_source{cfg.seed};
  governor.emplace(cfg.governor, time->now());
  record_backoff = idle_backoff{cfg.record_backoff_min, cfg.record_backoff_max};
  on_open();
  return {
      [this](status_atom) { return on_status(); },
      [this](const sealed_envelope_ptr& x) { return on_envelope(x); },
      [this](open_atom) { on_open(); },
      [this](const drain& x) { return on_drain(x); },
      [this](due_atom, std::uint64_t wait) { on_due(wait); },
      [this](retry_atom, std::int64_t envelope) { on_retry(envelope); },
      [this](share_atom) { on_share_due(); },
      [this](flush_atom) { on_drain_limit(); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------
stage_status resend_sender_state::on_status() {
  auto n = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  auto g = governor->state(time->now());
  auto why = !store_down.empty() ? store_down : !share_unknown.empty() ? share_unknown : degraded;
  if (why.empty() && blocked_until)
    why = "waits until " + to_iso8601(*blocked_until) + ": " + std::string{to_string(blocked_by)};
  return {name,
          draining      ? "draining"
          : why.empty() ? "running"
                        : "degraded",
          why,
          {{"waiting", n(immediate.size() + digests.size())},
           {"in_flight", n(in_flight.size())},
           {"unrecorded", n(unrecorded.size())},
           {"credit", n(told.value_or(0))},
           {"rate_per_minute", static_cast<std::int64_t>(g.rate * 60)},
           {"quota_used", g.quota_used},
           {"senders", senders},
           {"requests", n(requests)},
           {"rate_limited", n(rate_limited)},
           {"immediate", n(totals.immediate)},
           {"digests", n(totals.digests)},
           {"merged", n(totals.merged)},
           {"failed", n(totals.failed)},
           {"parked", n(totals.parked)},
           {"retried", n(totals.retried)},
           {"lost_claims", n(totals.lost)}}};
}

caf::result<settled_atom> resend_sender_state::on_envelope(const sealed_envelope_ptr& x) {
  auto answer = self->make_response_promise<settled_atom>();
  if (has(x->id)) {
    // Handed out again after its lease ran out; the one at work here tells the store what became of it.
    answer.deliver(settled_v);
    return answer;
  }
  lane(x->lane).push_back({x, answer});
  if (draining)
    hand_back(stopping);
  else
    pump();
  return answer;
}

void resend_sender_state::on_open() {
  told.reset();
  update_credit();
}

caf::result<drain_report> resend_sender_state::on_drain(const drain& x) {
  auto answer = self->make_response_promise<drain_report>();
  waiting_drain.push_back(answer);
  draining = true;
  hand_back(stopping);
  self->delayed_send(self, x.limit, flush_v);
  answer_waiting();
  return answer;
}

void resend_sender_state::on_due(std::uint64_t wait) {
  if (wait != wait_number)
    return;
  blocked_until.reset();
  pump();
}

void resend_sender_state::on_retry(std::int64_t envelope) {
  if (unrecorded.contains(envelope))
    store(envelope);
}

void resend_sender_state::on_share_due() {
  share_due = false;
  // Also the last mails of a busy time are told.
  if (unreported > 0 || !knows_share())
    ask_share();
}

void resend_sender_state::on_drain_limit() {
  auto left = in_flight.size() + unrecorded.size();
  if (left > 0 && !waiting_drain.empty())
    log.warning(component, "drain-cut-short",
                "{} requests have no recorded outcome; they are repeated under the same keys, which sends "
                "nothing twice",
                left);
  for (auto& answer : std::exchange(waiting_drain, {}))
    answer.deliver(drain_report{left});
}

// -- helpers: sending ---------------------------------------------------------------------------------------
std::deque<resend_sender_state::waiting_envelope>& resend_sender_state::lane(email_lane x) {
  return x == email_lane::digest ? digests : immediate;
}

bool resend_sender_state::has(std::int64_t envelope) const {
  auto waits_in = [envelope](const std::deque<waiting_envelope>& xs) {
    return std::ranges::any_of(xs, [envelope](auto& x) { return x.envelope->id == envelope; });
  };
  return in_flight.contains(envelope) || unrecorded.contains(envelope) || waits_in(immediate)
         || waits_in(digests);
}

void resend_sender_state::pump() {
  if (draining || ((!immediate.empty() || !digests.empty()) && !knows_share()))
    return;
  for (;;) {
    auto now = time->now();
    auto decision = governor->next({mails_in_front(immediate), mails_in_front(digests)}, now);
    if (decision.granted()) {
      start(decision);
      continue;
    }
    if (!decision.until)
      break;
    if (!is_short(decision.block) && *decision.until - now > cfg.hold) {
      blocked_until = decision.until;
      blocked_by = decision.block;
      // No credit first, so that what goes back is not claimed here again. Others may be luckier: what blocks us is ours.
      update_credit();
      hand_back(degraded.empty() ? std::string{to_string(decision.block)} : degraded);
    }
    wait_until(*decision.until);
    break;
  }
  update_credit();
}

void resend_sender_state::start(const send_decision& grant) {
  auto& from = lane(grant.lane);
  auto next = std::move(from.front());
  from.pop_front();
  auto now = time->now();
  auto& envelope = next.envelope;
  if (envelope->lease_until - now < cfg.lease_margin) {
    record(deferred(*envelope, now, "its turn came too late"), std::move(next.answer));
    return;
  }
  if (key_expired(cfg.retries, envelope->first_attempt_at, now)) {
    record(park(*envelope, "its idempotency key has expired with the outcome unknown; look at the provider, "
                           "then send it again or drop it"),
           std::move(next.answer));
    return;
  }
  ++requests;
  auto id = envelope->id;
  in_flight[id] = {envelope, std::move(next.answer), governor->on_started(grant, now), now};
  self->request(links.mail, caf::infinite, envelope)
      .then([this, id](const mail_answer_ptr& answer) { on_answer(id, *answer); },
            [this, id](caf::error& err) {
              // Whoever made the request is gone, and with it the knowledge of how far it came.
              mail_answer lost;
              lost.error = to_failure(err, self->system()).reason;
              lost.maybe_delivered = true;
              on_answer(id, lost);
            });
}

void resend_sender_state::on_answer(std::int64_t id, const mail_answer& answer) {
  auto found = in_flight.find(id);
  if (found == in_flight.end())
    return;
  auto request = std::move(found->second);
  in_flight.erase(found);
  auto now = time->now();
  auto& envelope = *request.envelope;
  auto meaning = classify(answer, envelope.endpoint, envelope.mail_ids.size());
  auto seen = observe(request.ticket, answer, meaning);
  governor->on_answer(request.ticket, seen, now, random.uniform());
  unreported += seen.accepted;
  if (unreported > 0 && !std::exchange(share_due, true))
    self->delayed_send(self, cfg.share_interval, share_v);
  report(envelope, meaning);
  record(conclude(cfg.retries, envelope, meaning, request.started, now, random.uniform()),
         std::move(request.answer));
  pump();
}

void resend_sender_state::report(const sealed_envelope& envelope, const send_outcome& meaning) {
  switch (meaning.result) {
  case send_result::settled:
    if (!std::exchange(degraded, {}).empty())
      log.info(component, "provider-recovered", "mail goes out again");
    for (auto& mail : meaning.mails)
      if (!mail.accepted())
        log.warning(component, "email-refused", "the provider refused a mail of envelope {}: {}", envelope.id,
                    mail.reason);
    return;
  case send_result::paused:
    if (degraded != meaning.reason)
      log.error(component, "provider-refuses-us", "no mail goes out, everything is kept: {}", meaning.reason);
    degraded = meaning.reason;
    return;
  case send_result::rate_limited:
    ++rate_limited;
    log.info(component, "rate-limited", "envelope {} waits: {}", envelope.id, meaning.reason);
    return;
  case send_result::conflict:
  case send_result::unclear:
    log.error(component, "needs-a-person", "envelope {} is parked: {}", envelope.id, meaning.reason);
    return;
  default:
    if (meaning.outage && degraded.empty() && governor->state(time->now()).breaker != breaker_state::closed) {
      degraded = meaning.reason;
      log.error(component, "provider-down", "mail waits until the provider is back: {}", meaning.reason);
    } else {
      log.warning(component, "attempt-failed", "envelope {} ({}): {}", envelope.id, to_string(meaning.result),
                  meaning.reason);
    }
  }
}

void resend_sender_state::hand_back(const std::string& why) {
  auto now = time->now();
  for (auto* from : {&immediate, &digests})
    for (auto& x : std::exchange(*from, {}))
      record(deferred(*x.envelope, now, why), std::move(x.answer));
}

void resend_sender_state::wait_until(timestamp until) {
  self->delayed_send(self, std::max(until - time->now(), duration{1}), due_v, ++wait_number);
}

void resend_sender_state::update_credit() {
  auto state = governor->state(time->now());
  auto probing = state.paused || state.breaker != breaker_state::closed;
  auto limit = blocked_until ? 0 : probing ? probe_credit : cfg.max_waiting;
  if (told == limit)
    return;
  told = limit;
  self->send(links.batcher, credit{limit});
}

bool resend_sender_state::knows_share() {
  if (share_until && time->now() < *share_until)
    return true;
  ask_share();
  return false;
}

void resend_sender_state::ask_share() {
  if (std::exchange(asking_share, true))
    return;
  auto word = sender_report{worker, time->now(), 3 * cfg.share_interval, unreported};
  self->request(links.gate, caf::infinite, word)
      .then([this, word](const sender_share& x) { on_share(word, x); },
            [this](caf::error& err) { on_share_refused(to_failure(err, self->system())); });
}

void resend_sender_state::on_share(const sender_report& word, const sender_share& x) {
  auto now = time->now();
  asking_share = false;
  if (!std::exchange(share_unknown, {}).empty())
    log.info(component, "share-known", "the store tells again how many share the provider");
  unreported -= word.mails;
  share_until = now + word.lease;
  governor->share_among(x.senders, now);
  governor->on_quota_count(x.mails_today, word.now, now);
  senders = x.senders;
  pump();
}

void resend_sender_state::on_share_refused(const failure& why) {
  asking_share = false;
  if (share_unknown.empty())
    log.error(component, "share-unknown",
              "the store does not tell how many share the provider, mail waits for that: {}", why.reason);
  share_unknown = why.reason;
  if (!std::exchange(share_due, true))
    self->delayed_send(self, cfg.record_backoff_min, share_v);
}

// -- helpers: recording -------------------------------------------------------------------------------------
void resend_sender_state::record(envelope_outcome outcome, promise answer) {
  auto id = outcome.envelope_id;
  unrecorded[id] = {std::move(outcome), std::move(answer)};
  store(id);
}

void resend_sender_state::store(std::int64_t envelope) {
  auto request = std::make_shared<const record_request>(
      record_request{worker, time->now(), {unrecorded.at(envelope).outcome}, cfg.purge});
  self->request(links.gate, caf::infinite, record_request_ptr{std::move(request)})
      .then([this, envelope](const record_report& x) { on_recorded(envelope, x); },
            [this, envelope](caf::error& err) {
              auto why = to_failure(err, self->system());
              if (why.kind == failure_class::permanent) {
                log.error(
                    component, "outcome-refused",
                    "the store refuses the outcome of envelope {}, it is repeated under the same key: {}",
                    envelope, why.reason);
                on_recorded(envelope, {});
                return;
              }
              auto delay = record_backoff.next();
              if (store_down.empty())
                log.error(component, "store-down", "outcomes cannot be recorded, will keep trying: {}",
                          why.reason);
              store_down = why.reason;
              self->delayed_send(self, delay, retry_v, envelope);
            });
}

void resend_sender_state::on_recorded(std::int64_t envelope, const record_report& report) {
  record_backoff.reset();
  if (!std::exchange(store_down, {}).empty())
    log.info(component, "store-recovered", "outcomes can be recorded again");
  totals += report;
  if (report.lost > 0)
    log.info(component, "claim-lost", "envelope {} was taken over before its outcome was recorded", envelope);
  auto found = unrecorded.find(envelope);
  if (found == unrecorded.end())
    return;
  auto done = std::move(found->second);
  unrecorded.erase(found);
  done.answer.deliver(settled_v);
  answer_waiting();
}

void resend_sender_state::answer_waiting() {
  if (!draining || !in_flight.empty() || !unrecorded.empty())
    return;
  for (auto& answer : std::exchange(waiting_drain, {}))
    answer.deliver(drain_report{0});
}

// -- spawning -----------------------------------------------------------------------------------------------
resend_sender_actor::behavior_type resend_sender(resend_sender_state::self_ptr self, resend_sender_config cfg,
                                                 std::string worker, resend_sender_links links,
                                                 std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(cfg, std::move(worker), std::move(links), std::move(time), std::move(log));
}

} // namespace herald
