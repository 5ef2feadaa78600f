#include "actors/mail_gate.hpp"

#include <utility>

#include "actors/caf_compat.hpp"

namespace herald {

namespace {

/// One connection to the provider and the thread that may block in it.
class mail_worker_state {
public:
  static constexpr const char* name = "mail_worker";

  using self_ptr = mail_gate_actor::stateful_pointer<mail_worker_state>;

  explicit mail_worker_state(self_ptr owner) : self{owner} {
    // nop
  }

  mail_gate_actor::behavior_type make_behavior(transport_opener open_transport, const mail_gate_actor& gate,
                                               std::uint64_t index) {
    act::harden(self);
    opener = std::move(open_transport);
    boss = caf::actor_cast<caf::weak_actor_ptr>(gate);
    desk = index;
    return {
        [](status_atom) {
          return stage_status{name, "running", {}, {}};
        },
        [this](const sealed_envelope_ptr& x) { return on_envelope(*x); },
        [](freed_atom, std::uint64_t) {},
    };
  }

private:
  mail_answer_ptr on_envelope(const sealed_envelope& x) {
    if (!transport)
      transport = opener();
    auto answer =
        std::make_shared<const mail_answer>(transport->send({x.endpoint, x.idempotency_key, x.body}));
    if (auto gate = caf::actor_cast<mail_gate_actor>(boss))
      self->send(gate, freed_v, desk);
    return answer;
  }

  self_ptr self;
  transport_opener opener;
  caf::weak_actor_ptr boss;
  std::uint64_t desk = 0;
  std::unique_ptr<mail_transport> transport;
};

mail_gate_actor::behavior_type mail_worker(mail_worker_state::self_ptr self, transport_opener opener,
                                           const mail_gate_actor& gate, std::uint64_t desk) {
  return self->state.make_behavior(std::move(opener), gate, desk);
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const mail_gate_config& cfg) {
  if (cfg.workers == 0 || cfg.workers > 64)
    return caf::make_error(caf::sec::invalid_argument, "mail_gate.workers must be 1 to 64");
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

mail_gate_state::mail_gate_state(self_ptr owner) : self{owner} {
  // nop
}

mail_gate_state::~mail_gate_state() {
  workers.close();
}

mail_gate_actor::behavior_type mail_gate_state::make_behavior(mail_gate_config cfg,
                                                              transport_opener open_transport,
                                                              gate_threads mode, logger sink) {
  act::harden(self);
  if (auto err = validate(cfg)) {
    self->quit(std::move(err));
    return mail_gate_actor::behavior_type::make_empty_behavior();
  }
  opener = std::move(open_transport);
  threads = mode;
  log = std::move(sink);
  self->set_down_handler([this](caf::down_msg& x) { on_down(x); });
  workers.open(cfg.workers, [this](std::uint64_t desk) { return hire(desk); });
  return {
      [this](status_atom) { return on_status(); },
      [this](const sealed_envelope_ptr& x) { return on_envelope(x); },
      [this](freed_atom, std::uint64_t desk) { on_freed(desk); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status mail_gate_state::on_status() const {
  return {name,
          "running",
          {},
          {{"workers", static_cast<std::int64_t>(workers.size())},
           {"busy", workers.busy()},
           {"queued", static_cast<std::int64_t>(workers.queued())},
           {"calls", calls}}};
}

caf::result<mail_answer_ptr> mail_gate_state::on_envelope(const sealed_envelope_ptr& x) {
  auto answer = self->make_response_promise<mail_answer_ptr>();
  // The transport has its own deadlines, and a worker that dies is monitored by the request.
  workers.push([this, x, answer](const mail_gate_actor& worker) mutable {
    ++calls;
    self->request(worker, caf::infinite, x)
        .then([answer](mail_answer_ptr& reply) mutable { answer.deliver(std::move(reply)); },
              [answer](caf::error& err) mutable { answer.deliver(std::move(err)); });
  });
  return answer;
}

void mail_gate_state::on_freed(std::uint64_t desk) {
  workers.free(desk);
}

// -- helpers ------------------------------------------------------------------------------------------------

mail_gate_actor mail_gate_state::hire(std::uint64_t desk) {
  return herald::hire(self, threads, mail_worker, opener, mail_gate_actor{self}, desk);
}

void mail_gate_state::on_down(const caf::down_msg& x) {
  if (workers.replace(x.source))
    log.error("email-notifications", "worker-died", "a mail worker died and was replaced: {}",
              act::text_of(x.reason, self->system()));
}

// -- spawning -----------------------------------------------------------------------------------------------

mail_gate_actor::behavior_type mail_gate(mail_gate_state::self_ptr self, mail_gate_config cfg,
                                         transport_opener opener, gate_threads threads, logger log) {
  return self->state.make_behavior(cfg, std::move(opener), threads, std::move(log));
}

} // namespace herald
