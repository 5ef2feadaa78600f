#include "actors/store_gate.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "actors/errors.hpp"

namespace herald {

namespace {

/// One connection to the store and the thread that may block in it. Speaks the gate's own interface, so that
/// the gate can pass requests on as they are.
class store_worker_state {
public:
  static constexpr const char* name = "store_worker";

  using self_ptr = store_gate_actor::stateful_pointer<store_worker_state>;

  explicit store_worker_state(self_ptr owner) : self{owner} {
    // nop
  }

  store_gate_actor::behavior_type make_behavior(store_opener open_store, store_gate_actor gate,
                                                std::uint64_t index) {
    act::harden(self);
    opener = std::move(open_store);
    boss = caf::actor_cast<caf::weak_actor_ptr>(gate);
    desk = index;
    return {
        [](status_atom) {
          return stage_status{name, "running", {}, {}};
        },
        [this](const claim_request& x) {
          return call<claimed_batch_ptr>([&](event_store& db) -> result<claimed_batch_ptr> {
            auto claimed = db.claim(x);
            if (!claimed)
              return claimed.error();
            return claimed_batch_ptr{std::make_shared<const claimed_batch>(std::move(*claimed))};
          });
        },
        [this](const commit_request_ptr& x) {
          return call<commit_report>([&](event_store& db) { return db.commit(*x); });
        },
        [this](const renew_request& x) {
          return call<lost_claims>([&](event_store& db) -> result<lost_claims> {
            auto lost = db.renew(x);
            if (!lost)
              return lost.error();
            return lost_claims{std::move(*lost)};
          });
        },
        [this](const release_request& x) {
          return call<std::uint64_t>([&](event_store& db) { return db.release(x); });
        },
        [](freed_atom, std::uint64_t) {},
    };
  }

private:
  template <class Reply, class Call> caf::result<Reply> call(Call f) {
    auto answer = run<Reply>(f);
    if (auto gate = caf::actor_cast<store_gate_actor>(boss))
      self->send(gate, freed_v, desk);
    if (!answer)
      return to_error(answer.error());
    return std::move(*answer);
  }

  template <class Reply, class Call> result<Reply> run(Call& f) {
    if (!store) {
      auto opened = opener();
      if (!opened)
        return opened.error();
      store = std::move(*opened);
    }
    result<Reply> answer = f(*store);
    // A connection that failed in an outage is not trusted again.
    if (!answer && answer.error().kind == failure_class::outage)
      store.reset();
    return answer;
  }

