-- Time-driven jobs: the ledger of their runs, and the state of calendar watches.
--
-- Locks: SHARE ROW EXCLUSIVE on calendar_connections (writes wait), first run only

begin;
set local lock_timeout = '3s';
set local client_min_messages = warning;

-- The jobs that were ever scheduled. Instants before `known_since` are nobody's business.
create table if not exists public.herald_jobs (
  job text primary key,
  known_since timestamptz not null
);

-- Runs of jobs, and instants that had none. `missed` stands for `instants` of them, from first_at to scheduled_at.
create table if not exists public.herald_job_runs (
  id bigserial primary key,
  job text not null references public.herald_jobs (job),
  scheduled_at timestamptz not null,
  first_at timestamptz not null,
  instants bigint not null default 1 check (instants >= 1),
  cause text not null check (cause in ('schedule', 'catch_up', 'hand')),
  state text not null check (state in ('running', 'ran', 'late', 'missed', 'failed')),
  worker text not null default '',
  claim_no integer not null default 0,
  attempts integer not null default 0,
  started_at timestamptz,
  -- running: when others may take it over.
  lease_until timestamptz,
  ended_at timestamptz,
  -- failed: when to try again; null for never.
  retry_at timestamptz,
  error_class text not null default '',
  error text not null default '',
  counts jsonb not null default '{}',
  check ((state = 'running') = (lease_until is not null))
);
-- One run per instant, whoever asks.
create unique index if not exists herald_job_runs_instant on public.herald_job_runs (job, scheduled_at)
  where cause <> 'hand';
create index if not exists herald_job_runs_newest on public.herald_job_runs (job, id);
-- No two runs of a job at once.
create unique index if not exists herald_job_runs_running on public.herald_job_runs (job) where state = 'running';

-- What Herald knows of a calendar connection beyond the platform's columns.
create table if not exists public.herald_calendar_watches (
  connection_id uuid primary key references public.calendar_connections (id) on delete cascade,
  -- Channels that were about to be created and may exist: the newest five, from old to new, with commas between.
  planned_channel text not null default '',
  -- Fingerprint of the refresh token that the provider refused for good.
  refused_token text not null default '',
  error_class text not null default '',
  error text not null default '',
  updated_at timestamptz not null
);

do $$
declare
  name text;
begin
  foreach name in array array['herald_jobs', 'herald_job_runs', 'herald_calendar_watches'] loop
    if not (select relrowsecurity from pg_class where oid = format('public.%I', name)::regclass) then
      execute format('alter table public.%I enable row level security', name);
    end if;
    execute format('revoke all on public.%I from public, anon, authenticated', name);
    execute format('grant select, insert, update, delete on public.%I to service_role', name);
  end loop;
  revoke all on sequence public.herald_job_runs_id_seq from public, anon, authenticated;
  grant usage, select on sequence public.herald_job_runs_id_seq to service_role;
end
$$;

-- What the jobs need of the platform's tables besides 001_tables.sql.
grant select, update on public.calendar_connections to service_role;
grant select, insert, update on public.meeting_reminders_sent, public.unread_thread_stale_log to service_role;
grant usage, select on sequence public.meeting_reminders_sent_id_seq, public.unread_thread_stale_log_id_seq
  to service_role;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
