#include "adapters/store/sqlite/claim.hpp"

#include <algorithm>
#include <utility>

#include "adapters/store/sqlite/attempts.hpp"
#include "adapters/store/sqlite/context.hpp"
#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_due = R"(
  SELECT event_id FROM notification_processing
  WHERE processing_status = 'pending' AND coalesce(herald_next_attempt_at, 0) <= ?1
  ORDER BY coalesce(herald_next_attempt_at, 0), event_id
  LIMIT ?2)";

constexpr std::string_view select_lapsed = R"(
  SELECT event_id FROM notification_processing
  WHERE processing_status = 'processing' AND herald_lease_until <= ?1
  ORDER BY herald_lease_until, event_id
  LIMIT ?2)";

constexpr std::string_view select_leftovers = R"(
  SELECT p.event_id, e.created_at < ?2
  FROM notification_processing p JOIN domain_events e ON e.id = p.event_id
  WHERE p.processing_status = 'processing' AND p.herald_lease_until IS NULL
    AND coalesce(p.claimed_at, p.created_at) <= ?1
  ORDER BY p.event_id)";

constexpr std::string_view select_new = R"(
  SELECT e.id, e.created_at < ?1,
    p.event_id IS NOT NULL OR EXISTS (SELECT 1 FROM herald_expired x WHERE x.event_id = e.id)
  FROM domain_events e LEFT JOIN notification_processing p ON p.event_id = e.id
  WHERE e.id > (SELECT watermark FROM herald_cursor WHERE id = 1)
  ORDER BY e.id)";

constexpr std::string_view select_dry = R"(
  SELECT event_id FROM (
    SELECT * FROM (
      SELECT event_id FROM notification_processing
      WHERE processing_status = 'pending' AND coalesce(herald_next_attempt_at, 0) <= ?1 AND event_id > ?2
      ORDER BY event_id LIMIT ?3)
    UNION ALL
    SELECT * FROM (
      SELECT event_id FROM notification_processing
      WHERE processing_status = 'processing' AND herald_lease_until <= ?1 AND event_id > ?2
      ORDER BY event_id LIMIT ?3)
    UNION ALL
    SELECT * FROM (
      SELECT p.event_id
      FROM notification_processing p JOIN domain_events e ON e.id = p.event_id
      WHERE p.processing_status = 'processing' AND p.herald_lease_until IS NULL
        AND coalesce(p.claimed_at, p.created_at) <= ?4 AND e.created_at >= ?5 AND p.event_id > ?2
      ORDER BY p.event_id LIMIT ?3)
    UNION ALL
    SELECT * FROM (
      SELECT e.id
      FROM domain_events e
      WHERE e.id > max(?2, (SELECT watermark FROM herald_cursor WHERE id = 1)) AND e.created_at >= ?5
        AND NOT EXISTS (SELECT 1 FROM notification_processing p WHERE p.event_id = e.id)
      ORDER BY e.id LIMIT ?3))
  ORDER BY event_id LIMIT ?3)";

// A row that another program left counts as the first claim, so that ours is known to be a repetition.
constexpr std::string_view lease_events = R"(
  INSERT INTO notification_processing
    (event_id, processing_status, processor_id, claimed_at, created_at, herald_claim_no, herald_lease_until)
  SELECT value, 'processing', ?2, ?3, ?3, 1, ?4 FROM json_each(?1) WHERE true
  ON CONFLICT (event_id) DO UPDATE SET
    processing_status = 'processing', processor_id = excluded.processor_id, claimed_at = excluded.claimed_at,
    herald_claim_no = coalesce(herald_claim_no, 1) + 1, herald_lease_until = excluded.herald_lease_until,
    herald_next_attempt_at = NULL)";

constexpr std::string_view set_aside = R"(
  INSERT INTO herald_expired (event_id, seen_at)
  SELECT value, ?2 FROM json_each(?1) WHERE true
  ON CONFLICT DO NOTHING)";

constexpr std::string_view forget_leftovers = R"(
  DELETE FROM notification_processing WHERE event_id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view load_events = R"(
  SELECT e.id, e.event_type, e.actor_id, e.project_id, e.resource_id, e.thread_id, e.meeting_id, e.payload,
    e.created_at, p.herald_claim_no, p.retry_count, p.herald_crashes
  FROM json_each(?1) w CROSS JOIN domain_events e ON e.id = w.value
  LEFT JOIN notification_processing p ON p.event_id = e.id)";

constexpr std::string_view select_next_due = R"(
  SELECT min(due) FROM (
    SELECT min(coalesce(herald_next_attempt_at, 0)) AS due FROM notification_processing
    WHERE processing_status = 'pending' AND coalesce(herald_next_attempt_at, 0) > ?1
    UNION ALL
    SELECT min(herald_lease_until) FROM notification_processing
    WHERE processing_status = 'processing' AND herald_lease_until > ?1
    UNION ALL
    SELECT min(coalesce(claimed_at, created_at)) + ?2 FROM notification_processing
    WHERE processing_status = 'processing' AND herald_lease_until IS NULL
      AND coalesce(claimed_at, created_at) > ?1 - ?2))";

