// A store gate that does what a test tells it, and the pieces tests make events and plans of.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/errors.hpp"
#include "adapters/clock.hpp"
#include "core/commit_plan.hpp"
#include "messages/actors.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/scripted_ledger.hpp"
#include "tests/support/scripted_watches.hpp"

namespace herald::testing {

/// What the gate was asked, and what it answers. Without a script claims find nothing and commits succeed.
struct gate_script {
  std::vector<claim_request> claims;
  std::vector<commit_request_ptr> commits;
  std::vector<renew_request> renewals;
  std::vector<release_request> releases;

  std::deque<std::variant<claimed_batch, failure>> claim_answers;
  std::deque<std::variant<commit_report, failure>> commit_answers;
  std::vector<claim_ref> lost_on_renewal;
  std::uint64_t released = 0;

  std::vector<open_window_request> windows;
  std::vector<outbox_claim_request> outbox_claims;
  std::vector<seal_request_ptr> seals;
  std::vector<record_request_ptr> records;
  std::vector<outbox_release_request> outbox_releases;
  std::vector<purge_request> purges;
  std::vector<sender_report> sender_reports;

  std::deque<std::variant<claimed_outbox, failure>> outbox_answers;
  /// Failures of the next calls; none: they succeed.
  std::deque<failure> window_failures;
  std::deque<failure> seal_failures;
  std::deque<failure> record_failures;
  std::deque<failure> share_failures;
  sender_share share;
  std::int64_t last_envelope = 0;

  scripted_ledger ledger;
  std::vector<open_jobs_request> looks;
  std::vector<begin_run_request> begins;
  std::vector<finish_run_request> finishes;
  std::deque<failure> look_failures;
  std::deque<failure> begin_failures;
  std::deque<failure> finish_failures;
  /// The next runs begin, and the answers that say so are lost.
  std::deque<failure> lost_begins;
  /// Looks are answered with no job at all.
  bool forgetful = false;

  /// By whatever nudge job; without an answer a chunk is the last one and empty.
  std::vector<job_chunk_request> chunks;
  std::vector<std::string> chunk_kinds;
  std::vector<unread_nudges_request> unread_forms;
  std::deque<std::variant<job_chunk, failure>> chunk_answers;
  /// Chunks wait until the gate is told `freed`.
  bool hold_chunks = false;
  std::vector<std::pair<job_chunk_request, caf::typed_response_promise<job_chunk>>> held_chunks;

  std::shared_ptr<scripted_watches> watches = std::make_shared<scripted_watches>();

