#include "actors/email_batcher.hpp"

#include <algorithm>
#include <utility>

#include "actors/caf_compat.hpp"
#include "actors/errors.hpp"

namespace herald {

namespace {

/// Operators know this part of Herald by the name of the job it replaced.
constexpr std::string_view component = "email-notifications";

/// How often old bodies are looked for.
constexpr duration purge_interval{std::chrono::hours{1}};

/// The parts of a refused request: first the endings alone, then one envelope each; of endings alone, each row.
std::vector<seal_request_ptr> split_request(const seal_request& x) {
  std::vector<seal_request_ptr> out;
  auto part = seal_request{x.worker, x.now, x.lease, {}, {}};
  if (!x.ended.empty() && !x.envelopes.empty()) {
    part.ended = x.ended;
    out.push_back(std::make_shared<const seal_request>(part));
    part.ended.clear();
  } else {
    for (auto& row : x.ended) {
      part.ended = {row};
      out.push_back(std::make_shared<const seal_request>(part));
    }
    part.ended.clear();
  }
  for (auto& envelope : x.envelopes) {
    part.envelopes = {envelope};
    out.push_back(std::make_shared<const seal_request>(part));
  }
  return out;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------
caf::error validate(const email_batcher_config& cfg) {
  auto invalid = [](std::string what) {
    return caf::make_error(caf::sec::invalid_argument, "email." + std::move(what));
  };
  if (cfg.claim_batch == 0)
    return invalid("claim_batch must be at least 1");
  if (cfg.digest_turn == 0)
    return invalid("digest_turn must be at least 1");
  if (cfg.max_open_envelopes == 0)
    return invalid("max_open_envelopes must be at least 1");
  if (cfg.poll_min.count() <= 0 || cfg.poll_max < cfg.poll_min)
    return invalid("poll_min must be positive and not above poll_max");
  if (cfg.lease.count() <= 0)
    return invalid("lease must be positive");
  if (auto wrong = herald::validate(cfg.requests))
    return invalid(*wrong);
  if (auto parsed = digest_schedule::parse(cfg.digest_rule, cfg.digest_zone); !parsed)
    return invalid("digest: " + parsed.error().reason);
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------
email_batcher_state::email_batcher_state(self_ptr owner) : self{owner} {
  // nop
}

email_batcher_actor::behavior_type email_batcher_state::make_behavior(
    email_batcher_config config, std::string worker_id, email_batcher_links neighbours,
    std::shared_ptr<const email_rules> the_rules, std::shared_ptr<const clock> wall_clock, logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return email_batcher_actor::behavior_type::make_empty_behavior();
  }
  cfg = std::move(config);
  worker = std::move(worker_id);
  links = std::move(neighbours);
  rules = std::move(the_rules);
  time = std::move(wall_clock);
  log = std::move(sink);
  schedule = *digest_schedule::parse(cfg.digest_rule, cfg.digest_zone);
  pause = idle_backoff{cfg.poll_min, cfg.poll_max};
  size = claim_size{cfg.claim_batch};
  take_over();
  return {
      [this](status_atom) { return on_status(); }, [this](const tick&) { on_tick(); },
      [this](wake_up_atom) { on_wake_up(); },      [this](const credit& x) { on_credit(x); },
      [this](idle_atom) { return on_idle(); },     [this](const drain& x) { return on_drain(x); },
      [this](flush_atom) { on_drain_limit(); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------
stage_status email_batcher_state::on_status() const {
  auto n = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  return {name,
          draining           ? "draining"
          : degraded.empty() ? "running"
                             : "degraded",
          degraded,
          {{"credit", n(limit)},
           {"in_flight", n(in_flight.size())},
           {"ready", n(ready.size())},
           {"envelopes", n(sealed_total)},
           {"mails", n(mails_total)},
           {"skipped", n(skipped_total)},
           {"unsendable", n(failed_total)},
           {"digests", n(digests_total)}}};
}

void email_batcher_state::on_tick() {
  more = true;
  poll();
}

void email_batcher_state::on_wake_up() {
  pause.reset();
  more = true;
  // A look that is under way may have come before the new rows.
  woken = busy;
  poll();
}

void email_batcher_state::on_credit(const credit& x) {
  limit = x.limit;
  hand_over();
  poll();
}

caf::result<idle_atom> email_batcher_state::on_idle() {
  auto answer = self->make_response_promise<idle_atom>();
  waiting_idle.push_back(answer);
  more = true;
  poll();
  answer_waiting();
  return answer;
}

caf::result<drain_report> email_batcher_state::on_drain(const drain& x) {
  auto answer = self->make_response_promise<drain_report>();
  waiting_drain.push_back(answer);
  draining = true;
  hand_back();
  self->delayed_send(self, x.limit, flush_v);
  answer_waiting();
  return answer;
}

void email_batcher_state::on_drain_limit() {
  if (waiting_drain.empty())
    return;
  auto left = in_flight.size() + ready.size();
  if (left > 0)
    log.warning(
        component, "drain-cut-short",
        "{} envelopes are still in flight; they are sent again, under the same keys, once their leases "
        "end",
        left);
  for (auto& answer : std::exchange(waiting_drain, {}))
    answer.deliver(drain_report{left});
}

// -- helpers: claiming --------------------------------------------------------------------------------------
void email_batcher_state::take_over() {
  self->send(links.sender, open_v);
  if (cfg.dry_run) {
    poll();
    return;
  }
  busy = true;
  self->request(links.gate, caf::infinite, outbox_release_request{worker, time->now()})
      .then(
          [this](std::uint64_t released) {
            if (released > 0)
              log.info(component, "claims-taken-back", "{} mails of an earlier run are claimable again",
                       released);
            done();
          },
          // Not worth waiting for: leases end by themselves.
          [this](caf::error&) { done(); });
}

void email_batcher_state::poll() {
  if (busy || draining)
    return;
  if (auto window = latest_window(*schedule, time->now()); cfg.digests && !cfg.dry_run && window != opened) {
    open_window(window);
    return;
  }
  if (time->now() - last_purge >= purge_interval && !cfg.dry_run)
    purge();
  if (more && room() > 0)
    claim();
}

void email_batcher_state::open_window(timestamp window) {
  busy = true;
  self->request(links.gate, caf::infinite, open_window_request{window, time->now()})
      .then(
          [this, window](const window_report& report) {
            opened = window;
            more = true;
            digests_total += report.digests;
            if (report.digests > 0)
              log.info(component, "digest-window", "the window of {} gathers {} e-mails into {} digests",
                       to_iso8601(window), report.rows, report.digests);
            done();
          },
          [this](caf::error& err) { on_claim_failed(to_failure(err, self->system())); });
}

void email_batcher_state::claim() {
  busy = true;
  outbox_claim_request request;
  request.worker = worker;
  request.now = time->now();
  request.lease = cfg.lease;
  request.envelopes = static_cast<std::uint32_t>(room());
  request.max_open = cfg.max_open_envelopes;
  // No more than fills the requests there is room for: a request that is half full costs as much as a full one.
  auto fitting = room() * cfg.requests.batch_max;
  request.mails = size.of(static_cast<std::uint32_t>(std::min<std::size_t>(cfg.claim_batch, fitting)));
  claims = (claims + 1) % cfg.digest_turn;
  request.digest_share = claims == 0 ? request.mails : 0;
  request.immediate = cfg.immediate;
  request.digests = cfg.digests;
  request.dry_run = cfg.dry_run;
  request.after_id = dry_run_cursor;
  self->request(links.gate, caf::infinite, std::move(request))
      .then([this](const claimed_outbox_ptr& claimed) { on_claimed(claimed); },
            [this](caf::error& err) {
              size.failed();
              on_claim_failed(to_failure(err, self->system()));
            });
}

void email_batcher_state::on_claimed(const claimed_outbox_ptr& claimed) {
  size.succeeded();
  if (!std::exchange(degraded, {}).empty())
    log.info(component, "store-recovered", "e-mails can be claimed again");
  for (auto& envelope : claimed->envelopes) {
    // Its lease ran out while the sender has it: whoever records first decides, and a second attempt would only be
    // answered from the provider's memory.
    if (in_flight.contains(envelope->id))
      continue;
    // Its lease ran out while it waited here.
    std::erase_if(ready, [&](const sealed_envelope_ptr& x) { return x->id == envelope->id; });
    ready.push_back(envelope);
  }
  hand_over();
  more =
      claimed->more || !claimed->envelopes.empty() || !claimed->mails.empty() || std::exchange(woken, false);
  next_due = claimed->next_due;
  if (more)
    pause.reset();
  if (cfg.dry_run)
    report_dry_run(*claimed);
  else
    seal(*claimed);
}

void email_batcher_state::on_claim_failed(const failure& why) {
  if (degraded.empty())
    log.error(component, "store-down", "cannot claim e-mails, will keep trying: {}", why.reason);
  degraded = why.reason;
  for (auto& answer : std::exchange(waiting_idle, {}))
    answer.deliver(to_error(why));
  busy = false;
  rest(std::nullopt);
  answer_waiting();
}

void email_batcher_state::rest(std::optional<timestamp> due) {
  auto now = time->now();
  auto delay = pause.next();
  if (due)
    delay = std::min(delay, std::max(*due - now, duration{1}));
  delay = std::min(delay, std::max(next_window(*schedule, now) - now, duration{1}));
  self->send(links.timer, alarm{std::string{email_poll_job}, delay});
}

void email_batcher_state::purge() {
  last_purge = time->now();
  self->request(links.gate, caf::infinite, purge_request{last_purge - cfg.body_retention})
      .then(
          [this](std::uint64_t n) {
            if (n > 0)
              log.info(component, "bodies-purged", "forgot the bodies of {} old requests", n);
          },
          [this](caf::error& err) {
            log.warning(component, "purge-failed",
                        "old request bodies were not purged, next try in an hour: {}",
                        to_failure(err, self->system()).reason);
          });
}

// -- helpers: sealing ---------------------------------------------------------------------------------------
void email_batcher_state::seal(const claimed_outbox& claimed) {
  auto now = time->now();
  auto prepared = prepare(claimed, rules->render, rules->rows, rules->settings, now);
  auto drafts = plan_requests(prepared, claimed, cfg.requests, room());
  auto request = seal_request{worker, now, cfg.lease, std::move(prepared.ended), std::move(drafts)};
  if (!prepared.outage.empty() && request.ended.empty() && request.envelopes.empty()) {
    // Not one of them could be rendered: to go on would claim the whole backlog.
    on_claim_failed({failure_class::outage, prepared.outage});
    return;
  }
  for (auto& row : request.ended)
    if (row.ending == row_ending::failed)
      log.warning(component, "email-failed", "e-mail {} cannot be sent: {}", row.row_id, row.reason);
  if (!request.ended.empty() || !request.envelopes.empty())
    pieces.push_back(std::make_shared<const seal_request>(std::move(request)));
  store_next_piece();
}

void email_batcher_state::store_next_piece() {
  if (pieces.empty()) {
    done();
    return;
  }
  self->request(links.gate, caf::infinite, pieces.front())
      .then(
          [this](const sealed_batch_ptr& sealed) {
            pieces.pop_front();
            on_sealed(*sealed);
            store_next_piece();
          },
          [this](caf::error& err) {
            auto why = to_failure(err, self->system());
            if (why.kind == failure_class::permanent) {
              isolate(why);
            } else {
              // The mails stay claimed until their lease ends, and are then prepared anew.
              pieces.clear();
              on_claim_failed(why);
            }
          });
}

void email_batcher_state::on_sealed(const sealed_batch& sealed) {
  sealed_total += sealed.envelopes.size();
  skipped_total += sealed.skipped;
  failed_total += sealed.failed;
  for (auto& envelope : sealed.envelopes) {
    mails_total += envelope->mail_ids.size();
    ready.push_back(envelope);
  }
  hand_over();
  if (sealed.parked > 0)
    log.error(component, "needs-a-person",
              "{} mails were not sealed because their key was used before: herald mail list", sealed.parked);
  if (sealed.lost > 0)
    log.info(component, "mails-lost", "{} mails were withdrawn or claimed elsewhere before they were sealed",
             sealed.lost);
}

void email_batcher_state::isolate(const failure& why) {
  auto culprit = pieces.front();
  pieces.pop_front();
  auto parts = split_request(*culprit);
  if (parts.size() > 1) {
    log.warning(component, "seal-refused",
                "the store refused to seal {} envelopes, trying them one by one: {}",
                culprit->envelopes.size(), why.reason);
    pieces.insert(pieces.begin(), parts.begin(), parts.end());
  } else {
    log.error(component, "seal-failed",
              "the store refuses to seal an envelope; its mails are tried again once their lease ends: {}",
              why.reason);
    degraded = why.reason;
  }
  store_next_piece();
}

void email_batcher_state::report_dry_run(const claimed_outbox& claimed) {
  auto prepared = prepare(claimed, rules->render, rules->rows, rules->settings, time->now());
  for (auto& x : claimed.mails)
    dry_run_cursor = std::max(dry_run_cursor, x.mail.rows.empty() ? 0 : x.mail.rows.back().id);
  for (auto& row : prepared.ended)
    log.info(component, "would-end", "would end e-mail {} as {}: {}", row.row_id, to_string(row.ending),
             row.reason);
  skipped_total += prepared.ended.size();
  mails_total += prepared.immediate.size();
  if (!prepared.immediate.empty())
    log.info(component, "would-send", "would send {} mails", prepared.immediate.size());
  more = !claimed.mails.empty();
  done();
}

// -- helpers: sending ---------------------------------------------------------------------------------------
std::size_t email_batcher_state::room() const {
  if (cfg.dry_run)
    return 1;
  auto taken = in_flight.size() + ready.size();
  return limit > taken ? static_cast<std::size_t>(limit) - taken : 0;
}

void email_batcher_state::hand_over() {
  auto now = time->now();
  for (; !ready.empty() && in_flight.size() < limit; ready.pop_front())
    // Late in its lease it is somebody else's soon: the store hands it out again.
    if (ready.front()->lease_until - now > cfg.lease / 2)
      send(ready.front());
}

void email_batcher_state::send(const sealed_envelope_ptr& envelope) {
  in_flight.insert(envelope->id);
  self->request(links.sender, caf::infinite, envelope)
      .then([this, id = envelope->id](settled_atom) { on_settled(id); },
            [this, id = envelope->id](caf::error& err) {
              log.error(component, "envelope-returned",
                        "envelope {} could not be worked on, it is tried again once its lease ends: {}", id,
                        to_failure(err, self->system()).reason);
              on_settled(id);
            });
}

void email_batcher_state::hand_back() {
  if (ready.empty())
    return;
  auto request = std::make_shared<record_request>();
  request->worker = worker;
  request->now = time->now();
  for (auto& x : std::exchange(ready, {})) {
    envelope_outcome outcome;
    outcome.envelope_id = x->id;
    outcome.claim_no = x->claim_no;
    outcome.fate = envelope_fate::deferred;
    outcome.why = {failure_class::outage, "handed back when the daemon stopped"};
    outcome.retry_at = request->now;
    outcome.first_attempt_at = x->first_attempt_at;
    request->outcomes.push_back(std::move(outcome));
  }
  busy = true;
  self->request(links.gate, caf::infinite, record_request_ptr{std::move(request)})
      .then([this](const record_report&) { done(); },
            // They come back when their leases end.
            [this](caf::error&) { done(); });
}

void email_batcher_state::on_settled(std::int64_t envelope) {
  in_flight.erase(envelope);
  hand_over();
  // What was settled may have been put off: the store knows until when.
  more = true;
  poll();
  answer_waiting();
}

void email_batcher_state::done() {
  busy = false;
  if (more && !draining && room() > 0)
    poll();
  else if (!more)
    rest(next_due);
  answer_waiting();
}

void email_batcher_state::answer_waiting() {
  if (busy || !in_flight.empty() || !ready.empty())
    return;
  if (!more)
    for (auto& answer : std::exchange(waiting_idle, {}))
      answer.deliver(idle_v);
  if (draining)
    for (auto& answer : std::exchange(waiting_drain, {}))
      answer.deliver(drain_report{0});
}

// -- spawning -----------------------------------------------------------------------------------------------
email_batcher_actor::behavior_type email_batcher(email_batcher_state::self_ptr self, email_batcher_config cfg,
                                                 std::string worker, email_batcher_links links,
                                                 std::shared_ptr<const email_rules> rules,
                                                 std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(cfg), std::move(worker), std::move(links), std::move(rules),
                                   std::move(time), std::move(log));
}

} // namespace herald
