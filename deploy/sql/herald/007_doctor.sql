-- What `herald doctor` wants to know of a database. It only looks: nothing is leased, locked or written.

begin;

-- What the search of a claim costs: carried out, because it takes nothing, and looked at as a plan, with the settings of
-- the function itself. Not carried out when it would look at more than a million events.
create or replace function public.herald_claim_cost(at timestamptz, lease interval, oldest timestamptz) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  ahead constant bigint := (select coalesce(max(e.id), 0) from domain_events e)
    - coalesce((select c.settled_up_to from herald_cursor c where c.id = 1), 0);
  ran json;
  plan json;
begin
  -- The text of the function, so that there is no copy to keep; its parameters become columns around it.
  execute format('explain (format json) select due.* from (values (%L::timestamptz, %L::interval, %L::timestamptz,'
      || ' 0::bigint, 500)) p (at, lease, oldest, after_id, max_count), lateral (%s) due', at, lease, oldest, (
    select prosrc from pg_proc where pronamespace = 'public'::regnamespace and proname = 'herald_due_events'))
  into plan;
  if ahead <= 1000000 then
    execute format('explain (analyze, buffers, timing off, format json) select herald_due_events(%L, %L, %L, 0, 500)',
      at, lease, oldest) into ran;
  end if;
  return json_build_object('events_ahead', ahead,
    'blocks', (ran #>> '{0,Plan,Shared Hit Blocks}')::bigint + (ran #>> '{0,Plan,Shared Read Blocks}')::bigint,
    'milliseconds', ceil((ran #>> '{0,Execution Time}')::float8)::bigint,
    'scans', (
      select coalesce(json_agg(distinct x #>> '{}'), '[]')
      from jsonb_path_query(plan::jsonb, '$.** ? (@."Node Type" == "Seq Scan")."Relation Name"') x));
end
$$;

-- {"functions": [name], "tables": [name], "indexes": [name], "triggers": [name], "now", "lease", "max_age"}; the lists
-- say what should be there. -> database_facts (core/doctor.hpp). What the role may not read is null.
create or replace function public.herald_doctor(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  at constant timestamptz := to_timestamp((request ->> 'now')::bigint / 1000.0);
  lease constant interval := make_interval(secs => (request ->> 'lease')::bigint / 1000.0);
  oldest constant timestamptz := at - make_interval(secs => (request ->> 'max_age')::bigint / 1000.0);
  claim json;
  work json;
  access json;
  schema_version integer;
begin
  begin
    select max(version) into schema_version from herald_schema;
  exception when insufficient_privilege or undefined_table then
    null;
  end;
  begin
    claim := herald_claim_cost(at, lease, oldest);
  exception when others then
    -- Something that it needs is missing, and is reported as that.
    null;
  end;
  begin
    select json_build_object('fingerprint', herald_access_fingerprint(), 'known', exists (
      select from herald_access_rules r where r.fingerprint = herald_access_fingerprint())) into access;
  exception when insufficient_privilege or undefined_table or undefined_function then
    null;
  end;
  begin
    select json_build_object(
      -- Claimed by a program without leases and never ended: those that Herald will take over, and those too old for
      -- it.
      'left_behind', count(*) filter (where e.created_at >= oldest),
      'left_behind_expired', count(*) filter (where e.created_at < oldest),
      'oldest_left_behind', floor(extract(epoch from min(greatest(p.claimed_at, p.created_at))) * 1000)::bigint,
      'emails_left_behind', (
        select count(*) from pending_emails m
        where m.status = 'processing' and not exists (select from herald_mail_rows r where r.email_id = m.id)),
      -- Of the newest events, those that another program has claimed a moment ago.
      'foreign_claims', (
        select count(*) from (
          select f.herald_claim_no, f.claimed_at from notification_processing f order by f.event_id desc limit 1000) f
        where f.herald_claim_no is null and f.claimed_at > at - interval '10 minutes'),
      'dead_letters', (
        select count(*) from notification_processing d
        where d.processing_status = 'failed' and d.herald_dropped_at is null),
      'parked_mails', (select count(*) from herald_mails h where h.state = 'parked'),
      'failed_mails', (select count(*) from herald_mails h where h.state = 'failed'))
    into work
    from notification_processing p join domain_events e on e.id = p.event_id
    where p.processing_status = 'processing' and p.herald_lease_until is null
      and greatest(p.claimed_at, p.created_at) <= at - lease;
  exception when insufficient_privilege or undefined_table or undefined_column then
    null;
  end;
  return json_build_object(
    'server_version', current_setting('server_version_num')::integer,
    'server_version_text', current_setting('server_version'),
    'read_only', pg_is_in_recovery() or current_setting('transaction_read_only')::boolean,
    'now', floor(extract(epoch from clock_timestamp()) * 1000)::bigint,
    'schema_version', schema_version,
    'role', current_user,
    'bypasses_row_security', (select rolsuper or rolbypassrls from pg_roles where rolname = current_user),
    'missing_functions', (
      select coalesce(json_agg(w.name order by w.name), '[]')
      from json_array_elements_text(request -> 'functions') w (name)
      where not exists (select from pg_proc f where f.pronamespace = 'public'::regnamespace and f.proname = w.name)),
    'closed_functions', (
      select coalesce(json_agg(f.proname order by f.proname), '[]')
      from pg_proc f
      where f.pronamespace = 'public'::regnamespace and starts_with(f.proname, 'herald_')
        and not has_function_privilege(f.oid, 'execute')),
    'open_functions', (
      select coalesce(json_agg(f.proname || ' (' || r.role || ')' order by f.proname, r.role), '[]')
      from pg_proc f, (
        select rolname::text as role from pg_roles where rolname in ('anon', 'authenticated')
        union all select 'public') r
      where f.pronamespace = 'public'::regnamespace and starts_with(f.proname, 'herald_')
        and has_function_privilege(r.role, f.oid, 'execute')),
    'missing_tables', (
      select coalesce(json_agg(w.name order by w.name), '[]')
      from json_array_elements_text(request -> 'tables') w (name)
      where to_regclass('public.' || quote_ident(w.name)) is null),
    -- As 001_tables.sql, 011_jobs.sql and 013_nudges.sql grant them.
    'missing_rights', (
      select coalesce(json_agg(n.name || ' (' || n.rights || ')' order by n.name), '[]')
      from (
        select t.name, string_agg(w.privilege, ', ' order by w.privilege) as rights
        from (
          select name, 'select' as rights from unnest(array['orgs', 'org_members', 'project_access_grants', 'resources',
            'permissions', 'chat_thread_participants', 'project_messages', 'meeting_participants',
            'project_resumes', 'borrower_resumes', 'project_workspace_activity',
            'user_notification_preferences']) name
          union all
          select name, 'select,update'
          from unnest(array['profiles', 'projects', 'chat_threads', 'meetings', 'calendar_connections']) name
          union all
          select name, 'select,insert,update'
          from unnest(array['domain_events', 'notifications', 'pending_emails', 'meeting_reminders_sent',
            'unread_thread_stale_log']) name
          union all
          select name, 'select,insert,update,delete' from json_array_elements_text(request -> 'tables') name
          union all
          select 'notification_processing', 'select,insert,update,delete') t,
          string_to_table(t.rights, ',') w (privilege)
        where to_regclass('public.' || quote_ident(t.name)) is not null
          and not has_table_privilege(to_regclass('public.' || quote_ident(t.name)), w.privilege)
        group by t.name
        union all
        select s.relname, 'usage'
        from pg_class s
        where s.relnamespace = 'public'::regnamespace
          and (starts_with(s.relname, 'herald_')
            or s.relname in ('domain_events_id_seq', 'notifications_id_seq', 'pending_emails_id_seq',
              'meeting_reminders_sent_id_seq', 'unread_thread_stale_log_id_seq'))
          and case s.relkind when 'S' then not has_sequence_privilege(s.oid, 'usage') end) n),
    -- Row-level security is the second wall behind the rights.
    'open_tables', (
      select coalesce(json_agg(x.name order by x.name), '[]')
      from (
        select c.relname || ' (' || r.role || ')' as name
        from pg_class c, (
          select rolname::text as role from pg_roles where rolname in ('anon', 'authenticated')
          union all select 'public') r
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and starts_with(c.relname, 'herald_')
          and has_table_privilege(r.role, c.oid, 'select, insert, update, delete')
        union all
        select c.relname || ' (row security is off)'
        from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and starts_with(c.relname, 'herald_')
          and not c.relrowsecurity) x),
    'missing_indexes', (
      select coalesce(json_agg(w.name order by w.name), '[]')
      from json_array_elements_text(request -> 'indexes') w (name)
      where to_regclass('public.' || quote_ident(w.name)) is null),
    'invalid_indexes', (
      select coalesce(json_agg(c.relname order by c.relname), '[]')
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'public'::regnamespace and starts_with(c.relname, 'herald_') and not i.indisvalid),
    'missing_triggers', (
      select coalesce(json_agg(w.name order by w.name), '[]')
      from json_array_elements_text(request -> 'triggers') w (name)
      where not exists (select from pg_trigger t where t.tgname = w.name and not t.tgisinternal)),
    'disabled_triggers', (
      select coalesce(json_agg(t.tgname order by t.tgname), '[]')
      from pg_trigger t
      where starts_with(t.tgname, 'herald_') and not t.tgisinternal and t.tgenabled not in ('O', 'A')),
    'claim', claim,
    'access', access,
    'work', work);
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
