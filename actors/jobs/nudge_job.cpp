#include "actors/jobs/nudge_job.hpp"

#include <utility>

#include "actors/errors.hpp"

namespace herald {

namespace {

/// What a job reports when it stops between two chunks; the next run goes on where this one stopped, because what was
/// created is marked.
failure cut_short(const char* why) {
  return {failure_class::transient, std::string{"the run was broken off "} + why
                                        + "; what it had created stays, the next run creates the rest"};
}

std::uint64_t count_of(const job_counts& counts, const char* reason) {
  auto i = counts.find(reason);
  return i == counts.end() ? 0 : i->second;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const nudge_job_config& cfg) {
  auto invalid = [](const char* what) {
    return caf::make_error(caf::sec::invalid_argument, std::string{"nudge_job."} + what);
  };
  if (cfg.job.empty())
    return invalid("job needs a name");
  if (cfg.chunk == 0 || cfg.chunk > 100'000)
    return invalid("chunk must be 1 to 100000");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

nudge_job_state::nudge_job_state(self_ptr owner) : self{owner} {
  // nop
}

job_actor::behavior_type nudge_job_state::make_behavior(nudge_job_config config, store_gate_actor store,
                                                        wake_up_taker events,
                                                        std::shared_ptr<const clock> wall_clock,
                                                        logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return job_actor::behavior_type::make_empty_behavior();
  }
  cfg = std::move(config);
  gate = std::move(store);
  poller = std::move(events);
  time = std::move(wall_clock);
  log = std::move(sink);
  return {
      [this](status_atom) { return on_status(); },
      [this](const job_order_ptr& x) { return on_order(x); },
      [this](cancel_atom) { on_cancel(); },
      [](retry_atom, std::uint64_t) {},
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status nudge_job_state::on_status() const {
  return {cfg.job,
          "running",
          {},
          {{"under_way", order ? 1 : 0}, {"runs", runs}, {"chunks", chunks}, {"created", created}}};
}

caf::result<job_report> nudge_job_state::on_order(const job_order_ptr& x) {
  on_cancel();
  promise = self->make_response_promise<job_report>();
  order = x;
  report = {};
  ++run;
  ++runs;
  ask_for_chunk({});
  return promise;
}

void nudge_job_state::on_cancel() {
  if (order)
    end(cut_short("by its runner"));
}

// -- helpers ------------------------------------------------------------------------------------------------

void nudge_job_state::ask_for_chunk(std::string after) {
  if (time->now() >= order->deadline) {
    end(cut_short("at its deadline"));
    return;
  }
  auto ask = [&](auto request) {
    request.chunk = {order->run, order->worker, order->as_of, order->dry_run, cfg.chunk, std::move(after)};
    self->request(gate, caf::infinite, std::move(request))
        .then([this, of = run](const job_chunk& x) { on_chunk(of, x); },
              [this, of = run](caf::error& err) {
                if (of == run && order)
                  end(to_failure(err, self->system()));
              });
  };
  std::visit(ask, cfg.form);
}

void nudge_job_state::on_chunk(std::uint64_t of, const job_chunk& x) {
  if (of != run || !order)
    return;
  if (x.lost) {
    end(cut_short("because another daemon has taken it over"));
    return;
  }
  ++chunks;
  for (auto& [reason, n] : x.counts)
    report.counts[reason] += n;
  if (auto n = count_of(x.counts, "created") + count_of(x.counts, "moved"); n > 0 && !order->dry_run) {
    created += static_cast<std::int64_t>(n);
    if (poller)
      self->send(poller, wake_up_v);
  }
  if (x.next.empty())
    end(std::nullopt);
  else
    ask_for_chunk(x.next);
}

void nudge_job_state::end(std::optional<failure> why) {
  report.why = std::move(why);
  order = nullptr;
  promise.deliver(std::exchange(report, {}));
}

// -- spawning -----------------------------------------------------------------------------------------------

job_actor::behavior_type nudge_job(nudge_job_state::self_ptr self, nudge_job_config cfg,
                                   store_gate_actor gate, wake_up_taker poller,
                                   std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(cfg), std::move(gate), std::move(poller), std::move(time),
                                   std::move(log));
}

} // namespace herald
