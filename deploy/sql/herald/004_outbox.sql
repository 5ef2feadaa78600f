-- The outbox store: digest windows, claims, sealed envelopes, outcomes. docs/adr/0009-sealed-envelopes.md has the why.
-- Locks are taken in the order envelopes, mails, rows of the outbox, each by id.

begin;

-- -- mails and their context -------------------------------------------------------------------------------------

create or replace function public.herald_email_row_json(e public.pending_emails) returns json
language sql stable
as $$
  select json_build_object('id', e.id, 'event_id', e.event_id, 'event_type', e.event_type, 'project_id', e.project_id,
    'project_name', coalesce(e.project_name, ''), 'subject', e.subject, 'body_data', e.body_data::text,
    'created_at', public.herald_ms(e.created_at))
$$;

-- A row that belongs to no mail, as a claimed_mail of its own.
create or replace function public.herald_lone_mail_json(e public.pending_emails) returns json
language sql stable
as $$
  select json_build_object(
    'mail', json_build_object('id', 0, 'lane', 'immediate', 'user_id', e.user_id, 'window_at', null,
      'rows', json_build_array(public.herald_email_row_json(e))),
    'claim_no', 0, 'generation', 0)
$$;

-- Mails with the rows they will say, in the order of their ids; those without any row are left out.
create or replace function public.herald_mails_json(mail_ids bigint[]) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
  select coalesce(json_agg(json_build_object(
    'mail', json_build_object('id', m.id, 'lane', m.lane, 'user_id', m.user_id, 'window_at', herald_ms(m.window_at),
      'rows', w.list),
    'claim_no', m.claim_no, 'generation', m.generation) order by m.id), '[]')
  from herald_mails m join (
    select r.mail_id, json_agg(herald_email_row_json(e) order by e.id) as list
    from herald_mail_rows r join pending_emails e on e.id = r.email_id
    where r.mail_id = any (mail_ids) and r.state = 'member'
    group by r.mail_id) w on w.mail_id = m.id
  where m.id = any (mail_ids)
$$;

-- email_context of rows of pending_emails.
create or replace function public.herald_email_context(row_ids bigint[], now_ms bigint) returns json
language plpgsql stable
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  event_ids bigint[];
  people uuid[];
  stale_threads uuid[];
  stale_users uuid[];
  nudge_projects uuid[];
begin
  select array_agg(distinct e.event_id), array_agg(distinct e.user_id),
    array_agg(distinct coalesce(v.thread_id, herald_uuid(v.payload ->> 'thread_id')))
      filter (where e.event_type = 'thread_unread_stale'),
    array_agg(distinct e.user_id) filter (where e.event_type = 'thread_unread_stale'),
    array_agg(distinct coalesce(v.project_id, herald_uuid(v.payload ->> 'project_id')))
      filter (where e.event_type = 'resume_incomplete_nudge')
  into event_ids, people, stale_threads, stale_users, nudge_projects
  from pending_emails e join domain_events v on v.id = e.event_id
  where e.id = any (row_ids);

  return json_build_object(
    'world', herald_context(event_ids, now_ms, people, false),
    'events', coalesce((
      select json_agg(herald_event_json(v) order by v.id) from domain_events v where v.id = any (event_ids)), '[]'),
    'unread', coalesce((
      select json_agg(json_build_object('thread_id', p.thread_id, 'user_id', p.user_id, 'count', (
        select count(*) from project_messages m
        where m.thread_id = p.thread_id and m.created_at > p.last_read_at and m.user_id <> p.user_id)))
      from chat_thread_participants p
      where p.thread_id = any (stale_threads) and p.user_id = any (stale_users)), '[]'),
    -- The version that the resume's resource points to, else the latest, else nothing written yet.
    'completeness', coalesce((
      select json_agg(json_build_object('project_id', w.id, 'resume_type', c.resume_type, 'percent', c.percent))
      from unnest(nudge_projects) w (id) cross join lateral (
        select 'project' as resume_type, coalesce(
          (select v.completeness_percent from resources r join project_resumes v on v.id = r.current_version_id
            where r.project_id = w.id and r.resource_type = 'PROJECT_RESUME'
            order by r.created_at desc, r.id limit 1),
          (select v.completeness_percent from project_resumes v where v.project_id = w.id
            order by v.version_number desc limit 1), 0) as percent
        union all
        select 'borrower', coalesce(
          (select v.completeness_percent from resources r join borrower_resumes v on v.id = r.current_version_id
            where r.project_id = w.id and r.resource_type = 'BORROWER_RESUME'
            order by r.created_at desc, r.id limit 1),
          (select v.completeness_percent from borrower_resumes v where v.project_id = w.id
            order by v.version_number desc limit 1), 0)) c
      where w.id is not null), '[]'));
