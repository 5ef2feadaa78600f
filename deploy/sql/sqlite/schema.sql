-- Schema version 2 of Herald's embedded SQLite store: the platform's tables that Herald reads and writes, with the
-- platform's names and columns, and Herald's own tables (prefix herald_). Run once, on an empty database, inside one
-- transaction; the program then sets user_version.
--
-- How PostgreSQL's types appear here:
--   uuid         TEXT, the canonical lower-case form of 36 characters
--   timestamptz  INTEGER, milliseconds since 1970-01-01T00:00:00Z (UTC)
--   jsonb        TEXT holding JSON
--   boolean      INTEGER, 0 or 1
--   bigserial    INTEGER PRIMARY KEY AUTOINCREMENT: ids are never given out twice
-- References to auth.users point to profiles, or nowhere where the platform lets the user outlive the row.

-- -- people, organisations, projects -------------------------------------------------------------------------------

CREATE TABLE orgs (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  name TEXT NOT NULL,
  entity_type TEXT NOT NULL CHECK (entity_type IN ('borrower', 'lender', 'advisor')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profiles (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  full_name TEXT,
  email TEXT NOT NULL UNIQUE,
  app_role TEXT NOT NULL CHECK (app_role IN ('borrower', 'lender', 'advisor')),
  active_org_id TEXT REFERENCES orgs (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE org_members (
  org_id TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL CHECK (length(user_id) = 36),
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX org_members_user ON org_members (user_id);

CREATE TABLE projects (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  name TEXT NOT NULL,
  owner_org_id TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  assigned_advisor_id TEXT REFERENCES profiles (id) ON DELETE SET NULL,
  deal_type TEXT NOT NULL DEFAULT 'ground_up' CHECK (deal_type IN ('ground_up', 'refinance')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_owner_org ON projects (owner_org_id);

CREATE TABLE project_access_grants (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  org_id TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  granted_by TEXT NOT NULL CHECK (length(granted_by) = 36),
  created_at INTEGER NOT NULL,
  UNIQUE (project_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_access_grants_user ON project_access_grants (user_id);

-- -- documents -----------------------------------------------------------------------------------------------------

CREATE TABLE resources (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  org_id TEXT NOT NULL REFERENCES orgs (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
  parent_id TEXT REFERENCES resources (id) ON DELETE CASCADE,
  resource_type TEXT NOT NULL CHECK (resource_type IN (
    'FILE', 'FOLDER', 'BORROWER_RESUME', 'BORROWER_DOCS_ROOT', 'PROJECT_RESUME', 'PROJECT_DOCS_ROOT', 'OM',
    'UNDERWRITING_DOCS_ROOT', 'UNDERWRITING_TEMPLATES_ROOT')),
  name TEXT NOT NULL,
  current_version_id TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (parent_id, name),
  CHECK (project_id IS NOT NULL OR resource_type NOT IN (
    'BORROWER_RESUME', 'BORROWER_DOCS_ROOT', 'PROJECT_RESUME', 'PROJECT_DOCS_ROOT'))
) STRICT, WITHOUT ROWID;
CREATE INDEX resources_project ON resources (project_id);

-- The nearest row on a resource or its ancestors decides; 'none' is an explicit denial.
CREATE TABLE permissions (
  resource_id TEXT NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL CHECK (length(user_id) = 36),
  permission TEXT NOT NULL CHECK (permission IN ('view', 'edit', 'none')),
  granted_by TEXT NOT NULL CHECK (length(granted_by) = 36),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (resource_id, user_id)
) STRICT, WITHOUT ROWID;

-- -- chat ----------------------------------------------------------------------------------------------------------

CREATE TABLE chat_threads (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  topic TEXT,
  status TEXT DEFAULT 'active',
  stage TEXT,
  resource_id TEXT REFERENCES resources (id),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_threads_project ON chat_threads (project_id);

CREATE TABLE chat_thread_participants (
  thread_id TEXT NOT NULL REFERENCES chat_threads (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  last_read_at INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (thread_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_thread_participants_user ON chat_thread_participants (user_id);

CREATE TABLE project_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  thread_id TEXT NOT NULL REFERENCES chat_threads (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL CHECK (length(user_id) = 36),
  content TEXT,
  reply_to INTEGER REFERENCES project_messages (id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX project_messages_thread ON project_messages (thread_id, created_at);

-- What the stale-thread job has already reported.
CREATE TABLE unread_thread_stale_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  thread_id TEXT NOT NULL REFERENCES chat_threads (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  latest_message_at INTEGER NOT NULL,
  event_id INTEGER REFERENCES domain_events (id) ON DELETE SET NULL,
  sent_at INTEGER NOT NULL,
  UNIQUE (thread_id, user_id, latest_message_at)
) STRICT;

-- -- meetings and calendars ----------------------------------------------------------------------------------------

CREATE TABLE meetings (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  title TEXT NOT NULL,
  description TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER NOT NULL,
  duration_minutes INTEGER NOT NULL,
  location TEXT,
  meeting_link TEXT,
  organizer_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
  status TEXT NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'cancelled', 'completed')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX meetings_scheduled ON meetings (start_time) WHERE status = 'scheduled';

CREATE TABLE meeting_participants (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  response_status TEXT NOT NULL DEFAULT 'pending'
    CHECK (response_status IN ('pending', 'accepted', 'declined', 'tentative')),
  is_organizer INTEGER NOT NULL DEFAULT 0 CHECK (is_organizer IN (0, 1)),
  invited_at INTEGER NOT NULL,
  UNIQUE (meeting_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX meeting_participants_user ON meeting_participants (user_id);

-- What the meeting-reminder job has already reported.
CREATE TABLE meeting_reminders_sent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  meeting_id TEXT NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  reminder_type TEXT NOT NULL CHECK (reminder_type IN ('30min', '15min', '5min')),
  sent_at INTEGER NOT NULL,
  UNIQUE (meeting_id, user_id, reminder_type)
) STRICT;

CREATE TABLE calendar_connections (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  provider TEXT NOT NULL CHECK (provider IN ('google', 'microsoft', 'apple')),
  provider_account_id TEXT NOT NULL,
  provider_email TEXT,
  access_token TEXT,
  refresh_token TEXT,
  token_expires_at INTEGER,
  calendar_list TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(calendar_list)),
  sync_enabled INTEGER NOT NULL DEFAULT 1 CHECK (sync_enabled IN (0, 1)),
  watch_channel_id TEXT,
  watch_resource_id TEXT,
  watch_expiration INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (user_id, provider, provider_account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX calendar_connections_watch ON calendar_connections (watch_expiration)
  WHERE watch_expiration IS NOT NULL;

-- -- resumes -------------------------------------------------------------------------------------------------------

CREATE TABLE project_resumes (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  version_number INTEGER NOT NULL,
  completeness_percent INTEGER NOT NULL DEFAULT 0 CHECK (completeness_percent BETWEEN 0 AND 100),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX project_resumes_project ON project_resumes (project_id, version_number);

CREATE TABLE borrower_resumes (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  version_number INTEGER NOT NULL,
  completeness_percent INTEGER NOT NULL DEFAULT 0 CHECK (completeness_percent BETWEEN 0 AND 100),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX borrower_resumes_project ON borrower_resumes (project_id, version_number);

CREATE TABLE project_workspace_activity (
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  last_project_resume_edit_at INTEGER,
  last_borrower_resume_edit_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

-- -- preferences ---------------------------------------------------------------------------------------------------

-- As on the platform, scope_id is NULL for the global scope and NULLs are distinct: global rows may exist twice.
CREATE TABLE user_notification_preferences (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  user_id TEXT NOT NULL CHECK (length(user_id) = 36),
  scope_type TEXT NOT NULL CHECK (scope_type IN ('global', 'project', 'thread')),
  scope_id TEXT,
  event_type TEXT NOT NULL,
  channel TEXT NOT NULL DEFAULT 'in_app',
  status TEXT NOT NULL DEFAULT 'immediate',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (user_id, scope_type, scope_id, event_type, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_notification_preferences_lookup ON user_notification_preferences (user_id, event_type);

-- -- the event log -------------------------------------------------------------------------------------------------

-- Append-only. The payload is not checked here: an event that cannot be read must end as a dead letter, where people
-- see it, and not be refused where its producer may not look.
CREATE TABLE domain_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_type TEXT NOT NULL,
  actor_id TEXT CHECK (length(actor_id) = 36),
  project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
  resource_id TEXT REFERENCES resources (id) ON DELETE CASCADE,
  thread_id TEXT REFERENCES chat_threads (id) ON DELETE CASCADE,
  meeting_id TEXT REFERENCES meetings (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  payload TEXT
) STRICT;
CREATE INDEX domain_events_project ON domain_events (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX domain_events_resource ON domain_events (resource_id) WHERE resource_id IS NOT NULL;
CREATE INDEX domain_events_thread ON domain_events (thread_id) WHERE thread_id IS NOT NULL;
CREATE INDEX domain_events_meeting ON domain_events (meeting_id) WHERE meeting_id IS NOT NULL;

-- How far each event is. No row: never claimed. pending: released, or waiting for its next attempt. processing: leased
-- to processor_id until herald_lease_until (rows of other programs have no such date). failed: a dead letter.
CREATE TABLE notification_processing (
  event_id INTEGER PRIMARY KEY REFERENCES domain_events (id) ON DELETE CASCADE,
  processing_status TEXT NOT NULL DEFAULT 'pending'
    CHECK (processing_status IN ('pending', 'processing', 'completed', 'failed')),
  processor_id TEXT DEFAULT 'gcp-notify-fan-out',
  claimed_at INTEGER,
  completed_at INTEGER,
  retry_count INTEGER NOT NULL DEFAULT 0,
  error_message TEXT,
  created_at INTEGER NOT NULL,
  herald_claim_no INTEGER,
  herald_lease_until INTEGER,
  herald_next_attempt_at INTEGER,
  herald_crashes INTEGER,
  herald_error_class TEXT,
  herald_dropped_at INTEGER
) STRICT;
-- One small index per question; all of them hold open work only, so that history costs a claim nothing.
CREATE INDEX notification_processing_due ON notification_processing
  (coalesce(herald_next_attempt_at, 0), event_id) WHERE processing_status = 'pending';
CREATE INDEX notification_processing_leases ON notification_processing
  (herald_lease_until, event_id) WHERE processing_status = 'processing';
CREATE INDEX notification_processing_dead ON notification_processing
  (event_id) WHERE processing_status = 'failed';

-- -- what Herald produces ------------------------------------------------------------------------------------------

CREATE TABLE notifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL REFERENCES domain_events (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  body TEXT,
  link_url TEXT,
  read_at INTEGER,
  created_at INTEGER NOT NULL,
  payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload))
) STRICT;
CREATE INDEX notifications_user ON notifications (user_id, created_at DESC);
CREATE INDEX notifications_event ON notifications (event_id);
-- The one row per user and thread that counts unread messages.
CREATE INDEX notifications_unread_thread ON notifications (user_id, json_extract(payload, '$.thread_id'))
  WHERE read_at IS NULL AND json_extract(payload, '$.type') = 'thread_activity';
CREATE INDEX notifications_resume_nudge ON notifications (user_id, json_extract(payload, '$.project_id'))
  WHERE json_extract(payload, '$.type') = 'resume_incomplete_nudge';

CREATE TABLE pending_emails (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL REFERENCES domain_events (id) ON DELETE CASCADE,
  event_type TEXT NOT NULL,
  delivery_type TEXT NOT NULL CHECK (delivery_type IN ('immediate', 'aggregated')),
  project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
  project_name TEXT,
  subject TEXT NOT NULL,
  body_data TEXT NOT NULL CHECK (json_valid(body_data)),
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'sent', 'failed')),
  created_at INTEGER NOT NULL,
  processed_at INTEGER,
  UNIQUE (event_id, user_id)
) STRICT;
CREATE INDEX pending_emails_due ON pending_emails (status, delivery_type, created_at);
CREATE INDEX pending_emails_user ON pending_emails (user_id, created_at DESC);

-- -- Herald's own tables -------------------------------------------------------------------------------------------

-- Every event with an id up to the watermark has been looked at: it has a row in notification_processing or in
-- herald_expired. SQLite has one writer, so ids become visible in order and none can appear below the mark.
CREATE TABLE herald_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  watermark INTEGER NOT NULL
) STRICT;
INSERT INTO herald_cursor (id, watermark) VALUES (1, 0);

-- Events that were set aside because they were older than the maximum age when first seen.
CREATE TABLE herald_expired (
  event_id INTEGER PRIMARY KEY REFERENCES domain_events (id) ON DELETE CASCADE,
  seen_at INTEGER NOT NULL
) STRICT;

-- Claims that ended without completing their event, and what people did to dead letters.
CREATE TABLE herald_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id INTEGER NOT NULL REFERENCES domain_events (id) ON DELETE CASCADE,
  claim_no INTEGER NOT NULL,
  worker TEXT NOT NULL,
  claimed_at INTEGER,
  ended_at INTEGER NOT NULL,
  ending TEXT NOT NULL
    CHECK (ending IN ('failed', 'released', 'lease_expired', 'retried_by_operator', 'dropped_by_operator')),
  kind TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX herald_attempts_event ON herald_attempts (event_id);

-- How each recipient of each completed event ended, per channel. Recipients that share an ending share a row, so that
-- an event costs a few rows however many people it concerns.
CREATE TABLE herald_outcomes (
  event_id INTEGER NOT NULL REFERENCES domain_events (id) ON DELETE CASCADE,
  channel TEXT NOT NULL CHECK (channel IN ('in_app', 'email')),
  state TEXT NOT NULL CHECK (state IN ('notified', 'rolled_up', 'queued', 'skipped')),
  reason TEXT NOT NULL DEFAULT '',
  -- The event whose row shows this one to the recipients: the event itself unless they were rolled up.
  into_event_id INTEGER NOT NULL,
  recipient_count INTEGER NOT NULL,
  recipients TEXT NOT NULL CHECK (json_valid(recipients)),
  PRIMARY KEY (event_id, channel, state, reason, into_event_id)
) STRICT, WITHOUT ROWID;

-- What may be said to a user once only: the unique keys of drafts that were written. Decides between events whose
-- handlers could not see each other's notifications yet.
CREATE TABLE herald_once (
  unique_key TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('in_app', 'email')),
  user_id TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL REFERENCES domain_events (id) ON DELETE CASCADE,
  PRIMARY KEY (unique_key, channel, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX herald_once_event ON herald_once (event_id);
CREATE INDEX herald_once_user ON herald_once (user_id);

-- Names this database in idempotency keys: ids start over in a new database, and the provider would take a known key
-- for a repeat.
CREATE TABLE herald_installation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL
) STRICT;
INSERT INTO herald_installation (id, name) VALUES (1, lower(hex(randomblob(6))));

-- Digest windows that were opened. Opening fixes which rows belong to the window's digests, once for all daemons.
CREATE TABLE herald_digest_windows (
  window_at INTEGER PRIMARY KEY,
  opened_at INTEGER NOT NULL
) STRICT;

-- Sealed envelopes: one provider request each, stored before its first attempt. Every attempt sends the bytes of `body`
-- under the same key. An envelope that ended may have forgotten its body.
CREATE TABLE herald_envelopes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  idempotency_key TEXT NOT NULL UNIQUE CHECK (length(idempotency_key) BETWEEN 1 AND 256),
  endpoint TEXT NOT NULL CHECK (endpoint IN ('single', 'batch')),
  lane TEXT NOT NULL CHECK (lane IN ('immediate', 'digest')),
  body BLOB,
  mail_count INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'sealed' CHECK (state IN ('sealed', 'settled', 'split', 'parked')),
  worker TEXT NOT NULL DEFAULT '',
  claim_no INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0,
  -- Since when the provider may know the key.
  first_attempt_at INTEGER,
  next_attempt_at INTEGER,
  error_class TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  sealed_at INTEGER NOT NULL,
  ended_at INTEGER,
  CHECK (body IS NOT NULL OR state <> 'sealed')
) STRICT;
-- Due when neither leased nor waiting: the later of the two dates has passed.
CREATE INDEX herald_envelopes_due ON herald_envelopes
  (max(coalesce(lease_until, 0), coalesce(next_attempt_at, 0)), id) WHERE state = 'sealed';
CREATE INDEX herald_envelopes_bodies ON herald_envelopes (ended_at)
  WHERE state <> 'sealed' AND body IS NOT NULL;

-- One message to one person: an immediate row of pending_emails, or a digest of all rows of a window. Outlives the rows
-- and the person, so that nothing vanishes.
CREATE TABLE herald_mails (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL CHECK (length(user_id) = 36),
  lane TEXT NOT NULL CHECK (lane IN ('immediate', 'digest')),
  window_at INTEGER REFERENCES herald_digest_windows (window_at),
  state TEXT NOT NULL DEFAULT 'open'
    CHECK (state IN ('open', 'claimed', 'sealed', 'sent', 'skipped', 'failed', 'parked')),
  worker TEXT NOT NULL DEFAULT '',
  claim_no INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  -- How often a person has sent it on its way again.
  generation INTEGER NOT NULL DEFAULT 0,
  envelope_id INTEGER REFERENCES herald_envelopes (id),
  position INTEGER,
  provider_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (user_id, window_at),
  CHECK ((lane = 'digest') = (window_at IS NOT NULL))
) STRICT;
CREATE INDEX herald_mails_open ON herald_mails (lane, id) WHERE state = 'open';
CREATE INDEX herald_mails_leases ON herald_mails (lease_until, id) WHERE state = 'claimed';
CREATE INDEX herald_mails_envelope ON herald_mails (envelope_id, position) WHERE envelope_id IS NOT NULL;
CREATE INDEX herald_mails_stuck ON herald_mails (id) WHERE state IN ('failed', 'parked');

-- Which mail each row of pending_emails went into, and why a row did not go out with it. The key is the promise that no
-- row is ever in two mails.
CREATE TABLE herald_mail_rows (
  email_id INTEGER PRIMARY KEY,
  mail_id INTEGER NOT NULL REFERENCES herald_mails (id),
  state TEXT NOT NULL DEFAULT 'member' CHECK (state IN ('member', 'skipped', 'failed')),
  reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX herald_mail_rows_mail ON herald_mail_rows (mail_id, email_id);

-- Messages of the capture transport: what would have been sent.
CREATE TABLE herald_captured_mails (
  id TEXT PRIMARY KEY,
  idempotency_key TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  html TEXT NOT NULL,
  text TEXT NOT NULL,
  headers TEXT NOT NULL CHECK (json_valid(headers)),
  captured_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX herald_captured_mails_at ON herald_captured_mails (captured_at);

-- What supervisors did, newest last: crashes, restarts, escalations.
CREATE TABLE herald_supervision (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  worker TEXT NOT NULL,
  supervisor TEXT NOT NULL,
  child TEXT NOT NULL,
  what TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX herald_supervision_child ON herald_supervision (supervisor, child, id);
