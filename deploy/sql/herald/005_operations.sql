-- What people and their tools ask: feeding, looking, repairing.

begin;

-- {} -> {"result": version of this schema}
create or replace function public.herald_schema_version(request json default '{}') returns json
language sql stable
set search_path = pg_catalog, public, pg_temp
as $$ select json_build_object('result', max(version)) from herald_schema $$;

-- -- events ------------------------------------------------------------------------------------------------------

-- {"events": [new_event], "now"} -> {"result": their ids, in order}
create or replace function public.herald_insert_events(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  input constant jsonb := herald_json(request::text);
  at constant timestamptz := herald_at((input ->> 'now')::bigint);
  ids json;
begin
  with added as (
    insert into domain_events (event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload, created_at)
    select x.doc ->> 'type', (x.doc ->> 'actor_id')::uuid, (x.doc ->> 'project_id')::uuid,
      (x.doc ->> 'resource_id')::uuid, (x.doc ->> 'thread_id')::uuid, (x.doc ->> 'meeting_id')::uuid,
      herald_json(nullif(x.doc ->> 'payload', '')), coalesce(herald_at((x.doc ->> 'created_at')::bigint), at)
    from jsonb_array_elements(input -> 'events') with ordinality x (doc, n)
    order by x.n
    returning id)
  select json_agg(id order by id) into ids from added;
  return json_build_object('result', coalesce(ids, '[]'));
end
$$;

-- {"now", "max_age"} -> store_status
create or replace function public.herald_status(request json) returns json
language plpgsql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  now_ms constant bigint := (request ->> 'now')::bigint;
  at constant timestamptz := herald_at(now_ms);
  oldest constant timestamptz := herald_at(now_ms - (request ->> 'max_age')::bigint);
  waiting bigint;
  due_retries bigint;
  in_flight bigint;
  stale bigint;
  failed bigint;
  dropped bigint;
  unclaimed bigint;
  unseen_expired bigint;
  oldest_unclaimed timestamptz;
  oldest_claimed timestamptz;
begin
  -- Each reads an index that holds open work only.
  select count(*) filter (where coalesce(herald_next_attempt_at, '-infinity'::timestamptz) > at),
    count(*) filter (where coalesce(herald_next_attempt_at, '-infinity'::timestamptz) <= at)
  into waiting, due_retries
  from notification_processing where processing_status = 'pending';
  select count(*) filter (where herald_lease_until > at),
    count(*) filter (where herald_lease_until is null or herald_lease_until <= at)
  into in_flight, stale
  from notification_processing where processing_status = 'processing';
  select count(*), count(herald_dropped_at) into failed, dropped
  from notification_processing where processing_status = 'failed';
  select count(*) filter (where e.created_at >= oldest), count(*) filter (where e.created_at < oldest),
    min(e.created_at) filter (where e.created_at >= oldest)
  into unclaimed, unseen_expired, oldest_unclaimed
  from domain_events e
  where e.id > (select settled_up_to from herald_cursor where id = 1)
    and not exists (select from notification_processing p where p.event_id = e.id)
    and not exists (select from herald_expired x where x.event_id = e.id);
  select min(e.created_at) into oldest_claimed
  from notification_processing p join domain_events e on e.id = p.event_id
  where p.processing_status in ('pending', 'processing');
  return json_build_object('unclaimed', unclaimed, 'waiting', waiting, 'due_retries', due_retries,
    'in_flight', in_flight, 'stale', stale,
    'completed', (select count(*) from notification_processing) - waiting - due_retries - in_flight - stale - failed,
    'dead', failed - dropped,
    -- Too old and not yet set aside: nobody will pick them up either.
    'expired', (select count(*) from herald_expired) + unseen_expired,
    'emails_pending', (select count(*) from pending_emails where status = 'pending'),
    'oldest_pending', herald_ms(least(oldest_unclaimed, oldest_claimed)));
end
$$;

-- {} -> store_summary. Reads whole tables.
create or replace function public.herald_summarize(request json default '{}') returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  with events as (
    select e.event_type, count(*) as events, count(*) filter (where p.processing_status = 'completed') as completed,
      count(*) filter (where p.processing_status = 'failed') as dead,
      count(*) filter (where x.event_id is not null) as expired
    from domain_events e
      left join notification_processing p on p.event_id = e.id
      left join herald_expired x on x.event_id = e.id
    group by e.event_type
  ), outcomes as (
    select e.event_type, o.channel, o.state, o.reason, sum(o.recipient_count)::bigint as n
    from herald_outcomes o join domain_events e on e.id = o.event_id
    group by e.event_type, o.channel, o.state, o.reason
  )
  select json_build_object(
    'by_type', coalesce((
      select json_object_agg(v.event_type, json_build_object('events', v.events, 'completed', v.completed,
        'dead', v.dead, 'pending', v.events - v.completed - v.dead - v.expired, 'expired', v.expired,
        'notifications', coalesce(o.notifications, 0), 'rolled_up', coalesce(o.rolled_up, 0),
        'emails', coalesce(o.emails, 0), 'skipped', coalesce(o.skipped, '{}')))
      from events v left join (
        select event_type, sum(n) filter (where state = 'notified') as notifications,
          sum(n) filter (where state = 'rolled_up') as rolled_up, sum(n) filter (where state = 'queued') as emails,
          json_object_agg(channel || ':' || reason, n) filter (where state = 'skipped') as skipped
        from outcomes group by event_type) o on o.event_type = v.event_type), '{}'),
    'event_rows', (select count(*) from domain_events),
    'notification_rows', (select count(*) from notifications),
    'email_rows', (select count(*) from pending_emails),
    'roll_up_count', (
      select coalesce(sum(case when payload ->> 'count' ~ '^[0-9]{1,9}$' then (payload ->> 'count')::bigint end), 0)
      from notifications where payload ->> 'type' = 'thread_activity'))
$$;

-- {"event_id"} -> {"result": explanation, or null when there is no such event}
create or replace function public.herald_explain(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('result', (
    select json_build_object('event', herald_event_json(e),
      'state', coalesce(p.processing_status, case when x.event_id is null then 'unclaimed' else 'expired' end),
      'worker', coalesce(p.processor_id, ''), 'claim_no', coalesce(p.herald_claim_no, 0),
      'attempts', coalesce(p.retry_count, 0), 'crashes', coalesce(p.herald_crashes, 0),
      'claimed_at', herald_ms(p.claimed_at), 'completed_at', herald_ms(p.completed_at),
      'lease_until', herald_ms(p.herald_lease_until), 'next_attempt_at', herald_ms(p.herald_next_attempt_at),
      'error', coalesce(p.error_message, ''), 'error_class', coalesce(p.herald_error_class, ''),
      'history', coalesce((
        select json_agg(json_build_object('claim_no', a.claim_no, 'worker', a.worker,
          'claimed_at', herald_ms(a.claimed_at), 'ended_at', herald_ms(a.ended_at), 'ending', a.ending,
          'kind', a.kind, 'reason', a.reason) order by a.id)
        from herald_attempts a where a.event_id = e.id), '[]'),
      'outcomes', coalesce((
        select json_agg(json_build_object('user_id', u.id,
          'user_name', coalesce(nullif(f.full_name, ''), f.email, ''), 'channel', o.channel, 'state', o.state,
          'reason', o.reason, 'row_id', coalesce(n.id, m.id),
          'row_state', case
            when o.state = 'skipped' then ''
            when n.id is not null then case when n.read_at is null then 'unread' else 'read' end
            when o.channel = 'in_app' then ''
            when m.id is null then 'withdrawn'
            when r.email_id is null then
              case when m.status = 'pending' and m.delivery_type = 'aggregated' then 'deferred' else m.status end
            when r.state <> 'member' then r.state
            when h.state = 'sent' and (select count(*) from herald_mail_rows b
              where b.mail_id = h.id and b.state = 'member') > 1 then 'merged'
            when h.state = 'open' then 'claimed'
            else h.state
          end,
          'row_detail', case
            when r.email_id is null then ''
            when r.state <> 'member' then r.reason
            when h.state = 'sent' then 'mail ' || h.id || ', provider id ' || h.provider_id
            when h.state = 'sealed' then 'mail ' || h.id || ' in envelope ' || h.envelope_id
              || case when v.error = '' then '' else ', last error: ' || v.error end
            else 'mail ' || h.id || case when h.reason = '' then '' else ': ' || h.reason end
          end) order by o.channel desc, o.state, o.reason, o.into_event_id, u.place)
        from herald_outcomes o
          cross join unnest(o.recipients) with ordinality u (id, place)
          left join profiles f on f.id = u.id
          left join lateral (
            select i.id, i.read_at from notifications i
            where o.channel = 'in_app' and o.state <> 'skipped' and i.event_id = o.into_event_id and i.user_id = u.id
            order by i.id limit 1) n on true
          left join pending_emails m on o.channel = 'email' and o.state <> 'skipped'
            and m.event_id = o.into_event_id and m.user_id = u.id
          left join herald_mail_rows r on r.email_id = m.id
          left join herald_mails h on h.id = r.mail_id
          left join herald_envelopes v on v.id = h.envelope_id
        where o.event_id = e.id), '[]'))
    from domain_events e
      left join notification_processing p on p.event_id = e.id
      left join herald_expired x on x.event_id = e.id
    where e.id = (request ->> 'event_id')::bigint))
$$;

-- -- dead letters ------------------------------------------------------------------------------------------------

-- {"limit"} -> {"result": [dead_letter], newest first}
create or replace function public.herald_dead_letters(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('result', coalesce(json_agg(json_build_object('event_id', d.event_id,
    'event_type', d.event_type, 'kind', d.kind, 'reason', d.reason, 'attempts', d.attempts, 'crashes', d.crashes,
    'created_at', herald_ms(d.created_at), 'died_at', herald_ms(d.died_at)) order by d.died_at desc, d.event_id desc),
    '[]'))
  from (
    -- Rows of other programs have no history; they died when they were last claimed, as far as anybody knows.
    select p.event_id, e.event_type, coalesce(p.herald_error_class, '') as kind, coalesce(p.error_message, '') as reason,
      coalesce(p.retry_count, 0) as attempts, coalesce(p.herald_crashes, 0) as crashes, e.created_at,
      coalesce((select max(a.ended_at) from herald_attempts a where a.event_id = p.event_id), p.claimed_at, p.created_at,
        e.created_at) as died_at
    from notification_processing p join domain_events e on e.id = p.event_id
    where p.processing_status = 'failed' and p.herald_dropped_at is null
    order by died_at desc, p.event_id desc
    limit (request ->> 'limit')::bigint) d
$$;

-- Notes the ending and returns those of the asked that are on the list, locked; everything on it when none is named.
create or replace function public.herald_take_dead(request json, at timestamptz, ending text, why text)
returns bigint[]
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  asked constant bigint[] := herald_ids((request -> 'event_ids')::jsonb);
  listed bigint[];
begin
  listed := array(
    select event_id from notification_processing
    where processing_status = 'failed' and herald_dropped_at is null
      and (asked = '{}' or event_id = any (asked))
    order by event_id for update);
  insert into herald_attempts (event_id, claim_no, worker, claimed_at, ended_at, ending, reason)
  select p.event_id, coalesce(p.herald_claim_no, 1), coalesce(p.processor_id, ''), p.claimed_at, at,
    herald_take_dead.ending, why
  from notification_processing p where p.event_id = any (listed) order by p.event_id;
  return listed;
end
$$;

-- {"event_ids", "now"} -> {"result": how many}
create or replace function public.herald_retry_dead(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  ids constant bigint[] := herald_take_dead(request, herald_at((request ->> 'now')::bigint), 'retried_by_operator',
    'made claimable again with fresh counters');
begin
  update notification_processing set processing_status = 'pending', retry_count = 0, herald_crashes = 0,
    herald_next_attempt_at = null
  where event_id = any (ids);
  return json_build_object('result', cardinality(ids));
end
$$;

-- {"event_ids", "now"} -> {"result": how many}
create or replace function public.herald_drop_dead(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  ids constant bigint[] := herald_take_dead(request, at, 'dropped_by_operator',
    'taken off the list of dead letters for good');
begin
  update notification_processing set herald_dropped_at = at where event_id = any (ids);
  return json_build_object('result', cardinality(ids));
end
$$;

-- -- supervision -------------------------------------------------------------------------------------------------

-- {"notes": [supervision_note]} -> {"result": null}
create or replace function public.herald_record_supervision(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
begin
  insert into herald_supervision (at, worker, supervisor, child, what, reason)
  select herald_at((x.doc ->> 'at')::bigint), x.doc ->> 'worker', x.doc ->> 'supervisor', x.doc ->> 'child',
    x.doc ->> 'what', x.doc ->> 'reason'
  from jsonb_array_elements(herald_json(request::text) -> 'notes') with ordinality x (doc, n)
  order by x.n;
  return json_build_object('result', null);
end
$$;

-- {} -> {"result": [stage_restarts]}
create or replace function public.herald_restarts(request json default '{}') returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('result', coalesce(json_agg(json_build_object('supervisor', s.supervisor, 'child', s.child,
    'restarts', s.restarts,
    'last_reason', coalesce((
      select c.reason from herald_supervision c
      where c.supervisor = s.supervisor and c.child = s.child and c.what = 'crashed' order by c.id desc limit 1), ''),
    'last_at', herald_ms(s.last_at)) order by s.supervisor, s.child), '[]'))
  from (
    select supervisor, child, count(*) filter (where what = 'restarting') as restarts, max(at) as last_at
    from herald_supervision group by supervisor, child) s
$$;

-- -- the outbox --------------------------------------------------------------------------------------------------

-- {} -> outbox_summary. Reads whole tables.
create or replace function public.herald_summarize_outbox(request json default '{}') returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  with ending as (
    -- A row that was kept out of its mail has an ending of its own; the others end as their mail does.
    select case
        when r.state <> 'member' then r.state
        when m.state in ('open', 'claimed') then 'claimed'
        when m.state = 'sent' and c.n > 1 then 'merged'
        else m.state
      end as state,
      case when r.state <> 'member' then r.reason when m.state = 'failed' then m.reason else '' end as reason,
      count(*) as n
    from herald_mail_rows r join herald_mails m on m.id = r.mail_id left join (
      select mail_id, count(*) as n from herald_mail_rows where state = 'member' group by mail_id) c
      on c.mail_id = r.mail_id
    group by 1, 2
  ), total as (
    select coalesce(json_object_agg(state, n), '{}') as by_state from (
      select state, sum(n)::bigint as n from ending group by state) s
  )
  select json_build_object(
    'rows', (select count(*) from pending_emails) + (
      select count(*) from herald_mail_rows r where not exists (select from pending_emails e where e.id = r.email_id)),
    'pending', (select count(*) from pending_emails where status = 'pending' and delivery_type = 'immediate'),
    'deferred', (select count(*) from pending_emails where status = 'pending' and delivery_type = 'aggregated'),
    'claimed', coalesce((by_state ->> 'claimed')::bigint, 0), 'sealed', coalesce((by_state ->> 'sealed')::bigint, 0),
    'sent', coalesce((by_state ->> 'sent')::bigint, 0), 'merged', coalesce((by_state ->> 'merged')::bigint, 0),
    'skipped', coalesce((by_state ->> 'skipped')::bigint, 0), 'failed', coalesce((by_state ->> 'failed')::bigint, 0),
    'parked', coalesce((by_state ->> 'parked')::bigint, 0),
    'reasons', coalesce((select json_object_agg(state || ':' || reason, n) from ending where reason <> ''), '{}'),
    'immediate_mails', (select count(*) from herald_mails where state = 'sent' and lane = 'immediate'),
    'digest_mails', (select count(*) from herald_mails where state = 'sent' and lane = 'digest'),
    'open_envelopes', (select count(*) from herald_envelopes where state = 'sealed'))
  from total
$$;

-- {"limit"} -> {"result": [stuck_mail], newest first}
create or replace function public.herald_stuck_mails(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('result', coalesce(json_agg(json_build_object('mail_id', m.id, 'user_id', m.user_id,
    'state', m.state, 'lane', m.lane,
    'row_ids', array(select r.email_id from herald_mail_rows r where r.mail_id = m.id order by r.email_id),
    'reason', m.reason, 'at', herald_ms(m.updated_at)) order by m.updated_at desc, m.id desc), '[]'))
  from (
    select * from herald_mails where state in ('failed', 'parked')
    order by updated_at desc, id desc limit (request ->> 'limit')::bigint) m
$$;

-- {"mail_ids", "now"} -> {"result": how many}. Failed and parked mails are sealed anew under another key; no ids: all
-- that failed.
create or replace function public.herald_resend_mails(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  asked constant bigint[] := herald_ids((request -> 'mail_ids')::jsonb);
  ids bigint[];
begin
  ids := array(
    select id from herald_mails
    where (asked = '{}' and state = 'failed') or (id = any (asked) and state in ('failed', 'parked'))
    order by id for update);
  update herald_mails set state = 'open', generation = generation + 1, envelope_id = null, position = null, reason = '',
    updated_at = herald_at((request ->> 'now')::bigint)
  where id = any (ids);
  update herald_mail_rows set state = 'member', reason = '' where mail_id = any (ids) and state = 'failed';
  update pending_emails set status = 'processing', processed_at = null
  where id in (select email_id from herald_mail_rows where mail_id = any (ids) and state = 'member');
  return json_build_object('result', cardinality(ids));
end
$$;

-- {"mail_ids", "now"} -> {"result": how many}. Parked mails end as failed.
create or replace function public.herald_drop_mails(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  ids bigint[];
begin
  ids := array(
    select id from herald_mails
    where id = any (herald_ids((request -> 'mail_ids')::jsonb)) and state = 'parked'
    order by id for update);
  update herald_mails set state = 'failed', reason = 'dropped by an operator: ' || reason, updated_at = at
  where id = any (ids);
  update pending_emails set status = 'failed', processed_at = at
  where status = 'processing' and id in (select email_id from herald_mail_rows where mail_id = any (ids));
  return json_build_object('result', cardinality(ids));
end
$$;

-- {"row_id", "now"} -> {"result": claimed_outbox with the row's mail, or null when there is no such row}
create or replace function public.herald_read_mail(request json) returns json
language plpgsql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  email pending_emails;
  its_mail bigint;
  mails json;
  row_ids bigint[];
begin
  select * into email from pending_emails where id = (request ->> 'row_id')::bigint;
  if not found then
    return json_build_object('result', null);
  end if;
  select r.mail_id into its_mail from herald_mail_rows r where r.email_id = email.id;
  row_ids := array(
    select r.email_id from herald_mail_rows r join pending_emails e on e.id = r.email_id
    where r.mail_id = its_mail and r.state = 'member');
  if row_ids <> '{}' then
    mails := herald_mails_json(array[its_mail]);
  else
    -- Not in a mail yet, or no longer in what its mail will say: it is shown alone.
    row_ids := array[email.id];
    mails := json_build_array(herald_lone_mail_json(email));
  end if;
  return json_build_object('result', json_build_object('envelopes', '[]'::json, 'mails', mails,
    'context', herald_email_context(row_ids, (request ->> 'now')::bigint), 'installation', '', 'open', 0,
    'next_due', null, 'more', false));
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

commit;