  /// Commits wait until the gate is told `freed`.
  bool hold_commits = false;
  std::vector<std::pair<commit_request_ptr, caf::typed_response_promise<commit_report>>> held;
};

using gate_script_ptr = std::shared_ptr<gate_script>;

/// Takes the next scripted failure, if there is one.
inline std::optional<failure> next_of(std::deque<failure>& xs) {
  if (xs.empty())
    return std::nullopt;
  auto out = std::move(xs.front());
  xs.pop_front();
  return out;
}

inline std::variant<job_chunk, failure> next_chunk(gate_script& script) {
  if (script.chunk_answers.empty())
    return job_chunk{};
  auto answer = std::move(script.chunk_answers.front());
  script.chunk_answers.pop_front();
  return answer;
}

inline caf::result<job_chunk> on_chunk(store_gate_actor::pointer self, gate_script& script, const char* kind,
                                       const job_chunk_request& x) {
  script.chunks.push_back(x);
  script.chunk_kinds.emplace_back(kind);
  if (script.hold_chunks) {
    auto promise = self->make_response_promise<job_chunk>();
    script.held_chunks.emplace_back(x, promise);
    return promise;
  }
  auto answer = next_chunk(script);
  if (auto* why = std::get_if<failure>(&answer))
    return to_error(*why);
  return std::get<job_chunk>(std::move(answer));
}

/// Lets the held chunks go, in order.
inline void free_chunks(gate_script& script) {
  script.hold_chunks = false;
  for (auto& [request, promise] : std::exchange(script.held_chunks, {})) {
    auto answer = next_chunk(script);
    if (auto* why = std::get_if<failure>(&answer))
      promise.deliver(to_error(*why));
    else
      promise.deliver(std::get<job_chunk>(std::move(answer)));
  }
}

/// What a store would make of the request if everything in it still held.
inline sealed_batch_ptr sealed_as_asked(gate_script& script, const seal_request& x) {
  auto out = std::make_shared<sealed_batch>();
  for (auto& draft : x.envelopes) {
    sealed_envelope envelope;
    envelope.id = ++script.last_envelope;
    envelope.endpoint = draft.endpoint;
    envelope.lane = draft.lane;
    envelope.idempotency_key = draft.idempotency_key;
    envelope.body = draft.body;
    for (auto& mail : draft.mails)
      envelope.mail_ids.push_back(mail.mail_id);
    envelope.claim_no = 1;
    envelope.lease_until = x.now + x.lease;
    out->envelopes.push_back(std::make_shared<const sealed_envelope>(std::move(envelope)));
  }
  for (auto& row : x.ended)
    ++(row.ending == row_ending::skipped ? out->skipped : out->failed);
  return out;
}

inline store_gate_actor::behavior_type scripted_gate(store_gate_actor::pointer self, gate_script_ptr script) {
  return {
      [](status_atom) {
        return stage_status{"scripted_gate", "running", {}, {}};
      },
      [script](const claim_request& x) -> caf::result<claimed_batch_ptr> {
        script->claims.push_back(x);
        if (script->claim_answers.empty())
          return std::make_shared<const claimed_batch>();
        auto answer = std::move(script->claim_answers.front());
        script->claim_answers.pop_front();
        if (auto* why = std::get_if<failure>(&answer))
          return to_error(*why);
        auto batch = std::get<claimed_batch>(std::move(answer));
        if (batch.events.size() > x.limit) {
          // Like a store, never more than asked for: the rest is still due.
          auto rest = batch;
          auto kept = static_cast<std::ptrdiff_t>(x.limit);
          rest.events.erase(rest.events.begin(), rest.events.begin() + kept);
          batch.events.erase(batch.events.begin() + kept, batch.events.end());
          script->claim_answers.emplace_front(std::move(rest));
        }
        return std::make_shared<const claimed_batch>(std::move(batch));
      },
      [self, script](const commit_request_ptr& x) -> caf::result<commit_report> {
        script->commits.push_back(x);
        if (script->hold_commits) {
          auto answer = self->make_response_promise<commit_report>();
          script->held.emplace_back(x, answer);
          return answer;
        }
        if (script->commit_answers.empty())
          return expected_report(x->batches, x->failures);
        auto answer = std::move(script->commit_answers.front());
        script->commit_answers.pop_front();
        if (auto* why = std::get_if<failure>(&answer))
          return to_error(*why);
        return std::get<commit_report>(answer);
      },
      [script](const renew_request& x) {
        script->renewals.push_back(x);
        return lost_claims{script->lost_on_renewal};
      },
      [script](const release_request& x) {
        script->releases.push_back(x);
        return script->released;
      },
      [script](const open_window_request& x) -> caf::result<window_report> {
        script->windows.push_back(x);
        if (auto why = next_of(script->window_failures))
          return to_error(*why);
        return window_report{true, 0, 0};
      },
      [script](const outbox_claim_request& x) -> caf::result<claimed_outbox_ptr> {
        script->outbox_claims.push_back(x);
        auto out = claimed_outbox{};
        if (!script->outbox_answers.empty()) {
          auto answer = std::move(script->outbox_answers.front());
          script->outbox_answers.pop_front();
          if (auto* why = std::get_if<failure>(&answer))
            return to_error(*why);
          out = std::get<claimed_outbox>(std::move(answer));
        }
        if (!out.context)
          out.context = std::make_shared<const email_context>();
        return std::make_shared<const claimed_outbox>(std::move(out));
      },
      [script](const seal_request_ptr& x) -> caf::result<sealed_batch_ptr> {
        script->seals.push_back(x);
        if (auto why = next_of(script->seal_failures))
          return to_error(*why);
        return sealed_as_asked(*script, *x);
      },
      [script](const record_request_ptr& x) -> caf::result<record_report> {
        script->records.push_back(x);
        if (auto why = next_of(script->record_failures))
          return to_error(*why);
        return record_report{};
      },
      [script](const outbox_release_request& x) {
        script->outbox_releases.push_back(x);
        return script->released;
      },
      [script](const purge_request& x) {
        script->purges.push_back(x);
        return std::uint64_t{0};
      },
      [script](const sender_report& x) -> caf::result<sender_share> {
        script->sender_reports.push_back(x);
        if (auto why = next_of(script->share_failures))
          return to_error(*why);
        return script->share;
      },
      [script](const open_jobs_request& x) -> caf::result<job_states> {
        script->looks.push_back(x);
        if (auto why = next_of(script->look_failures))
          return to_error(*why);
        job_states out;
        for (auto& job : script->forgetful ? std::vector<std::string>{} : x.jobs)
          out.jobs.push_back(script->ledger.open(job, x.now));
        return out;
      },
      [script](const begin_run_request& x) -> caf::result<begun_run> {
        script->begins.push_back(x);
        if (auto why = next_of(script->begin_failures))
          return to_error(*why);
        auto out = script->ledger.begin(x);
        if (auto why = next_of(script->lost_begins))
          return to_error(*why);
        return out;
      },
      [script](const finish_run_request& x) -> caf::result<bool> {
        script->finishes.push_back(x);
        if (auto why = next_of(script->finish_failures))
          return to_error(*why);
        return script->ledger.finish(x);
      },
      [self, script](const meeting_reminders_request& x) {
        return on_chunk(self, *script, "meetings", x.chunk);
      },
      [self, script](const unread_nudges_request& x) {
        script->unread_forms.push_back(x);
        return on_chunk(self, *script, "threads", x.chunk);
      },
      [self, script](const resume_nudges_request& x) { return on_chunk(self, *script, "resumes", x.chunk); },
      [script](const due_watches_request& x) -> caf::result<due_watches_ptr> {
        if (auto why = next_of(script->watches->read_failures))
          return to_error(*why);
        return std::make_shared<const due_watches>(script->watches->find(x));
      },
      [script](const record_watches_ptr& x) -> caf::result<watches_recorded> {
        if (auto why = next_of(script->watches->record_failures))
          return to_error(*why);
        return script->watches->record(*x);
      },
      [script](const watch_summary_request&) {
        watch_summary out;
        out.connections = out.watched = script->watches->connections.size();
        return out;
      },
      // Lets go what is held; a promise may only be kept by the actor that made it.
      [script](freed_atom, std::uint64_t) {
        free_chunks(*script);
        script->hold_commits = false;
        for (auto& [request, answer] : std::exchange(script->held, {}))
          answer.deliver(expected_report(request->batches, request->failures));
      },
  };
}

/// Wall-clock time that follows a fixture's virtual time.
class virtual_clock final : public clock {
public:
  explicit virtual_clock(const caf::scheduler::test_coordinator& sched)
      : sched_{const_cast<caf::scheduler::test_coordinator&>(sched)}, start_{sched_.clock().now()} {}

