// The chain of one event: what it said, who worked on it, and how every recipient ended.
#include <string_view>

#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_event = R"(
  SELECT e.id, e.event_type, e.actor_id, e.project_id, e.resource_id, e.thread_id, e.meeting_id, e.payload,
    e.created_at, coalesce(p.processing_status, iif(x.event_id IS NULL, 'unclaimed', 'expired')), p.processor_id,
    p.herald_claim_no, p.retry_count, p.herald_crashes, p.claimed_at, p.completed_at, p.herald_lease_until,
    p.herald_next_attempt_at, p.error_message, p.herald_error_class
  FROM domain_events e
  LEFT JOIN notification_processing p ON p.event_id = e.id
  LEFT JOIN herald_expired x ON x.event_id = e.id
  WHERE e.id = ?1)";

constexpr std::string_view select_attempts = R"(
  SELECT claim_no, worker, claimed_at, ended_at, ending, kind, reason
  FROM herald_attempts WHERE event_id = ?1 ORDER BY id)";

constexpr std::string_view select_outcomes = R"(
  SELECT u.value, coalesce(nullif(p.full_name, ''), p.email), o.channel, o.state, o.reason, coalesce(n.id, m.id),
    CASE
      WHEN o.state = 'skipped' THEN ''
      WHEN n.id IS NOT NULL THEN iif(n.read_at IS NULL, 'unread', 'read')
      WHEN o.channel = 'in_app' THEN ''
      WHEN m.id IS NULL THEN 'withdrawn'
      WHEN r.email_id IS NULL THEN iif(m.status = 'pending' AND m.delivery_type = 'aggregated', 'deferred', m.status)
      WHEN r.state <> 'member' THEN r.state
      WHEN h.state = 'sent' AND (SELECT count(*) FROM herald_mail_rows x
        WHERE x.mail_id = h.id AND x.state = 'member') > 1 THEN 'merged'
      WHEN h.state = 'open' THEN 'claimed'
      ELSE h.state
    END,
    CASE
      WHEN r.email_id IS NULL THEN ''
      WHEN r.state <> 'member' THEN r.reason
      WHEN h.state = 'sent' THEN 'mail ' || h.id || ', provider id ' || h.provider_id
      WHEN h.state = 'sealed' THEN 'mail ' || h.id || ' in envelope ' || h.envelope_id
        || iif(v.error = '', '', ', last error: ' || v.error)
      ELSE 'mail ' || h.id || iif(h.reason = '', '', ': ' || h.reason)
    END
  FROM herald_outcomes o CROSS JOIN json_each(o.recipients) u
  LEFT JOIN profiles p ON p.id = u.value
  LEFT JOIN notifications n ON o.channel = 'in_app' AND o.state <> 'skipped' AND n.id = (
    SELECT min(i.id) FROM notifications i WHERE i.event_id = o.into_event_id AND i.user_id = u.value)
  LEFT JOIN pending_emails m
    ON o.channel = 'email' AND o.state <> 'skipped' AND m.event_id = o.into_event_id AND m.user_id = u.value
  LEFT JOIN herald_mail_rows r ON r.email_id = m.id
  LEFT JOIN herald_mails h ON h.id = r.mail_id
  LEFT JOIN herald_envelopes v ON v.id = h.envelope_id
  WHERE o.event_id = ?1
  ORDER BY o.channel DESC, o.state, o.reason, u.key)";

explanation read_event(const statement& x) {
  explanation out;
  out.event = {x.integer(0),     x.text(1),        x.optional_id(2), x.optional_id(3), x.optional_id(4),
               x.optional_id(5), x.optional_id(6), x.text(7),        x.time(8)};
  out.state = x.text(9);
  out.worker = x.text(10);
  out.claim_no = x.small_integer(11);
  out.attempts = x.small_integer(12);
  out.crashes = x.small_integer(13);
  out.claimed_at = x.optional_time(14);
  out.completed_at = x.optional_time(15);
  out.lease_until = x.optional_time(16);
  out.next_attempt_at = x.optional_time(17);
  out.error = x.text(18);
  out.error_class = x.text(19);
  return out;
}

} // namespace

std::optional<explanation> explain(database& db, std::int64_t event_id) {
  auto tx = transaction{db, transaction::mode::read};
  auto event = db.query(select_event, event_id);
  if (!event.step())
    return std::nullopt;
  auto out = read_event(event);
  for (auto x = db.query(select_attempts, event_id); x.step();)
    out.history.push_back(
        {x.small_integer(0), x.text(1), x.optional_time(2), x.time(3), x.text(4), x.text(5), x.text(6)});
  for (auto x = db.query(select_outcomes, event_id); x.step();)
    out.outcomes.push_back(
        {x.id(0), x.text(1), x.text(2), x.text(3), x.text(4), x.optional_integer(5), x.text(6), x.text(7)});
  return out;
}

} // namespace herald::sqlite
