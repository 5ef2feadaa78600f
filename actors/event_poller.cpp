#include "actors/event_poller.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"

namespace herald {

namespace {

/// Operators know this part of Herald by the name of the job it replaced.
constexpr std::string_view component = "notify-fan-out";

/// Pause before a batch that met a full queue is handed out again.
constexpr duration queue_pause{100};

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const event_poller_config& cfg) {
  auto invalid = [](const char* what) {
    return caf::make_error(caf::sec::invalid_argument, std::string{"event_poller."} + what);
  };
  if (cfg.batch_size == 0)
    return invalid("batch_size must be at least 1");
  if (cfg.poll_min.count() <= 0 || cfg.poll_max < cfg.poll_min)
    return invalid("poll_min must be positive and not above poll_max");
  if (cfg.lease.count() <= 0)
    return invalid("lease must be positive");
  if (cfg.max_event_age.count() <= 0)
    return invalid("max_event_age must be positive");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

event_poller_state::event_poller_state(self_ptr owner) : self{owner} {
  // nop
}

event_poller_actor::behavior_type event_poller_state::make_behavior(event_poller_config config,
                                                                    std::string worker_id,
                                                                    event_poller_links neighbours,
                                                                    std::shared_ptr<const clock> wall_clock,
                                                                    logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return event_poller_actor::behavior_type::make_empty_behavior();
  }
  cfg = config;
  worker = std::move(worker_id);
  links = std::move(neighbours);
  time = std::move(wall_clock);
  log = std::move(sink);
  ledger = poll_ledger{cfg.batch_size};
  size = claim_size{cfg.batch_size};
  pause = idle_backoff{cfg.poll_min, cfg.poll_max};
  take_over();
  return {
      [this](status_atom) { return on_status(); },
      [this](const tick& x) { on_tick(x); },
      [this](wake_up_atom) { on_wake_up(); },
      [this](const credit& x) { on_credit(x); },
      [this](idle_atom) { return on_idle(); },
      [this](const drain& x) { return on_drain(x); },
      [this](retry_atom, std::uint64_t batch) { on_retry(batch); },
      [this](flush_atom) { on_drain_limit(); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status event_poller_state::on_status() const {
  auto n = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  return {name,
          draining           ? "draining"
          : degraded.empty() ? "running"
                             : "degraded",
          degraded,
          {{"credit", n(ledger.limit())},
           {"in_flight", n(ledger.in_flight())},
           {"claimed", n(claimed_total)},
           {"redispatched", n(redispatched)},
           {"expired", n(expired)}}};
}

void event_poller_state::on_tick(const tick& x) {
  if (x.job == renew_job)
    renew();
  else
    poll();
}

void event_poller_state::on_wake_up() {
  pause.reset();
  more = true;
  // A claim that is under way may have looked before the new events were there.
  woken = claiming;
  poll();
}

void event_poller_state::on_credit(const credit& x) {
  ledger.grant(x.limit);
  if (more)
    poll();
}

caf::result<idle_atom> event_poller_state::on_idle() {
  auto answer = self->make_response_promise<idle_atom>();
  waiting_idle.push_back(answer);
  more = true;
  poll();
  return answer;
}

caf::result<drain_report> event_poller_state::on_drain(const drain& x) {
  auto answer = self->make_response_promise<drain_report>();
  waiting_drain.push_back(answer);
  draining = true;
  self->delayed_send(self, x.limit, flush_v);
  answer_waiting();
  return answer;
}

void event_poller_state::on_retry(std::uint64_t batch) {
  if (ledger.find(batch))
    dispatch(batch);
}

void event_poller_state::on_drain_limit() {
  if (waiting_drain.empty())
    return;
  auto left = ledger.in_flight();
  log.warning(component, "drain-cut-short", "{} events are still in flight; they are handed back uncounted",
              left);
  self->request(links.gate, caf::infinite, release_request{worker, time->now(), {}})
      .then(
          [this](std::uint64_t released) {
            ledger.clear();
            for (auto& answer : std::exchange(waiting_drain, {}))
              answer.deliver(drain_report{released});
          },
          [this, left](caf::error& err) {
            log.error(component, "release-failed", "{} claims stay until their lease ends: {}", left,
                      to_failure(err, self->system()).reason);
            for (auto& answer : std::exchange(waiting_drain, {}))
              answer.deliver(err);
          });
}

// -- helpers: claiming --------------------------------------------------------------------------------------

void event_poller_state::take_over() {
  auto begin = [this] {
    claiming = false;
    self->send(links.writer, open_v);
    poll();
    // Somebody may have told it to stop in between.
    answer_waiting();
  };
  if (cfg.dry_run) {
    begin();
    return;
  }
  claiming = true;
  self->request(links.gate, caf::infinite, release_request{worker, time->now(), {}})
      .then(
          [this, begin](std::uint64_t released) {
            if (released > 0)
              log.info(component, "claims-taken-back", "{} events of an earlier run are claimable again",
                       released);
            begin();
          },
          // Not worth waiting for: leases end by themselves.
          [begin](caf::error&) { begin(); });
}

void event_poller_state::poll() {
  if (claiming || draining)
    return;
  auto wanted = size.of(ledger.claimable());
  if (wanted == 0)
    return;
  claiming = true;
  claim_request request{worker,      time->now(),   wanted, cfg.lease, cfg.max_event_age,
                        cfg.dry_run, dry_run_cursor};
  self->request(links.gate, caf::infinite, std::move(request))
      .then([this, wanted](const claimed_batch_ptr& claimed) { on_claimed(wanted, claimed); },
            [this](caf::error& err) { on_claim_failed(to_failure(err, self->system())); });
}

void event_poller_state::on_claimed(std::uint32_t asked, const claimed_batch_ptr& claimed) {
  claiming = false;
  size.succeeded();
  if (!std::exchange(degraded, {}).empty())
    log.info(component, "store-recovered", "events can be claimed again");
  if (claimed->expired > 0) {
    expired += claimed->expired;
    log.warning(component, "events-expired", "{} events are older than the maximum age and were set aside",
                claimed->expired);
  }
  claimed_total += claimed->events.size();
  more = claimed->events.size() >= asked || claimed->expired > 0 || std::exchange(woken, false);
  if (!claimed->events.empty()) {
    pause.reset();
    dry_run_cursor = claimed->events.back().event.id;
    log.debug(component, "events-claimed", "claimed {} events", claimed->events.size());
    for (auto& batch : split_by_type(claimed->events, claimed->context))
      dispatch(ledger.hand_out(batch));
  }
  if (more)
    poll();
  else
    rest(claimed->next_due);
  answer_waiting();
}

void event_poller_state::on_claim_failed(const failure& why) {
  claiming = false;
  size.failed();
  if (degraded.empty())
    log.error(component, "store-down", "cannot claim events, will keep trying: {}", why.reason);
  degraded = why.reason;
  for (auto& answer : std::exchange(waiting_idle, {}))
    answer.deliver(to_error(why));
  rest(std::nullopt);
  answer_waiting();
}

void event_poller_state::rest(std::optional<timestamp> next_due) {
  auto delay = pause.next();
  if (next_due)
    delay = std::clamp(*next_due - time->now(), duration{0}, delay);
  self->send(links.timer, alarm{std::string{poll_job}, delay});
}

void event_poller_state::renew() {
  auto claims = ledger.claims();
  if (claims.empty() || cfg.dry_run)
    return;
  self->request(links.gate, caf::infinite, renew_request{worker, time->now(), cfg.lease, std::move(claims)})
      .then(
          [this](const lost_claims& lost) {
            // Mostly claims that were settled while the renewal was on its way; a lease that was really lost
            // shows when its commit meets the fence.
            if (!lost.claims.empty())
              log.debug(component, "claims-not-renewed", "{} claims are no longer ours to renew",
                        lost.claims.size());
          },
          [this](caf::error& err) {
            log.warning(component, "renewal-failed", "leases were not renewed: {}",
                        to_failure(err, self->system()).reason);
          });
}

// -- helpers: handing out -----------------------------------------------------------------------------------

void event_poller_state::dispatch(std::uint64_t id) {
  auto batch = ledger.find(id);
  auto i = links.handlers.find(batch->type);
  auto& handler = i == links.handlers.end() ? links.unknown : i->second;
  self->request(handler, caf::infinite, batch)
      .then([this, id](settled_atom) { on_settled(id); },
            [this, id](caf::error& err) { on_batch_failed(id, to_failure(err, self->system())); });
}

void event_poller_state::on_batch_failed(std::uint64_t id, const failure& why) {
  auto batch = ledger.find(id);
  if (!batch)
    return;
  if (why.kind == failure_class::outage) {
    self->delayed_send(self, queue_pause, retry_v, id);
  } else if (batch->events.size() > 1) {
    log.warning(component, "batch-failed", "a batch of {} {} events failed, handing them out one by one: {}",
                batch->events.size(), batch->type, to_string(why));
    for (auto single : ledger.split(id)) {
      ++redispatched;
      dispatch(single);
    }
  } else {
    report_failure(id, why);
  }
}

void event_poller_state::report_failure(std::uint64_t id, const failure& why) {
  auto batch = ledger.find(id);
  auto& x = batch->events.front();
  auto report = std::make_shared<plan_batch>();
  report->failures.push_back({x.ref(), batch->type, x.attempts, x.crashes, why});
  self->request(links.writer, caf::infinite, plan_batch_ptr{std::move(report)})
      .then([this, id](settled_atom) { on_settled(id); },
            [this, id](caf::error& err) {
              // Whatever keeps the writer from taking it, the lease brings the event back.
              log.error(component, "failure-not-recorded", "left to its lease: {}",
                        to_failure(err, self->system()).reason);
              on_settled(id);
            });
}

void event_poller_state::on_settled(std::uint64_t id) {
  ledger.settle(id);
  if (more || (!waiting_idle.empty() && ledger.in_flight() == 0))
    poll();
  answer_waiting();
}

void event_poller_state::answer_waiting() {
  if (claiming || ledger.in_flight() > 0)
    return;
  if (!more)
    for (auto& answer : std::exchange(waiting_idle, {}))
      answer.deliver(idle_v);
  if (draining)
    for (auto& answer : std::exchange(waiting_drain, {}))
      answer.deliver(drain_report{0});
}

// -- spawning -----------------------------------------------------------------------------------------------

event_poller_actor::behavior_type event_poller(event_poller_state::self_ptr self, event_poller_config cfg,
                                               std::string worker, event_poller_links links,
                                               std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(cfg, std::move(worker), std::move(links), std::move(time), std::move(log));
}

} // namespace herald