  timestamp now() const override {
    return epoch + set_by_ + std::chrono::duration_cast<duration>(sched_.clock().now() - start_);
  }

  /// Somebody sets the wall clock; timers do not notice.
  void set_by(duration x) { set_by_ += x; }

  static constexpr timestamp epoch{std::chrono::milliseconds{1'768'900'000'000}};

private:
  caf::scheduler::test_coordinator& sched_;
  caf::actor_clock::time_point start_;
  duration set_by_{0};
};

inline claimed_event make_event(std::int64_t id, std::string type, std::int32_t attempts = 0,
                                std::int32_t crashes = 0) {
  claimed_event out;
  out.event.id = id;
  out.event.type = std::move(type);
  out.claim_no = 1;
  out.attempts = attempts;
  out.crashes = crashes;
  return out;
}

inline claimed_batch make_claim(std::vector<claimed_event> events) {
  claimed_batch out;
  out.events = std::move(events);
  out.context = std::make_shared<const batch_context>();
  return out;
}

/// `count` events of one type, numbered from `first`.
inline claimed_batch make_claim(std::int64_t first, std::int64_t count, const std::string& type) {
  std::vector<claimed_event> events;
  for (auto id = first; id < first + count; ++id)
    events.push_back(make_event(id, type));
  return make_claim(std::move(events));
}

/// A batch whose events each caused one notification.
inline plan_batch_ptr make_plans(std::vector<std::int64_t> ids) {
  auto out = std::make_shared<plan_batch>();
  for (auto id : ids) {
    fan_out_plan plan;
    plan.claims = {{id, 1}};
    plan.event_type = "test";
    plan.notifications.push_back({"title", "body", "/", "{}", {uuid{{1}}}, ""});
    out->plans.push_back(std::move(plan));
  }
  return out;
}

inline plan_batch_ptr make_failure(std::int64_t id, failure why, std::int32_t attempts = 0,
                                   std::int32_t crashes = 0) {
  auto out = std::make_shared<plan_batch>();
  out->failures.push_back({{id, 1}, "test", attempts, crashes, std::move(why)});
  return out;
}

/// The events a commit request settles, in order.
inline std::vector<std::int64_t> settled_by(const commit_request& x) {
  std::vector<std::int64_t> out;
  for (auto& batch : x.batches)
    for (auto& plan : batch->plans)
      for (auto& claim : plan.claims)
        out.push_back(claim.event_id);
  for (auto& f : x.failures)
    out.push_back(f.failure.claim.event_id);
  return out;
}

} // namespace herald::testing
