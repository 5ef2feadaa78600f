// Reminders of meetings that start soon.
#include "adapters/store/sqlite/job_chunk.hpp"
#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/nudges.hpp"
#include "core/payload.hpp"

namespace herald::sqlite {

namespace {

// Found by time, so that a short chunk does not walk along the ids of all meetings there ever were.
constexpr std::string_view select_near = R"(
  SELECT id FROM meetings INDEXED BY meetings_scheduled
  WHERE status = 'scheduled' AND start_time > ?3 AND start_time <= ?4 AND id > ?1
  ORDER BY id LIMIT ?2)";

// ?5 nobody and the system accounts; ?6 ahead and slack together.
constexpr std::string_view select_verdicts = R"(
  SELECT m.id, m.project_id, m.title, m.start_time, m.end_time, m.meeting_link, m.organizer_id, p.user_id,
    CASE
      WHEN p.user_id IN (SELECT value FROM json_each(?5)) THEN 'system'
      WHEN NOT EXISTS (SELECT 1 FROM profiles f WHERE f.id = p.user_id) THEN 'no_profile'
      WHEN p.response_status = 'declined' THEN 'declined'
      WHEN s.sent_at IS NULL THEN 'created'
      WHEN s.sent_at < m.start_time - ?6 THEN 'moved'
      ELSE 'already'
    END
  FROM meetings m INDEXED BY meetings_scheduled
  CROSS JOIN meeting_participants p ON p.meeting_id = m.id
  LEFT JOIN meeting_reminders_sent s
    ON s.meeting_id = p.meeting_id AND s.user_id = p.user_id AND s.reminder_type = '30min'
  WHERE m.status = 'scheduled' AND m.start_time > ?3 AND m.start_time <= ?4 AND m.id > ?1 AND m.id <= ?2
  ORDER BY m.id, p.user_id)";

constexpr std::string_view mark_reminded = R"(
  INSERT INTO meeting_reminders_sent (meeting_id, user_id, reminder_type, sent_at)
  SELECT meeting_id, payload ->> '$.user_id', '30min', created_at FROM domain_events WHERE id >= ?1
  ON CONFLICT (meeting_id, user_id, reminder_type) DO UPDATE SET sent_at = excluded.sent_at)";

std::string payload_of(const statement& row, duration ahead) {
  auto link = row.is_null(5) ? std::nullopt : std::optional{row.text(5)};
  return json_object{}
      .set("meeting_id", row.id(0))
      .set("user_id", row.id(7))
      .set("meeting_title", row.text(2))
      .set("start_time", to_iso8601(row.time(3)))
      .set("end_time", to_iso8601(row.time(4)))
      .set("meeting_link", link)
      .set("organizer_id", row.id(6))
      .set("reminder_minutes", std::int64_t{std::chrono::floor<std::chrono::minutes>(ahead).count()})
      .str();
}

new_event reminder(const statement& row, const meeting_reminders_request& request) {
  new_event out;
  out.type = "meeting_reminder";
  out.actor_id = row.id(7);
  out.project_id = row.optional_id(1);
  out.meeting_id = row.id(0);
  out.payload = payload_of(row, request.ahead);
  out.created_at = request.chunk.now;
  return out;
}

} // namespace

job_chunk remind_of_meetings(database& db, const meeting_reminders_request& request) {
  auto now = request.chunk.now;
  auto until = now + request.ahead;
  auto tx = transaction{db, mode_of(request.chunk)};
  if (!request.chunk.dry_run && !holds_run(db, request.chunk.run, request.chunk.worker))
    return lost_chunk();
  auto range = find_range(db, select_near, request.chunk, now, until);
  job_chunk out;
  out.next = range.next;
  std::vector<new_event> due;
  {
    auto rows = db.query(select_verdicts, range.after, range.last, now, until,
                         system_accounts(request.excluded), (request.ahead + request.slack).count());
    while (rows.step()) {
      auto verdict = rows.text(8);
      ++out.counts[verdict];
      if (!request.chunk.dry_run && (verdict == created || verdict == "moved"))
        due.push_back(reminder(rows, request));
    }
  }
  if (!due.empty())
    db.run(mark_reminded, append_events(db, due));
  tx.commit();
  return out;
}

} // namespace herald::sqlite
