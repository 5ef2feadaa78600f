// What the pipeline asks of a store and what the store answers. Every call takes and returns batches.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/context.hpp"
#include "messages/event.hpp"
#include "messages/fan_out.hpp"

namespace herald {

// -- claim --------------------------------------------------------------------------------------------------

/// Asks for work: due events, leased to `worker`, with the context to handle them.
struct claim_request {
  /// Identifies one poller of one daemon; unique among all replicas.
  std::string worker;
  timestamp now{};
  /// At most this many events (≥ 1).
  std::uint32_t limit = 1;
  /// The claim is ours until now + lease.
  duration lease{60'000};
  /// Events older than this are not picked up; they end as expired, which is counted.
  duration max_age{std::chrono::hours{24}};
  /// Reads without claiming or writing anything; then `after_id` pages through the due events.
  bool dry_run = false;
  std::int64_t after_id = 0;
};

template <class Inspector> auto inspect(Inspector& f, claim_request& x) {
  return f(x.worker, x.limit, x.dry_run);
}

/// The store's answer. Fewer events than asked for means that nothing more is due now.
struct claimed_batch {
  std::vector<claimed_event> events;
  std::shared_ptr<const batch_context> context;
  /// When the next waiting retry or running lease falls due, if any does.
  std::optional<timestamp> next_due;
  /// Events that this call set aside because they are older than `max_age`.
  std::uint64_t expired = 0;
};

using claimed_batch_ptr = std::shared_ptr<const claimed_batch>;

std::string to_string(const claimed_batch_ptr& x);

// -- commit -------------------------------------------------------------------------------------------------

/// A failure after the retry policy has spoken.
struct settled_failure {
  event_failure failure;
  /// When the event may be claimed again; nothing means that it is dead.
  std::optional<timestamp> retry_at;
};

/// One transaction: all plans and failures whose claim still holds. Idempotent: what a former call with the
/// same claims has already settled counts as lost and changes nothing.
struct commit_request {
  std::string worker;
  timestamp now{};
  std::vector<plan_batch_ptr> batches; ///< their `failures` are ignored; `failures` below replaces them
  std::vector<settled_failure> failures;
};

using commit_request_ptr = std::shared_ptr<const commit_request>;

std::string to_string(const commit_request_ptr& x);

/// What a commit changed. `skipped` counts (event, recipient, channel) triples.
struct commit_report {
  std::uint64_t completed = 0;
  std::uint64_t notifications = 0;
  std::uint64_t rolled_up = 0;
  std::uint64_t emails = 0;
  std::uint64_t skipped = 0;
  std::uint64_t retried = 0;
  std::uint64_t dead = 0;
  /// Events whose claim was no longer ours: somebody else settles (or has settled) them.
  std::uint64_t lost = 0;

