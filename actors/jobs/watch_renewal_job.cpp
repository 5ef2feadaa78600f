#include "actors/jobs/watch_renewal_job.hpp"

#include <utility>

#include "actors/errors.hpp"

namespace herald {

namespace {

constexpr std::string_view component = calendar_watches_job;

/// So many connections in a row have to be refused for Herald's fault before nobody else is asked for.
constexpr std::uint32_t refusals_to_stop = 5;

/// A failure of the gate itself, as an answer: the call may have had its effect.
calendar_answer no_answer(const failure& why) {
  calendar_answer out;
  out.verdict = calendar_verdict::try_later;
  out.why = why;
  return out;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const watch_renewal_config& cfg) {
  auto invalid = [](const char* what) {
    return caf::make_error(caf::sec::invalid_argument, std::string{"watch_renewal."} + what);
  };
  if (cfg.within.count() <= 0)
    return invalid("within must be positive");
  if (cfg.max_concurrent == 0 || cfg.max_concurrent > 64)
    return invalid("max_concurrent must be 1 to 64");
  if (cfg.chunk == 0 || cfg.chunk > 1'000)
    return invalid("chunk must be 1 to 1000");
  auto& x = cfg.renewal;
  if (x.max_tries == 0 || x.backoff_min.count() <= 0 || x.backoff_max < x.backoff_min)
    return invalid("max_tries and backoff_min must be positive, and backoff_max not below backoff_min");
  if (x.deadline.count() <= 0 || x.channel_life.count() <= 0 || x.token_margin.count() < 0)
    return invalid("deadline and channel_life must be positive, and token_margin not negative");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

watch_renewal_state::watch_renewal_state(self_ptr owner) : self{owner} {
  // nop
}

job_actor::behavior_type watch_renewal_state::make_behavior(watch_renewal_config config,
                                                            store_gate_actor store,
                                                            calendar_gate_actor provider,
                                                            std::shared_ptr<const clock> wall_clock,
                                                            logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return job_actor::behavior_type::make_empty_behavior();
  }
  cfg = std::move(config);
  gate = std::move(store);
  calendar = std::move(provider);
  time = std::move(wall_clock);
  log = std::move(sink);
  random = random_source{cfg.seed};
  look_at_watches();
  return {
      [this](status_atom) { return on_status(); },
      [this](const job_order_ptr& x) { return on_order(x); },
      [this](cancel_atom) { on_cancel(); },
      [this](retry_atom, std::uint64_t ticket) { on_pause_over(ticket); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status watch_renewal_state::on_status() const {
  auto n = [](std::uint64_t x) { return static_cast<std::int64_t>(x); };
  stage_status out{
      std::string{component},
      "running",
      {},
      {{"runs", runs}, {"under_way", n(under_way.size())}, {"renewed", renewed}, {"failed", failed}}};
  if (!watches)
    return out;
  out.gauges.emplace_back("watched", n(watches->watched));
  out.gauges.emplace_back("expired", n(watches->expired));
  out.gauges.emplace_back("needs_reconnect", n(watches->needs_reconnect));
  if (watches->next_expiry)
    out.gauges.emplace_back("next_expiry_s", (*watches->next_expiry - time->now()).count() / 1'000);
  return out;
}

caf::result<job_report> watch_renewal_state::on_order(const job_order_ptr& x) {
  on_cancel();
  promise = self->make_response_promise<job_report>();
  order = x;
  report = {};
  reading = read_all = stopped = false;
  refusals = 0;
  last_read.reset();
  ++run;
  ++runs;
  read_more();
  return promise;
}

void watch_renewal_state::on_cancel() {
  if (!order)
    return;
  // What is under way may be anywhere between two calls. The plans are in the store, so the next run finds channels that
  // nobody has kept.
  report.why =
      failure{failure_class::transient, "the run was broken off by its runner; the next run does the rest"};
  waiting.clear();
  under_way.clear();
  end();
}

void watch_renewal_state::on_pause_over(std::uint64_t ticket) {
  resume(ticket, [this](renewal& x) { return x.on_pause_over(time->now()); });
}

// -- helpers: the run ---------------------------------------------------------------------------------------

void watch_renewal_state::read_more() {
  if (reading || read_all || stopped || !waiting.empty())
    return;
  reading = true;
  self->request(gate, caf::infinite, due_watches_request{order->as_of, cfg.within, cfg.chunk, last_read})
      .then([this, of = run](const due_watches_ptr& x) { on_read(of, *x); },
            [this, of = run](caf::error& err) {
              if (of != run || !order)
                return;
              reading = false;
              stop_with(to_failure(err, self->system()));
              go_on();
            });
}

void watch_renewal_state::on_read(std::uint64_t of, const due_watches& x) {
  if (of != run || !order)
    return;
  reading = false;
  read_all = read_all || x.watches.size() < cfg.chunk;
  if (!x.watches.empty())
    last_read = x.watches.back().connection_id;
  if (order->dry_run)
    report.counts["would_renew"] += x.watches.size();
  else if (!x.watches.empty() && cfg.renewal.address.empty())
    stop_with({failure_class::permanent,
               "calendars cannot be watched because the platform's own address is not known; "
               "set BACKEND_PUBLIC_URL"});
  else if (!stopped)
    waiting.insert(waiting.end(), x.watches.begin(), x.watches.end());
  go_on();
}

void watch_renewal_state::go_on() {
  if (time->now() >= order->deadline && !(read_all && waiting.empty()))
    stop_with(
        {failure_class::transient, "the run was broken off at its deadline; the next run does the rest"});
  while (!waiting.empty() && under_way.size() < cfg.max_concurrent) {
    auto ticket = ++last_ticket;
    auto now = time->now();
    auto [i, fresh] = under_way.emplace(ticket, renewal{std::move(waiting.front()), cfg.renewal, now});
    waiting.pop_front();
    take(ticket, i->second.begin(now));
  }
  read_more();
  if (under_way.empty() && waiting.empty() && !reading)
    end();
}

void watch_renewal_state::stop_with(failure why) {
  // What stops everybody says more than what befell one connection, and the first such reason is the one to act on.
  if (!stopped)
    report.why = std::move(why);
  waiting.clear();
  stopped = true;
}

void watch_renewal_state::end() {
  order = nullptr;
  promise.deliver(std::exchange(report, {}));
  look_at_watches();
}

void watch_renewal_state::look_at_watches() {
  self->request(gate, caf::infinite, watch_summary_request{time->now()})
      .then([this](const watch_summary& x) { watches = x; },
            // The next look is after the next run.
            [](const caf::error&) {});
}

// -- helpers: one renewal -----------------------------------------------------------------------------------

template <class Next> void watch_renewal_state::resume(std::uint64_t ticket, Next next) {
  if (auto i = under_way.find(ticket); i != under_way.end())
    take(ticket, next(i->second));
}

void watch_renewal_state::take(std::uint64_t ticket, renewal_step step) {
  struct visitor {
    watch_renewal_state* state;
    std::uint64_t ticket;
    void operator()(calendar_call& x) const { state->ask_provider(ticket, std::move(x)); }
    void operator()(watch_update& x) const { state->keep(ticket, std::move(x)); }
    void operator()(renewal_pause& x) const {
      state->self->delayed_send(state->self, x.length, retry_v, ticket);
    }
    void operator()(renewal_end& x) const { state->on_end(ticket, x); }
  };
  std::visit(visitor{this, ticket}, step);
}

void watch_renewal_state::ask_provider(std::uint64_t ticket, calendar_call call) {
  auto go = [this, ticket](const calendar_answer& x) {
    resume(ticket, [&](renewal& y) { return y.on_answer(x, time->now(), random.uniform()); });
  };
  self->request(calendar, caf::infinite, std::make_shared<const calendar_call>(std::move(call)))
      .then([go](const calendar_answer_ptr& x) { go(*x); },
            [this, go](caf::error& err) { go(no_answer(to_failure(err, self->system()))); });
}

void watch_renewal_state::keep(std::uint64_t ticket, watch_update update) {
  auto request = std::make_shared<record_watches_request>();
  request->run = order->run;
  request->worker = order->worker;
  request->now = time->now();
  request->updates.push_back(std::move(update));
  self->request(gate, caf::infinite, record_watches_ptr{std::move(request)})
      .then(
          [this, ticket](const watches_recorded& x) {
            resume(ticket, [&](renewal& y) { return y.on_kept(!x.lost.empty(), time->now()); });
          },
          [this, ticket](caf::error& err) {
            if (!under_way.contains(ticket))
              return;
            // Everybody needs the store. What this connection was about to note, the next run finds out anew.
            auto why = to_failure(err, self->system());
            stop_with(why);
            on_end(ticket, {renewal_ending::failed, why});
          });
}

void watch_renewal_state::on_end(std::uint64_t ticket, const renewal_end& x) {
  auto node = under_way.extract(ticket);
  auto& done = node.mapped();
  ++report.counts[std::string{to_string(x.how)}];
  if (done.token_refreshed())
    ++report.counts["tokens_refreshed"];
  if (done.failed_stops() > 0) {
    report.counts["stops_failed"] += done.failed_stops();
    log.warning(component, "stop-failed",
                "an old channel of connection {} could not be stopped; it ends when it expires",
                to_string(done.connection()));
  }
  if (x.how == renewal_ending::renewed) {
    ++renewed;
  } else if (x.how != renewal_ending::lost) {
    ++failed;
    auto text = fmt::format("the watch of connection {} was not renewed ({}): {}",
                            to_string(done.connection()), to_string(x.how), x.why.reason);
    // What waits for a person is said once, and then stands in the table of watches.
    if (x.how == renewal_ending::needs_reconnect && done.was_refused_before())
      log.debug(component, "not-renewed", "{}", text);
    else
      log.warning(component, "not-renewed", "{}", text);
  }
  if (x.how != renewal_ending::misconfigured)
    refusals = 0;
  else if (++refusals >= refusals_to_stop)
    stop_with({failure_class::permanent, x.why.reason});
  else if (!report.why)
    report.why = failure{failure_class::permanent, "some watches cannot be renewed: " + x.why.reason};
  if (x.how == renewal_ending::failed && !stopped)
    report.why = failure{failure_class::transient, "some watches were not renewed: " + x.why.reason};
  go_on();
}

// -- spawning -----------------------------------------------------------------------------------------------

job_actor::behavior_type watch_renewal_job(watch_renewal_state::self_ptr self, watch_renewal_config cfg,
                                           store_gate_actor gate, calendar_gate_actor calendar,
                                           std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(cfg), std::move(gate), std::move(calendar), std::move(time),
                                   std::move(log));
}

} // namespace herald
