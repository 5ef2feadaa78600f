-- Indexes on the platform's tables for the time-driven jobs. How such files are run: 010_indexes_concurrently.sql.
--
-- Locks: SHARE UPDATE EXCLUSIVE on the table: reads and writes go on, only other changes of its definition wait

-- Which nudges a project's owners have had: the events themselves tell.
create index concurrently if not exists herald_domain_events_resume_nudges
  on public.domain_events (project_id, created_at)
  where event_type = 'resume_incomplete_nudge';
