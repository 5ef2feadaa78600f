// Nudges about threads in which messages wait for a reader.
#include <utility>

#include "adapters/store/sqlite/job_chunk.hpp"
#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/nudges.hpp"
#include "core/payload.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_threads = "SELECT id FROM chat_threads WHERE id > ?1 ORDER BY id LIMIT ?2";

// The ends of what a person has not read are looked up in the index of messages: what a chunk costs does not grow with
// how much was ever said, and messages are counted for those alone who get a nudge.
//
// ?3 nobody and the system accounts; ?4 messages from here on are too young; ?5 up to here too old; ?6 nudges after this
// are recent. Preferences: core/preferences.cpp, wants_email: the heaviest row decides, and a row for the inbox alone
// only where none speaks of e-mail.
constexpr std::string_view select_verdicts = R"(
  WITH waiting AS MATERIALIZED (
    SELECT t.id AS thread_id, t.project_id, t.topic, p.user_id, p.last_read_at,
      (SELECT m.id FROM project_messages m
       WHERE m.thread_id = p.thread_id AND m.created_at > p.last_read_at AND m.user_id <> p.user_id
       ORDER BY m.created_at DESC, m.id DESC LIMIT 1) AS latest_id
    FROM chat_threads t CROSS JOIN chat_thread_participants p ON p.thread_id = t.id
    WHERE t.id > ?1 AND t.id <= ?2
  ), judged AS MATERIALIZED (
    SELECT c.*, n.created_at AS latest_at, n.user_id AS latest_sender,
      CASE
        WHEN c.user_id IN (SELECT value FROM json_each(?3)) THEN 'system'
        WHEN NOT EXISTS (SELECT 1 FROM profiles f WHERE f.id = c.user_id) THEN 'no_profile'
        WHEN (SELECT m.created_at FROM project_messages m
              WHERE m.thread_id = c.thread_id AND m.created_at > c.last_read_at AND m.user_id <> c.user_id
              ORDER BY m.created_at LIMIT 1) >= ?4 THEN 'too_early'
        WHEN n.created_at <= ?5 THEN 'too_old'
        WHEN EXISTS (SELECT 1 FROM unread_thread_stale_log l
                     WHERE l.thread_id = c.thread_id AND l.user_id = c.user_id
                       AND l.latest_message_at = n.created_at) THEN 'already'
        WHEN EXISTS (SELECT 1 FROM unread_thread_stale_log l
                     WHERE l.thread_id = c.thread_id AND l.user_id = c.user_id AND l.sent_at > ?6) THEN 'recent'
        WHEN (SELECT r.status FROM user_notification_preferences r
              WHERE r.user_id = c.user_id AND r.event_type IN ('thread_unread_stale', '*')
                AND r.channel IN ('email', 'in_app', '*')
                AND (r.scope_type = 'global' OR (r.scope_type = 'project' AND r.scope_id = c.project_id)
                     OR (r.scope_type = 'thread' AND r.scope_id = c.thread_id))
              ORDER BY r.channel = 'in_app',
                CASE r.scope_type WHEN 'thread' THEN 0 WHEN 'project' THEN 1 ELSE 2 END, r.event_type = '*',
                r.channel = '*', CASE r.status WHEN 'muted' THEN 0 WHEN 'digest' THEN 1 ELSE 2 END
              LIMIT 1) = 'muted' THEN 'muted'
        ELSE 'created'
      END AS verdict
    FROM waiting c CROSS JOIN project_messages n ON n.id = c.latest_id
  )
  SELECT verdict, thread_id, project_id, topic, user_id, last_read_at, latest_at, latest_sender,
    CASE verdict WHEN 'created' THEN
      (SELECT count(*) FROM project_messages m
       WHERE m.thread_id = c.thread_id AND m.created_at > c.last_read_at AND m.user_id <> c.user_id)
    END
  FROM judged c)";

/// ?1 the first event; ?2 what each of them is about, in the same order.
constexpr std::string_view log_nudges = R"(
  INSERT INTO unread_thread_stale_log (thread_id, user_id, latest_message_at, event_id, sent_at)
  SELECT e.thread_id, e.payload ->> '$.user_id', w.value, e.id, e.created_at
  FROM json_each(?2) w CROSS JOIN domain_events e ON e.id = ?1 + w.key)";

std::string payload_of(const statement& row) {
  auto topic = row.is_null(3) ? std::nullopt : std::optional{row.text(3)};
  return json_object{}
      .set("user_id", row.id(4))
      .set("thread_topic", topic)
      .set("anchor_last_read_at", to_iso8601(row.time(5)))
      .set("latest_message_at", to_iso8601(row.time(6)))
      .set("latest_sender_id", row.id(7))
      .set("unread_count", row.integer(8))
      .str();
}

new_event nudge(const statement& row, timestamp now) {
  new_event out;
  out.type = "thread_unread_stale";
  out.project_id = row.id(2);
  out.thread_id = row.id(1);
  out.payload = payload_of(row);
  out.created_at = now;
  return out;
}

} // namespace

job_chunk nudge_unread_threads(database& db, const unread_nudges_request& request) {
  auto now = request.chunk.now;
  auto tx = transaction{db, mode_of(request.chunk)};
  if (!request.chunk.dry_run && !holds_run(db, request.chunk.run, request.chunk.worker))
    return lost_chunk();
  auto range = find_range(db, select_threads, request.chunk);
  job_chunk out;
  out.next = range.next;
  std::vector<new_event> due;
  json_list latest;
  {
    auto rows = db.query(select_verdicts, range.after, range.last, system_accounts(request.excluded),
                         now - request.threshold, now - request.max_age, now - request.renudge_after);
    while (rows.step()) {
      auto verdict = rows.text(0);
      ++out.counts[verdict];
      if (request.chunk.dry_run || verdict != created)
        continue;
      due.push_back(nudge(rows, now));
      latest.add(rows.integer(6));
    }
  }
  if (!due.empty())
    db.run(log_nudges, append_events(db, due), std::move(latest).str());
  tx.commit();
  return out;
}

} // namespace herald::sqlite
