// Time-driven jobs: the ledger of their runs, and what the stores do for them.
//
//   instant ──begin──► running ──finish──► ran | late | failed        (or missed, without a run)
//
// An instant is a moment that a job's schedule names. The ledger has at most one run for each, whichever daemon
// asked first.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

// -- names --------------------------------------------------------------------------------------------------

/// The jobs, as the command line, the ledger and the log call them.
inline constexpr std::string_view meeting_reminders_job = "meeting-reminders";
inline constexpr std::string_view unread_nudges_job = "unread-thread-nudges";
inline constexpr std::string_view resume_nudges_job = "resume-incomplete-nudges";
inline constexpr std::string_view calendar_watches_job = "renew-calendar-watches";

/// How a run, or an instant without one, ended.
enum class run_state : std::uint8_t {
  running,
  ran,    ///< in time
  late,   ///< it ran, but began late: after downtime, or after another try
  missed, ///< no run of its own: a later one stands for it, or nobody wanted it any more
  failed, ///< the last try failed; the next may still come
};

/// Why there is a run.
enum class run_cause : std::uint8_t {
  schedule,
  catch_up, ///< it stands for instants that were missed
  hand,     ///< a person asked; belongs to no instant
};

std::string_view to_string(run_state x);
std::string_view to_string(run_cause x);

// -- schedules ----------------------------------------------------------------------------------------------

/// What becomes of instants at which no daemon was there.
enum class catch_up_policy : std::uint8_t {
  coalesce, ///< one run stands for all of them
  skip,     ///< none: the next instant is in time again
  catch_up, ///< the newest few run one after another, the rest is missed
};

/// When a job runs, as an operator writes it; core/jobs/occurrences.hpp reads it.
struct schedule_settings {
  std::string job;
  /// Cron notation; empty for never.
  std::string rule;
  /// A name of the IANA database.
  std::string zone = "UTC";
  /// Each daemon looks up to this much later than the instant, so that many of them do not come at once.
  duration jitter{0};
  catch_up_policy catch_up = catch_up_policy::coalesce;
  /// With catch_up: how many.
  std::uint32_t catch_up_runs = 1;
  /// A run that begins no later than this after its instant, and the jitter, is in time.
  duration late_after{60'000};
};

/// Takes the place of the schedules of the jobs it names.
using schedule_change_ptr = std::shared_ptr<const std::vector<schedule_settings>>;

std::string to_string(const schedule_change_ptr& x);

// -- the ledger ---------------------------------------------------------------------------------------------

/// A run and the claim on it. Whoever takes a dead daemon's run over raises the number, so that what the former
/// holder still writes is refused.
struct run_ref {
  std::int64_t id = 0;
  std::int32_t claim_no = 0;

