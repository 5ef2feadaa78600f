-- What all of Herald's functions share, and the context that comes with a claim. Of every function: `request` is a JSON
-- object with the members of the C++ struct of the same name (messages/store.hpp, messages/outbox.hpp), and so is the
-- answer. Times and durations are integer milliseconds (UTC), ids of events and rows are numbers, uuids strings.
--
-- No function raises on its own, so what a caller sees are PostgreSQL's errors: class 22 and 23 mean that the request
-- cannot be carried out as it is. All run with the rights of the caller, which has to bypass row-level security.
--
-- Settings: plans are generic, because planning the big statements costs more than it gains, and never compiled. They are
-- also kept for as long as a connection lives, so they must not rest on what a table looked like when it was empty:
-- tables are never read from end to end where an index can answer.

begin;

-- -- who may do what ---------------------------------------------------------------------------------------------

-- PostgreSQL lets everybody execute a new function. Every file takes that back for its own before it commits.
create or replace function public.herald_close_functions() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  f regprocedure;
begin
  for f in select oid from pg_proc where pronamespace = 'public'::regnamespace and starts_with(proname, 'herald_') loop
    execute format('revoke execute on function %s from public, anon, authenticated', f);
    execute format('grant execute on function %s to service_role', f);
  end loop;
end
$$;

-- -- values ------------------------------------------------------------------------------------------------------

create or replace function public.herald_at(ms bigint) returns timestamptz
language sql immutable parallel safe
as $$ select to_timestamp(ms / 1000.0) $$;

create or replace function public.herald_ms(at timestamptz) returns bigint
language sql immutable parallel safe
as $$ select floor(extract(epoch from at) * 1000)::bigint $$;

-- For dates that something waits for: not a microsecond early.
create or replace function public.herald_due_ms(at timestamptz) returns bigint
language sql immutable parallel safe
as $$ select ceil(extract(epoch from at) * 1000)::bigint $$;

-- Nothing unless the text is a uuid in the canonical form: payloads are strangers' texts.
create or replace function public.herald_uuid(x text) returns uuid
language sql immutable parallel safe
as $$
  select case
    when x ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' then x::uuid
  end
$$;

-- PostgreSQL has no U+0000 in texts, so JSON that holds one reads as if it held U+FFFD.
create or replace function public.herald_json(x text) returns jsonb
language sql immutable parallel safe
as $$
  select case
    when position('\u0000' in x) = 0 then x::jsonb
    else regexp_replace(x, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::jsonb
  end
$$;

-- The numbers in a JSON array; none for null.
create or replace function public.herald_ids(list jsonb) returns bigint[]
language sql immutable parallel safe
as $$
  select array(select x::bigint from jsonb_array_elements_text(case jsonb_typeof(list) when 'array' then list end) x)
$$;

-- -- the text of roll-ups (core/roll_up.cpp) -----------------------------------------------------------------------

create or replace function public.herald_one_line(x text) returns text
language sql immutable parallel safe
as $$
  select case when length(line) <= 120 then line else btrim(left(line, 119), ' ') || '…' end
  from btrim(regexp_replace(x, '[\u0001-\u001f\u007f-\u009f\u2028\u2029]+', ' ', 'g'), ' ') line
$$;

create or replace function public.herald_thread_label(topic text) returns text
language sql immutable parallel safe
as $$
  select case
    when name is null or name in ('', '#') then '#general'
    when name like '#%' then name
    else public.herald_one_line('#' || name)
  end
  from public.herald_one_line(topic) name
$$;

create or replace function public.herald_markdown_escape(x text) returns text
language sql immutable parallel safe
as $$
  select regexp_replace(
    regexp_replace(
      regexp_replace(x, '([\\`*_\[\]<>~]|&(?=(?:#[A-Za-z0-9]{0,37}|[A-Za-z0-9]{1,38});))', '\\\1', 'g'),
      '^( *)([#+-])', '\1\\\2'),
    '^( *[0-9]+)([.)])', '\1\\\2')
$$;

-- -- access ------------------------------------------------------------------------------------------------------

-- Names the definitions that decide who may view a resource.
create or replace function public.herald_access_fingerprint() returns text
language plpgsql stable -- which keeps its plan, as SQL does not
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select md5(string_agg(proname || ':' || prosrc, E'\n' order by proname, oidvectortypes(proargtypes)))
    from pg_proc
    where pronamespace = 'public'::regnamespace and proname in ('can_view', 'get_effective_permission', 'is_org_owner'));
