-- The jobs that create events: reminders of meetings, nudges about unread threads and about incomplete resumes. Each
-- function looks at one chunk of its outer table, in the order of ids behind `after`, and is one transaction: events
-- and their dedupe rows together. A dry run stops before it writes.
--
-- Locks follow the platform's deletions, so that neither two chunks nor a chunk and a deletion wait for each other in a
-- circle. A user's deletion begins at auth.users and goes on to the profile, then to the meetings that the person
-- organizes and to rows of dedupe logs; a project's goes on to its threads and meetings. Where an event has no actor,
-- the order is run, profiles, projects, threads, each by id, and what is deleted before it is locked is left out.
-- auth.users can be locked by nothing but the foreign key of an event's actor: see herald_remind_of_meetings.
--
-- Settings: as in 002_context.sql. Look-ups per person are scalar subqueries, which are answered from an index one by
-- one; loops are off where long lists out of arrays are joined, because their length is estimated far too low.

begin;
set local lock_timeout = '3s';

-- For row locks alone: nothing there is ever changed.
grant update on public.chat_threads, public.meetings to service_role;

-- -- what the jobs share -----------------------------------------------------------------------------------------

create or replace function public.herald_lost_chunk() returns json
language sql immutable
set search_path = pg_catalog, public, pg_temp
as $$ select json_build_object('counts', json_build_object(), 'next', '', 'lost', true) $$;

-- Only a full chunk has a next one.
create or replace function public.herald_chunk_json(counts jsonb, keys uuid[], max_count bigint) returns json
language sql immutable
set search_path = pg_catalog, public, pg_temp
as $$
  select json_build_object('counts', counts, 'next',
    case when cardinality(keys) >= max_count then keys[cardinality(keys)]::text else '' end, 'lost', false)
$$;

-- Of what was to be written under this verdict only so much was: another program was faster with the rest, or what it
-- was about is gone.
create or replace function public.herald_count_written(counts jsonb, verdict text, written bigint) returns jsonb
language sql immutable
set search_path = pg_catalog, public, pg_temp
as $$
  select case
    when missed = 0 then counts
    else counts - verdict - 'already'
      || case when written > 0 then jsonb_build_object(verdict, written) else '{}' end
      || jsonb_build_object('already', coalesce((counts ->> 'already')::bigint, 0) + missed)
  end
  from (select coalesce((counts ->> verdict)::bigint, 0) - written as missed) x
$$;

-- As every store writes times into payloads: UTC, milliseconds.
create or replace function public.herald_iso8601(at timestamptz) returns text
language sql stable parallel safe
set search_path = pg_catalog, public, pg_temp
as $$ select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- -- meetings ----------------------------------------------------------------------------------------------------