end
$$;

-- Envelopes in the given order (sealed_envelope).
create or replace function public.herald_envelopes_json(envelope_ids bigint[], first_attempts timestamptz[])
returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
  select coalesce(json_agg(json_build_object('id', v.id, 'endpoint', v.endpoint, 'lane', v.lane,
    'idempotency_key', v.idempotency_key, 'body', convert_from(v.body, 'UTF8'),
    'mail_ids', array(select m.id from herald_mails m where m.envelope_id = v.id order by m.position),
    'attempts', v.attempts, 'first_attempt_at', herald_ms(w.first_attempt_at), 'claim_no', v.claim_no,
    'lease_until', herald_ms(v.due_at)) order by w.n),
    '[]')
  from unnest(envelope_ids, first_attempts) with ordinality w (id, first_attempt_at, n)
    join herald_envelopes v on v.id = w.id
$$;

-- Somebody set these rows back to pending, and they went into a mail before. A row is in one mail for good: they get the
-- status that their mail has, and `herald mail resend` is the way to send one again.
create or replace function public.herald_keep_in_mails(row_ids bigint[]) returns void
language sql
set search_path = pg_catalog, public, pg_temp set jit = off
set enable_seqscan = off
as $$
  update pending_emails e set status = case
    when r.state <> 'member' or m.state in ('failed', 'skipped') then 'failed'
    when m.state = 'sent' then 'sent'
    else 'processing'
  end
  from herald_mail_rows r join herald_mails m on m.id = r.mail_id
  where e.id = any (row_ids) and e.status = 'pending' and r.email_id = e.id
$$;

-- -- digest windows ----------------------------------------------------------------------------------------------

