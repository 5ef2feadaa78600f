// The whole protocol of Herald's actors on one page: who accepts what, and what comes back.
//
//   timer ── tick ──► event_poller ── claim ──► store_gate
//                          │ event_batch, one per type
//                          ▼
//                     event_handler ── plan_batch ──► notification_writer ── commit ──► store_gate
//                                                        │ credit
//                          event_poller ◄────────────────┤
//                                                        ▼ wake-up
//                                                   email_batcher ── claim, seal ──► store_gate
//                                                        │ sealed_envelope   ▲ credit
//                                                        ▼                   │
//                                                   resend_sender ───────────┘── record ──► store_gate
//                                                        │ sealed_envelope
//                                                        ▼
//                                                    mail_gate
//
//   timer ── tick ──► job_runner ── begin, finish ──► store_gate
//                          │ job_order      ▲ job_report
//                          ▼                │
//                     nudge_job, watch_renewal_job ── chunks, watches ──► store_gate
//                                          │ calendar_call
//                                          ▼
//                                    calendar_gate
//
// Errors: a request that cannot be served is answered with a caf::error; actors/errors.hpp turns failures
// into errors and back. Every restartable stage stands behind a slot (actors/slot.hpp) with the same
// interface.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/caf_compat.hpp"
#include "messages/calendar.hpp"
#include "messages/event.hpp"
#include "messages/fan_out.hpp"
#include "messages/job.hpp"
#include "messages/mail.hpp"
#include "messages/outbox.hpp"
#include "messages/status.hpp"
#include "messages/store.hpp"

