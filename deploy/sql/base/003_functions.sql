-- The platform's functions that Herald or the jobs before it call. Written anew after what they do; names, arguments
-- and results are the platform's.

-- -- access ------------------------------------------------------------------------------------------------------

create function public.is_org_owner(p_org_id uuid, p_user_id uuid) returns boolean
language sql security definer set search_path = public
as $$
  select exists (select from org_members where org_id = p_org_id and user_id = p_user_id and role = 'owner')
$$;

-- Owners of the resource's org may edit. For others the closest permission on the resource or its ancestors decides;
-- 'none', or no row at all, means no access.
create function public.get_effective_permission(p_user_id uuid, p_resource_id uuid) returns text
language plpgsql stable security definer set search_path = public
as $$
declare
  found_permission text;
begin
  if is_org_owner((select org_id from resources where id = p_resource_id), p_user_id) then
    return 'edit';
  end if;
  -- The path ends a walk in circles.
  with recursive ancestors as (
    select id, parent_id, array[id] as path from resources where id = p_resource_id
    union all
    select r.id, r.parent_id, a.path || r.id
    from ancestors a join resources r on r.id = a.parent_id
    where r.id <> all (a.path)
  )
  select p.permission into found_permission
  from ancestors a join permissions p on p.resource_id = a.id and p.user_id = p_user_id
  order by cardinality(a.path)
  limit 1;
  return nullif(found_permission, 'none');
end
$$;

create function public.can_view(p_user_id uuid, p_resource_id uuid) returns boolean
language sql stable security definer set search_path = public
as $$
  select get_effective_permission(p_user_id, p_resource_id) is not null
$$;

-- -- fan-out -----------------------------------------------------------------------------------------------------

create function public.get_pending_notification_events(p_limit integer default 500)
returns table (id bigint, event_type text, actor_id uuid, project_id uuid, resource_id uuid, thread_id uuid,
  meeting_id uuid, created_at timestamptz, payload jsonb)
language sql stable security definer set search_path = public
as $$
  select e.id, e.event_type, e.actor_id, e.project_id, e.resource_id, e.thread_id, e.meeting_id, e.created_at, e.payload
  from domain_events e left join notification_processing p on p.event_id = e.id
  where (p.event_id is null or p.processing_status = 'failed') and e.created_at > now() - interval '24 hours'
  order by e.created_at
  limit p_limit
$$;

create function public.increment_notification_count(p_notification_id bigint) returns integer
language plpgsql security definer set search_path = public
as $$
declare
  old_payload jsonb;
  new_count integer;
  label text;
begin
  select payload into old_payload from notifications where id = p_notification_id for update;
  new_count := coalesce((old_payload ->> 'count')::integer, 1) + 1;
  label := coalesce(old_payload ->> 'thread_name', 'general');
  update notifications set
    payload = old_payload || jsonb_build_object('count', new_count, 'thread_name', label),
    title = 'New messages in ' || coalesce(old_payload ->> 'project_name', ''),
    body = new_count || ' new message(s) in **' || case when label like '#%' then label else '#' || label end || '**',
    created_at = now()
  where id = p_notification_id;
  return new_count;
end
$$;

-- -- meeting reminders -------------------------------------------------------------------------------------------

create function public.get_meetings_needing_reminders(p_minutes_before integer default 30)
returns table (meeting_id uuid, participant_id uuid, meeting_title text, start_time timestamptz, meeting_link text,
  project_id uuid)
language sql stable security definer set search_path = public
as $$
  select m.id, p.user_id, m.title, m.start_time, m.meeting_link, m.project_id
  from meetings m join meeting_participants p on p.meeting_id = m.id
  where m.status = 'scheduled' and m.start_time > now()
    and m.start_time <= now() + make_interval(mins => p_minutes_before)
    and not exists (
      select from meeting_reminders_sent s
      where s.meeting_id = m.id and s.user_id = p.user_id and s.reminder_type = p_minutes_before || 'min')
$$;

create function public.insert_meeting_reminder_event(p_meeting_id uuid, p_user_id uuid, p_reminder_minutes integer)
returns bigint
language plpgsql security definer set search_path = public
as $$
declare
  about meetings;
  event_id bigint;
begin
  select * into about from meetings where id = p_meeting_id;
  if not found then
    raise exception 'meeting % does not exist', p_meeting_id;
  end if;
  insert into domain_events (event_type, actor_id, project_id, meeting_id, payload)
  values ('meeting_reminder', p_user_id, about.project_id, p_meeting_id, jsonb_build_object(
    'meeting_id', p_meeting_id, 'user_id', p_user_id, 'meeting_title', about.title, 'start_time', about.start_time,
    'end_time', about.end_time, 'meeting_link', about.meeting_link, 'organizer_id', about.organizer_id,
    'reminder_minutes', p_reminder_minutes))
  returning id into event_id;
  return event_id;
end
$$;
