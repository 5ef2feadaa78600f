// The port to the database: what every store offers. Implementations: sqlite/, and postgres/ and supabase/
// over remote/; one contract test suite (tests/contract) holds all of them to the same behaviour.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "messages/calendar.hpp"
#include "messages/failure.hpp"
#include "messages/job.hpp"
#include "messages/outbox.hpp"
#include "messages/store.hpp"

namespace herald {

/// What the pipeline needs. Calls block, so they run behind the store gate. An object belongs to one thread
/// at a time. No call throws; failures are
///  - `outage`: the database cannot be reached, is locked, full or read-only: nothing changed, ask again
///  later;
///  - `transient`: this call failed, another may not;
///  - `permanent`: the request itself cannot be carried out (a plan that breaks a constraint);
/// and in each case the database is as if the call had not been made.
class event_store {
public:
  virtual ~event_store() = default;

  /// Leases due events, oldest first: retries that are due, claims whose lease ran out, then unclaimed
  /// events.
  virtual result<claimed_batch> claim(const claim_request&) = 0;

  /// Writes what plans cause and completes their events, all in one transaction, each event fenced by its
  /// claim. A plan that settles several events is fenced as a whole: with one claim lost, nothing of it is
  /// written and its other events are released.
  virtual result<commit_report> commit(const commit_request&) = 0;

  /// Returns the claims that are no longer the worker's.
  virtual result<std::vector<claim_ref>> renew(const renew_request&) = 0;

  /// Returns how many claims were given back.
  virtual result<std::uint64_t> release(const release_request&) = 0;
};

/// What the e-mail stages need. Same rules as event_store.
class outbox_store {
public:
  virtual ~outbox_store() = default;

  virtual result<window_report> open_window(const open_window_request&) = 0;

  /// Leases due envelopes and mails. The body of an envelope, and the rows of a mail, come with it.
  virtual result<claimed_outbox> claim_outbox(const outbox_claim_request&) = 0;

  virtual result<sealed_batch> seal(const seal_request&) = 0;

  /// Idempotent: an outcome that was recorded before counts as lost.
  virtual result<record_report> record(const record_request&) = 0;

  /// Returns how many mails were given back.
  virtual result<std::uint64_t> release_outbox(const outbox_release_request&) = 0;

  /// Returns how many bodies were forgotten.
  virtual result<std::uint64_t> purge_bodies(const purge_request&) = 0;

  /// Notes that a sender is at work and what it sent.
  virtual result<sender_share> report_sender(const sender_report&) = 0;
};

/// The ledger of time-driven jobs. Same rules as event_store.
class run_ledger {
public:
  virtual ~run_ledger() = default;

  /// The states in the order of the request.
  virtual result<std::vector<job_state>> open_jobs(const open_jobs_request&) = 0;

  /// Grants the run, once for each instant and never while another run of the job is under way. What a daemon left
  /// running whose lease ran out is taken over when it is the same instant, and ends as failed when it is not.
  virtual result<begun_run> begin_run(const begin_run_request&) = 0;

  /// False, and no change, when the run is no longer the worker's.
  virtual result<bool> finish_run(const finish_run_request&) = 0;

  /// The newest entries, at most `limit` per job, by job and from new to old.
  virtual result<std::vector<job_run>> job_runs(std::uint32_t limit) = 0;
};

/// What the jobs that create events need. Same rules as event_store.
class nudge_store {
public:
  virtual ~nudge_store() = default;

  virtual result<job_chunk> remind_of_meetings(const meeting_reminders_request&) = 0;

  virtual result<job_chunk> nudge_unread_threads(const unread_nudges_request&) = 0;

  virtual result<job_chunk> nudge_incomplete_resumes(const resume_nudges_request&) = 0;
};

/// What the renewal of calendar watches needs. Same rules as event_store.
class calendar_store {
public:
  virtual ~calendar_store() = default;

  virtual result<due_watches> find_due_watches(const due_watches_request&) = 0;

  /// Fenced by the run. Idempotent: a channel that stands there already was recorded.
  virtual result<watches_recorded> record_watches(const record_watches_request&) = 0;

  virtual result<watch_summary> summarize_watches(timestamp now) = 0;
};

/// What the time-driven jobs need.
class job_store : public run_ledger, public nudge_store, public calendar_store {};

/// Everything that runs behind the store gate.
class pipeline_store : public event_store, public outbox_store, public job_store {};

/// What people and their tools need: feeding, looking, repairing. Same rules as event_store.
class operator_store {
public:
  virtual ~operator_store() = default;

  /// Appends events in one transaction; returns their ids in order.
  virtual result<std::vector<std::int64_t>> insert_events(std::span<const new_event>, timestamp now) = 0;

  virtual result<store_status> status(timestamp now, duration max_age) = 0;

  /// Counts everything; may read whole tables.
  virtual result<store_summary> summarize() = 0;

  /// Nothing when there is no such event.
  virtual result<std::optional<explanation>> explain(std::int64_t event_id) = 0;

  /// Dead letters, newest first, at most `limit`.
  virtual result<std::vector<dead_letter>> dead_letters(std::uint32_t limit) = 0;

  /// Makes dead letters claimable again with fresh counters. An empty list means all of them. Returns how
  /// many.
  virtual result<std::uint64_t> retry_dead(std::span<const std::int64_t> event_ids, timestamp now) = 0;

  /// Keeps what supervisors did (Herald's table herald_supervision), so that it can be asked for after a
  /// restart.
  virtual result<void> record_supervision(std::span<const supervision_note>) = 0;

  /// Sums up what was recorded, by supervisor and child.
  virtual result<std::vector<stage_restarts>> restarts() = 0;

  virtual result<outbox_summary> summarize_outbox() = 0;

  /// Mails that were refused or wait for a person, newest first, at most `limit`.
  virtual result<std::vector<stuck_mail>> stuck_mails(std::uint32_t limit) = 0;

  /// Lets failed and parked mails be sealed anew, under a new idempotency key: a parked one may have reached
  /// its recipient. An empty list means all failed ones. Returns how many.
  virtual result<std::uint64_t> resend_mails(std::span<const std::int64_t> mail_ids, timestamp now) = 0;

  /// Ends parked mails as failed, with the note that a person dropped them. Returns how many.
  virtual result<std::uint64_t> drop_mails(std::span<const std::int64_t> mail_ids, timestamp now) = 0;

  /// The mail that a row of `pending_emails` belongs to, or would belong to, for a preview; with its context.
  /// Nothing when there is no such row.
  virtual result<std::optional<claimed_outbox>> read_mail(std::int64_t row_id, timestamp now) = 0;

  /// Takes dead letters off the list for good; they stay dead, with the note that a person dropped them.
  /// An empty list means all of them. Returns how many.
  virtual result<std::uint64_t> drop_dead(std::span<const std::int64_t> event_ids, timestamp now) = 0;
};

/// A whole store, as its implementations offer it.
class full_store : public pipeline_store, public operator_store {};

} // namespace herald
