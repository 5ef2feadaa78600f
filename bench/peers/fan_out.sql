-- What Herald does for one document_uploaded event, as one statement: recipients by access and preference, their
-- notifications and e-mails, and the mark that the event is done. $1 is the event's id. The access rule of the base schema
-- is applied to all candidates at once, because can_view person by person would be far slower.
with recursive event as (
  select e.id, e.actor_id, e.project_id, e.resource_id, '/project/workspace/' || e.project_id || '?resourceId='
      || e.resource_id as link_url, e.payload ->> 'fileName' as file_name, p.name as project_name, r.org_id,
    coalesce(nullif(a.full_name, ''), a.email, 'Someone') as uploader_name
  from domain_events e
    join projects p on p.id = e.project_id
    join resources r on r.id = e.resource_id
    left join profiles a on a.id = e.actor_id
  where e.id = $1
), ancestors as (
  select r.id, r.parent_id, 0 as distance from event join resources r on r.id = event.resource_id
  union all
  select r.id, r.parent_id, a.distance + 1 from ancestors a join resources r on r.id = a.parent_id
), owner as (
  select m.user_id from event join org_members m on m.org_id = event.org_id and m.role = 'owner'
), reader as (
  select distinct on (p.user_id) p.user_id, p.permission
  from ancestors a join permissions p on p.resource_id = a.id
  order by p.user_id, a.distance
), recipient as (
  select c.user_id, coalesce(s.in_app, '') as in_app, s.email
  from (
    select user_id from owner
    union
    select g.user_id from event join project_access_grants g on g.project_id = event.project_id
      join reader on reader.user_id = g.user_id and reader.permission <> 'none') c
  cross join event
  left join lateral (
    select
      (array_agg(p.status order by p.scope_type = 'project' desc, p.event_type <> '*' desc, p.channel <> '*' desc)
        filter (where p.channel in ('in_app', '*')))[1] as in_app,
      (array_agg(p.status order by p.scope_type = 'project' desc, p.event_type <> '*' desc, p.channel <> '*' desc)
        filter (where p.channel in ('email', '*')))[1] as email
    from user_notification_preferences p
    where p.user_id = c.user_id and p.event_type in ('document_uploaded', '*')
      and (p.scope_type = 'global' or p.scope_type = 'project' and p.scope_id = event.project_id)) s on true
  where c.user_id is distinct from event.actor_id and c.user_id <> '00000000-0000-0000-0000-000000000000'
), note as (
  insert into notifications (user_id, event_id, title, body, link_url, payload)
  select r.user_id, e.id, 'New document in ' || e.project_name,
    '**' || e.uploader_name || '** uploaded **' || e.file_name || '** to **' || e.project_name || '**.', e.link_url,
    jsonb_build_object('type', 'document_uploaded', 'project_id', e.project_id, 'project_name', e.project_name,
      'resource_id', e.resource_id, 'file_name', e.file_name, 'uploader_name', e.uploader_name)
  from recipient r, event e where r.in_app <> 'muted'
), mail as (
  insert into pending_emails (user_id, event_id, event_type, delivery_type, project_id, project_name, subject, body_data)
  select r.user_id, e.id, 'document_uploaded', case r.email when 'immediate' then 'immediate' else 'aggregated' end,
    e.project_id, e.project_name, 'New document in ' || e.project_name || ': ' || e.file_name,
    jsonb_build_object('file_name', e.file_name, 'project_name', e.project_name, 'uploader_name', e.uploader_name,
      'resource_id', e.resource_id, 'link_url', e.link_url)
  from recipient r, event e
  where coalesce(r.email, case r.in_app when 'muted' then 'muted' end, 'digest') <> 'muted'
  on conflict (event_id, user_id) do nothing
)
insert into notification_processing (event_id, processing_status, completed_at)
select id, 'completed', now() from event
on conflict (event_id) do update set processing_status = 'completed', completed_at = now()
