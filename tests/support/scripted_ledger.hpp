// A ledger of jobs in memory, as honest as the stores' own: what begins, ends and is handed over follows the contract of
// run_ledger (adapters/store/store.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/job.hpp"

namespace herald::testing {

class scripted_ledger {
public:
  /// An entry, and the claim on it.
  struct entry : job_run {
    std::int32_t claim_no = 0;
    timestamp lease_until{};
  };

  job_state open(const std::string& job, timestamp now) {
    known_.emplace(job, now);
    job_state out;
    out.job = job;
    out.settled_until = settled_until(job);
    if (auto* x = open_entry(job)) {
      auto running = x->state == run_state::running;
      out.open = open_run{{x->id, x->claim_no},
                          x->scheduled_at,
                          x->cause,
                          x->worker,
                          x->state,
                          x->attempts,
                          running ? x->lease_until : *x->retry_at};
    }
    return out;
  }

  begun_run begin(const begin_run_request& x) {
    known_.emplace(x.job, x.now);
    auto hand = x.cause == run_cause::hand;
    if (auto* open = open_entry(x.job)) {
      auto same = !hand && open->cause != run_cause::hand && open->scheduled_at == x.scheduled_at;
      if (open->state == run_state::running && open->lease_until > x.now)
        return same && open->worker == x.worker ? prolonged(*open, x) : busy(*open);
      if (same)
        return take_over(*open, x);
      give_up(*open, x.now);
    }
    if (!hand && x.scheduled_at <= settled_until(x.job))
      return {};
    if (x.missed)
      note_missed(x);
    entry fresh;
    fresh.id = ++last_id_;
    fresh.job = x.job;
    fresh.scheduled_at = fresh.first_at = x.scheduled_at;
    fresh.cause = x.cause;
    entries.push_back(std::move(fresh));
    return take_over(entries.back(), x);
  }

  bool finish(const finish_run_request& x) {
    auto i = std::ranges::find(entries, x.run.id, &entry::id);
    if (i == entries.end() || i->state != run_state::running || i->claim_no != x.run.claim_no
        || i->worker != x.worker)
      return false;
    i->state = x.state;
    i->ended_at = x.now;
    i->error = x.why ? x.why->reason : "";
    i->error_class = x.why ? std::string{to_string(x.why->kind)} : "";
    i->retry_at = x.retry_at;
    i->counts = x.counts;
    i->attempts -= x.handed_back ? 1 : 0;
    return true;
  }

  /// How entries that stand for instants ended, from old to new.
  std::vector<run_state> states() const {
    std::vector<run_state> out;
    for (auto& x : entries)
      out.push_back(x.state);
    return out;
  }

  std::vector<entry> entries;

private:
  timestamp settled_until(const std::string& job) const {
    auto out = known_.at(job);
    for (auto& x : entries)
      if (x.job == job && x.cause != run_cause::hand)
        out = std::max(out, x.scheduled_at);
    return out;
  }

  entry* open_entry(const std::string& job) {
    auto i = std::ranges::find_if(entries, [&](const entry& x) {
      return x.job == job && (x.state == run_state::running || (x.state == run_state::failed && x.retry_at));
    });
    return i == entries.end() ? nullptr : &*i;
  }

  /// What is theirs already is granted again, for longer.
  static begun_run prolonged(entry& x, const begin_run_request& asked) {
    x.lease_until = std::max(x.lease_until, asked.now + asked.lease);
    return granted(x);
  }

  static begun_run granted(const entry& x) {
    begun_run out;
    out.verdict = begin_verdict::begun;
    out.run = {x.id, x.claim_no};
    out.attempt = x.attempts;
    return out;
  }

  static begun_run busy(const entry& x) {
    begun_run out;
    out.verdict = begin_verdict::busy;
    out.holder = x.worker;
    out.held_until = x.lease_until;
    return out;
  }

  static begun_run take_over(entry& x, const begin_run_request& by) {
    x.state = run_state::running;
    x.worker = by.worker;
    x.lease_until = by.now + by.lease;
    x.started_at = by.now;
    x.retry_at.reset();
    ++x.claim_no;
    ++x.attempts;
    return granted(x);
  }

  static void give_up(entry& x, timestamp now) {
    if (x.state == run_state::running)
      x.error = "its daemon did not say how it ended";
    x.state = run_state::failed;
    x.ended_at = now;
    x.retry_at.reset();
  }

  void note_missed(const begin_run_request& x) {
    entry out;
    out.id = ++last_id_;
    out.job = x.job;
    out.first_at = x.missed->first;
    out.scheduled_at = x.missed->last;
    out.instants = x.missed->instants;
    out.state = run_state::missed;
    entries.push_back(std::move(out));
  }

  std::map<std::string, timestamp> known_;
  std::int64_t last_id_ = 0;
};

} // namespace herald::testing
