#include "actors/notification_writer.hpp"

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"
#include "core/commit_plan.hpp"

namespace herald {

namespace {

/// Operators know this part of Herald by the name of the job it replaced.
constexpr std::string_view component = "notify-fan-out";

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const notification_writer_config& cfg) {
  auto invalid = [](const char* what) {
    return caf::make_error(caf::sec::invalid_argument, std::string{"notification_writer."} + what);
  };
  if (cfg.max_in_flight == 0)
    return invalid("max_in_flight must be at least 1");
  if (cfg.commit_batch == 0)
    return invalid("commit_batch must be at least 1");
  if (cfg.max_commits == 0 || cfg.max_commits > 64)
    return invalid("max_commits must be 1 to 64");
  if (cfg.commit_delay.count() < 0)
    return invalid("commit_delay must not be negative");
  if (cfg.outage_backoff_min.count() <= 0 || cfg.outage_backoff_max < cfg.outage_backoff_min)
    return invalid("outage_backoff_min must be positive and not above outage_backoff_max");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

notification_writer_state::notification_writer_state(self_ptr owner) : self{owner} {
  // nop
}

notification_writer_actor::behavior_type
notification_writer_state::make_behavior(notification_writer_config config, std::string worker_id,
                                         store_gate_actor store, credit_taker poller, wake_up_taker batcher,
                                         std::shared_ptr<const clock> wall_clock, logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return notification_writer_actor::behavior_type::make_empty_behavior();
  }
  cfg = config;
  worker = std::move(worker_id);
  gate = std::move(store);
  taker = std::move(poller);
  mailer = std::move(batcher);
  time = std::move(wall_clock);
  log = std::move(sink);
  random = random_source{cfg.seed};
  outage_backoff = idle_backoff{cfg.outage_backoff_min, cfg.outage_backoff_max};
  on_open();
  return {
      [this](status_atom) { return on_status(); },
      [this](const plan_batch_ptr& plans) { return on_plans(plans); },
      [this](open_atom) { on_open(); },
      [this](flush_atom, std::uint64_t id) { on_flush(id); },
      [this](retry_atom) { on_retry(); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status notification_writer_state::on_status() const {
  auto n = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  std::uint64_t waiting = 0;
  for (auto& x : buffer)
    waiting += x.plans->events();
  return {name,
          degraded.empty() ? "running" : "degraded",
          degraded,
          {{"buffered", n(waiting)},
           {"completed", n(totals.completed)},
           {"notifications", n(totals.notifications)},
           {"rolled_up", n(totals.rolled_up)},
           {"emails", n(totals.emails)},
           {"skipped", n(totals.skipped)},
           {"retried", n(totals.retried)},
           {"dead", n(totals.dead)},
           {"lost_claims", n(totals.lost)}}};
}

caf::result<settled_atom> notification_writer_state::on_plans(const plan_batch_ptr& plans) {
  auto answer = self->make_response_promise<settled_atom>();
  auto rolls_up = std::ranges::any_of(plans->plans, [](auto& x) { return !x.roll_ups.empty(); });
  // One that has to wait for its turn must not keep the first that need not from its alarm.
  auto alarm_is_set = ready_events() > 0;
  buffer.push_back({plans, answer, rolls_up});
  if (ready_events() >= cfg.commit_batch)
    commit_buffered();
  else if (!alarm_is_set && is_ready(buffer.back()))
    flush_soon();
  return answer;
}

void notification_writer_state::on_open() {
  self->send(taker, credit{degraded.empty() ? cfg.max_in_flight : 0});
}

void notification_writer_state::on_flush(std::uint64_t id) {
  // A buffer that left by size leaves its timer behind.
  if (id == generation)
    commit_buffered();
}

void notification_writer_state::on_retry() {
  for (auto& x : open)
    if (std::exchange(x.waiting, false))
      send(x);
}

// -- helpers: commits ---------------------------------------------------------------------------------------

bool notification_writer_state::commit_buffered() {
  // A store that is down is asked for what it was asked for already, and nothing else.
  auto ready = [this](auto& x) { return is_ready(x); };
  if (open.size() >= cfg.max_commits || !degraded.empty() || std::ranges::none_of(buffer, ready))
    return false; // settle() comes back here
  ++generation;
  open_commit next;
  std::vector<plan_batch_ptr> batches;
  std::uint64_t events = 0;
  for (auto i = buffer.begin(); i != buffer.end() && events < cfg.commit_batch;) {
    if (!is_ready(*i)) {
      ++i;
      continue;
    }
    events += i->plans->events();
    batches.push_back(i->plans);
    next.rolls_up = next.rolls_up || i->rolls_up;
    next.batches.push_back(std::move(*i));
    i = buffer.erase(i);
  }
  open.push_back(std::move(next));
  commit(open.back(), std::move(batches));
  return true;
}

bool notification_writer_state::is_ready(const buffered& x) const {
  return !x.rolls_up || std::ranges::none_of(open, &open_commit::rolls_up);
}

std::uint64_t notification_writer_state::ready_events() const {
  std::uint64_t out = 0;
  for (auto& x : buffer)
    if (is_ready(x))
      out += x.plans->events();
  return out;
}

void notification_writer_state::commit(open_commit& x, std::vector<plan_batch_ptr> batches) {
  auto now = time->now();
  auto failures = settle_failures(batches, cfg.retries, now, random);
  if (cfg.dry_run) {
    on_committed(x, expected_report(batches, failures));
    return;
  }
  x.request = std::make_shared<const commit_request>(
      commit_request{worker, now, std::move(batches), std::move(failures)});
  send(x);
}

void notification_writer_state::flush_soon() {
  // What is in the mailbox already comes along; the clock's thread would only cost time.
  if (cfg.commit_delay.count() == 0)
    self->send(self, flush_v, generation);
  else
    self->delayed_send(self, cfg.commit_delay, flush_v, generation);
}

void notification_writer_state::send(open_commit& x) {
  // A commit stays where it is until it is settled, and is settled by its answer alone.
  self->request(gate, caf::infinite, x.request)
      .then([this, &x](const commit_report& report) { on_committed(x, report); },
            [this, &x](caf::error& err) { on_commit_failed(x, to_failure(err, self->system())); });
}

void notification_writer_state::on_committed(open_commit& x, const commit_report& report) {
  totals += report;
  if (report.emails > 0 && mailer && !cfg.dry_run)
    self->send(mailer, wake_up_v);
  if (!degraded.empty()) {
    log.info(component, "store-recovered", "the store takes commits again");
    degraded.clear();
    outage_backoff.reset();
    on_open();
    on_retry();
  }
  if (x.request)
    report_failures(*x.request);
  if (report.lost > 0)
    log.warning(component, "claims-lost",
                "{} events were settled or claimed elsewhere before this commit; raise poller.lease_ms if "
                "this repeats",
                report.lost);
  if (!x.pieces.empty())
    x.pieces.pop_front();
  if (x.pieces.empty())
    settle(x);
  else
    commit_next_piece(x);
}

void notification_writer_state::on_commit_failed(open_commit& x, const failure& why) {
  if (why.kind == failure_class::permanent) {
    isolate(x, why);
    return;
  }
  set_degraded(why.reason);
  // A limit of time or size is not met by asking for the same again.
  if (why.kind == failure_class::transient && ++x.transient_failures > 1)
    if (auto halves = halve_plans(x.request->batches); halves.size() > 1) {
      replace_piece(x, halves);
      commit_next_piece(x);
      return;
    }
  // One alarm for all that wait.
  auto alarm_is_set = std::ranges::any_of(open, &open_commit::waiting);
  x.waiting = true;
  if (!alarm_is_set)
    self->delayed_send(self, outage_backoff.next(), retry_v);
}

void notification_writer_state::isolate(open_commit& x, const failure& why) {
  auto batches = split_plans(x.request->batches);
  if (batches.size() > 1) {
    log.warning(component, "commit-refused",
                "the store refused a commit of {} plans, trying them one by one: {}", batches.size(),
                why.reason);
    replace_piece(x, batches);
  } else if (!batches.empty() && !batches.front()->plans.empty()) {
    // The culprit. Its events fail by the ordinary way, with the store's reason.
    replace_piece(x, {fail_instead(*batches.front(), why)});
  } else {
    // Not even the failure can be recorded: leave the claim to its lease.
    log.error(component, "failure-not-recorded",
              "the store refused to record a failure, the event is left to its lease: {}", why.reason);
    x.request = nullptr;
    on_committed(x, {});
    return;
  }
  commit_next_piece(x);
}

void notification_writer_state::replace_piece(open_commit& x, const std::vector<plan_batch_ptr>& parts) {
  if (!x.pieces.empty())
    x.pieces.pop_front();
  x.pieces.insert(x.pieces.begin(), parts.begin(), parts.end());
}

void notification_writer_state::commit_next_piece(open_commit& x) {
  commit(x, {x.pieces.front()});
}

void notification_writer_state::settle(open_commit& x) {
  for (auto& batch : x.batches)
    batch.answer.deliver(settled_v);
  std::erase_if(open, [&x](auto& y) { return &x == &y; });
  while (ready_events() >= cfg.commit_batch && commit_buffered())
    continue;
  if (!buffer.empty() && open.size() < cfg.max_commits)
    flush_soon();
}

void notification_writer_state::report_failures(const commit_request& request) const {
  for (auto& x : request.failures) {
    auto& f = x.failure;
    if (x.retry_at)
      log.info(component, "event-failed", "event {} ({}) failed and is tried again at {}: {}",
               f.claim.event_id, f.event_type, to_iso8601(*x.retry_at), to_string(f.why));
    else
      log.warning(component, "event-dead", "event {} ({}) is dead after {} earlier failures: {}",
                  f.claim.event_id, f.event_type, f.attempts, to_string(f.why));
  }
}

void notification_writer_state::set_degraded(const std::string& why) {
  if (!degraded.empty())
    return;
  degraded = why;
  log.error(component, "store-down", "cannot commit, will keep trying: {}", why);
  on_open();
}

// -- spawning -----------------------------------------------------------------------------------------------

notification_writer_actor::behavior_type notification_writer(notification_writer_state::self_ptr self,
                                                             notification_writer_config cfg,
                                                             std::string worker, store_gate_actor gate,
                                                             credit_taker taker, wake_up_taker mailer,
                                                             std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(cfg, std::move(worker), std::move(gate), std::move(taker),
                                   std::move(mailer), std::move(time), std::move(log));
}

} // namespace herald
