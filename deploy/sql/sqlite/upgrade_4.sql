-- From version 3 to 4 of the embedded schema: the ledger of jobs, and the state of calendar watches.

-- The jobs that were ever scheduled. Instants before `known_since` are nobody's business.
CREATE TABLE herald_jobs (
  job TEXT PRIMARY KEY,
  known_since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs of jobs, and instants that had none. `missed` stands for `instants` of them, from first_at to scheduled_at.
CREATE TABLE herald_job_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL REFERENCES herald_jobs (job),
  scheduled_at INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  instants INTEGER NOT NULL DEFAULT 1 CHECK (instants >= 1),
  cause TEXT NOT NULL CHECK (cause IN ('schedule', 'catch_up', 'hand')),
  state TEXT NOT NULL CHECK (state IN ('running', 'ran', 'late', 'missed', 'failed')),
  worker TEXT NOT NULL DEFAULT '',
  claim_no INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  -- running: when others may take it over.
  lease_until INTEGER,
  ended_at INTEGER,
  -- failed: when to try again; NULL for never.
  retry_at INTEGER,
  error_class TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  counts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),
  CHECK ((state = 'running') = (lease_until IS NOT NULL))
) STRICT;
-- One run per instant, whoever asks.
CREATE UNIQUE INDEX herald_job_runs_instant ON herald_job_runs (job, scheduled_at) WHERE cause <> 'hand';
CREATE INDEX herald_job_runs_newest ON herald_job_runs (job, id);
-- No two runs of a job at once.
CREATE UNIQUE INDEX herald_job_runs_running ON herald_job_runs (job) WHERE state = 'running';

-- What Herald knows of a calendar connection beyond the platform's columns.
CREATE TABLE herald_calendar_watches (
  connection_id TEXT PRIMARY KEY REFERENCES calendar_connections (id) ON DELETE CASCADE,
  -- Channels that were about to be created and may exist: the newest five, from old to new, with commas between.
  planned_channel TEXT NOT NULL DEFAULT '',
  -- Fingerprint of the refresh token that the provider refused for good.
  refused_token TEXT NOT NULL DEFAULT '',
  error_class TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which nudges a project's owners have had: the events themselves tell.
CREATE INDEX domain_events_resume_nudges ON domain_events (project_id, created_at)
  WHERE event_type = 'resume_incomplete_nudge';
CREATE INDEX unread_thread_stale_log_sent ON unread_thread_stale_log (thread_id, user_id, sent_at);
-- For events that go with their project: their rows of the log forget them.
CREATE INDEX unread_thread_stale_log_event ON unread_thread_stale_log (event_id);