/// The events of one claim while they are being chosen.
struct selection {
  std::vector<std::int64_t> chosen;
  /// Of the chosen: those whose former claim ran out.
  std::vector<std::int64_t> lapsed;
  /// Too old to be picked up.
  std::vector<std::int64_t> too_old;
  /// Of the too old: those another program had claimed.
  std::vector<std::int64_t> abandoned;
  /// Last event of the log that was looked at, if any was.
  std::optional<std::int64_t> seen_up_to;
  /// The limit of what may be passed over was reached.
  bool cut_short = false;
};

class claimer {
public:
  claimer(database& db, const claim_request& request) : db_{db}, request_{request} {}

  claimed_batch run() {
    auto tx = transaction{db_, request_.dry_run ? transaction::mode::read : transaction::mode::write};
    if (request_.dry_run) {
      select_without_claiming();
    } else {
      choose();
      write();
    }
    claimed_batch out;
    out.expired = selection_.too_old.size();
    out.events = load();
    out.next_due = next_due();
    out.context = std::make_shared<const batch_context>(load_context(db_, out.events, request_.now));
    tx.commit();
    return out;
  }

private:
  std::size_t room() const {
    auto n = selection_.chosen.size();
    return n < request_.limit ? request_.limit - n : 0;
  }

  timestamp oldest() const { return request_.now - request_.max_age; }

  void choose() {
    take(db_.query(select_due, request_.now, room()), false);
    take(db_.query(select_lapsed, request_.now, room()), true);
    take_leftovers();
    take_new();
    std::ranges::sort(selection_.chosen);
  }

  void take(statement rows, bool lapsed) {
    while (rows.step()) {
      selection_.chosen.push_back(rows.integer(0));
      if (lapsed)
        selection_.lapsed.push_back(rows.integer(0));
    }
  }

  // What a program without leases left behind: its claims are as old as they are, and nobody renews them.
  void take_leftovers() {
    auto rows = db_.query(select_leftovers, request_.now - request_.lease, oldest());
    while (room() > 0 && rows.step()) {
      auto too_old = rows.integer(1) != 0;
      (too_old ? selection_.too_old : selection_.chosen).push_back(rows.integer(0));
      selection_.lapsed.push_back(rows.integer(0));
      if (!too_old)
        continue;
      selection_.abandoned.push_back(rows.integer(0));
      if (pass_over())
        return;
    }
  }

  void take_new() {
    auto rows = db_.query(select_new, oldest());
    while (room() > 0 && !selection_.cut_short && rows.step()) {
      selection_.seen_up_to = rows.integer(0);
      auto too_old = rows.integer(1) != 0;
      auto known = rows.integer(2) != 0;
      if (!too_old && !known) {
        selection_.chosen.push_back(rows.integer(0));
        continue;
      }
      if (!known)
        selection_.too_old.push_back(rows.integer(0));
      pass_over();
    }
  }

  /// Counts one event that is not handed out; true when no more of them may be looked at.
  bool pass_over() { return selection_.cut_short = ++passed_over_ == max_passed_over; }

  void write() {
    record_endings(db_, selection_.lapsed, request_.now,
                   {"lease_expired", {}, "the worker neither finished nor renewed its claim in time"});
    if (!selection_.chosen.empty())
      db_.run(lease_events, to_json_list(selection_.chosen), request_.worker, request_.now,
              request_.now + request_.lease);
    if (!selection_.abandoned.empty())
      db_.run(forget_leftovers, to_json_list(selection_.abandoned));
    if (!selection_.too_old.empty())
      db_.run(set_aside, to_json_list(selection_.too_old), request_.now);
    if (selection_.seen_up_to)
      db_.run("UPDATE herald_cursor SET watermark = ?1 WHERE id = 1", *selection_.seen_up_to);
  }

  void select_without_claiming() {
    take(db_.query(select_dry, request_.now, request_.after_id, request_.limit, request_.now - request_.lease,
                   oldest()),
         false);
  }

  std::vector<claimed_event> load() {
    std::vector<claimed_event> out;
    out.reserve(selection_.chosen.size());
    auto rows = db_.query(load_events, to_json_list(selection_.chosen));
    while (rows.step()) {
      claimed_event x;
      x.event = {rows.integer(0),     rows.text(1),        rows.optional_id(2),
                 rows.optional_id(3), rows.optional_id(4), rows.optional_id(5),
                 rows.optional_id(6), rows.text(7),        rows.time(8)};
      x.claim_no = rows.small_integer(9);
      x.attempts = rows.small_integer(10);
      x.crashes = rows.small_integer(11);
      out.push_back(std::move(x));
    }
    std::ranges::sort(out, {}, [](const claimed_event& x) { return x.event.id; });
    return out;
  }

  std::optional<timestamp> next_due() {
    if (selection_.cut_short)
      return request_.now;
    auto rows = db_.query(select_next_due, request_.now, request_.lease.count());
    return rows.step() ? rows.optional_time(0) : std::nullopt;
  }

  database& db_;
  const claim_request& request_;
  selection selection_;
  std::int64_t passed_over_ = 0;
};

} // namespace

claimed_batch claim_events(database& db, const claim_request& request) {
  return claimer{db, request}.run();
}

} // namespace herald::sqlite