end
$$;

-- Of the pairs (resources[i], users[i]), those where the user may view the resource. can_view is the authority. Asking
-- it pair by pair walks the same ancestors again for every user, so when its definition is a known one the same rule is
-- applied to all pairs at once.
create or replace function public.herald_viewers(resources uuid[], users uuid[])
returns table (resource_id uuid, user_id uuid)
language plpgsql stable
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  rule constant text := herald_access_fingerprint();
begin
  if not exists (select from herald_access_rules r where r.fingerprint = rule) then
    return query
      select p.resource_id, p.user_id
      from (select distinct * from unnest(resources, users)) p (resource_id, user_id)
      where can_view(p.user_id, p.resource_id);
    return;
  end if;
  return query
    with recursive asked as (
      select distinct * from unnest(resources, users) p (resource_id, user_id)
    ), ancestors as (
      -- The path ends a walk in circles.
      select r.id as resource_id, r.id, r.parent_id, r.org_id, 0 as distance, array[r.id] as path
      from public.resources r where r.id = any (herald_viewers.resources)
      union all
      select a.resource_id, r.id, r.parent_id, a.org_id, a.distance + 1, a.path || r.id
      from ancestors a join public.resources r on r.id = a.parent_id
      where r.id <> all (a.path)
    ), facts as (
      select a.resource_id, a.user_id, true as is_asked, false as is_owner, null::integer as rank from asked a
      union all
      select a.resource_id, m.user_id, false, true, null
      from ancestors a join org_members m on m.org_id = a.org_id and m.role = 'owner'
      where a.distance = 0
      union all
      -- The nearest row has the smallest rank; an odd one denies.
      select a.resource_id, p.user_id, false, false, 2 * a.distance + case p.permission when 'none' then 1 else 0 end
      from ancestors a join permissions p on p.resource_id = a.id
    )
    select f.resource_id, f.user_id
    from facts f
    group by f.resource_id, f.user_id
    having bool_or(f.is_asked) and (bool_or(f.is_owner) or min(f.rank) % 2 = 0);
end
$$;

insert into public.herald_access_rules (fingerprint, note)
values ('b95b44fc4d3639fb7533c46d7ef3c5ff', 'deploy/sql/base: owners of the org, else the nearest permission')
on conflict do nothing;

-- -- context -----------------------------------------------------------------------------------------------------

create or replace function public.herald_event_json(e public.domain_events) returns json
language sql stable
as $$
  select json_build_object('id', e.id, 'type', e.event_type, 'actor_id', e.actor_id, 'project_id', e.project_id,
    'resource_id', e.resource_id, 'thread_id', e.thread_id, 'meeting_id', e.meeting_id,
    'payload', coalesce(e.payload::text, ''), 'created_at', public.herald_ms(e.created_at))
$$;

-- Everything the handlers of these events may ask for (batch_context). Ids of the row and of the payload both count: a
-- handler may fall back from one to the other. A stable function, so that all of it is one snapshot.
create or replace function public.herald_context(event_ids bigint[], now_ms bigint, more_people uuid[],
  with_nudges boolean)
returns json
language plpgsql stable
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  project_ids uuid[];
  org_ids uuid[];
  thread_ids uuid[];
  meeting_ids uuid[];
  people uuid[];
  resource_ids uuid[];
  affected uuid[]; -- parallel to asked_about
  asked_about uuid[];
  seen_resources uuid[]; -- parallel to seen_through: the projects of a resource's events
  seen_through uuid[];
  nudged uuid[];
  nudge_projects uuid[];
  types text[];
  pair_resources uuid[];
  pair_users uuid[];
  viewers json;
  profiles_json json;
  orgs_json json;
  projects_json json;
  resources_json json;
  threads_json json;
  meetings_json json;
  preferences_json json;
  edits_json json;
  nudges_json json;