-- open_window_request -> window_report
create or replace function public.herald_open_window(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  window_end constant timestamptz := herald_at((request ->> 'window_at')::bigint);
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  row_ids bigint[];
  digests bigint;
begin
  -- Whoever comes second waits here for the first, and finds that it has decided.
  insert into herald_digest_windows (window_at, opened_at) values (window_end, at) on conflict do nothing;
  if not found then
    return json_build_object('opened', false, 'digests', 0, 'rows', 0);
  end if;
  row_ids := array(
    select e.id from pending_emails e
    where e.status = 'pending' and e.delivery_type = 'aggregated' and e.created_at < window_end
    order by e.id for update);
  perform herald_keep_in_mails(row_ids);
  row_ids := array(select id from pending_emails where id = any (row_ids) and status = 'pending' order by id);
  with digest as (
    insert into herald_mails (user_id, lane, window_at, created_at, updated_at)
    select distinct user_id, 'digest', window_end, at, at from pending_emails where id = any (row_ids)
    order by user_id
    returning id, user_id
  ), member as (
    insert into herald_mail_rows (email_id, mail_id)
    select e.id, d.id from pending_emails e join digest d on d.user_id = e.user_id where e.id = any (row_ids)
    order by e.id
  )
  select count(*) into digests from digest;
  update pending_emails set status = 'processing' where id = any (row_ids);
  return json_build_object('opened', true, 'digests', digests, 'rows', cardinality(row_ids));
end
$$;

-- -- claim -------------------------------------------------------------------------------------------------------

-- outbox_claim_request -> claimed_outbox
create or replace function public.herald_claim_outbox(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  now_ms constant bigint := (request ->> 'now')::bigint;
  at constant timestamptz := herald_at(now_ms);
  my_name constant text := request ->> 'worker';
  lease_end constant timestamptz := herald_at(now_ms + coalesce((request ->> 'lease')::bigint, 120000));
  max_envelopes constant integer := coalesce((request ->> 'envelopes')::integer, 0);
  max_digest_rows constant integer := 2000;
  max_mails constant integer := coalesce((request ->> 'mails')::integer, 0);
  immediate_limit constant integer := case when coalesce((request ->> 'immediate')::boolean, true) then max_mails + 1
    else 0 end;
  digest_limit constant integer := case when coalesce((request ->> 'digests')::boolean, true) then max_mails + 1
    else 0 end;
  envelope_ids bigint[];
  first_attempts timestamptz[];
  envelopes json := '[]';
  open_count bigint;
  digests integer;    -- waiting, and one more than wanted at most
  immediates integer;
  digest_room integer;
  room integer;
  mail_ids bigint[] := '{}';
  freed bigint[];
  fresh bigint[];
  row_ids bigint[];
  more boolean := false;
begin
  if (request ->> 'dry_run')::boolean then
    -- Digests are fixed by opening their window, which a dry run must not do.
    select array_agg(x.id) into row_ids
    from (
      select e.id from pending_emails e
      where e.status = 'pending' and e.delivery_type = 'immediate'
        and e.id > coalesce((request ->> 'after_id')::bigint, 0)
      order by e.id limit case when immediate_limit > 0 then max_mails else 0 end) x;
    return json_build_object('envelopes', '[]'::json,
      'mails', coalesce((
        select json_agg(herald_lone_mail_json(e) order by e.id) from pending_emails e where e.id = any (row_ids)), '[]'),
      'context', herald_email_context(row_ids, now_ms), 'installation', '', 'open', 0, 'next_due', null,
      'more', false);
  end if;

  -- The answer tells since when the provider may know the key before this claim, so it is read before it is written.
  select array_agg(x.id), array_agg(x.first_attempt_at) into envelope_ids, first_attempts
  from (
    select v.id, v.first_attempt_at from herald_envelopes v
    where v.state = 'sealed' and v.due_at <= at
    order by v.due_at, v.id limit max_envelopes for update skip locked) x;
  if envelope_ids is not null then
    update herald_envelopes set worker = my_name, claim_no = claim_no + 1, due_at = lease_end,
      first_attempt_at = coalesce(first_attempt_at, at)
    where id = any (envelope_ids);
    envelopes := herald_envelopes_json(envelope_ids, first_attempts);
  end if;
  select count(*) into open_count from herald_envelopes where state = 'sealed';

  if open_count < coalesce((request ->> 'max_open')::bigint, 0)
      and coalesce(cardinality(envelope_ids), 0) < max_envelopes then
    update herald_mails set state = 'open', worker = '', lease_until = null
    where id in (
      select m.id from herald_mails m where m.state = 'claimed' and m.lease_until <= at
      order by m.lease_until, m.id limit 10000 for update skip locked);

    if immediate_limit > 0 then
      perform herald_keep_in_mails(array(
        select w.id from (
          select e.id from pending_emails e
          where e.status = 'pending' and e.delivery_type = 'immediate'
          order by e.created_at, e.id limit immediate_limit) w
        where (select r.email_id from herald_mail_rows r where r.email_id = w.id) is not null));
    end if;

    -- How many wait decides how the room is divided.
    select count(*) into digests from (
      select from herald_mails where state = 'open' and lane = 'digest' limit digest_limit) x;
    select count(*) into immediates from (
      select from herald_mails where state = 'open' and lane = 'immediate' limit immediate_limit) x;
    if immediates < immediate_limit then
      select immediates + count(*) into immediates from (
        select from pending_emails e
        where e.status = 'pending' and e.delivery_type = 'immediate'
          and (select r.email_id from herald_mail_rows r where r.email_id = e.id) is null
        limit immediate_limit - immediates) x;
    end if;
    more := digests + immediates > max_mails;
    digest_room := least(digests, greatest(least(coalesce((request ->> 'digest_share')::integer, 0), max_mails),
      max_mails - least(max_mails, immediates)));
    room := least(immediate_limit, max_mails - digest_room);

    mail_ids := array(
      select id from herald_mails where state = 'open' and lane = 'digest'
      order by id limit digest_room for update skip locked);
    -- The digests of one claim hold so many rows together; a single larger one is claimed alone. The others are free
    -- again with the end of this transaction.
    with counted as (
      select m.id, m.n, sum((select count(*) from herald_mail_rows r where r.mail_id = m.id)) over (order by m.n) as n_rows
      from unnest(mail_ids) with ordinality m (id, n))
    select coalesce(array_agg(c.id order by c.n) filter (where c.n = 1 or c.n_rows <= max_digest_rows), '{}'),
      more or coalesce(bool_or(c.n > 1 and c.n_rows > max_digest_rows), false)
    into mail_ids, more
    from counted c;
    freed := array(
      select id from herald_mails where state = 'open' and lane = 'immediate'
      order by id limit room for update skip locked);
    mail_ids := mail_ids || freed;
    room := room - cardinality(freed);
    if room > 0 then
      fresh := array(
        select e.id from pending_emails e
        where e.status = 'pending' and e.delivery_type = 'immediate'
          and (select r.email_id from herald_mail_rows r where r.email_id = e.id) is null
        order by e.created_at, e.id limit room for update skip locked);
      with numbered as materialized (
        select nextval('herald_mails_id_seq') as mail_id, x.id, x.user_id
        from (
          select e.id, e.user_id from pending_emails e where e.id = any (fresh) order by e.created_at, e.id) x
      ), member as (
        insert into herald_mail_rows (email_id, mail_id) select n.id, n.mail_id from numbered n
      ), mail as (
        insert into herald_mails (id, user_id, lane, created_at, updated_at)
        select n.mail_id, n.user_id, 'immediate', at, at from numbered n
      )
      select mail_ids || array_agg(n.mail_id order by n.mail_id) into mail_ids from numbered n;
      update pending_emails set status = 'processing' where id = any (fresh);
    end if;

    if mail_ids <> '{}' then
      update herald_mails set state = 'claimed', worker = my_name, claim_no = claim_no + 1, lease_until = lease_end,
        updated_at = at
      where id = any (mail_ids);
      -- Rows that the platform has deleted meanwhile. A mail that has no other ends here.
      update herald_mail_rows r set state = 'skipped', reason = 'withdrawn'
      where r.mail_id = any (mail_ids) and r.state = 'member'
        and not exists (select from pending_emails e where e.id = r.email_id);
      update herald_mails m set state = 'skipped', reason = 'withdrawn', lease_until = null, updated_at = at
      where m.id = any (mail_ids)
        and not exists (select from herald_mail_rows r where r.mail_id = m.id and r.state = 'member');
      select array_agg(r.email_id) into row_ids
      from herald_mail_rows r where r.mail_id = any (mail_ids) and r.state = 'member';
    end if;
  end if;

  return json_build_object('envelopes', envelopes, 'mails', herald_mails_json(mail_ids),
    'context', herald_email_context(row_ids, now_ms),
    'installation', (select name from herald_installation where id = 1),
    'open', open_count,
    'next_due', herald_due_ms(least(
      (select min(due_at) from herald_envelopes where state = 'sealed' and due_at > at),
      (select min(lease_until) from herald_mails where state = 'claimed' and lease_until > at))),
    'more', more);
end
$$;

-- outbox_release_request -> {"result": how many mails were given back}
create or replace function public.herald_release_outbox(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  ids bigint[];
begin
  ids := array(
    select id from herald_mails where state = 'claimed' and worker = request ->> 'worker' order by id for update);
  update herald_mails set state = 'open', worker = '', lease_until = null,
    updated_at = herald_at((request ->> 'now')::bigint)
  where id = any (ids);
  return json_build_object('result', cardinality(ids));
end
$$;

-- -- seal --------------------------------------------------------------------------------------------------------

-- Stores drafts as envelopes that nobody holds, and puts their mails into them. A key that was used before, here or in
-- another draft: its mails are parked, because they may have been sent. Returns the envelopes' ids in the drafts' order,
-- null for those that were not stored.
create or replace function public.herald_insert_envelopes(drafts jsonb, at timestamptz) returns bigint[]
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  ids bigint[];
begin
  with draft as materialized (
    select d.n, d.doc, d.doc ->> 'idempotency_key' as key,
      row_number() over (partition by d.doc ->> 'idempotency_key' order by d.n) as turn
    from jsonb_array_elements(drafts) with ordinality d (doc, n)
  ), stored as (
    insert into herald_envelopes (idempotency_key, endpoint, lane, body, mail_count, sealed_at, due_at)
    select d.key, d.doc ->> 'endpoint', d.doc ->> 'lane', convert_to(d.doc ->> 'body', 'UTF8'),
      jsonb_array_length(d.doc -> 'mails'), at, at
    from draft d where d.turn = 1
    order by d.n
    on conflict (idempotency_key) do nothing
    returning id, idempotency_key
  )
  select array_agg(s.id order by d.n) into ids
  from draft d left join stored s on s.idempotency_key = d.key and d.turn = 1;

  -- A mail that stands in several drafts goes with the last.
  update herald_mails h set
    state = case when w.envelope_id is null then 'parked' else 'sealed' end,
    envelope_id = coalesce(w.envelope_id, h.envelope_id),
    position = case when w.envelope_id is null then h.position else w.place end,
    reason = case when w.envelope_id is null
      then 'its idempotency key was used before, so it may have been sent: look at the provider, '
        || 'then send it again or drop it'
      else h.reason end,
    worker = '', lease_until = null, updated_at = at
  from (
    select distinct on ((m.doc ->> 'mail_id')::bigint) (m.doc ->> 'mail_id')::bigint as mail_id,
      ids[d.n] as envelope_id, (m.place - 1)::integer as place
    from jsonb_array_elements(drafts) with ordinality d (doc, n),
      jsonb_array_elements(d.doc -> 'mails') with ordinality m (doc, place)
    order by (m.doc ->> 'mail_id')::bigint, d.n desc) w
  where h.id = w.mail_id;
  return coalesce(ids, '{}');
end
$$;

-- seal_request -> sealed_batch
create or replace function public.herald_seal(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  input constant jsonb := herald_json(request::text);
  now_ms constant bigint := (input ->> 'now')::bigint;
  at constant timestamptz := herald_at(now_ms);
  ended constant jsonb := coalesce(nullif(input -> 'ended', 'null'), '[]');
  drafts jsonb := coalesce(nullif(input -> 'envelopes', 'null'), '[]');
  mail_ids bigint[];
  held_ids bigint[];
  held_numbers integer[];
  ended_mails bigint[];
  freed bigint[];
  envelope_ids bigint[];
  skipped bigint := 0;
  failed bigint := 0;
  lost bigint := 0;
  parked bigint := 0;
begin
  mail_ids := array(
    select (x #>> '{mail,mail_id}')::bigint from jsonb_array_elements(ended) x
    union
    select (m ->> 'mail_id')::bigint from jsonb_array_elements(drafts) d, jsonb_array_elements(d -> 'mails') m);
  select array_agg(x.id), array_agg(x.claim_no) into held_ids, held_numbers
  from (
    select m.id, m.claim_no from herald_mails m
    where m.id = any (mail_ids) and m.state = 'claimed' and m.worker = input ->> 'worker'
    order by m.id for update) x;

  if ended <> '[]' then
    with asked as (
      select distinct on (x.row_id) x.*
      from (
        select e.n, (e.doc #>> '{mail,mail_id}')::bigint as mail_id, (e.doc #>> '{mail,claim_no}')::integer as claim_no,
          (e.doc ->> 'row_id')::bigint as row_id, e.doc ->> 'ending' as ending, e.doc ->> 'reason' as reason
        from jsonb_array_elements(ended) with ordinality e (doc, n)) x
        join unnest(held_ids, held_numbers) h (id, claim_no) on h.id = x.mail_id and h.claim_no = x.claim_no
      order by x.row_id, x.n
    ), changed as (
      update herald_mail_rows r set state = a.ending, reason = a.reason
      from asked a where r.email_id = a.row_id and r.mail_id = a.mail_id and r.state = 'member'
      returning r.email_id, r.mail_id, r.state
    ), emails as (
      update pending_emails set status = 'failed', processed_at = at where id in (select email_id from changed)
    )
    select count(*) filter (where state = 'skipped'), count(*) filter (where state = 'failed'),
      array_agg(distinct mail_id)
    into skipped, failed, ended_mails
    from changed;
    -- A mail without rows to send ends like its rows: failed if any of them failed.
    update herald_mails m set state = l.state, reason = l.reason, lease_until = null, updated_at = at
    from (
      select distinct on (r.mail_id) r.mail_id, r.state, r.reason
      from herald_mail_rows r where r.mail_id = any (ended_mails)
      order by r.mail_id, r.state = 'failed' desc, r.email_id) l
    where m.id = l.mail_id
      and not exists (select from herald_mail_rows r where r.mail_id = m.id and r.state = 'member');
  end if;

  if drafts <> '[]' then
    with member as materialized (
      -- The bytes hold every mail of the draft, so one that must not go out stops the envelope.
      select d.n, (m.doc ->> 'mail_id')::bigint as mail_id, h.id is not null as held,
        h.id is not null and not exists (
          select from herald_mail_rows r
          where r.mail_id = h.id and r.state = 'member'
            and not exists (select from pending_emails e where e.id = r.email_id)) as sealable
      from jsonb_array_elements(drafts) with ordinality d (doc, n), jsonb_array_elements(d.doc -> 'mails') m (doc)
        left join unnest(held_ids, held_numbers) h (id, claim_no)
          on h.id = (m.doc ->> 'mail_id')::bigint and h.claim_no = (m.doc ->> 'claim_no')::integer
    ), fence as (
      select n, bool_and(sealable) as sealable from member group by n
    )
    select coalesce((
        select jsonb_agg(d.doc order by d.n)
        from jsonb_array_elements(drafts) with ordinality d (doc, n) left join fence f on f.n = d.n
        where coalesce(f.sealable, true)), '[]'),
      (select count(*) from member m where not m.sealable),
      array(select m.mail_id from member m join fence f on f.n = m.n where m.held and not f.sealable)
    into drafts, lost, freed;
    envelope_ids := herald_insert_envelopes(drafts, at);
    parked := (
      select coalesce(sum(jsonb_array_length(d.doc -> 'mails')), 0)
      from jsonb_array_elements(drafts) with ordinality d (doc, n) where envelope_ids[d.n] is null);
    envelope_ids := array_remove(envelope_ids, null);
    update herald_envelopes set worker = input ->> 'worker', claim_no = 1, first_attempt_at = at,
      due_at = herald_at(now_ms + coalesce((input ->> 'lease')::bigint, 120000))
    where id = any (envelope_ids);
    update herald_mails set state = 'open', worker = '', lease_until = null, updated_at = at
    where id = any (freed) and state = 'claimed';
  end if;

  return json_build_object('envelopes', herald_envelopes_json(envelope_ids, '{}'), 'skipped', skipped,
    'failed', failed, 'lost', lost, 'parked', parked);
end
$$;

-- -- record ------------------------------------------------------------------------------------------------------

-- record_request -> record_report. Each outcome is fenced by the envelope's claim.
create or replace function public.herald_record(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  input constant jsonb := herald_json(request::text);
  at constant timestamptz := herald_at((input ->> 'now')::bigint);
  purge constant boolean := coalesce((input ->> 'purge')::boolean, true);
  outcomes jsonb := coalesce(nullif(input -> 'outcomes', 'null'), '[]');
  parts jsonb;
  immediate bigint := 0;
  digests bigint := 0;
  merged bigint := 0;
  failed bigint := 0;
  parked bigint := 0;
  retried bigint := 0;
  lost bigint := 0;
begin
  perform from herald_envelopes
  where id in (select (o ->> 'envelope_id')::bigint from jsonb_array_elements(outcomes) o) order by id for update;
  -- Each envelope's first outcome counts.
  select coalesce(jsonb_agg(x.doc order by x.n) filter (where x.holds), '[]'), count(*) filter (where not x.holds)
  into outcomes, lost
  from (
    select o.n, o.doc, v.id is not null and 1 = row_number() over (
        partition by o.doc ->> 'envelope_id', o.doc ->> 'claim_no' order by o.n) as holds
    from jsonb_array_elements(outcomes) with ordinality o (doc, n)
      left join herald_envelopes v on v.id = (o.doc ->> 'envelope_id')::bigint and v.state = 'sealed'
        and v.worker = input ->> 'worker' and v.claim_no = (o.doc ->> 'claim_no')::integer) x;
  if outcomes <> '[]' then
    perform from herald_mails
    where envelope_id in (select (o ->> 'envelope_id')::bigint from jsonb_array_elements(outcomes) o)
    order by id for update;

    -- What the provider has said about single mails.
    with verdict as (
      select distinct on ((m.doc ->> 'mail_id')::bigint) (o.doc ->> 'envelope_id')::bigint as envelope_id,
        (m.doc ->> 'mail_id')::bigint as mail_id, coalesce(m.doc ->> 'provider_id', '') as provider_id,
        coalesce(m.doc ->> 'reason', '') as reason
      from jsonb_array_elements(outcomes) with ordinality o (doc, n),
        jsonb_array_elements(o.doc -> 'mails') with ordinality m (doc, n)
      where o.doc ->> 'fate' = 'settled'
      order by (m.doc ->> 'mail_id')::bigint, o.n, m.n
    ), mail as (
      update herald_mails h set state = case v.provider_id when '' then 'failed' else 'sent' end,
        provider_id = v.provider_id, reason = v.reason, updated_at = at
      from verdict v where h.id = v.mail_id and h.envelope_id = v.envelope_id and h.state = 'sealed'
      returning h.id, h.lane, h.state
    ), email as (
      update pending_emails e set status = m.state, processed_at = at
      from mail m join herald_mail_rows r on r.mail_id = m.id and r.state = 'member'
      where e.id = r.email_id
      returning m.id as mail_id, m.state
    )
    select count(*) filter (where state = 'sent' and lane = 'immediate'),
      count(*) filter (where state = 'sent' and lane = 'digest'), count(*) filter (where state = 'failed'),
      (select coalesce(sum(g.n), 0) from (
        select count(*) as n from email where email.state = 'sent' group by mail_id having count(*) > 1) g)
    into immediate, digests, failed, merged
    from mail;

    -- Parts take the place of a batch that was refused as a whole. Only its own mails may go into them.
    select coalesce(jsonb_agg(jsonb_set(p.doc, '{mails}', coalesce((
        select jsonb_agg(m.doc order by m.n)
        from jsonb_array_elements(p.doc -> 'mails') with ordinality m (doc, n)
          join herald_mails h on h.id = (m.doc ->> 'mail_id')::bigint
            and h.envelope_id = (o.doc ->> 'envelope_id')::bigint and h.state = 'sealed'), '[]')) order by o.n, p.n), '[]')
    into parts
    from jsonb_array_elements(outcomes) with ordinality o (doc, n),
      jsonb_array_elements(o.doc -> 'parts') with ordinality p (doc, n)
    where o.doc ->> 'fate' = 'split';
    if parts <> '[]' then
      perform herald_insert_envelopes(parts, at);
    end if;

    -- Whatever is still sealed in an envelope that ends waits for a person.
    with left_over as (
      update herald_mails h set state = 'parked', updated_at = at, reason = case o.doc ->> 'fate'
          when 'settled' then 'the provider''s answer did not mention it'
          when 'split' then 'it was left out when its batch was split'
          else coalesce(o.doc #>> '{why,reason}', '') end
      from jsonb_array_elements(outcomes) o (doc)
      where h.envelope_id = (o.doc ->> 'envelope_id')::bigint and h.state = 'sealed'
        and o.doc ->> 'fate' in ('settled', 'split', 'parked')
      returning 1)
    select count(*) into parked from left_over;

    update herald_envelopes v set
      state = case o.doc ->> 'fate' when 'settled' then 'settled' when 'split' then 'split' else 'parked' end,
      ended_at = at,
      -- The body of a parked one stays, so that a person can see what may have been sent.
      body = case when purge and o.doc ->> 'fate' <> 'parked' then null else v.body end,
      error_class = case coalesce(o.doc #>> '{why,reason}', '') when '' then '' else o.doc #>> '{why,kind}' end,
      error = coalesce(o.doc #>> '{why,reason}', '')
    from jsonb_array_elements(outcomes) o (doc)
    where v.id = (o.doc ->> 'envelope_id')::bigint and o.doc ->> 'fate' in ('settled', 'split', 'parked');

    update herald_envelopes v set worker = '', due_at = herald_at((o.doc ->> 'retry_at')::bigint),
      attempts = v.attempts + case o.doc ->> 'fate' when 'retry' then 1 else 0 end,
      first_attempt_at = herald_at((o.doc ->> 'first_attempt_at')::bigint),
      error_class = coalesce(o.doc #>> '{why,kind}', ''), error = coalesce(o.doc #>> '{why,reason}', '')
    from jsonb_array_elements(outcomes) o (doc)
    where v.id = (o.doc ->> 'envelope_id')::bigint and o.doc ->> 'fate' in ('retry', 'deferred');
    select count(*) into retried from jsonb_array_elements(outcomes) o where o ->> 'fate' = 'retry';
  end if;
  return json_build_object('immediate', immediate, 'digests', digests, 'merged', merged, 'failed', failed,
    'parked', parked, 'retried', retried, 'lost', lost);
end
$$;

-- purge_request -> {"result": how many bodies were forgotten}
create or replace function public.herald_purge_bodies(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  n bigint;
begin
  -- What a person still has to decide about, he may have to read.
  update herald_envelopes v set body = null
  where v.state in ('settled', 'split', 'parked') and v.body is not null
    and v.ended_at < herald_at((request ->> 'ended_before')::bigint)
    and not exists (select from herald_mails m where m.envelope_id = v.id and m.state = 'parked');
  get diagnostics n = row_count;
  return json_build_object('result', n);
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

commit;
