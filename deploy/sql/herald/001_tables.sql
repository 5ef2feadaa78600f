-- Herald's tables and columns in the platform's database, schema version 1. `herald migrate` applies the numbered files
-- of this folder; psql may, too. Each may be run again at any time and is one transaction, but for those that end with
-- _concurrently: they build indexes and must run outside a transaction. downgrade.sql takes everything back.
-- Run them as the owner of the platform's tables.
--
-- Lines that begin with `-- Locks:` are shown to people before a file is applied. No row of an existing table is read
-- from end to end or rewritten. A lock that is not granted within lock_timeout ends the file with an error and changes
-- nothing; run it again when the long transaction in the way is over. `herald migrate` has a time-out and a transaction
-- of its own: it leaves out the lines that are nothing but `begin;`, `commit;` or `set local lock_timeout`.
--
-- Locks: ACCESS EXCLUSIVE on notification_processing (new nullable columns: a change of the catalogue), first run only
-- Locks: SHARE ROW EXCLUSIVE on domain_events, pending_emails, profiles (writes wait), first run only

begin;
set local lock_timeout = '3s';
set local client_min_messages = warning;

-- Of all migrations that were applied, the newest.
create table if not exists public.herald_schema (
  version integer primary key,
  applied_at timestamptz not null default now()
);

-- Which files `herald migrate` has applied, as they were then. Files that were applied by other means are not here.
create table if not exists public.herald_schema_files (
  name text primary key,
  checksum text not null,
  applied_at timestamptz not null default now()
);

-- -- the state of an event ---------------------------------------------------------------------------------------

-- Rows of other programs have none of these. processing: leased to processor_id until herald_lease_until. failed: a
-- dead letter; it leaves the list when somebody drops it.
do $$
begin
  -- Without the look, even a statement that adds nothing would ask for the lock.
  if (select count(*) from pg_attribute
      where attrelid = 'public.notification_processing'::regclass and not attisdropped and attname in (
        'herald_claim_no', 'herald_lease_until', 'herald_next_attempt_at', 'herald_crashes', 'herald_error_class',
        'herald_dropped_at')) < 6 then
    -- All locks together, the ones that others take first in front: whoever waits while holding some may wait in a
    -- circle.
    lock table public.domain_events, public.pending_emails, public.profiles in share row exclusive mode;
    alter table public.notification_processing
      add column if not exists herald_claim_no integer,
      add column if not exists herald_lease_until timestamptz,
      add column if not exists herald_next_attempt_at timestamptz,
      add column if not exists herald_crashes integer,
      add column if not exists herald_error_class text,
      add column if not exists herald_dropped_at timestamptz;
  end if;
end
$$;

-- Where the search for new events starts. Ids are given out in order but appear in the order of commits, so a plain
-- high-water mark would lose events. Two numbers instead:
--   settled_up_to  every event up to here has a row in notification_processing or in herald_expired
--   visible_up_to  no event up to here can appear any more: every transaction that could still hold one has ended
-- and a candidate for the next visible_up_to on its way: first the newest id is noted, then, in a transaction that
-- began later, that transaction's own id; when no transaction up to that id is running, the candidate holds. The times
-- here are those of the database server's clock, because they are compared with its transactions.
create table if not exists public.herald_cursor (
  id integer primary key check (id = 1),
  settled_up_to bigint not null default 0,
  visible_up_to bigint not null default 0,
  candidate bigint,
  candidate_at timestamptz,
  candidate_xact xid8,
  -- When the newest events below settled_up_to were last looked through for one that slipped past.
  swept_at timestamptz not null default '-infinity'
) with (fillfactor = 50);
-- What is older than an hour counts as visible from the start.
insert into public.herald_cursor (id, visible_up_to)
values (1, coalesce((
  select id from public.domain_events where created_at < now() - interval '1 hour'
  order by created_at desc limit 1), 0))
on conflict do nothing;

-- Events that were set aside because they were older than the maximum age when first seen.
create table if not exists public.herald_expired (
  event_id bigint primary key references public.domain_events (id) on delete cascade,
  seen_at timestamptz not null
);

