-- The event store: claim, commit, renew, release.

begin;

-- -- claim -------------------------------------------------------------------------------------------------------

-- Moves the start of the search for new events past what is settled (herald_cursor has the rules). Only one claim at a
-- time does so; the others go on without.
create or replace function public.herald_move_cursor(oldest timestamptz) returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  window_size constant bigint := 250000; -- ids looked at in one go
  c herald_cursor;
  newest bigint := coalesce((select max(id) from domain_events), 0);
  first_id bigint;
  bound bigint;
  found_id bigint;
begin
  select * into c from herald_cursor where id = 1;
  if c.settled_up_to = newest and c.visible_up_to = newest and c.candidate is null
      and c.swept_at > clock_timestamp() - interval '10 minutes' then
    return;
  end if;
  select * into c from herald_cursor where id = 1 for update skip locked;
  if not found then
    return;
  end if;

  -- Ids have started over: somebody has emptied the log.
  if newest < c.settled_up_to then
    c.settled_up_to := 0;
    c.visible_up_to := 0;
    c.candidate := null;
  end if;

  if c.candidate is null and newest > c.visible_up_to then
    c.candidate := newest;
    c.candidate_at := clock_timestamp();
    c.candidate_xact := null;
  elsif c.candidate_xact is null and transaction_timestamp() > c.candidate_at then
    -- Assigned after the candidate was seen, so it is higher than that of any transaction that held a lower id then.
    c.candidate_xact := pg_current_xact_id();
  elsif pg_snapshot_xmin(pg_current_snapshot()) > c.candidate_xact
      -- A transaction that is open for an hour must not stop everybody; what it may still insert, the sweep finds.
      or clock_timestamp() > c.candidate_at + interval '1 hour' then
    c.visible_up_to := greatest(c.visible_up_to, c.candidate);
    c.candidate := null;
  end if;

  if c.settled_up_to < c.visible_up_to then
    select min(id) into first_id from domain_events where id > c.settled_up_to;
    bound := least(c.visible_up_to, first_id - 1 + window_size);
    select e.id into found_id
    from domain_events e
    where e.id > c.settled_up_to and e.id <= bound
      and (select p.event_id from notification_processing p where p.event_id = e.id) is null
      and (select x.event_id from herald_expired x where x.event_id = e.id) is null
    order by e.id limit 1;
    c.settled_up_to := coalesce(found_id - 1, bound);
  end if;

  -- The safety net below all this: an event whose id was taken outside the insert, or given by hand.
  if c.swept_at < clock_timestamp() - interval '10 minutes' then
    select min(e.id) into found_id
    from domain_events e
    where e.id > c.settled_up_to - 500000 and e.id <= c.settled_up_to and e.created_at >= oldest
      and not exists (select from notification_processing p where p.event_id = e.id)
      and not exists (select from herald_expired x where x.event_id = e.id);
    c.settled_up_to := coalesce(found_id - 1, c.settled_up_to);
    c.swept_at := clock_timestamp();
  end if;

  update herald_cursor set settled_up_to = c.settled_up_to, visible_up_to = c.visible_up_to, candidate = c.candidate,
    candidate_at = c.candidate_at, candidate_xact = c.candidate_xact, swept_at = c.swept_at
  where id = 1;
end
$$;

-- What a claim would take, in the order of ids, without taking it.
create or replace function public.herald_due_events(at timestamptz, lease interval, oldest timestamptz,
  after_id bigint, max_count integer)
returns bigint[]
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
set enable_seqscan = off set enable_bitmapscan = off
as $$
  select array(
    select event_id from (
      (select event_id from notification_processing
        where processing_status = 'pending'
          and coalesce(herald_next_attempt_at, '-infinity'::timestamptz) <= at and event_id > after_id
        order by event_id limit max_count)
      union all
      (select event_id from notification_processing
        where processing_status = 'processing' and herald_lease_until <= at and event_id > after_id
        order by event_id limit max_count)
      union all
      (select p.event_id from notification_processing p join domain_events e on e.id = p.event_id
        where p.processing_status = 'processing' and p.herald_lease_until is null
          and greatest(p.claimed_at, p.created_at) <= at - lease and e.created_at >= oldest and p.event_id > after_id
        order by p.event_id limit max_count)
      union all
      (select e.id from domain_events e
        where e.id > greatest(after_id, (select settled_up_to from herald_cursor where id = 1))
          and e.created_at - oldest >= interval '0'
          and (select p.event_id from notification_processing p where p.event_id = e.id) is null
        order by e.id limit max_count)) due
    order by event_id limit max_count)
$$;

