#include "actors/calendar_gate.hpp"

#include <utility>

#include "actors/caf_compat.hpp"

namespace herald {

namespace {

/// One connection to the provider and the thread that may block in it.
class calendar_worker_state {
public:
  static constexpr const char* name = "calendar_worker";

  using self_ptr = calendar_gate_actor::stateful_pointer<calendar_worker_state>;

  explicit calendar_worker_state(self_ptr owner) : self{owner} {
    // nop
  }

  calendar_gate_actor::behavior_type make_behavior(calendar_opener open_api, const calendar_gate_actor& gate,
                                                   std::uint64_t index) {
    act::harden(self);
    opener = std::move(open_api);
    boss = caf::actor_cast<caf::weak_actor_ptr>(gate);
    desk = index;
    return {
        [](status_atom) {
          return stage_status{name, "running", {}, {}};
        },
        [this](const calendar_call_ptr& x) { return on_call(*x); },
        [](freed_atom, std::uint64_t) {},
    };
  }

private:
  calendar_answer_ptr on_call(const calendar_call& x) {
    if (!api)
      api = opener();
    auto answer = std::make_shared<const calendar_answer>(api->call(x));
    if (auto gate = caf::actor_cast<calendar_gate_actor>(boss))
      self->send(gate, freed_v, desk);
    return answer;
  }

  self_ptr self;
  calendar_opener opener;
  caf::weak_actor_ptr boss;
  std::uint64_t desk = 0;
  std::unique_ptr<calendar_api> api;
};

calendar_gate_actor::behavior_type calendar_worker(calendar_worker_state::self_ptr self,
                                                   calendar_opener opener, const calendar_gate_actor& gate,
                                                   std::uint64_t desk) {
  return self->state.make_behavior(std::move(opener), gate, desk);
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const calendar_gate_config& cfg) {
  if (cfg.workers == 0 || cfg.workers > 64)
    return caf::make_error(caf::sec::invalid_argument, "calendar_gate.workers must be 1 to 64");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

calendar_gate_state::calendar_gate_state(self_ptr owner) : self{owner} {
  // nop
}

calendar_gate_state::~calendar_gate_state() {
  workers.close();
}

calendar_gate_actor::behavior_type calendar_gate_state::make_behavior(calendar_gate_config cfg,
                                                                      calendar_opener open_api,
                                                                      gate_threads mode, logger sink) {
  act::harden(self);
  if (auto err = validate(cfg)) {
    self->quit(std::move(err));
    return calendar_gate_actor::behavior_type::make_empty_behavior();
  }
  opener = std::move(open_api);
  threads = mode;
  log = std::move(sink);
  self->set_down_handler([this](caf::down_msg& x) { on_down(x); });
  workers.open(cfg.workers, [this](std::uint64_t desk) { return hire(desk); });
  return {
      [this](status_atom) { return on_status(); },
      [this](const calendar_call_ptr& x) { return on_call(x); },
      [this](freed_atom, std::uint64_t desk) { on_freed(desk); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status calendar_gate_state::on_status() const {
  return {name,
          "running",
          {},
          {{"workers", static_cast<std::int64_t>(workers.size())},
           {"busy", workers.busy()},
           {"queued", static_cast<std::int64_t>(workers.queued())},
           {"calls", calls}}};
}

caf::result<calendar_answer_ptr> calendar_gate_state::on_call(const calendar_call_ptr& x) {
  auto answer = self->make_response_promise<calendar_answer_ptr>();
  // The client has its own deadlines, and a worker that dies is monitored by the request.
  workers.push([this, x, answer](const calendar_gate_actor& worker) mutable {
    ++calls;
    self->request(worker, caf::infinite, x)
        .then([answer](calendar_answer_ptr& reply) mutable { answer.deliver(std::move(reply)); },
              [answer](caf::error& err) mutable { answer.deliver(std::move(err)); });
  });
  return answer;
}

void calendar_gate_state::on_freed(std::uint64_t desk) {
  workers.free(desk);
}

// -- helpers ------------------------------------------------------------------------------------------------

calendar_gate_actor calendar_gate_state::hire(std::uint64_t desk) {
  return herald::hire(self, threads, calendar_worker, opener, calendar_gate_actor{self}, desk);
}

void calendar_gate_state::on_down(const caf::down_msg& x) {
  if (workers.replace(x.source))
    log.error("renew-calendar-watches", "worker-died", "a calendar worker died and was replaced: {}",
              act::text_of(x.reason, self->system()));
}

// -- spawning -----------------------------------------------------------------------------------------------

calendar_gate_actor::behavior_type calendar_gate(calendar_gate_state::self_ptr self, calendar_gate_config cfg,
                                                 calendar_opener opener, gate_threads threads, logger log) {
  return self->state.make_behavior(cfg, std::move(opener), threads, std::move(log));
}

} // namespace herald