-- Claims that ended without completing their event, and what people did to dead letters.
create table if not exists public.herald_attempts (
  id bigserial primary key,
  event_id bigint not null references public.domain_events (id) on delete cascade,
  claim_no integer not null,
  worker text not null,
  claimed_at timestamptz,
  ended_at timestamptz not null,
  ending text not null
    check (ending in ('failed', 'released', 'lease_expired', 'retried_by_operator', 'dropped_by_operator')),
  kind text not null default '',
  reason text not null default ''
);
create index if not exists herald_attempts_event on public.herald_attempts (event_id, id);

-- How each recipient of each completed event ended, per channel. Recipients that share an ending share a row, so that
-- an event costs a few rows however many people it concerns.
create table if not exists public.herald_outcomes (
  event_id bigint not null references public.domain_events (id) on delete cascade,
  channel text not null check (channel in ('in_app', 'email')),
  state text not null check (state in ('notified', 'rolled_up', 'queued', 'skipped')),
  reason text not null default '',
  -- The event whose row shows this one to the recipients: the event itself unless they were rolled up.
  into_event_id bigint not null,
  recipient_count integer not null,
  recipients uuid[] not null,
  primary key (event_id, channel, state, reason, into_event_id)
);

-- What may be said to a user once only: the unique keys of drafts that were written. Decides between events whose
-- handlers could not see each other's notifications yet.
create table if not exists public.herald_once (
  unique_key text not null,
  channel text not null check (channel in ('in_app', 'email')),
  user_id uuid not null references public.profiles (id) on delete cascade,
  event_id bigint not null references public.domain_events (id) on delete cascade,
  primary key (unique_key, channel, user_id)
);
create index if not exists herald_once_event on public.herald_once (event_id);
create index if not exists herald_once_user on public.herald_once (user_id);

-- One row per thread whose messages were ever counted. A commit locks the rows of its threads before it looks for
-- unread notifications, so that two daemons cannot both start one. Row locks, because advisory locks share a table of
-- limited size, and not the thread's own row, because the platform's users write there.
create table if not exists public.herald_threads (
  thread_id uuid primary key
);

-- Definitions of the platform's access functions that are known to follow the plain ancestor rule, by fingerprint. When
-- the database's are not among them, can_view is asked for every single pair.
create table if not exists public.herald_access_rules (
  fingerprint text primary key,
  note text not null
);

-- What supervisors did, newest last: crashes, restarts, escalations.
create table if not exists public.herald_supervision (
  id bigserial primary key,
  at timestamptz not null,
  worker text not null,
  supervisor text not null,
  child text not null,
  what text not null,
  reason text not null
);
create index if not exists herald_supervision_child on public.herald_supervision (supervisor, child, id);

-- -- e-mail ------------------------------------------------------------------------------------------------------

-- Names this database in idempotency keys: ids start over in a new database, and the provider would take a known key
-- for a repeat.
create table if not exists public.herald_installation (
  id integer primary key check (id = 1),
  name text not null
);
insert into public.herald_installation (id, name)
values (1, left(md5(gen_random_uuid()::text), 12)) on conflict do nothing;

-- Digest windows that were opened. Opening fixes which rows belong to the window's digests, once for all daemons.
create table if not exists public.herald_digest_windows (
  window_at timestamptz primary key,
  opened_at timestamptz not null
);

-- Sealed envelopes: one provider request each, stored before its first attempt. Every attempt sends the bytes of `body`
-- under the same key. An envelope that ended may have forgotten its body.
create table if not exists public.herald_envelopes (
  id bigserial primary key,
  idempotency_key text not null unique check (length(idempotency_key) between 1 and 256),
  endpoint text not null check (endpoint in ('single', 'batch')),
  lane text not null check (lane in ('immediate', 'digest')),
  body bytea,
  mail_count integer not null,
  state text not null default 'sealed' check (state in ('sealed', 'settled', 'split', 'parked')),
  -- Who holds it, until due_at; nobody: it waits for its next attempt, until due_at.
  worker text not null default '',
  claim_no integer not null default 0,
  due_at timestamptz not null,
  attempts integer not null default 0,
  -- Since when the provider may know the key.
  first_attempt_at timestamptz,
  error_class text not null default '',
  error text not null default '',
  sealed_at timestamptz not null,
  ended_at timestamptz,
  check (body is not null or state <> 'sealed')
);
create index if not exists herald_envelopes_due on public.herald_envelopes (due_at, id) where state = 'sealed';
create index if not exists herald_envelopes_bodies on public.herald_envelopes (ended_at)
  where state in ('settled', 'split', 'parked') and body is not null;

