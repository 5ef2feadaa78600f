#include "actors/store_gate.hpp"

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

  store_gate_actor::behavior_type make_behavior(store_opener open_store, const store_gate_actor& gate,
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
          return call<claimed_batch_ptr>([&](pipeline_store& db) { return shared(db.claim(x)); });
        },
        [this](const commit_request_ptr& x) {
          return call<commit_report>([&](pipeline_store& db) { return db.commit(*x); });
        },
        [this](const renew_request& x) {
          return call<lost_claims>([&](pipeline_store& db) -> result<lost_claims> {
            auto lost = db.renew(x);
            if (!lost)
              return lost.error();
            return lost_claims{std::move(*lost)};
          });
        },
        [this](const release_request& x) {
          return call<std::uint64_t>([&](pipeline_store& db) { return db.release(x); });
        },
        [this](const open_window_request& x) {
          return call<window_report>([&](pipeline_store& db) { return db.open_window(x); });
        },
        [this](const outbox_claim_request& x) {
          return call<claimed_outbox_ptr>([&](pipeline_store& db) { return shared(db.claim_outbox(x)); });
        },
        [this](const seal_request_ptr& x) {
          return call<sealed_batch_ptr>([&](pipeline_store& db) { return shared(db.seal(*x)); });
        },
        [this](const record_request_ptr& x) {
          return call<record_report>([&](pipeline_store& db) { return db.record(*x); });
        },
        [this](const outbox_release_request& x) {
          return call<std::uint64_t>([&](pipeline_store& db) { return db.release_outbox(x); });
        },
        [this](const purge_request& x) {
          return call<std::uint64_t>([&](pipeline_store& db) { return db.purge_bodies(x); });
        },
        [this](const sender_report& x) {
          return call<sender_share>([&](pipeline_store& db) { return db.report_sender(x); });
        },
        [this](const open_jobs_request& x) {
          return call<job_states>([&](pipeline_store& db) -> result<job_states> {
            auto jobs = db.open_jobs(x);
            if (!jobs)
              return jobs.error();
            return job_states{std::move(*jobs)};
          });
        },
        [this](const begin_run_request& x) {
          return call<begun_run>([&](pipeline_store& db) { return db.begin_run(x); });
        },
        [this](const finish_run_request& x) {
          return call<bool>([&](pipeline_store& db) { return db.finish_run(x); });
        },
        [this](const meeting_reminders_request& x) {
          return call<job_chunk>([&](pipeline_store& db) { return db.remind_of_meetings(x); });
        },
        [this](const unread_nudges_request& x) {
          return call<job_chunk>([&](pipeline_store& db) { return db.nudge_unread_threads(x); });
        },
        [this](const resume_nudges_request& x) {
          return call<job_chunk>([&](pipeline_store& db) { return db.nudge_incomplete_resumes(x); });
        },
        [this](const due_watches_request& x) {
          return call<due_watches_ptr>([&](pipeline_store& db) { return shared(db.find_due_watches(x)); });
        },
        [this](const record_watches_ptr& x) {
          return call<watches_recorded>([&](pipeline_store& db) { return db.record_watches(*x); });
        },
        [this](const watch_summary_request& x) {
          return call<watch_summary>([&](pipeline_store& db) { return db.summarize_watches(x.now); });
        },
        [](freed_atom, std::uint64_t) {},
    };
  }

private:
  /// Big answers travel as pointers.
  template <class T> static result<std::shared_ptr<const T>> shared(result<T> x) {
    if (!x)
      return x.error();
    return std::make_shared<const T>(std::move(*x));
  }

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
  std::unique_ptr<pipeline_store> store;
};

store_gate_actor::behavior_type store_worker(store_worker_state::self_ptr self, store_opener opener,
                                             const store_gate_actor& gate, std::uint64_t index) {
  return self->state.make_behavior(std::move(opener), gate, index);
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

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

// -- state --------------------------------------------------------------------------------------------------

store_gate_state::store_gate_state(self_ptr owner) : self{owner} {
  // nop
}

store_gate_state::~store_gate_state() {
  workers.close();
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
  workers.open(cfg.workers, [this](std::uint64_t desk) { return hire(desk); });
  return {
      [this](status_atom) { return on_status(); },
      [this](const claim_request& x) { return on_request<claimed_batch_ptr>(x); },
      [this](const commit_request_ptr& x) { return on_request<commit_report>(x); },
      [this](const renew_request& x) { return on_request<lost_claims>(x); },
      [this](const release_request& x) { return on_request<std::uint64_t>(x); },
      [this](const open_window_request& x) { return on_request<window_report>(x); },
      [this](const outbox_claim_request& x) { return on_request<claimed_outbox_ptr>(x); },
      [this](const seal_request_ptr& x) { return on_request<sealed_batch_ptr>(x); },
      [this](const record_request_ptr& x) { return on_request<record_report>(x); },
      [this](const outbox_release_request& x) { return on_request<std::uint64_t>(x); },
      [this](const purge_request& x) { return on_request<std::uint64_t>(x); },
      [this](const sender_report& x) { return on_request<sender_share>(x); },
      [this](const open_jobs_request& x) { return on_request<job_states>(x); },
      [this](const begin_run_request& x) { return on_request<begun_run>(x); },
      [this](const finish_run_request& x) { return on_request<bool>(x); },
      [this](const meeting_reminders_request& x) { return on_request<job_chunk>(x); },
      [this](const unread_nudges_request& x) { return on_request<job_chunk>(x); },
      [this](const resume_nudges_request& x) { return on_request<job_chunk>(x); },
      [this](const due_watches_request& x) { return on_request<due_watches_ptr>(x); },
      [this](const record_watches_ptr& x) { return on_request<watches_recorded>(x); },
      [this](const watch_summary_request& x) { return on_request<watch_summary>(x); },
      [this](freed_atom, std::uint64_t desk) { on_freed(desk); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status store_gate_state::on_status() const {
  return {name,
          "running",
          {},
          {{"workers", static_cast<std::int64_t>(workers.size())},
           {"busy", workers.busy()},
           {"queued", static_cast<std::int64_t>(workers.queued())},
           {"calls", calls},
           {"failures", failures},
           {"rejected", rejected}}};
}

template <class Reply, class Request> caf::result<Reply> store_gate_state::on_request(const Request& x) {
  if (workers.queued() >= cfg.max_queue) {
    ++rejected;
    return to_error({failure_class::outage, "the store's queue is full; it answers too slowly for the load"});
  }
  auto answer = self->template make_response_promise<Reply>();
  workers.push([this, x, answer](const store_gate_actor& worker) mutable {
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
  return answer;
}

void store_gate_state::on_freed(std::uint64_t desk) {
  workers.free(desk);
}

// -- helpers ------------------------------------------------------------------------------------------------

store_gate_actor store_gate_state::hire(std::uint64_t desk) {
  return herald::hire(self, threads, store_worker, opener, store_gate_actor{self}, desk);
}

void store_gate_state::on_down(const caf::down_msg& x) {
  if (workers.replace(x.source))
    log.error("store", "worker-died", "a store worker died and was replaced: {}",
              act::text_of(x.reason, self->system()));
}

// -- spawning -----------------------------------------------------------------------------------------------

store_gate_actor::behavior_type store_gate(store_gate_state::self_ptr self, store_gate_config cfg,
                                           store_opener opener, gate_threads threads, logger log) {
  return self->state.make_behavior(cfg, std::move(opener), threads, std::move(log));
}

} // namespace herald
