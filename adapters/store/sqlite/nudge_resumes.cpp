// Nudges about resumes that nobody completes.
#include "adapters/store/sqlite/job_chunk.hpp"
#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/nudges.hpp"
#include "core/payload.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_projects = "SELECT id FROM projects WHERE id > ?1 ORDER BY id LIMIT ?2";

// ?3 now; ?4 nobody and the system accounts. The completeness is that of the version that the resume's resource points
// to, else of the latest, else nothing was written yet. Which tiers went out is read from the events themselves: inbox
// rows get deleted and come late.
constexpr std::string_view select_verdicts = R"(
  WITH resumes AS MATERIALIZED (
    SELECT p.id AS project_id, p.owner_org_id, 'project' AS resume_type,
      coalesce((SELECT max(a.last_project_resume_edit_at) FROM project_workspace_activity a
                WHERE a.project_id = p.id), p.created_at) AS idle_since,
      coalesce(
        (SELECT v.completeness_percent FROM resources r JOIN project_resumes v ON v.id = r.current_version_id
         WHERE r.project_id = p.id AND r.resource_type = 'PROJECT_RESUME'
         ORDER BY r.created_at DESC, r.id LIMIT 1),
        (SELECT v.completeness_percent FROM project_resumes v WHERE v.project_id = p.id
         ORDER BY v.version_number DESC LIMIT 1), 0) AS percent
    FROM projects p WHERE p.id > ?1 AND p.id <= ?2
    UNION ALL
    SELECT p.id, p.owner_org_id, 'borrower',
      coalesce((SELECT max(a.last_borrower_resume_edit_at) FROM project_workspace_activity a
                WHERE a.project_id = p.id), p.created_at),
      coalesce(
        (SELECT v.completeness_percent FROM resources r JOIN borrower_resumes v ON v.id = r.current_version_id
         WHERE r.project_id = p.id AND r.resource_type = 'BORROWER_RESUME'
         ORDER BY r.created_at DESC, r.id LIMIT 1),
        (SELECT v.completeness_percent FROM borrower_resumes v WHERE v.project_id = p.id
         ORDER BY v.version_number DESC LIMIT 1), 0)
    FROM projects p WHERE p.id > ?1 AND p.id <= ?2
  ), tiered AS MATERIALIZED (
    SELECT c.*,
      CASE
        WHEN c.idle_since <= ?3 - 7 * 86400000 THEN 4
        WHEN c.idle_since <= ?3 - 5 * 86400000 THEN 3
        WHEN c.idle_since <= ?3 - 3 * 86400000 THEN 2
        WHEN c.idle_since <= ?3 - 86400000 THEN 1
        ELSE 0
      END AS tier
    FROM resumes c
  )
  SELECT
    CASE
      WHEN o.user_id IN (SELECT value FROM json_each(?4)) THEN 'system'
      WHEN NOT EXISTS (SELECT 1 FROM profiles f WHERE f.id = o.user_id) THEN 'no_profile'
      WHEN c.percent >= 100 THEN 'complete'
      WHEN c.tier = 0 THEN 'too_early'
      -- The log takes any text for a payload, and what is no JSON cannot be looked into.
      WHEN EXISTS (
        SELECT 1 FROM domain_events e
        WHERE e.project_id = c.project_id AND e.event_type = 'resume_incomplete_nudge'
          AND e.created_at >= c.idle_since
          AND CASE WHEN json_valid(e.payload) THEN
            lower(e.payload ->> '$.user_id') = o.user_id AND e.payload ->> '$.resume_type' = c.resume_type
              AND CAST(e.payload ->> '$.nudge_tier' AS TEXT) = CAST(c.tier AS TEXT)
          END) THEN 'already'
      ELSE 'created'
    END,
    c.project_id, o.user_id, c.resume_type, c.percent, c.tier
  FROM tiered c CROSS JOIN org_members o ON o.org_id = c.owner_org_id AND o.role = 'owner'
  ORDER BY c.project_id, o.user_id, c.resume_type DESC)";

new_event nudge(const statement& row, timestamp now) {
  new_event out;
  out.type = "resume_incomplete_nudge";
  out.project_id = row.id(1);
  out.payload = json_object{}
                    .set("user_id", row.id(2))
                    .set("resume_type", row.text(3))
                    .set("completion_percent", row.integer(4))
                    .set("nudge_tier", row.integer(5))
                    .str();
  out.created_at = now;
  return out;
}

} // namespace

job_chunk nudge_incomplete_resumes(database& db, const resume_nudges_request& request) {
  auto now = request.chunk.now;
  auto tx = transaction{db, mode_of(request.chunk)};
  if (!request.chunk.dry_run && !holds_run(db, request.chunk.run, request.chunk.worker))
    return lost_chunk();
  auto range = find_range(db, select_projects, request.chunk);
  job_chunk out;
  out.next = range.next;
  std::vector<new_event> due;
  {
    auto rows = db.query(select_verdicts, range.after, range.last, now, system_accounts(request.excluded));
    while (rows.step()) {
      auto verdict = rows.text(0);
      ++out.counts[verdict];
      if (!request.chunk.dry_run && verdict == created)
        due.push_back(nudge(rows, now));
    }
  }
  if (!due.empty())
    append_events(db, due);
  tx.commit();
  return out;
}

} // namespace herald::sqlite