-- claim_request -> claimed_batch
create or replace function public.herald_claim(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  -- Programs without leases take an event up again that has no row and is younger than a day. An hour more, whatever
  -- the clocks say, before a row of theirs goes.
  foreign_look_back constant interval := interval '25 hours';
  max_passed_over constant integer := 5000; -- events set aside in one call
  window_size constant bigint := 50000;     -- ids looked at in one go
  max_windows constant integer := 4;
  now_ms constant bigint := (request ->> 'now')::bigint;
  at constant timestamptz := herald_at(now_ms);
  worker constant text := request ->> 'worker';
  lease constant interval := make_interval(secs => coalesce((request ->> 'lease')::bigint, 60000) / 1000.0);
  max_age constant bigint := coalesce((request ->> 'max_age')::bigint, 86400000);
  oldest constant timestamptz := herald_at(now_ms - max_age);
  -- To set an event aside is for good, so this server's clock has to agree that it is old: a single daemon with a clock
  -- that is days ahead would take away everybody's events.
  forgettable constant timestamptz := least(oldest, clock_timestamp() - make_interval(secs => max_age / 1000.0));
  max_count constant integer := coalesce((request ->> 'limit')::integer, 1);
  taken bigint[];             -- rows that are ours to lease again
  lapsed bigint[] := '{}';    -- of these, those whose former claim ran out
  abandoned bigint[] := '{}'; -- rows of other programs whose events are too old
  fresh bigint[];             -- events without a row
  aged bigint[];              -- the same, too old
  chosen bigint[];
  room integer;
  expired integer := 0;
  newest bigint;
  lower_id bigint;
  upper_id bigint;
  cut_short boolean := false;
  next_due timestamptz;
begin
  if (request ->> 'dry_run')::boolean then
    chosen := herald_due_events(at, lease, oldest, coalesce((request ->> 'after_id')::bigint, 0), max_count);
  else
    -- Retries that are due, then claims whose lease ran out. What another claim is taking at this moment is passed over.
    taken := array(
      select event_id from notification_processing
      where processing_status = 'pending' and coalesce(herald_next_attempt_at, '-infinity'::timestamptz) <= at
      order by coalesce(herald_next_attempt_at, '-infinity'::timestamptz), event_id
      limit max_count for update skip locked);
    room := max_count - cardinality(taken);
    if room > 0 then
      lapsed := array(
        select event_id from notification_processing
        where processing_status = 'processing' and herald_lease_until <= at
        order by herald_lease_until, event_id
        limit room for update skip locked);
      room := room - cardinality(lapsed);
    end if;

    -- What a program without leases left behind: its claims are as old as they are, and nobody renews them. claimed_at
    -- comes from the clock of that program's machine, created_at from the database's: the later one counts, because a
    -- claim that is taken for too old is taken from somebody who is still at work.
    if room > 0 then
      fresh := array(
        select p.event_id from notification_processing p join domain_events e on e.id = p.event_id
        where p.processing_status = 'processing' and p.herald_lease_until is null
          and greatest(p.claimed_at, p.created_at) <= at - lease and e.created_at >= oldest
        order by p.event_id
        limit room for update of p skip locked);
      abandoned := array(
        select p.event_id from notification_processing p join domain_events e on e.id = p.event_id
        where p.processing_status = 'processing' and p.herald_lease_until is null
          and greatest(p.claimed_at, p.created_at) <= at - lease
          and e.created_at < least(forgettable, at - foreign_look_back)
        order by p.event_id
        limit max_passed_over for update of p skip locked);
      lapsed := lapsed || fresh;
      room := room - cardinality(fresh);
      expired := cardinality(abandoned);
      cut_short := expired = max_passed_over;
    end if;

    if cardinality(lapsed) + cardinality(abandoned) > 0 then
      insert into herald_attempts (event_id, claim_no, worker, claimed_at, ended_at, ending, reason)
      select event_id, coalesce(herald_claim_no, 1), coalesce(processor_id, ''), claimed_at, at, 'lease_expired',
        'the worker neither finished nor renewed its claim in time'
      from notification_processing where event_id = any (lapsed || abandoned)
      order by event_id;
      delete from notification_processing where event_id = any (abandoned);
      insert into herald_expired (event_id, seen_at) select unnest(abandoned), at on conflict do nothing;
    end if;
    taken := taken || lapsed;
    if cardinality(taken) > 0 then
      -- A row that another program left counts as the first claim, so that ours is known to be a repetition.
      update notification_processing set processing_status = 'processing', processor_id = worker, claimed_at = at,
        herald_claim_no = coalesce(herald_claim_no, 1) + 1, herald_lease_until = at + lease,
        herald_next_attempt_at = null
      where event_id = any (taken);
    end if;

    -- New events, by id from where the settled ones end. The scalar subqueries are index look-ups one by one, and the age
    -- is compared so that no index offers itself: whatever the statistics say, the search walks along the ids and ends
    -- with the first `room` events. The row locks make two claims take different events instead of waiting for each
    -- other.
    chosen := taken;
    perform herald_move_cursor(oldest);
    lower_id := (select settled_up_to from herald_cursor where id = 1);
    newest := coalesce((select max(id) from domain_events), 0);
    if newest < lower_id then
      lower_id := 0;
    end if;
    for i in 1 .. max_windows loop
      exit when room <= 0 or cut_short or lower_id >= newest;
      lower_id := (select min(id) from domain_events where id > lower_id) - 1;
      upper_id := least(newest, lower_id + window_size);
      fresh := array(
        select e.id from domain_events e
        where e.id > lower_id and e.id <= upper_id and e.created_at - oldest >= interval '0'
          and (select p.event_id from notification_processing p where p.event_id = e.id) is null
          and (select x.event_id from herald_expired x where x.event_id = e.id) is null
        order by e.id
        limit room for no key update skip locked);
      if cardinality(fresh) = room then
        upper_id := fresh[room];
      end if;
      aged := array(
        select e.id from domain_events e
        where e.id > lower_id and e.id <= upper_id and e.created_at - forgettable < interval '0'
          and (select p.event_id from notification_processing p where p.event_id = e.id) is null
          and (select x.event_id from herald_expired x where x.event_id = e.id) is null
        order by e.id
        limit max_passed_over - expired);
      if cardinality(aged) > 0 then
        with set_aside as (
          insert into herald_expired (event_id, seen_at) select unnest(aged), at on conflict do nothing returning 1)
        select expired + count(*) into expired from set_aside;
        -- A long stretch is passed in pieces, so that no call takes long.
        if expired >= max_passed_over then
          cut_short := true;
          fresh := array(select x from unnest(fresh) x where x <= aged[cardinality(aged)]);
        end if;
      end if;
      if cardinality(fresh) > 0 then
        -- Another program, or a claim that ended since our look, may have been faster.
        with leased as (
          insert into notification_processing (event_id, processing_status, processor_id, claimed_at, created_at,
            herald_claim_no, herald_lease_until)
          select unnest(fresh), 'processing', worker, at, at, 1, at + lease
          on conflict (event_id) do nothing
          returning event_id)
        select chosen || array_agg(event_id) into chosen from leased;
        room := max_count - cardinality(chosen);
      end if;
      lower_id := upper_id;
    end loop;
    cut_short := cut_short or (room > 0 and lower_id < newest);
  end if;

  if cut_short then
    next_due := at;
  else
    select min(due) into next_due from (
      (select coalesce(herald_next_attempt_at, '-infinity'::timestamptz) as due from notification_processing
        where processing_status = 'pending' and coalesce(herald_next_attempt_at, '-infinity'::timestamptz) > at
        order by coalesce(herald_next_attempt_at, '-infinity'::timestamptz), event_id limit 1)
      union all
      (select herald_lease_until from notification_processing
        where processing_status = 'processing' and herald_lease_until > at
        order by herald_lease_until, event_id limit 1)
      union all
      select min(greatest(claimed_at, created_at)) + lease from notification_processing
        where processing_status = 'processing' and herald_lease_until is null
          and greatest(claimed_at, created_at) > at - lease) x;
  end if;

  return json_build_object(
    'events', coalesce((
      select json_agg(json_build_object('event', herald_event_json(e), 'claim_no', coalesce(p.herald_claim_no, 0),
        'attempts', coalesce(p.retry_count, 0), 'crashes', coalesce(p.herald_crashes, 0)) order by e.id)
      from domain_events e left join notification_processing p on p.event_id = e.id
      where e.id = any (chosen)), '[]'),
    'context', herald_context(chosen, now_ms, null, true),
    'next_due', herald_due_ms(next_due),
    'expired', expired);
end
$$;

-- -- leases ------------------------------------------------------------------------------------------------------

-- Hands events back, uncounted. Their rows are locked by the caller.
create or replace function public.herald_give_back(event_ids bigint[], at timestamptz, why text) returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
  insert into herald_attempts (event_id, claim_no, worker, claimed_at, ended_at, ending, reason)
  select event_id, coalesce(herald_claim_no, 1), coalesce(processor_id, ''), claimed_at, at, 'released', why
  from notification_processing where event_id = any (event_ids)
  order by event_id;
  update notification_processing
  set processing_status = 'pending', herald_lease_until = null, herald_next_attempt_at = null
  where event_id = any (event_ids);
end
$$;

-- renew_request -> {"result": claims that are no longer the worker's}
create or replace function public.herald_renew(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  lease constant interval := make_interval(secs => (request ->> 'lease')::bigint / 1000.0);
  held_ids bigint[];
  held_numbers integer[];
begin
  select array_agg(x.event_id), array_agg(x.herald_claim_no) into held_ids, held_numbers
  from (
    select p.event_id, p.herald_claim_no from notification_processing p
    where p.event_id = any (array(select (c ->> 'event_id')::bigint from json_array_elements(request -> 'claims') c))
      and p.processing_status = 'processing' and p.processor_id = request ->> 'worker'
      and p.herald_claim_no is not null
    order by p.event_id for update) x;
  with asked as (
    select c.n, (c.doc ->> 'event_id')::bigint as event_id, (c.doc ->> 'claim_no')::integer as claim_no
    from json_array_elements(request -> 'claims') with ordinality c (doc, n)
  ), judged as materialized (
    select a.*, h.event_id is not null as held
    from asked a left join unnest(held_ids, held_numbers) h (event_id, claim_no)
      on h.event_id = a.event_id and h.claim_no = a.claim_no
  ), extended as (
    update notification_processing set herald_lease_until = at + lease
    where event_id in (select event_id from judged where held)
  )
  select array_agg(event_id order by n) filter (where not held),
    array_agg(claim_no order by n) filter (where not held)
  into held_ids, held_numbers
  from judged;
  return json_build_object('result', coalesce((
    select json_agg(json_build_object('event_id', l.event_id, 'claim_no', l.claim_no))
    from unnest(held_ids, held_numbers) l (event_id, claim_no)), '[]'));
end
$$;

-- release_request -> {"result": how many were given back}. No claims: everything that the worker holds.
create or replace function public.herald_release(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  asked constant integer := coalesce(json_array_length(request -> 'claims'), 0);
  held bigint[];
begin
  if asked = 0 then
    held := array(
      select event_id from notification_processing
      where processing_status = 'processing' and herald_lease_until is not null and herald_claim_no is not null
        and processor_id = request ->> 'worker'
      order by event_id for update);
  else
    held := array(
      select p.event_id from notification_processing p
      where p.event_id = any (array(select (c ->> 'event_id')::bigint from json_array_elements(request -> 'claims') c))
        and p.processing_status = 'processing' and p.processor_id = request ->> 'worker'
        and p.herald_claim_no in (
          select (c ->> 'claim_no')::integer from json_array_elements(request -> 'claims') c
          where (c ->> 'event_id')::bigint = p.event_id)
      order by p.event_id for update);
  end if;
  if cardinality(held) > 0 then
    perform herald_give_back(held, herald_at((request ->> 'now')::bigint),
      'handed back by the worker, uncounted');
  end if;
  return json_build_object('result', cardinality(held));
end
$$;

-- -- commit ------------------------------------------------------------------------------------------------------

-- commit_request -> commit_report. One transaction: what plans cause, the accounts of every recipient, and the events'
-- completion, fenced by the claims.
--
-- The estimates for rows out of JSON are far too low, and a nested loop over two long lists of recipients would take
-- minutes; so loops are off, and what reads a table names the keys as an array or in a scalar subquery.
--
-- Locks are taken parents first and in the order of ids, so that neither two commits nor a commit and a deletion on the
-- platform's side wait for each other in a circle: profiles, projects, events, their rows, threads, notifications.
create or replace function public.herald_commit(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_nestloop = off set work_mem = '32MB'
as $$
declare
  input constant jsonb := herald_json(request::text);
  at constant timestamptz := herald_at((input ->> 'now')::bigint);
  my_name constant text := input ->> 'worker';
  plans jsonb[];
  failures constant jsonb := coalesce(nullif(input -> 'failures', 'null'), '[]');
  event_ids bigint[];
  people uuid[];          -- recipients that exist
  known_projects uuid[];  -- projects of e-mails that exist
  held_ids bigint[];      -- the claims that hold
  held_numbers integer[];
  planned bigint[];       -- events of all plans
  torn bigint[];          -- held, in plans of which another claim is not
  done_ids bigint[];
  done_warnings text[];
  noted_events bigint[];  -- who has a notification of which event already: an earlier worker died half-way
  noted_users uuid[];
  thread_ids uuid[];
  row_ids bigint[];       -- unread rows of the threads and users
  row_threads uuid[];
  row_users uuid[];
  row_events bigint[];
  row_counts bigint[];
  completed bigint := 0;
  notified bigint := 0;
  rolled_up bigint := 0;
  emails bigint := 0;
  skipped bigint := 0;
  retried bigint := 0;
  dead bigint := 0;
  lost bigint := 0;
  more_lost bigint;
begin
  plans := array(
    select p.doc
    from jsonb_array_elements(input -> 'batches') with ordinality b (doc, n),
      jsonb_array_elements(b.doc -> 'plans') with ordinality p (doc, n)
    order by b.n, p.n);

  -- -- locks and the fence

  people := array(
    select distinct u::uuid
    from unnest(plans) p, lateral (
      select d -> 'users' as list from jsonb_array_elements(p -> 'notifications') d
      union all select d -> 'users' from jsonb_array_elements(p -> 'roll_ups') d
      union all select d -> 'immediate' from jsonb_array_elements(p -> 'emails') d
      union all select d -> 'aggregated' from jsonb_array_elements(p -> 'emails') d) l,
      jsonb_array_elements_text(l.list) u);
  if people <> '{}' then
    people := array(select id from profiles where id = any (people) order by id for key share);
    known_projects := array(
      select distinct (d ->> 'project_id')::uuid from unnest(plans) p, jsonb_array_elements(p -> 'emails') d);
    known_projects := array(select id from projects where id = any (known_projects) order by id for key share);
  end if;

  event_ids := array(
    select (c ->> 'event_id')::bigint from unnest(plans) p, jsonb_array_elements(p -> 'claims') c
    union
    select (f #>> '{failure,claim,event_id}')::bigint from jsonb_array_elements(failures) f);
  perform from domain_events where id = any (event_ids) order by id for key share;
  -- Outcomes are looked at too: a program that sets the status of a settled event back must not have it settled twice.
  select array_agg(x.event_id), array_agg(x.herald_claim_no) into held_ids, held_numbers
  from (
    select p.event_id, p.herald_claim_no from notification_processing p
    where p.event_id = any (event_ids) and p.processing_status = 'processing' and p.processor_id = my_name
      and p.herald_claim_no is not null
    order by p.event_id for update) x
  where (select o.event_id from herald_outcomes o where o.event_id = x.event_id limit 1) is null;

  with plan as (
    select p.doc, p.no from unnest(plans) with ordinality p (doc, no)
  ), claim as (
    select plan.no, (c.doc ->> 'event_id')::bigint as event_id, (c.doc ->> 'claim_no')::integer as claim_no
    from plan, jsonb_array_elements(plan.doc -> 'claims') c (doc)
  ), judged as materialized (
    -- The first plan that names an event settles it, one way or the other.
    select c.no, c.event_id,
      h.event_id is not null and c.no = min(c.no) over (partition by c.event_id) as holds
    from claim c left join unnest(held_ids, held_numbers) h (event_id, claim_no)
      on h.event_id = c.event_id and h.claim_no = c.claim_no
  ), fence as (
    select no, bool_and(holds) as holds, count(*) as claims from judged group by no
  )
  select
    array(select plan.doc from plan join fence on fence.no = plan.no where fence.holds order by plan.no),
    (select coalesce(sum(fence.claims), 0) from fence where not fence.holds),
    array(select j.event_id from judged j join fence on fence.no = j.no where j.holds and not fence.holds),
    array(select distinct j.event_id from judged j)
  into plans, lost, torn, planned;

  -- -- facts

  noted_events := array(
    select (p #>> '{claims,0,event_id}')::bigint from unnest(plans) p where (p #>> '{claims,0,claim_no}')::integer > 1);
  if noted_events <> '{}' then
    select array_agg(x.event_id), array_agg(x.user_id) into noted_events, noted_users
    from (select distinct event_id, user_id from notifications where event_id = any (noted_events)) x;
  end if;

  thread_ids := array(
    select distinct (d ->> 'thread_id')::uuid as id from unnest(plans) p, jsonb_array_elements(p -> 'roll_ups') d
    order by id);
  if thread_ids <> '{}' then
    insert into herald_threads (thread_id)
    select id from unnest(thread_ids) id
    where (select t.thread_id from herald_threads t where t.thread_id = id) is null
    order by id
    on conflict do nothing;
    perform from herald_threads where thread_id = any (thread_ids) order by thread_id for update;
    -- From here on nobody else starts or counts up a row of these threads. A row that is read while we wait for it drops
    -- out. Of several unread rows the newest counts.
    select array_agg(x.id), array_agg(x.thread_id), array_agg(x.user_id), array_agg(x.event_id), array_agg(x.count)
    into row_ids, row_threads, row_users, row_events, row_counts
    from (
      select distinct on (l.thread_id, l.user_id) l.*
      from (
        select r.id, r.event_id, r.user_id, (r.payload ->> 'thread_id')::uuid as thread_id,
          case when r.payload ->> 'count' ~ '^[0-9]{1,9}$' then (r.payload ->> 'count')::bigint else 1 end as count
        from notifications r
        where r.id = any (array(
            select found.id
            from (
              select distinct (d ->> 'thread_id')::uuid as thread_id, u::uuid as user_id
              from unnest(plans) p, jsonb_array_elements(p -> 'roll_ups') d, jsonb_array_elements_text(d -> 'users') u
            ) wanted cross join lateral (
              -- Asked in the form of herald_notifications_unread_thread, so that no other index offers itself: those by
              -- user and by id read as much as the inbox is long.
              select s.id from notifications s
              where (s.payload ->> 'thread_id') = wanted.thread_id::text and s.user_id::text = wanted.user_id::text
                and s.read_at is null and (s.payload ->> 'type') = 'thread_activity'
              order by s.id + 0 desc limit 1) found))
          and r.read_at is null
        order by r.id for no key update) l
      order by l.thread_id, l.user_id, l.id desc) x;
  end if;

  -- -- what the plans cause

  if cardinality(plans) > 0 then
    with plan as materialized (
      select p.no, p.doc, (p.doc #>> '{claims,0,event_id}')::bigint as event_id
      from unnest(plans) with ordinality p (doc, no)
    ), note_draft as materialized (
      select plan.no, d.n as draft, d.doc, nullif(d.doc ->> 'unique_key', '') as key
      from plan, jsonb_array_elements(plan.doc -> 'notifications') with ordinality d (doc, n)
    ), roll_draft as materialized (
      select plan.no, d.n as draft, d.doc, (d.doc ->> 'thread_id')::uuid as thread_id
      from plan, jsonb_array_elements(plan.doc -> 'roll_ups') with ordinality d (doc, n)
    ), email_draft as materialized (
      select plan.no, d.n as draft, d.doc, nullif(d.doc ->> 'unique_key', '') as key
      from plan, jsonb_array_elements(plan.doc -> 'emails') with ordinality d (doc, n)
    ), named as (
      -- Every recipient of every draft. kind: 1 notification, 2 roll-up, 3 immediate and 4 aggregated e-mail.
      select d.no, 1 as kind, d.draft, u.n as place, u.id::uuid as user_id, d.key
      from note_draft d, jsonb_array_elements_text(d.doc -> 'users') with ordinality u (id, n)
      union all
      select d.no, 2, d.draft, u.n, u.id::uuid, null
      from roll_draft d, jsonb_array_elements_text(d.doc -> 'users') with ordinality u (id, n)
      union all
      select d.no, 3, d.draft, u.n, u.id::uuid, d.key
      from email_draft d, jsonb_array_elements_text(d.doc -> 'immediate') with ordinality u (id, n)
      union all
      select d.no, 4, d.draft, u.n, u.id::uuid, d.key
      from email_draft d, jsonb_array_elements_text(d.doc -> 'aggregated') with ordinality u (id, n)
    ), recipient as materialized (
      select r.no, plan.event_id, r.kind, r.draft, r.place, r.user_id, r.key,
        case when r.kind < 3 then 'in_app' else 'email' end as channel, p.id is not null as exists
      from named r join plan on plan.no = r.no left join unnest(people) p (id) on p.id = r.user_id
    ), keyed as materialized (
      select r.no, r.event_id, r.kind, r.draft, r.place, r.user_id, r.key, r.channel,
        row_number() over (partition by r.key, r.channel, r.user_id
          order by r.no, r.kind < 3 desc, r.draft, r.kind, r.place) as turn
      from recipient r where r.key is not null and r.exists
    ), first_said as (
      insert into herald_once (unique_key, channel, user_id, event_id)
      select k.key, k.channel, k.user_id, k.event_id from keyed k where k.turn = 1
      order by k.key, k.channel, k.user_id
      on conflict do nothing
      returning unique_key, channel, user_id
    ), repeated as (
      -- Another event has said the same to this user before, or another draft of this commit has.
      select k.no, k.kind, k.draft, k.place
      from keyed k left join first_said f
        on f.unique_key = k.key and f.channel = k.channel and f.user_id = k.user_id and k.turn = 1
      where f.user_id is null
    ), note as materialized (
      select r.no, r.event_id, r.draft, r.place, r.user_id, o.user_id is not null as stands
      from recipient r
        left join repeated x on x.no = r.no and x.kind = r.kind and x.draft = r.draft and x.place = r.place
        left join unnest(noted_events, noted_users) o (event_id, user_id)
          on o.event_id = r.event_id and o.user_id = r.user_id
      where r.kind = 1 and r.exists and x.no is null
    ), new_note as (
      insert into notifications (user_id, event_id, title, body, link_url, created_at, payload)
      select r.user_id, r.event_id, d.title, d.body, d.link_url, at, d.payload
      from note r join (
        -- Read once per draft, not once per user.
        select no, draft, doc ->> 'title' as title, nullif(doc ->> 'body', '') as body,
          nullif(doc ->> 'link_url', '') as link_url, herald_json(doc ->> 'payload') as payload
        from note_draft offset 0) d on d.no = r.no and d.draft = r.draft
      where not r.stands
      order by r.no, r.draft, r.place
    ), roll as materialized (
      -- turn: which of this commit's messages it is for this user and thread.
      select r.no, r.event_id, r.draft, r.place, r.user_id, d.thread_id, s.id as row_id, s.event_id as row_event,
        s.count as row_count,
        row_number() over w as turn, first_value(r.event_id) over w as first_event
      from recipient r
        join roll_draft d on d.no = r.no and d.draft = r.draft
        left join unnest(row_ids, row_threads, row_users, row_events, row_counts)
          s (id, thread_id, user_id, event_id, count) on s.thread_id = d.thread_id and s.user_id = r.user_id
      where r.kind = 2 and r.exists and not exists (
        select from unnest(noted_events, noted_users) o (event_id, user_id)
        where o.event_id = r.event_id and o.user_id = r.user_id)
      window w as (partition by d.thread_id, r.user_id order by r.no, r.draft, r.place)
    ), roll_row as materialized (
      -- One row per user and thread, with the words of the last draft and the final count.
      select l.row_id, l.first_event, l.user_id, l.thread_id, d.link_url,
        'New messages in ' || d.project as title,
        l.count || case when l.count = 1 then ' new message in ' else ' new messages in ' end || d.bold_label as body,
        jsonb_build_object('type', 'thread_activity', 'count', l.count, 'thread_id', l.thread_id,
          'thread_name', d.label, 'project_name', d.project) as payload
      from (
        select distinct on (r.thread_id, r.user_id) r.thread_id, r.user_id, r.no, r.draft, r.row_id, r.first_event,
          coalesce(r.row_count, 0) + r.turn as count
        from roll r order by r.thread_id, r.user_id, r.turn desc) l
      join (
        select d.no, d.draft, d.doc ->> 'link_url' as link_url, label,
          '**#' || herald_markdown_escape(substr(label, 2)) || '**' as bold_label,
          coalesce(nullif(herald_one_line(d.doc ->> 'project_name'), ''), 'your project') as project
        from roll_draft d, herald_thread_label(d.doc ->> 'thread_label') label offset 0) d
        on d.no = l.no and d.draft = l.draft
    ), counted_up as (
      update notifications set title = w.title, body = w.body, link_url = w.link_url, created_at = at,
        payload = w.payload
      from roll_row w where notifications.id = w.row_id and notifications.id = any (row_ids)
    ), started as (
      insert into notifications (user_id, event_id, title, body, link_url, created_at, payload)
      select user_id, first_event, title, body, link_url, at, payload
      from roll_row where row_id is null
      order by thread_id, user_id
    ), email as materialized (
      -- One e-mail per event and user.
      select r.no, r.event_id, r.kind, r.draft, r.place, r.user_id,
        row_number() over (partition by r.no, r.user_id order by r.draft, r.kind, r.place) as turn
      from recipient r
        left join repeated x on x.no = r.no and x.kind = r.kind and x.draft = r.draft and x.place = r.place
      where r.kind in (3, 4) and r.exists and x.no is null
    ), queued as (
      insert into pending_emails (user_id, event_id, event_type, delivery_type, project_id, project_name, subject,
        body_data, created_at)
      select r.user_id, r.event_id, plan.doc ->> 'event_type',
        case r.kind when 3 then 'immediate' else 'aggregated' end, d.project_id, d.project_name, d.subject, d.body_data,
        at
      from email r join plan on plan.no = r.no join (
        select d.no, d.draft, j.id as project_id, nullif(d.doc ->> 'project_name', '') as project_name,
          d.doc ->> 'subject' as subject, herald_json(d.doc ->> 'body_data') as body_data
        from email_draft d left join unnest(known_projects) j (id) on j.id = (d.doc ->> 'project_id')::uuid
        offset 0) d on d.no = r.no and d.draft = r.draft
      where r.turn = 1
      order by r.no, r.draft, r.kind, r.place
      -- A row that stands was queued by an earlier worker that died half-way, and may have been sent.
      on conflict (event_id, user_id) do nothing
      returning 1
    ), outcome as materialized (
      select r.event_id, r.event_id as into_event_id, 'in_app' as channel, 'notified' as state, '' as reason, r.user_id,
        1 as kind, r.draft, r.place
      from note r
      union all
      select r.event_id, case when r.turn = 1 and r.row_id is null then r.event_id
          else coalesce(r.row_event, r.first_event) end,
        'in_app', case when r.turn = 1 and r.row_id is null then 'notified' else 'rolled_up' end, '', r.user_id, 2,
        r.draft, r.place
      from roll r
      union all
      select r.event_id, r.event_id, 'in_app', 'notified', '', r.user_id, 2, r.draft, r.place
      from recipient r join unnest(noted_events, noted_users) o (event_id, user_id)
        on o.event_id = r.event_id and o.user_id = r.user_id
      where r.kind = 2 and r.exists
      union all
      select r.event_id, r.event_id, 'email', case r.turn when 1 then 'queued' else 'skipped' end,
        case r.turn when 1 then '' else 'duplicate' end, r.user_id, r.kind, r.draft, r.place
      from email r
      union all
      select r.event_id, r.event_id, r.channel, 'skipped', 'no_profile', r.user_id, r.kind, r.draft, r.place
      from recipient r where not r.exists
      union all
      select k.event_id, k.event_id, k.channel, 'skipped', 'duplicate', k.user_id, k.kind, k.draft, k.place
      from keyed k join repeated x on x.no = k.no and x.kind = k.kind and x.draft = k.draft and x.place = k.place
      union all
      select plan.event_id, plan.event_id, s.doc ->> 'channel', 'skipped', s.doc ->> 'reason', u.id::uuid, 5, s.n, u.n
      from plan, jsonb_array_elements(plan.doc -> 'skips') with ordinality s (doc, n),
        jsonb_array_elements_text(s.doc -> 'users') with ordinality u (id, n)
      union all
      -- The further events of a burst: everybody they concern finds them in the rows of the first. Few events are such, so
      -- they are found before anybody's recipients are looked at.
      select c.event_id, case when r.exists then r.event_id else c.event_id end, r.channel,
        case when r.exists then 'rolled_up' else 'skipped' end, case when r.exists then '' else 'no_profile' end,
        r.user_id, r.kind, r.draft, r.place
      from (
        select plan.no, (c.doc ->> 'event_id')::bigint as event_id
        from plan, jsonb_array_elements(plan.doc -> 'claims') with ordinality c (doc, n)
        where c.n > 1 offset 0) c
      join recipient r on r.no = c.no
    ), accounted as (
      insert into herald_outcomes (event_id, channel, state, reason, into_event_id, recipient_count, recipients)
      select o.event_id, o.channel, o.state, o.reason, o.into_event_id, count(*),
        array_agg(o.user_id order by o.kind, o.draft, o.place)
      from outcome o
      group by o.event_id, o.channel, o.state, o.reason, o.into_event_id
    )
    select (select count(*) from note where not stands) + (select count(*) from roll_row where row_id is null),
      (select count(*) from queued),
      count(*) filter (where state = 'rolled_up'), count(*) filter (where state = 'skipped')
    into notified, emails, rolled_up, skipped
    from outcome;

    -- -- the mark that they are done

    select array_agg((c.doc ->> 'event_id')::bigint), array_agg(nullif(p.doc ->> 'warning', ''))
    into done_ids, done_warnings
    from unnest(plans) p (doc), jsonb_array_elements(p.doc -> 'claims') c (doc);
    update notification_processing set processing_status = 'completed', completed_at = at, error_message = null,
      herald_error_class = null, herald_lease_until = null, herald_next_attempt_at = null
    where event_id = any (done_ids);
    completed := coalesce(cardinality(done_ids), 0);
    if array_remove(done_warnings, null) <> '{}' then
      update notification_processing set error_message = d.warning
      from unnest(done_ids, done_warnings) d (event_id, warning)
      where notification_processing.event_id = d.event_id and d.warning is not null
        and notification_processing.event_id = any (done_ids);
    end if;
  end if;
  if torn <> '{}' then
    perform herald_give_back(torn, at, 'another event of the same burst is settled elsewhere');
  end if;

  -- -- failures

  if failures <> '[]' then
    with failure as (
      select x.n, (x.doc #>> '{failure,claim,event_id}')::bigint as event_id,
        (x.doc #>> '{failure,claim,claim_no}')::integer as claim_no,
        coalesce(x.doc #>> '{failure,why,kind}', 'transient') as kind,
        coalesce(x.doc #>> '{failure,why,reason}', '') as reason,
        herald_at((x.doc ->> 'retry_at')::bigint) as retry_at
      from jsonb_array_elements(failures) with ordinality x (doc, n)
    ), judged as materialized (
      select f.*, h.event_id is not null and f.event_id <> all (planned)
        -- The first that holds settles the event.
        and 1 = row_number() over (partition by f.event_id, f.claim_no order by f.n) as holds
      from failure f left join unnest(held_ids, held_numbers) h (event_id, claim_no)
        on h.event_id = f.event_id and h.claim_no = f.claim_no
    ), ended as (
      insert into herald_attempts (event_id, claim_no, worker, claimed_at, ended_at, ending, kind, reason)
      select p.event_id, coalesce(p.herald_claim_no, 1), coalesce(p.processor_id, ''), p.claimed_at, at, 'failed',
        j.kind, j.reason
      from judged j join notification_processing p on p.event_id = j.event_id
      where j.holds and p.event_id = any (event_ids) order by j.n
    ), failed as (
      update notification_processing p set
        processing_status = case when j.retry_at is null then 'failed' else 'pending' end,
        herald_next_attempt_at = j.retry_at,
        retry_count = coalesce(p.retry_count, 0) + case j.kind when 'outage' then 0 else 1 end,
        herald_crashes = coalesce(p.herald_crashes, 0) + case j.kind when 'crash' then 1 else 0 end,
        error_message = j.reason, herald_error_class = j.kind, herald_lease_until = null
      from judged j where j.holds and p.event_id = j.event_id and p.event_id = any (event_ids)
    )
    select count(*) filter (where holds and retry_at is not null), count(*) filter (where holds and retry_at is null),
      count(*) filter (where not holds)
    into retried, dead, more_lost
    from judged;
    lost := lost + more_lost;
  end if;

  return json_build_object('completed', completed, 'notifications', notified, 'rolled_up', rolled_up,
    'emails', emails, 'skipped', skipped, 'retried', retried, 'dead', dead, 'lost', lost);
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

commit;