-- meeting_reminders_request -> job_chunk
--
-- The row in meeting_reminders_sent decides between us and whoever else writes it, but events come first: they lock
-- auth.users, and only then may rows follow that lock profiles. Events whose rows turn out to be another's are rolled
-- back together with their rows, and so are those that a deletion has overtaken; then all is judged anew.
create or replace function public.herald_remind_of_meetings(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_nestloop = off
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000'; -- the platform's own system account
  chunk constant json := request -> 'chunk';
  dry_run constant boolean := (chunk ->> 'dry_run')::boolean;
  at constant timestamptz := herald_at((chunk ->> 'now')::bigint);
  max_count constant bigint := greatest((chunk ->> 'limit')::bigint, 1);
  after_id constant uuid := herald_uuid(chunk ->> 'after');
  ahead_ms constant bigint := (request ->> 'ahead')::bigint;
  ahead constant interval := ahead_ms * interval '1 millisecond';
  slack constant interval := (request ->> 'slack')::bigint * interval '1 millisecond';
  system_ids constant uuid[] := array(select x::uuid from json_array_elements_text(request -> 'excluded') x);
  max_attempts constant integer := 3;
  meeting_ids uuid[];
  counts jsonb;
  due_meetings uuid[]; -- parallel to due_users and due_verdicts
  due_users uuid[];
  due_verdicts text[];
  emitted_meetings uuid[]; -- parallel to emitted_users
  emitted_users uuid[];
  created bigint;
  moved bigint;
  marked bigint;
begin
  if not dry_run and not herald_hold_run(chunk) then
    return herald_lost_chunk();
  end if;

  -- Found by time, so that a short chunk does not walk along the ids of all meetings there ever were.
  with near as materialized (
    select id from meetings where status = 'scheduled' and start_time > at and start_time <= at + ahead
  )
  select array(select id from near where after_id is null or id > after_id order by id limit max_count)
  into meeting_ids;

  for attempt in 1 .. max_attempts loop
    with judged as materialized (
      select p.meeting_id, p.user_id,
        case
          when p.user_id = nobody or p.user_id = any (system_ids) then 'system'
          when (select f.id from profiles f where f.id = p.user_id) is null then 'no_profile'
          when p.response_status = 'declined' then 'declined'
          when r.sent_at is null then 'created'
          when r.sent_at < m.start_time - ahead - slack then 'moved'
          else 'already'
        end as verdict
      from meeting_participants p join meetings m on m.id = p.meeting_id cross join lateral (
        select (
          select s.sent_at from meeting_reminders_sent s
          where s.meeting_id = p.meeting_id and s.user_id = p.user_id and s.reminder_type = '30min') as sent_at) r
      where p.meeting_id = any (meeting_ids) and m.id = any (meeting_ids)
    )
    select
      (select coalesce(jsonb_object_agg(x.verdict, x.n), '{}')
        from (select j.verdict, count(*) as n from judged j group by j.verdict) x),
      array_agg(j.meeting_id) filter (where j.verdict in ('created', 'moved')),
      array_agg(j.user_id) filter (where j.verdict in ('created', 'moved')),
      array_agg(j.verdict) filter (where j.verdict in ('created', 'moved'))
    into counts, due_meetings, due_users, due_verdicts
    from judged j;

    if dry_run or due_users is null then
      return herald_chunk_json(counts, meeting_ids, max_count);
    end if;

    perform from projects
    where id = any (array(select m.project_id from meetings m where m.id = any (due_meetings)))
    order by id for key share;

    begin
      -- The organizer's event first: a meeting is locked only after the person whose deletion would take it along.
      with emitted as (
        insert into domain_events (event_type, actor_id, project_id, meeting_id, payload, created_at)
        select 'meeting_reminder', f.id, m.project_id, m.id, jsonb_build_object('meeting_id', m.id,
          'user_id', f.id, 'meeting_title', m.title, 'start_time', herald_iso8601(m.start_time),
          'end_time', herald_iso8601(m.end_time), 'meeting_link', m.meeting_link, 'organizer_id', m.organizer_id,
          'reminder_minutes', ahead_ms / 60000), at
        from unnest(due_meetings, due_users) d (meeting_id, user_id)
          join meetings m on m.id = d.meeting_id join profiles f on f.id = d.user_id
        where m.id = any (due_meetings) and f.id = any (due_users)
        order by m.id, f.id <> m.organizer_id, f.id
        returning meeting_id, actor_id
      )
      select array_agg(e.meeting_id), array_agg(e.actor_id), count(*) filter (where d.verdict = 'created'),
        count(*) filter (where d.verdict = 'moved')
      into emitted_meetings, emitted_users, created, moved
      from emitted e join unnest(due_meetings, due_users, due_verdicts) d (meeting_id, user_id, verdict)
        on d.meeting_id = e.meeting_id and d.user_id = e.actor_id;

      insert into meeting_reminders_sent as s (meeting_id, user_id, reminder_type, sent_at)
      select e.meeting_id, e.user_id, '30min', at
      from unnest(emitted_meetings, emitted_users) e (meeting_id, user_id)
      order by e.meeting_id, e.user_id
      on conflict (meeting_id, user_id, reminder_type) do update set sent_at = excluded.sent_at
        where s.sent_at < (select x.start_time from meetings x where x.id = excluded.meeting_id) - ahead - slack;
      get diagnostics marked = row_count;
      if marked < created + moved then
        raise exception using errcode = 'HE001', message = 'another program reminds of the same meetings';
      end if;

      counts := herald_count_written(herald_count_written(counts, 'created', created), 'moved', moved);
      return herald_chunk_json(counts, meeting_ids, max_count);
    exception when foreign_key_violation or sqlstate 'HE001' then
      if attempt = max_attempts then
        raise exception using errcode = 'HE001',
          message = 'meetings and their reminders kept changing while they were looked at; the next run looks again';
      end if;
    end;
  end loop;
end
$$;

-- -- threads -----------------------------------------------------------------------------------------------------

-- unread_nudges_request -> job_chunk
--
-- The ends of what a person has not read are looked up in the index of messages, two look-ups each: what a chunk costs
-- does not grow with how much was ever said.
create or replace function public.herald_nudge_unread_threads(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_nestloop = off
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000'; -- the platform's own system account
  chunk constant json := request -> 'chunk';
  dry_run constant boolean := (chunk ->> 'dry_run')::boolean;
  at constant timestamptz := herald_at((chunk ->> 'now')::bigint);
  max_count constant bigint := greatest((chunk ->> 'limit')::bigint, 1);
  after_id constant uuid := herald_uuid(chunk ->> 'after');
  stale_before constant timestamptz := at - (request ->> 'threshold')::bigint * interval '1 millisecond';
  too_old_at constant timestamptz := at - (request ->> 'max_age')::bigint * interval '1 millisecond';
  recent_since constant timestamptz := at - (request ->> 'renudge_after')::bigint * interval '1 millisecond';
  system_ids constant uuid[] := array(select x::uuid from json_array_elements_text(request -> 'excluded') x);
  thread_ids uuid[];
  counts jsonb;
  due_threads uuid[]; -- parallel to the next three
  due_users uuid[];
  due_read timestamptz[];
  due_latest timestamptz[];
  log_ids bigint[]; -- parallel to event_ids
  event_ids bigint[];
begin
  if not dry_run and not herald_hold_run(chunk) then
    return herald_lost_chunk();
  end if;

  thread_ids := array(
    select id from chat_threads
    where id >= coalesce(after_id, nobody) and id is distinct from after_id
    order by id limit max_count);

  with waiting as materialized (
    select p.thread_id, p.user_id, p.last_read_at, (
        select m.created_at from project_messages m
        where m.thread_id = p.thread_id and m.created_at > p.last_read_at and m.user_id <> p.user_id
        order by m.created_at desc limit 1) as latest_at
    from chat_thread_participants p
    where p.thread_id = any (thread_ids)
  ), judged as materialized (
    select w.*,
      case
        when w.user_id = nobody or w.user_id = any (system_ids) then 'system'
        when (select f.id from profiles f where f.id = w.user_id) is null then 'no_profile'
        when (
          select m.created_at from project_messages m
          where m.thread_id = w.thread_id and m.created_at > w.last_read_at and m.user_id <> w.user_id
          order by m.created_at limit 1) >= stale_before then 'too_early'
        when w.latest_at <= too_old_at then 'too_old'
        when (
          select l.id from unread_thread_stale_log l
          where l.thread_id = w.thread_id and l.user_id = w.user_id and l.latest_message_at = w.latest_at
          limit 1) is not null then 'already'
        when (
          select l.id from unread_thread_stale_log l
          where l.thread_id = w.thread_id and l.user_id = w.user_id and l.sent_at > recent_since
          limit 1) is not null then 'recent'
        -- core/preferences.cpp, wants_email: the heaviest row decides, and a row for the inbox alone only where none
        -- speaks of e-mail.
        when (
          select r.status from user_notification_preferences r
          where r.user_id = w.user_id and r.event_type in ('thread_unread_stale', '*')
            and r.channel in ('email', 'in_app', '*')
            and (r.scope_type = 'global' or (r.scope_type = 'project' and r.scope_id = t.project_id)
              or (r.scope_type = 'thread' and r.scope_id = t.id))
          order by r.channel = 'in_app', array_position(array['thread', 'project', 'global'], r.scope_type),
            r.event_type = '*', r.channel = '*', array_position(array['muted', 'digest'], r.status)
          limit 1) = 'muted' then 'muted'
        else 'created'
      end as verdict
    from waiting w join chat_threads t on t.id = w.thread_id
    where t.id = any (thread_ids) and w.latest_at is not null
  )
  select
    (select coalesce(jsonb_object_agg(x.verdict, x.n), '{}')
      from (select j.verdict, count(*) as n from judged j group by j.verdict) x),
    array_agg(j.thread_id) filter (where j.verdict = 'created'),
    array_agg(j.user_id) filter (where j.verdict = 'created'),
    array_agg(j.last_read_at) filter (where j.verdict = 'created'),
    array_agg(j.latest_at) filter (where j.verdict = 'created')
  into counts, due_threads, due_users, due_read, due_latest
  from judged j;

  if dry_run or due_users is null then
    return herald_chunk_json(counts, thread_ids, max_count);
  end if;

  perform from profiles where id = any (due_users) order by id for key share;
  perform from projects
  where id = any (array(select t.project_id from chat_threads t where t.id = any (due_threads)))
  order by id for key share;
  perform from chat_threads where id = any (due_threads) order by id for key share;

  -- The row of the log decides between us and whoever else writes it.
  with due as materialized (
    select d.*, t.project_id, t.topic
    from unnest(due_threads, due_users, due_read, due_latest) d (thread_id, user_id, read_at, latest_at)
      join chat_threads t on t.id = d.thread_id join profiles f on f.id = d.user_id
    where t.id = any (due_threads) and f.id = any (due_users)
  ), logged as (
    insert into unread_thread_stale_log (thread_id, user_id, latest_message_at, sent_at)
    select d.thread_id, d.user_id, d.latest_at, at from due d
    order by d.thread_id, d.user_id
    on conflict (thread_id, user_id, latest_message_at) do nothing
    returning id, thread_id, user_id
  ), emitted as (
    insert into domain_events (event_type, project_id, thread_id, payload, created_at)
    select 'thread_unread_stale', d.project_id, d.thread_id, jsonb_build_object('user_id', d.user_id,
      'thread_topic', d.topic, 'latest_message_at', herald_iso8601(d.latest_at),
      'latest_sender_id', (
        select m.user_id from project_messages m
        where m.thread_id = d.thread_id and m.created_at = d.latest_at and m.user_id <> d.user_id
        order by m.id desc limit 1),
      'anchor_last_read_at', herald_iso8601(d.read_at),
      'unread_count', (
        select count(*) from project_messages m
        where m.thread_id = d.thread_id and m.created_at > d.read_at and m.created_at <= d.latest_at
          and m.user_id <> d.user_id)), at
    from logged g join due d on d.thread_id = g.thread_id and d.user_id = g.user_id
    order by d.thread_id, d.user_id
    returning id, thread_id, (payload ->> 'user_id')::uuid as user_id
  )
  select array_agg(g.id), array_agg(e.id) into log_ids, event_ids
  from logged g join emitted e on e.thread_id = g.thread_id and e.user_id = g.user_id;

  update unread_thread_stale_log l set event_id = x.event_id
  from unnest(log_ids, event_ids) x (log_id, event_id)
  where l.id = x.log_id and l.id = any (log_ids);

  counts := herald_count_written(counts, 'created', coalesce(cardinality(event_ids), 0));
  return herald_chunk_json(counts, thread_ids, max_count);
end
$$;

-- -- resumes -----------------------------------------------------------------------------------------------------

-- resume_nudges_request -> job_chunk
--
-- Which tiers went out is read from the events themselves: inbox rows get deleted and come late. No two chunks of a run
-- are at work at once (herald_hold_run), so none overlooks what another is about to create.
create or replace function public.herald_nudge_incomplete_resumes(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000'; -- the platform's own system account
  chunk constant json := request -> 'chunk';
  dry_run constant boolean := (chunk ->> 'dry_run')::boolean;
  at constant timestamptz := herald_at((chunk ->> 'now')::bigint);
  max_count constant bigint := greatest((chunk ->> 'limit')::bigint, 1);
  after_id constant uuid := herald_uuid(chunk ->> 'after');
  system_ids constant uuid[] := array(select x::uuid from json_array_elements_text(request -> 'excluded') x);
  project_ids uuid[];
  counts jsonb;
  due_projects uuid[]; -- parallel to the next four
  due_users uuid[];
  due_types text[];
  due_percents integer[];
  due_tiers integer[];
  created bigint;
begin
  if not dry_run and not herald_hold_run(chunk) then
    return herald_lost_chunk();
  end if;

  project_ids := array(
    select id from projects
    where id >= coalesce(after_id, nobody) and id is distinct from after_id
    order by id limit max_count);

  with edits as materialized (
    select a.project_id, max(a.last_project_resume_edit_at) as project, max(a.last_borrower_resume_edit_at) as borrower
    from project_workspace_activity a
    where a.project_id = any (project_ids)
    group by a.project_id
  ), resumes as materialized (
    -- The version that the resume's resource points to, else the latest, else nothing written yet.
    select p.id as project_id, p.owner_org_id, r.*
    from projects p left join edits e on e.project_id = p.id cross join lateral (
      select 'project' as resume_type, coalesce(e.project, p.created_at) as idle_since, coalesce(
        (select v.completeness_percent from resources x join project_resumes v on v.id = x.current_version_id
          where x.project_id = p.id and x.resource_type = 'PROJECT_RESUME'
          order by x.created_at desc, x.id limit 1),
        (select v.completeness_percent from project_resumes v where v.project_id = p.id
          order by v.version_number desc limit 1), 0) as percent
      union all
      select 'borrower', coalesce(e.borrower, p.created_at), coalesce(
        (select v.completeness_percent from resources x join borrower_resumes v on v.id = x.current_version_id
          where x.project_id = p.id and x.resource_type = 'BORROWER_RESUME'
          order by x.created_at desc, x.id limit 1),
        (select v.completeness_percent from borrower_resumes v where v.project_id = p.id
          order by v.version_number desc limit 1), 0)) r
    where p.id = any (project_ids)
  ), tiered as (
    -- In hours: a day is not always as long where clocks change.
    select s.*,
      case
        when s.idle_since <= at - interval '168 hours' then 4
        when s.idle_since <= at - interval '120 hours' then 3
        when s.idle_since <= at - interval '72 hours' then 2
        when s.idle_since <= at - interval '24 hours' then 1
        else 0
      end as tier
    from resumes s
  ), judged as materialized (
    select t.project_id, o.user_id, t.resume_type, greatest(t.percent, 0) as percent, t.tier,
      case
        when o.user_id = nobody or o.user_id = any (system_ids) then 'system'
        when (select f.id from profiles f where f.id = o.user_id) is null then 'no_profile'
        when t.percent >= 100 then 'complete'
        when t.tier = 0 then 'too_early'
        when (
          select e.id from domain_events e
          where e.project_id = t.project_id and e.event_type = 'resume_incomplete_nudge'
            and e.created_at >= t.idle_since and herald_uuid(e.payload ->> 'user_id') = o.user_id
            and e.payload ->> 'resume_type' = t.resume_type and e.payload ->> 'nudge_tier' = t.tier::text
          limit 1) is not null then 'already'
        else 'created'
      end as verdict
    from tiered t join org_members o on o.org_id = t.owner_org_id and o.role = 'owner'
  )
  select
    (select coalesce(jsonb_object_agg(x.verdict, x.n), '{}')
      from (select j.verdict, count(*) as n from judged j group by j.verdict) x),
    array_agg(j.project_id) filter (where j.verdict = 'created'),
    array_agg(j.user_id) filter (where j.verdict = 'created'),
    array_agg(j.resume_type) filter (where j.verdict = 'created'),
    array_agg(j.percent) filter (where j.verdict = 'created'),
    array_agg(j.tier) filter (where j.verdict = 'created')
  into counts, due_projects, due_users, due_types, due_percents, due_tiers
  from judged j;

  if dry_run or due_users is null then
    return herald_chunk_json(counts, project_ids, max_count);
  end if;

  perform from projects where id = any (due_projects) order by id for key share;

  insert into domain_events (event_type, project_id, payload, created_at)
  select 'resume_incomplete_nudge', p.id, jsonb_build_object('user_id', d.user_id, 'resume_type', d.resume_type,
    'completion_percent', d.percent, 'nudge_tier', d.tier), at
  from unnest(due_projects, due_users, due_types, due_percents, due_tiers)
    d (project_id, user_id, resume_type, percent, tier)
    join projects p on p.id = d.project_id
  order by p.id, d.user_id, d.resume_type desc;
  get diagnostics created = row_count;

  counts := herald_count_written(counts, 'created', created);
  return herald_chunk_json(counts, project_ids, max_count);
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
