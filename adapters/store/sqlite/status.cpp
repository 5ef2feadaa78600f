// How the whole store stands: the cheap figures for status and metrics, and the full count that has to agree.
#include <string_view>

#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

// Each count reads one index that holds open work only.
constexpr std::string_view count_open_work = R"(
  SELECT
    (SELECT count(*) FROM notification_processing
      WHERE processing_status = 'pending' AND coalesce(herald_next_attempt_at, 0) > ?1),
    (SELECT count(*) FROM notification_processing
      WHERE processing_status = 'pending' AND coalesce(herald_next_attempt_at, 0) <= ?1),
    (SELECT count(*) FROM notification_processing
      WHERE processing_status = 'processing' AND herald_lease_until > ?1),
    (SELECT count(*) FROM notification_processing
      WHERE processing_status = 'processing' AND (herald_lease_until IS NULL OR herald_lease_until <= ?1)),
    (SELECT count(*) FROM notification_processing WHERE processing_status = 'failed'),
    (SELECT count(*) FROM notification_processing
      WHERE processing_status = 'failed' AND herald_dropped_at IS NOT NULL),
    (SELECT count(*) FROM notification_processing),
    (SELECT count(*) FROM herald_expired),
    (SELECT count(*) FROM pending_emails WHERE status = 'pending'))";

constexpr std::string_view count_unseen = R"(
  SELECT count(*) FILTER (WHERE e.created_at >= ?1), count(*) FILTER (WHERE e.created_at < ?1),
    min(e.created_at) FILTER (WHERE e.created_at >= ?1)
  FROM domain_events e
  WHERE e.id > (SELECT watermark FROM herald_cursor WHERE id = 1)
    AND NOT EXISTS (SELECT 1 FROM notification_processing p WHERE p.event_id = e.id)
    AND NOT EXISTS (SELECT 1 FROM herald_expired x WHERE x.event_id = e.id))";

constexpr std::string_view oldest_claimed = R"(
  SELECT min(e.created_at)
  FROM notification_processing p CROSS JOIN domain_events e ON e.id = p.event_id
  WHERE p.processing_status = 'pending'
  UNION ALL
  SELECT min(e.created_at)
  FROM notification_processing p CROSS JOIN domain_events e ON e.id = p.event_id
  WHERE p.processing_status = 'processing')";

constexpr std::string_view summarize_events = R"(
  SELECT e.event_type, count(*),
    count(*) FILTER (WHERE p.processing_status = 'completed'),
    count(*) FILTER (WHERE p.processing_status = 'failed'),
    count(*) FILTER (WHERE x.event_id IS NOT NULL)
  FROM domain_events e
  LEFT JOIN notification_processing p ON p.event_id = e.id
  LEFT JOIN herald_expired x ON x.event_id = e.id
  GROUP BY e.event_type)";

constexpr std::string_view summarize_outcomes = R"(
  SELECT e.event_type, o.channel, o.state, o.reason, sum(o.recipient_count)
  FROM herald_outcomes o CROSS JOIN domain_events e ON e.id = o.event_id
  GROUP BY e.event_type, o.channel, o.state, o.reason)";

constexpr std::string_view count_rows = R"(
  SELECT (SELECT count(*) FROM domain_events), (SELECT count(*) FROM notifications),
    (SELECT count(*) FROM pending_emails),
    (SELECT coalesce(sum(json_extract(payload, '$.count')), 0) FROM notifications
      WHERE json_extract(payload, '$.type') = 'thread_activity'))";

void keep_older(std::optional<timestamp>& oldest, std::optional<timestamp> x) {
  if (x && (!oldest || *x < *oldest))
    oldest = x;
}

void add_outcome(type_summary& out, const statement& row) {
  auto state = row.text(2);
  auto n = row.count(4);
  if (state == "notified")
    out.notifications += n;
  else if (state == "rolled_up")
    out.rolled_up += n;
  else if (state == "queued")
    out.emails += n;
  else
    out.skipped[row.text(1) + ":" + row.text(3)] += n;
}

} // namespace

store_status read_status(database& db, timestamp now, duration max_age) {
  auto tx = transaction{db, transaction::mode::read};
  store_status out;
  auto open = db.query(count_open_work, now);
  open.step();
  out.waiting = open.count(0);
  out.due_retries = open.count(1);
  out.in_flight = open.count(2);
  out.stale = open.count(3);
  out.dead = open.count(4) - open.count(5);
  out.completed =
      open.count(6) - open.count(0) - open.count(1) - open.count(2) - open.count(3) - open.count(4);
  out.emails_pending = open.count(8);
  auto unseen = db.query(count_unseen, now - max_age);
  unseen.step();
  out.unclaimed = unseen.count(0);
  // Too old and not yet set aside: nobody will pick them up either.
  out.expired = open.count(7) + unseen.count(1);
  out.oldest_pending = unseen.optional_time(2);
  for (auto claimed = db.query(oldest_claimed); claimed.step();)
    keep_older(out.oldest_pending, claimed.optional_time(0));
  return out;
}

store_summary summarize(database& db) {
  auto tx = transaction{db, transaction::mode::read};
  store_summary out;
  for (auto row = db.query(summarize_events); row.step();) {
    auto& x = out.by_type[row.text(0)];
    x.events = row.count(1);
    x.completed = row.count(2);
    x.dead = row.count(3);
    x.expired = row.count(4);
    x.pending = x.events - x.completed - x.dead - x.expired;
  }
  for (auto row = db.query(summarize_outcomes); row.step();)
    add_outcome(out.by_type[row.text(0)], row);
  auto rows = db.query(count_rows);
  rows.step();
  out.event_rows = rows.count(0);
  out.notification_rows = rows.count(1);
  out.email_rows = rows.count(2);
  out.roll_up_count = rows.count(3);
  return out;
}

} // namespace herald::sqlite