  friend bool operator==(const run_ref&, const run_ref&) = default;
};

/// Makes jobs known to the ledger. An instant before its job was first known is nobody's business: a new
/// installation catches up with nothing.
struct open_jobs_request {
  std::vector<std::string> jobs;
  timestamp now{};
};

template <class Inspector> auto inspect(Inspector& f, open_jobs_request& x) {
  return f(x.jobs);
}

/// A run that has not ended for good.
struct open_run {
  run_ref run;
  timestamp scheduled_at{};
  run_cause cause = run_cause::schedule;
  std::string worker;
  /// running or failed.
  run_state state = run_state::running;
  std::int32_t attempts = 0;
  /// Of a running one: when others may take it over. Of a failed one: when to try again.
  timestamp due_at{};
};

struct job_state {
  std::string job;
  /// Every instant up to here is in the ledger, or lies before the job was known.
  timestamp settled_until{};
  /// The one run, by schedule or by hand, that is under way or waits for another try.
  std::optional<open_run> open;
};

/// Instants that end without a run, as one entry.
struct missed_span {
  timestamp first{};
  timestamp last{};
  std::uint64_t instants = 0;
};

/// Asks for the right to run a job.
struct begin_run_request {
  std::string job;
  std::string worker;
  timestamp now{};
  /// The run is ours until now + lease; longer than its deadline.
  duration lease{};
  run_cause cause = run_cause::schedule;
  /// The instant; by hand: `now`.
  timestamp scheduled_at{};
  /// Older instants that this run stands for.
  std::optional<missed_span> missed;
  /// Entries of this job that ended longer ago are forgotten, a bounded number at a time.
  duration keep{std::chrono::hours{24 * 90}};
};

template <class Inspector> auto inspect(Inspector& f, begin_run_request& x) {
  auto at = to_epoch_ms(x.scheduled_at);
  return f(x.job, x.worker, at);
}

enum class begin_verdict : std::uint8_t {
  begun,
  settled, ///< the ledger has this instant, or a later one, already
  busy,    ///< a run of the job is under way
};

std::string_view to_string(begin_verdict x);

struct begun_run {
  begin_verdict verdict = begin_verdict::settled;
  /// With `begun`.
  run_ref run;
  /// With `begun`: 1 for the first try.
  std::int32_t attempt = 0;
  /// With `busy`: who, and until when at the latest.
  std::string holder;
  std::optional<timestamp> held_until;
};

template <class Inspector> auto inspect(Inspector& f, begun_run& x) {
  auto verdict = std::string{to_string(x.verdict)};
  return f(verdict, x.run.id, x.attempt);
}

/// Counts of a run, by reason: created, already, muted, …
using job_counts = std::map<std::string, std::uint64_t>;

struct finish_run_request {
  run_ref run;
  std::string worker;
  timestamp now{};
  /// ran, late or failed.
  run_state state = run_state::ran;
  /// With `failed`.
  std::optional<failure> why;
  /// With `failed`: when to try again; nothing for never.
  std::optional<timestamp> retry_at;
  /// The try does not count: it was broken off because the daemon stops.
  bool handed_back = false;
  job_counts counts;
};

template <class Inspector> auto inspect(Inspector& f, finish_run_request& x) {
  auto state = std::string{to_string(x.state)};
  return f(x.run.id, x.run.claim_no, state);
}

/// An entry of the ledger.
struct job_run {
  std::int64_t id = 0;
  std::string job;
  timestamp scheduled_at{};
  /// Of missed instants: the first of them; else scheduled_at.
  timestamp first_at{};
  /// Of missed instants: how many; else 1.
  std::uint64_t instants = 1;
  run_cause cause = run_cause::schedule;
  run_state state = run_state::running;
  std::string worker;
  std::int32_t attempts = 0;
  std::optional<timestamp> started_at; ///< of the last try
  std::optional<timestamp> ended_at;
  std::string error_class; ///< empty, or a failure class
  std::string error;
  std::optional<timestamp> retry_at;
  job_counts counts;
};

/// How long the last try took; nothing while it is under way.
std::optional<duration> took(const job_run& x);

// -- jobs that create events ----------------------------------------------------------------------------------
// Each call handles one chunk in one transaction: events and their dedupe rows together. Repeating a chunk creates
// nothing, because the first time left its marks.

/// What all chunks have in common.
struct job_chunk_request {
  /// The run on whose behalf; without its claim, nothing is written. Ignored by a dry run.
  run_ref run;
  std::string worker;
  /// The time that decides, and that the events carry.
  timestamp now{};
  /// Counts what it would create, and writes nothing.
  bool dry_run = false;
  /// How many rows of the outer table (meetings, threads, projects) a chunk looks at (≥ 1).
  std::uint32_t limit = 1'000;
  /// Where the chunk before ended; empty for the first.
  std::string after;
};

/// Tells the participants of meetings that start soon. Counts people: created, moved (created again, because the
/// meeting was moved after a reminder), already, declined, system, no_profile.
struct meeting_reminders_request {
  job_chunk_request chunk;
  /// A meeting is near when it starts in (now, now + ahead].
  duration ahead{std::chrono::minutes{30}};
  /// A reminder that went out before start − ahead − slack was for an earlier start.
  duration slack{std::chrono::minutes{5}};
  /// System accounts, who are never told.
  std::vector<uuid> excluded;
};

/// Tells readers of threads in which messages wait. Counts participants who have unread messages: created, too_early,
/// too_old, system, no_profile, already, recent (nudged about the thread within `renudge_after`), muted.
struct unread_nudges_request {
  job_chunk_request chunk;
  /// The oldest unread message has to be older than this.
  duration threshold{std::chrono::minutes{180}};
  /// The newest unread message has to be younger than this.
  duration max_age{std::chrono::hours{24 * 14}};
  duration renudge_after{std::chrono::hours{24}};
  std::vector<uuid> excluded;
};

/// Tells owners about resumes that nobody completes. Counts (owner, resume): created, complete, too_early, already,
/// system, no_profile. Tiers 1 to 4 begin after 1, 3, 5 and 7 days without an edit.
struct resume_nudges_request {
  job_chunk_request chunk;
  std::vector<uuid> excluded;
};

template <class Inspector> auto inspect(Inspector& f, meeting_reminders_request& x) {
  return f(x.chunk.run.id, x.chunk.after);
}

template <class Inspector> auto inspect(Inspector& f, unread_nudges_request& x) {
  return f(x.chunk.run.id, x.chunk.after);
}

template <class Inspector> auto inspect(Inspector& f, resume_nudges_request& x) {
  return f(x.chunk.run.id, x.chunk.after);
}

struct job_chunk {
  job_counts counts;
  /// Where the next chunk begins; empty after the last one.
  std::string next;
  /// The run is no longer ours; nothing was written.
  bool lost = false;
};

template <class Inspector> auto inspect(Inspector& f, job_chunk& x) {
  return f(x.counts, x.next, x.lost);
}

} // namespace herald