  commit_report& operator+=(const commit_report& x);
  friend bool operator==(const commit_report&, const commit_report&) = default;
};

template <class Inspector> auto inspect(Inspector& f, commit_report& x) {
  return f(x.completed, x.notifications, x.rolled_up, x.emails, x.skipped, x.retried, x.dead, x.lost);
}

// -- leases -------------------------------------------------------------------------------------------------

/// Extends the leases of claims that are still worked on.
struct renew_request {
  std::string worker;
  timestamp now{};
  duration lease{60'000};
  std::vector<claim_ref> claims;
};

template <class Inspector> auto inspect(Inspector& f, renew_request& x) {
  return f(x.worker, x.claims);
}

/// Hands claims back uncounted, so that anybody may claim the events at once. An empty list means: everything
/// that `worker` holds.
struct release_request {
  std::string worker;
  timestamp now{};
  std::vector<claim_ref> claims;
};

template <class Inspector> auto inspect(Inspector& f, release_request& x) {
  return f(x.worker, x.claims);
}

// -- operator's view ----------------------------------------------------------------------------------------

/// An event to be appended to `domain_events`.
struct new_event {
  std::string type;
  std::optional<uuid> actor_id;
  std::optional<uuid> project_id;
  std::optional<uuid> resource_id;
  std::optional<uuid> thread_id;
  std::optional<uuid> meeting_id;
  std::string payload;                 ///< JSON text; empty for NULL
  std::optional<timestamp> created_at; ///< nothing: now
};

/// How the events of one type stand, and what they caused.
struct type_summary {
  std::uint64_t events = 0;
  std::uint64_t completed = 0;
  std::uint64_t dead = 0;
  std::uint64_t pending = 0; ///< unclaimed, leased or waiting for a retry
  std::uint64_t expired = 0;
  std::uint64_t notifications = 0;              ///< rows written
  std::uint64_t rolled_up = 0;                  ///< recipients counted into an existing row
  std::uint64_t emails = 0;                     ///< rows queued
  std::map<std::string, std::uint64_t> skipped; ///< recipients kept back, by `channel:reason`
};

/// The whole store in figures that have to agree; `herald status` and the demo's last line.
struct store_summary {
  std::map<std::string, type_summary> by_type;
  /// Counted from the tables themselves, not from Herald's outcomes.
  std::uint64_t event_rows = 0;
  std::uint64_t notification_rows = 0;
  std::uint64_t email_rows = 0;
  /// Sum of the counts that roll-up rows show.
  std::uint64_t roll_up_count = 0;
};

struct store_status {
  std::uint64_t unclaimed = 0; ///< due for the first time
  std::uint64_t waiting = 0;   ///< retries with a later date
  std::uint64_t due_retries = 0;
  std::uint64_t in_flight = 0; ///< leased
  std::uint64_t stale = 0;     ///< leased, and the lease has run out
  std::uint64_t completed = 0;
  std::uint64_t dead = 0;
  std::uint64_t expired = 0;
  std::uint64_t emails_pending = 0;
  std::optional<timestamp> oldest_pending; ///< created_at of the oldest event that is not settled
};

struct dead_letter {
  std::int64_t event_id = 0;
  std::string event_type;
  std::string kind; ///< failure class of the last failure
  std::string reason;
  std::int32_t attempts = 0;
  std::int32_t crashes = 0;
  timestamp created_at{};
  timestamp died_at{};
};

/// One act of supervision worth keeping: a crash, a restart, an escalation.
struct supervision_note {
  timestamp at{};
  std::string worker; ///< which daemon
  std::string supervisor;
  std::string child;
  std::string what; ///< crashed, restarting, killed or escalated
  std::string reason;
};

/// How often a stage was restarted, over all daemons that ever worked on the store.
struct stage_restarts {
  std::string supervisor;
  std::string child;
  std::uint64_t restarts = 0; ///< notes that say `restarting`
  std::string last_reason;    ///< of the newest note that says `crashed`
  timestamp last_at{};        ///< of the newest note
};

/// One ended claim that did not complete its event.
struct attempt_record {
  std::int32_t claim_no = 0;
  std::string worker;
  std::optional<timestamp> claimed_at;
  timestamp ended_at{};
  std::string ending; ///< failed, released, lease_expired, retried_by_operator, dropped_by_operator
  std::string kind;   ///< failure class, for `failed`
  std::string reason;
};

struct recipient_outcome {
  uuid user_id{};
  std::string user_name; ///< empty when the profile is gone
  std::string channel;
  std::string state; ///< notified, rolled_up, queued, skipped
  std::string reason;
  /// Row id in notifications or pending_emails, when the row still exists.
  std::optional<std::int64_t> row_id;
  /// In-app: read or unread. E-mail: pending, deferred, claimed, sealed, sent, merged, skipped, failed,
  /// parked or withdrawn.
  std::string row_state;
  std::string row_detail; ///< e-mail: which mail, and why
};

/// The chain of one event.
struct explanation {
  domain_event event;
  std::string state; ///< unclaimed, pending, processing, completed, failed, expired
  std::string worker;
  std::int32_t claim_no = 0;
  std::int32_t attempts = 0;
  std::int32_t crashes = 0;
  std::optional<timestamp> claimed_at;
  std::optional<timestamp> completed_at;
  std::optional<timestamp> lease_until;
  std::optional<timestamp> next_attempt_at;
  std::string error; ///< last error or warning
  std::string error_class;
  std::vector<attempt_record> history;
  std::vector<recipient_outcome> outcomes;
};

} // namespace herald