-- One message to one person: an immediate row of pending_emails, or a digest of all rows of a window. Outlives the rows
-- and the person, so that nothing vanishes.
create table if not exists public.herald_mails (
  id bigserial primary key,
  user_id uuid not null,
  lane text not null check (lane in ('immediate', 'digest')),
  window_at timestamptz references public.herald_digest_windows (window_at),
  state text not null default 'open'
    check (state in ('open', 'claimed', 'sealed', 'sent', 'skipped', 'failed', 'parked')),
  worker text not null default '',
  claim_no integer not null default 0,
  lease_until timestamptz,
  -- How often a person has sent it on its way again.
  generation integer not null default 0,
  envelope_id bigint references public.herald_envelopes (id),
  position integer,
  provider_id text not null default '',
  reason text not null default '',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (user_id, window_at),
  check ((lane = 'digest') = (window_at is not null))
);
create index if not exists herald_mails_open on public.herald_mails (lane, id) where state = 'open';
create index if not exists herald_mails_leases on public.herald_mails (lease_until, id) where state = 'claimed';
create index if not exists herald_mails_envelope on public.herald_mails (envelope_id, position)
  where envelope_id is not null;
create index if not exists herald_mails_stuck on public.herald_mails (updated_at desc, id desc)
  where state in ('failed', 'parked');

-- Which mail each row of pending_emails went into, and why a row did not go out with it. The key is the promise that no
-- row is ever in two mails. No reference to pending_emails: the platform deletes rows there.
create table if not exists public.herald_mail_rows (
  email_id bigint primary key,
  mail_id bigint not null references public.herald_mails (id),
  state text not null default 'member' check (state in ('member', 'skipped', 'failed')),
  reason text not null default ''
);
create index if not exists herald_mail_rows_mail on public.herald_mail_rows (mail_id, email_id);

-- -- who may do what ---------------------------------------------------------------------------------------------

-- Row-level security without a policy shuts everybody out who does not bypass it, whatever the database grants on new
-- tables by default.
do $$
declare
  name text;
begin
  foreach name in array array[
    'herald_schema', 'herald_schema_files', 'herald_cursor', 'herald_expired', 'herald_attempts', 'herald_outcomes',
    'herald_once', 'herald_threads', 'herald_access_rules', 'herald_supervision', 'herald_installation',
    'herald_digest_windows', 'herald_envelopes', 'herald_mails', 'herald_mail_rows']
  loop
    if not (select relrowsecurity from pg_class where oid = format('public.%I', name)::regclass) then
      execute format('alter table public.%I enable row level security', name);
    end if;
    execute format('revoke all on public.%I from public, anon, authenticated', name);
    execute format('grant select, insert, update, delete on public.%I to service_role', name);
  end loop;
  foreach name in array array[
    'herald_attempts_id_seq', 'herald_supervision_id_seq', 'herald_envelopes_id_seq', 'herald_mails_id_seq']
  loop
    execute format('revoke all on sequence public.%I from public, anon, authenticated', name);
    execute format('grant usage, select on sequence public.%I to service_role', name);
  end loop;
end
$$;

-- What the functions need of the platform's tables. UPDATE on profiles, projects and domain_events is for row locks
-- alone: nothing there is ever changed.
grant select on public.orgs, public.org_members, public.project_access_grants, public.resources, public.permissions,
  public.chat_threads, public.chat_thread_participants, public.project_messages, public.meetings,
  public.meeting_participants, public.project_resumes, public.borrower_resumes, public.project_workspace_activity,
  public.user_notification_preferences to service_role;
grant select, update on public.profiles, public.projects to service_role;
grant select, insert, update on public.domain_events, public.notifications, public.pending_emails to service_role;
grant select, insert, update, delete on public.notification_processing to service_role;
grant usage, select on sequence public.domain_events_id_seq, public.notifications_id_seq, public.pending_emails_id_seq
  to service_role;

insert into public.herald_schema (version) values (1) on conflict do nothing;
commit;
