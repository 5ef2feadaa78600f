// What Herald tells people and scripts about its store, as text for a terminal and as JSON. Pure: figures in,
// text out. Text has strangers' control characters escaped; JSON is one line of ASCII without a line break at
// its end. Instants are ISO 8601 in UTC, null (or absent from text) when there is none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/supervisor.hpp"
#include "app/conservation.hpp"
#include "messages/calendar.hpp"
#include "messages/job.hpp"
#include "messages/store.hpp"
#include "messages/time.hpp"

namespace herald {

// -- herald status ------------------------------------------------------------------------------------------

/// How many events stand where, and how old the oldest unsettled one is at `now`.
std::string status_text(const store_status&, timestamp now);

/// {"unclaimed", "waiting", "due_retries", "in_flight", "stale", "completed", "dead", "expired",
/// "emails_pending", "oldest_pending"}
std::string status_json(const store_status&);

// -- herald explain -----------------------------------------------------------------------------------------

/// The chain of one event: the event, its claims, then per recipient and channel what happened and why.
std::string explanation_text(const explanation&);

/// {"event": {…}, "state", …, "history": [{…}], "outcomes": [{…}]}. `event.payload` is the parsed object, or
/// the text as a string when it is none.
std::string explanation_json(const explanation&);

// -- herald jobs --------------------------------------------------------------------------------------------

/// A job by its schedule, and what the ledger has of it.
struct job_view {
  schedule_settings schedule;
  /// Nothing: never.
  std::optional<timestamp> next;
  /// Newest first.
  std::vector<job_run> runs;
};

/// One line per job and one per further run, then how the calendar watches stand.
std::string jobs_text(std::span<const job_view>, const watch_summary&, timestamp now);

/// {"jobs": [{"job", "schedule", "time_zone", "next", "runs": [{"id", "scheduled_at", "first_at", "instants", "cause",
///   "state", "worker", "attempts", "started_at", "ended_at", "took_ms", "retry_at", "error_class", "error",
///   "counts"}]}],
///  "watches": {"connections", "watched", "expired", "needs_reconnect", "failing", "next_expiry"}}
std::string jobs_json(std::span<const job_view>, const watch_summary&);

// -- herald dead --------------------------------------------------------------------------------------------

std::string dead_letters_text(std::span<const dead_letter>);

/// [{"event_id", "event_type", "kind", "reason", "attempts", "crashes", "created_at", "died_at"}]
std::string dead_letters_json(std::span<const dead_letter>);

// -- herald demo --------------------------------------------------------------------------------------------

/// The end table: per event type and in total what came in and what became of it, then why recipients were
/// skipped.
std::string summary_text(const store_summary&);

/// How the outbox stands: mails by kind, rows by state, and why rows were kept back.
std::string outbox_text(const outbox_summary&);

/// {"immediate", "digests", "merged", "skipped", "failed", "parked", "pending", "deferred", "claimed", "sealed",
///  "rows", "open_envelopes", "reasons": {STATE:REASON: n}}; the first two are mails, the next eight rows.
std::string outbox_json(const outbox_summary&);

/// One line when everything agrees, else one line per check that does not hold.
std::string conservation_text(const conservation_report&);

/// All runs of one job together.
struct demo_job {
  std::map<std::string, std::uint64_t> runs; ///< instants, by how they ended
  job_counts counts;
};

/// What the demo knows when it is over.
struct demo_report {
  store_summary summary;
  outbox_summary outbox;
  std::vector<dead_letter> dead_letters;
  /// Oldest first.
  std::vector<supervision_record> supervision;
  std::uint64_t restarts = 0;
  /// From the first event to the last commit.
  duration elapsed{};
  std::map<std::string, demo_job> jobs{};
  watch_summary watches{};
  /// Push channels at the calendar provider.
  std::uint64_t channels_live = 0;
  std::uint64_t channels_stopped = 0;
  std::uint64_t channels_expired = 0;
};

/// What the time-driven jobs did, and how the calendar watches stand.
std::string demo_jobs_text(const demo_report&);

/// {"events": {"in", "completed", "dead", "pending", "expired"},
///  "by_type": {TYPE: {"events", "completed", "notifications", "rolled_up", "emails", "skipped",
///              "skipped_by_reason": {CHANNEL:REASON: n}, "dead", "pending", "expired"}},
///  "emails": as outbox_json,
///  "conservation": {"holds", "checks": [{"name", "left", "relation", "right", "holds"}]},
///  "quarantined": [{"event_id", "event_type", "reason"}], the dead letters that killed their handler,
///  "jobs": {JOB: {"runs": {STATE: n}, "counts": {REASON: n}}},
///  "watches": as in jobs_json, "channels": {"live", "stopped", "expired"},
///  "restarts", "supervision": [{"at", "supervisor", "child", "what", "reason", "delay_ms"}], "seconds"}
std::string demo_json(const demo_report&);

} // namespace herald