begin
  with named as materialized (
    select e.event_type, e.actor_id, e.project_id, e.resource_id, e.thread_id, e.meeting_id,
      herald_uuid(e.payload ->> 'project_id') as payload_project_id,
      herald_uuid(e.payload ->> 'resource_id') as payload_resource_id,
      herald_uuid(e.payload ->> 'thread_id') as payload_thread_id,
      herald_uuid(e.payload ->> 'meeting_id') as payload_meeting_id,
      herald_uuid(e.payload ->> 'org_id') as org_id,
      herald_uuid(e.payload ->> 'user_id') as user_id,
      herald_uuid(e.payload ->> 'affected_user_id') as affected_user_id,
      e.payload
    from domain_events e where e.id = any (event_ids)
  )
  select
    array(select distinct x from named n, unnest(array[n.project_id, n.payload_project_id]) x where x is not null),
    array(select distinct n.org_id from named n where n.org_id is not null),
    array(select distinct x from named n, unnest(array[n.thread_id, n.payload_thread_id]) x where x is not null),
    array(select distinct x from named n, unnest(array[n.meeting_id, n.payload_meeting_id]) x where x is not null),
    array(select distinct x from named n, unnest(array[n.resource_id, n.payload_resource_id]) x where x is not null),
    array(
      select x from (
        select unnest(array[n.actor_id, n.user_id, n.affected_user_id,
          herald_uuid(n.payload ->> 'invited_user_id'), herald_uuid(n.payload ->> 'added_user_id'),
          herald_uuid(n.payload ->> 'new_member_id'), herald_uuid(n.payload ->> 'organizer_id')]) as x
        from named n
        union
        select herald_uuid(m)
        from named n, jsonb_array_elements_text(
          case jsonb_typeof(n.payload -> 'mentioned_user_ids') when 'array'
            then n.payload -> 'mentioned_user_ids' end) m) p
      where x is not null),
    array_agg(r.id) filter (where n.affected_user_id is not null),
    array_agg(n.affected_user_id) filter (where n.affected_user_id is not null),
    array_agg(r.id) filter (where r.id is not null),
    array_agg(r.project_id) filter (where r.id is not null),
    array(select distinct n.user_id from named n
      where n.event_type = 'resume_incomplete_nudge' and n.user_id is not null),
    array(select distinct x from named n, unnest(array[n.project_id, n.payload_project_id]) x
      where n.event_type = 'resume_incomplete_nudge' and x is not null),
    array(select distinct n.event_type from named n) || array['*']
  into project_ids, org_ids, thread_ids, meeting_ids, resource_ids, people, asked_about, affected, seen_resources,
    seen_through, nudged, nudge_projects, types
  from named n left join lateral (
    select distinct on (x, p) x as id, p as project_id
    from unnest(array[n.resource_id, n.payload_resource_id]) x, unnest(array[n.project_id, n.payload_project_id]) p
    where x is not null) r on true;

  people := people || more_people;
  -- The platform's settings page stores chat preferences under an older name.
  if 'chat_message_sent' = any (types) then
    types := types || array['chat_message'];
  end if;

  -- In the order in which rows name further rows.
  if thread_ids <> '{}' then
    select json_object_agg(t.id, json_build_object('topic', coalesce(t.topic, ''), 'project_id', t.project_id,
        'participants', array(select p.user_id from chat_thread_participants p where p.thread_id = t.id))),
      project_ids || array_agg(t.project_id)
    into threads_json, project_ids
    from chat_threads t where t.id = any (thread_ids);
    people := people || array(
      select distinct p.user_id from chat_thread_participants p where p.thread_id = any (thread_ids));
  end if;

  if meeting_ids <> '{}' then
    select json_object_agg(m.id, json_build_object('title', m.title, 'start_time', herald_ms(m.start_time),
        'meeting_link', coalesce(m.meeting_link, ''), 'organizer_id', m.organizer_id, 'project_id', m.project_id,
        'status', m.status,
        'participants', array(select p.user_id from meeting_participants p where p.meeting_id = m.id))),
      project_ids || array_agg(m.project_id), people || array_agg(m.organizer_id)
    into meetings_json, project_ids, people
    from meetings m where m.id = any (meeting_ids);
    people := people || array(
      select distinct p.user_id from meeting_participants p where p.meeting_id = any (meeting_ids));
  end if;

  if resource_ids <> '{}' then
    select project_ids || array_agg(distinct r.project_id), org_ids || array_agg(distinct r.org_id),
      seen_resources || array_agg(r.id), seen_through || array_agg(r.project_id)
    into project_ids, org_ids, seen_resources, seen_through
    from resources r where r.id = any (resource_ids);
  end if;

  if project_ids <> '{}' then
    select json_object_agg(p.id, json_build_object('name', p.name, 'owner_org_id', p.owner_org_id,
        'grantees', array(select g.user_id from project_access_grants g where g.project_id = p.id))),
      org_ids || array_agg(distinct p.owner_org_id)
    into projects_json, org_ids
    from projects p where p.id = any (project_ids);
    people := people || array(
      select distinct g.user_id from project_access_grants g where g.project_id = any (project_ids));
  end if;

  if org_ids <> '{}' then
    select json_object_agg(o.id, json_build_object('name', o.name,
      'owners', array(select m.user_id from org_members m where m.org_id = o.id and m.role = 'owner')))
    into orgs_json
    from orgs o where o.id = any (org_ids);
    people := people || array(
      select distinct m.user_id from org_members m where m.org_id = any (org_ids) and m.role = 'owner');
  end if;

  if resource_ids <> '{}' then
    -- Who is asked about: whom an event affects, the grantees of its projects, the owners of the resource's org.
    select array_agg(c.resource_id), array_agg(c.user_id) into pair_resources, pair_users
    from (
      select * from unnest(asked_about, affected)
      union
      select s.resource_id, g.user_id
      from (select distinct * from unnest(seen_resources, seen_through)) s (resource_id, project_id)
        join project_access_grants g on g.project_id = s.project_id
      union
      select r.id, m.user_id
      from resources r join org_members m on m.org_id = r.org_id and m.role = 'owner'
      where r.id = any (resource_ids)) c (resource_id, user_id);
    select json_object_agg(r.id, json_build_object('name', r.name, 'org_id', r.org_id, 'project_id', r.project_id,
      'viewers', coalesce(v.users, '{}')))
    into resources_json
    from resources r left join (
      select w.resource_id, array_agg(w.user_id) as users
      from herald_viewers(pair_resources, pair_users) w group by w.resource_id) v on v.resource_id = r.id
    where r.id = any (resource_ids);
  end if;

  if people <> '{}' then
    select json_object_agg(p.id, json_build_object('full_name', coalesce(p.full_name, ''), 'email', p.email))
    into profiles_json
    from profiles p where p.id = any (people);
    select json_object_agg(x.user_id, x.list) into preferences_json
    from (
      select p.user_id, json_agg(json_build_object('scope', p.scope_type, 'scope_id', p.scope_id,
        'event_type', p.event_type, 'channel', p.channel,
        'status', case when p.status in ('muted', 'digest') then p.status else 'immediate' end)) as list
      from user_notification_preferences p
      where p.user_id = any (people) and p.event_type = any (types)
      group by p.user_id) x;
  end if;

  if nudge_projects <> '{}' and nudged <> '{}' then
    if with_nudges then
      select json_agg(json_build_object('user_id', n.user_id, 'project_id', herald_uuid(n.payload ->> 'project_id'),
        'resume_type', coalesce(n.payload ->> 'resume_type', ''),
        'tier', case when n.payload ->> 'nudge_tier' ~ '^[0-9]{1,9}$' then (n.payload ->> 'nudge_tier')::bigint
          else 0 end,
        'created_at', herald_ms(n.created_at)))
      into nudges_json
      from notifications n
      where n.user_id = any (nudged) and n.payload ->> 'type' = 'resume_incomplete_nudge'
        and herald_uuid(n.payload ->> 'project_id') = any (nudge_projects);
    end if;
    select json_object_agg(x.project_id, json_build_object('project', herald_ms(x.project),
      'borrower', herald_ms(x.borrower)))
    into edits_json
    from (
      select a.project_id, max(a.last_project_resume_edit_at) as project,
        max(a.last_borrower_resume_edit_at) as borrower
      from project_workspace_activity a where a.project_id = any (nudge_projects)
      group by a.project_id) x;
  end if;

  return json_build_object('now', now_ms, 'profiles', coalesce(profiles_json, '{}'),
    'orgs', coalesce(orgs_json, '{}'), 'projects', coalesce(projects_json, '{}'),
    'resources', coalesce(resources_json, '{}'), 'threads', coalesce(threads_json, '{}'),
    'meetings', coalesce(meetings_json, '{}'), 'preferences', coalesce(preferences_json, '{}'),
    'edits', coalesce(edits_json, '{}'), 'nudges', coalesce(nudges_json, '[]'));
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

commit;