namespace herald {

// -- commands and answers -----------------------------------------------------------------------------------

HERALD_ATOM(settled, "settled") // the work of this request is done for good
HERALD_ATOM(status, "status")   // describe yourself
HERALD_ATOM(wake_up, "wakeUp")  // there may be new events
HERALD_ATOM(idle, "idle")       // answer once nothing is due and nothing is in flight
HERALD_ATOM(open, "open")       // the credit taker (re)started: tell it its credit
HERALD_ATOM(flush, "flush")
HERALD_ATOM(retry, "retry")
HERALD_ATOM(due, "due")
HERALD_ATOM(freed, "freed")
HERALD_ATOM(share, "share")
HERALD_ATOM(cancel, "cancel") // break off what is under way
HERALD_ATOM(look, "look")     // see whether something is due
HERALD_ATOM(renew, "renew")   // prolong a claim

/// What the timer says when an entry is due.
struct tick {
  std::string job;
  timestamp scheduled_at{};
};

template <class Inspector> auto inspect(Inspector& f, tick& x) {
  auto at = to_epoch_ms(x.scheduled_at);
  return f(x.job, at);
}

/// Asks the timer for one tick of `job`, `delay` from now. Replaces an earlier request of the same job.
struct alarm {
  std::string job;
  duration delay{};
};

template <class Inspector> auto inspect(Inspector& f, alarm& x) {
  auto ms = x.delay.count();
  return f(x.job, ms);
}

/// How many events may be in flight beyond the store. Absolute, so that losing or repeating one does no harm.
struct credit {
  std::uint64_t limit = 0;
};

template <class Inspector> auto inspect(Inspector& f, credit& x) {
  return f(x.limit);
}

/// Tells the poller to claim nothing more and to answer once nothing is in flight, at the latest after
/// `limit`: then it hands back what is left.
struct drain {
  duration limit{};
};

template <class Inspector> auto inspect(Inspector& f, drain& x) {
  auto ms = x.limit.count();
  return f(ms);
}

/// How a drain ended.
struct drain_report {
  std::uint64_t released = 0; ///< claims handed back unfinished
};

template <class Inspector> auto inspect(Inspector& f, drain_report& x) {
  return f(x.released);
}

/// Answer to renewing leases: the claims that are no longer ours.
struct lost_claims {
  std::vector<claim_ref> claims;
};

template <class Inspector> auto inspect(Inspector& f, lost_claims& x) {
  return f(x.claims);
}

/// The store's answer to open_jobs_request.
struct job_states {
  std::vector<job_state> jobs;
};

template <class Inspector> auto inspect(Inspector& f, job_states& x) {
  auto n = x.jobs.size();
  return f(n);
}

/// Asks for the state of all calendar watches.
struct watch_summary_request {
  timestamp now{};
};

template <class Inspector> auto inspect(Inspector& f, watch_summary_request& x) {
  auto at = to_epoch_ms(x.now);
  return f(at);
}

/// One run of a job, for the actor that knows the job.
struct job_order {
  run_ref run;
  std::string worker;
  /// The time that decides what is due; the run's own, by hand any other.
  timestamp as_of{};
  /// No new step is begun after this (by the clock).
  timestamp deadline{};
  bool dry_run = false;
};

using job_order_ptr = std::shared_ptr<const job_order>;

inline std::string to_string(const job_order_ptr& x) {
  return x ? "job_order(" + std::to_string(x->run.id) + ")" : "job_order(null)";
}

/// How far a run came.
struct job_report {
  job_counts counts;
  /// Nothing: it is done.
  std::optional<failure> why;
};

template <class Inspector> auto inspect(Inspector& f, job_report& x) {
  return f(x.counts);
}

/// Asks for a run by hand, now.
struct run_job {
  std::string job;
  /// Nothing: the time of the run.
  std::optional<timestamp> as_of;
  bool dry_run = false;
};

template <class Inspector> auto inspect(Inspector& f, run_job& x) {
  return f(x.job, x.dry_run);
}

/// What came of a run by hand.
struct hand_run {
  begin_verdict verdict = begin_verdict::begun;
  /// With `busy`: who runs it, until when at the latest.
  std::string holder;
  std::optional<timestamp> held_until;
  job_report report;
  duration took{};
};

template <class Inspector> auto inspect(Inspector& f, hand_run& x) {
  auto verdict = std::string{to_string(x.verdict)};
  return f(verdict);
}

// -- interfaces ---------------------------------------------------------------------------------------------

/// What every stage answers.
using stage_actor = caf::typed_actor<
    // Describes the stage.
    caf::replies_to<status_atom>::with<stage_status>>;

/// Whoever the timer wakes.
using tick_taker = caf::typed_actor<caf::reacts_to<tick>>;

/// The interface of the TIMER.
using timer_actor = stage_actor::extend<
    // Schedules one extra tick.
    caf::reacts_to<alarm>,
    // Changes when some jobs are due; the others stay as they are.
    caf::reacts_to<schedule_change_ptr>,
    // INTERNAL: the entry with this index and generation is due.
    caf::reacts_to<due_atom, std::uint64_t, std::uint64_t>>;

/// Whoever is told that there may be new work.
using wake_up_taker = caf::typed_actor<caf::reacts_to<wake_up_atom>>;

/// Whoever works on credit.
using credit_taker = caf::typed_actor<caf::reacts_to<credit>>;

/// The interface of the STORE GATE: blocking store calls behind one address.
using store_gate_actor = stage_actor::extend<
    // Leases due events.
    caf::replies_to<claim_request>::with<claimed_batch_ptr>,
    // Writes plans and failures, fenced by their claims.
    caf::replies_to<commit_request_ptr>::with<commit_report>,
    // Extends leases.
    caf::replies_to<renew_request>::with<lost_claims>,
    // Hands claims back uncounted; answers how many.
    caf::replies_to<release_request>::with<std::uint64_t>,
    // Fixes the digests of a window.
    caf::replies_to<open_window_request>::with<window_report>,
    // Leases due envelopes and mails.
    caf::replies_to<outbox_claim_request>::with<claimed_outbox_ptr>,
    // Stores envelopes before they are sent, fenced by the mails' claims.
    caf::replies_to<seal_request_ptr>::with<sealed_batch_ptr>,
    // Writes what became of envelopes, fenced by their claims.
    caf::replies_to<record_request_ptr>::with<record_report>,
    // Hands mails back that were claimed and not sealed; answers how many.
    caf::replies_to<outbox_release_request>::with<std::uint64_t>,
    // Forgets old bodies; answers how many.
    caf::replies_to<purge_request>::with<std::uint64_t>,
    // Notes what a sender sent; answers with how many it shares the provider.
    caf::replies_to<sender_report>::with<sender_share>,
    // Makes jobs known; answers how they stand.
    caf::replies_to<open_jobs_request>::with<job_states>,
    // Grants a run, or says why not.
    caf::replies_to<begin_run_request>::with<begun_run>,
    // Ends a run; answers whether it still was the worker's.
    caf::replies_to<finish_run_request>::with<bool>,
    // Create events and their dedupe rows, a chunk at a time.
    caf::replies_to<meeting_reminders_request>::with<job_chunk>,
    caf::replies_to<unread_nudges_request>::with<job_chunk>,
    caf::replies_to<resume_nudges_request>::with<job_chunk>,
    // Reads which calendar watches are due for renewal.
    caf::replies_to<due_watches_request>::with<due_watches_ptr>,
    // Keeps steps of renewals, fenced by the run.
    caf::replies_to<record_watches_ptr>::with<watches_recorded>,
    // Counts the watches.
    caf::replies_to<watch_summary_request>::with<watch_summary>,
    // INTERNAL: the worker of this desk has finished a call, in time or not.
    caf::reacts_to<freed_atom, std::uint64_t>>;

/// The interface of the NOTIFICATION WRITER.
using notification_writer_actor = stage_actor::extend<
    // Commits plans; the answer comes after the commit.
    caf::replies_to<plan_batch_ptr>::with<settled_atom>,
    // The poller (re)started: it is told its credit.
    caf::reacts_to<open_atom>,
    // INTERNAL: the buffer with this generation reached its age limit.
    caf::reacts_to<flush_atom, std::uint64_t>,
    // INTERNAL: the store may be back.
    caf::reacts_to<retry_atom>>;

/// The interface of an EVENT HANDLER, one per event type.
using event_handler_actor = stage_actor::extend<
    // Plans the events and passes the plans on; the answer is the writer's.
    caf::replies_to<event_batch_ptr>::with<settled_atom>>;

/// The interface of the EVENT POLLER.
using event_poller_actor = stage_actor::extend<
    // From the timer: poll for work, or renew leases.
    caf::reacts_to<tick>,
    // New events were committed.
    caf::reacts_to<wake_up_atom>,
    // From the writer.
    caf::reacts_to<credit>,
    // Answers when no event is due and none is in flight.
    caf::replies_to<idle_atom>::with<idle_atom>,
    // Stops in order.
    caf::replies_to<drain>::with<drain_report>,
    // INTERNAL: hand out the batch with this id again.
    caf::reacts_to<retry_atom, std::uint64_t>,
    // INTERNAL: the time for draining is over.
    caf::reacts_to<flush_atom>>;

/// The interface of the MAIL GATE: blocking provider calls behind one address.
using mail_gate_actor = stage_actor::extend<
    // Makes one attempt; always answered, within the transport's deadlines.
    caf::replies_to<sealed_envelope_ptr>::with<mail_answer_ptr>,
    // INTERNAL: the worker of this desk has finished a call.
    caf::reacts_to<freed_atom, std::uint64_t>>;

/// The interface of the E-MAIL BATCHER.
using email_batcher_actor = stage_actor::extend<
    // From the timer: look for work.
    caf::reacts_to<tick>,
    // New e-mails were committed.
    caf::reacts_to<wake_up_atom>,
    // From the sender: how many envelopes it takes.
    caf::reacts_to<credit>,
    // Answers when nothing is due and nothing is in flight.
    caf::replies_to<idle_atom>::with<idle_atom>,
    // Stops in order.
    caf::replies_to<drain>::with<drain_report>,
    // INTERNAL: the time for draining is over.
    caf::reacts_to<flush_atom>>;

/// The interface of the RESEND SENDER.
using resend_sender_actor = stage_actor::extend<
    // Makes one attempt; the answer comes after its outcome was recorded.
    caf::replies_to<sealed_envelope_ptr>::with<settled_atom>,
    // The batcher (re)started: it is told its credit.
    caf::reacts_to<open_atom>,
    // Hands back what waits, finishes what is under way.
    caf::replies_to<drain>::with<drain_report>,
    // INTERNAL: the governor's wait with this number is over.
    caf::reacts_to<due_atom, std::uint64_t>,
    // INTERNAL: record this envelope's outcome again, the store may be back.
    caf::reacts_to<retry_atom, std::int64_t>,
    // INTERNAL: the other senders are due for a word.
    caf::reacts_to<share_atom>,
    // INTERNAL: the time for draining is over.
    caf::reacts_to<flush_atom>>;

/// The interface of the CALENDAR GATE: blocking calendar calls behind one address.
using calendar_gate_actor = stage_actor::extend<
    // Makes one call; always answered, within the adapter's deadlines.
    caf::replies_to<calendar_call_ptr>::with<calendar_answer_ptr>,
    // INTERNAL: the worker of this desk has finished a call.
    caf::reacts_to<freed_atom, std::uint64_t>>;

/// The interface of every JOB: nudge_job, watch_renewal_job.
using job_actor = stage_actor::extend<
    // Makes one run; the answer says how far it came.
    caf::replies_to<job_order_ptr>::with<job_report>,
    // Breaks the run off that is under way; its order is answered.
    caf::reacts_to<cancel_atom>,
    // INTERNAL: the pause of this piece of work is over.
    caf::reacts_to<retry_atom, std::uint64_t>>;

/// The interface of the JOB RUNNER.
using job_runner_actor = stage_actor::extend<
    // From the timer: an instant of this job has come.
    caf::reacts_to<tick>,
    // Makes a run by hand; the answer comes when it has ended.
    caf::replies_to<run_job>::with<hand_run>,
    // Answers when no run is due and none is under way.
    caf::replies_to<idle_atom>::with<idle_atom>,
    // Begins nothing more, breaks off what is under way and answers when all of it is in the ledger.
    caf::replies_to<drain>::with<drain_report>,
    // Changes schedules.
    caf::reacts_to<schedule_change_ptr>,
    // INTERNAL: look at the ledger (again).
    caf::reacts_to<look_atom, std::uint64_t, std::uint64_t>,
    // INTERNAL: the run of this job with this generation is past its deadline.
    caf::reacts_to<due_atom, std::uint64_t, std::uint64_t>,
    // INTERNAL: prolong the claim on the run of this job with this generation.
    caf::reacts_to<renew_atom, std::uint64_t, std::uint64_t>,
    // INTERNAL: write this job's outcome again, the store may be back.
    caf::reacts_to<retry_atom, std::uint64_t>,
    // INTERNAL: the time for draining is over.
    caf::reacts_to<flush_atom>>;

} // namespace herald