  self_ptr self;
  store_opener opener;
  caf::weak_actor_ptr boss;
  std::uint64_t desk = 0;
  std::unique_ptr<event_store> store;
};

store_gate_actor::behavior_type store_worker(store_worker_state::self_ptr self, store_opener opener,
                                             store_gate_actor gate, std::uint64_t index) {
  return self->state.make_behavior(std::move(opener), std::move(gate), index);
}

} // namespace

// -- configuration
// --------------------------------------------------------------------------------------------

caf::error validate(const store_gate_config& cfg) {
  auto invalid = [](const char* what) {
    return caf::make_error(caf::sec::invalid_argument, std::string{"store_gate."} + what);
  };
  if (cfg.workers == 0 || cfg.workers > 64)
    return invalid("workers must be 1 to 64");
  if (cfg.max_queue == 0)
    return invalid("max_queue must be at least 1");
  if (cfg.call_timeout.count() <= 0)
    return invalid("call_timeout must be positive");
  return caf::none;
}

// -- state
// ----------------------------------------------------------------------------------------------------

store_gate_state::store_gate_state(self_ptr owner) : self{owner} {
  // nop
}

store_gate_state::~store_gate_state() {
  for (auto& x : desks)
    caf::anon_send_exit(x.worker, caf::exit_reason::user_shutdown);
}

store_gate_actor::behavior_type store_gate_state::make_behavior(store_gate_config config,
                                                                store_opener open_store, gate_threads mode,
                                                                logger sink) {
  act::harden(self);
  if (auto err = validate(config)) {
    self->quit(std::move(err));
    return store_gate_actor::behavior_type::make_empty_behavior();
  }
  cfg = config;
  opener = std::move(open_store);
  threads = mode;
  log = std::move(sink);
  self->set_down_handler([this](caf::down_msg& x) { on_down(x); });
  desks.resize(cfg.workers);
  for (std::size_t i = 0; i < desks.size(); ++i)
    hire(i);
  return {
      [this](status_atom) { return on_status(); },
      [this](const claim_request& x) { return on_request<claimed_batch_ptr>(x); },
      [this](const commit_request_ptr& x) { return on_request<commit_report>(x); },
      [this](const renew_request& x) { return on_request<lost_claims>(x); },
      [this](const release_request& x) { return on_request<std::uint64_t>(x); },
      [this](freed_atom, std::uint64_t index) { on_freed(index); },
  };
}

// -- message handlers
// -----------------------------------------------------------------------------------------

stage_status store_gate_state::on_status() const {
  auto busy = std::ranges::count(desks, false, &desk::free);
  return {name,
          "running",
          {},
          {{"workers", static_cast<std::int64_t>(desks.size())},
           {"busy", busy},
           {"queued", static_cast<std::int64_t>(queue.size())},
           {"calls", calls},
           {"failures", failures},
           {"rejected", rejected}}};
}

template <class Reply, class Request> caf::result<Reply> store_gate_state::on_request(const Request& x) {
  if (queue.size() >= cfg.max_queue) {
    ++rejected;
    return to_error({failure_class::outage, "the store's queue is full; it answers too slowly for the load"});
  }
  auto answer = self->template make_response_promise<Reply>();
  queue.push_back([this, x, answer](const store_gate_actor& worker) mutable {
    ++calls;
    self->request(worker, cfg.call_timeout, x)
        .then([answer](Reply& reply) mutable { answer.deliver(std::move(reply)); },
              [this, answer](caf::error& err) mutable {
                ++failures;
                if (err == caf::sec::request_timeout)
                  err = to_error({failure_class::outage, "the store did not answer within "
                                                             + std::to_string(cfg.call_timeout.count())
                                                             + " ms"});
                answer.deliver(std::move(err));
              });
  });
  pump();
  return answer;
}

void store_gate_state::on_freed(std::uint64_t index) {
  desks[index].free = true;
  pump();
}

// -- helpers
// --------------------------------------------------------------------------------------------------

void store_gate_state::pump() {
  for (auto& x : desks) {
    if (queue.empty())
      return;
    if (!x.free)
      continue;
    x.free = false;
    auto next = std::move(queue.front());
    queue.pop_front();
    next(x.worker);
  }
}

void store_gate_state::hire(std::size_t index) {
  auto me = store_gate_actor{self};
  auto number = static_cast<std::uint64_t>(index);
  auto& x = desks[index];
  x.worker = threads == gate_threads::detached
                 ? self->spawn<caf::detached + caf::monitored>(store_worker, opener, me, number)
                 : self->spawn<caf::monitored>(store_worker, opener, me, number);
  x.free = true;
}

void store_gate_state::on_down(const caf::down_msg& x) {
  for (std::size_t i = 0; i < desks.size(); ++i)
    if (desks[i].worker.address() == x.source) {
      log.error("store", "worker-died", "a store worker died and is replaced: {}",
                act::text_of(x.reason, self->system()));
      hire(i);
      pump();
    }
}

// -- spawning
// -------------------------------------------------------------------------------------------------

store_gate_actor::behavior_type store_gate(store_gate_state::self_ptr self, store_gate_config cfg,
                                           store_opener opener, gate_threads threads, logger log) {
  return self->state.make_behavior(cfg, std::move(opener), threads, std::move(log));
}

} // namespace herald