HERALD_LOCAL_MESSAGE(herald::schedule_change_ptr)
HERALD_LOCAL_MESSAGE(herald::job_order_ptr)
HERALD_LOCAL_MESSAGE(herald::job_report)
HERALD_LOCAL_MESSAGE(herald::run_job)
HERALD_LOCAL_MESSAGE(herald::hand_run)
HERALD_LOCAL_MESSAGE(herald::job_states)
HERALD_LOCAL_MESSAGE(herald::open_jobs_request)
HERALD_LOCAL_MESSAGE(herald::begin_run_request)
HERALD_LOCAL_MESSAGE(herald::begun_run)
HERALD_LOCAL_MESSAGE(herald::finish_run_request)
HERALD_LOCAL_MESSAGE(herald::meeting_reminders_request)
HERALD_LOCAL_MESSAGE(herald::unread_nudges_request)
HERALD_LOCAL_MESSAGE(herald::resume_nudges_request)
HERALD_LOCAL_MESSAGE(herald::job_chunk)
HERALD_LOCAL_MESSAGE(herald::due_watches_request)
HERALD_LOCAL_MESSAGE(herald::due_watches_ptr)
HERALD_LOCAL_MESSAGE(herald::record_watches_ptr)
HERALD_LOCAL_MESSAGE(herald::watches_recorded)
HERALD_LOCAL_MESSAGE(herald::watch_summary_request)
HERALD_LOCAL_MESSAGE(herald::watch_summary)
HERALD_LOCAL_MESSAGE(herald::calendar_call_ptr)
HERALD_LOCAL_MESSAGE(herald::calendar_answer_ptr)
HERALD_LOCAL_MESSAGE(herald::event_batch_ptr)
HERALD_LOCAL_MESSAGE(herald::plan_batch_ptr)
HERALD_LOCAL_MESSAGE(herald::claimed_batch_ptr)
HERALD_LOCAL_MESSAGE(herald::commit_request_ptr)
HERALD_LOCAL_MESSAGE(herald::commit_report)
HERALD_LOCAL_MESSAGE(herald::claim_request)
HERALD_LOCAL_MESSAGE(herald::renew_request)
HERALD_LOCAL_MESSAGE(herald::release_request)
HERALD_LOCAL_MESSAGE(herald::lost_claims)
HERALD_LOCAL_MESSAGE(herald::open_window_request)
HERALD_LOCAL_MESSAGE(herald::window_report)
HERALD_LOCAL_MESSAGE(herald::outbox_claim_request)
HERALD_LOCAL_MESSAGE(herald::claimed_outbox_ptr)
HERALD_LOCAL_MESSAGE(herald::seal_request_ptr)
HERALD_LOCAL_MESSAGE(herald::sealed_batch_ptr)
HERALD_LOCAL_MESSAGE(herald::record_request_ptr)
HERALD_LOCAL_MESSAGE(herald::record_report)
HERALD_LOCAL_MESSAGE(herald::outbox_release_request)
HERALD_LOCAL_MESSAGE(herald::purge_request)
HERALD_LOCAL_MESSAGE(herald::sender_report)
HERALD_LOCAL_MESSAGE(herald::sender_share)
HERALD_LOCAL_MESSAGE(herald::sealed_envelope_ptr)
HERALD_LOCAL_MESSAGE(herald::mail_answer_ptr)
HERALD_LOCAL_MESSAGE(herald::stage_status)
HERALD_LOCAL_MESSAGE(herald::tick)
HERALD_LOCAL_MESSAGE(herald::alarm)
HERALD_LOCAL_MESSAGE(herald::credit)
HERALD_LOCAL_MESSAGE(herald::drain)
HERALD_LOCAL_MESSAGE(herald::drain_report)
