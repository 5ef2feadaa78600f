-- The ledger of time-driven jobs: open, begin, finish, look.

begin;
set local lock_timeout = '3s';

-- Counts of a run as their reader wants them: whole numbers by name, and nothing else that may stand there.
create or replace function public.herald_counts_json(counts jsonb) returns json
language sql immutable
set search_path = pg_catalog, public, pg_temp
as $$
  select coalesce(json_object_agg(c.key, c.value order by c.key), '{}')
  from jsonb_each(case jsonb_typeof(counts) when 'object' then counts end) c
  where jsonb_typeof(c.value) = 'number' and c.value::text ~ '^[0-9]{1,18}$'
$$;

-- Whether the run is the worker's, of a request with "run" and "worker". If so, nobody takes it over before this
-- transaction ends, and other calls on behalf of the same run wait for it.
create or replace function public.herald_hold_run(request json) returns boolean
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
  perform from herald_job_runs
  where id = (request #>> '{run,id}')::bigint and claim_no = (request #>> '{run,claim_no}')::integer
    and worker = request ->> 'worker' and state = 'running'
  for no key update;
  return found;
end
$$;

-- open_jobs_request -> {"result": [job_state], in the order of the request}
create or replace function public.herald_open_jobs(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
begin
  -- What a clock ahead of the server's calls now would leave the instants until then to nobody.
  insert into herald_jobs (job, known_since)
  select w.job, least(at, clock_timestamp())
  from json_array_elements_text(request -> 'jobs') w (job) group by w.job order by w.job
  on conflict do nothing;
  return json_build_object('result', (
    select coalesce(json_agg(json_build_object('job', j.job,
      'settled_until', herald_ms(greatest(j.known_since, newest.scheduled_at)),
      'open', case when o.id is not null then json_build_object(
        'run', json_build_object('id', o.id, 'claim_no', o.claim_no), 'scheduled_at', herald_ms(o.scheduled_at),
        'cause', o.cause, 'worker', o.worker, 'state', o.state, 'attempts', o.attempts,
        'due_at', herald_due_ms(coalesce(o.lease_until, o.retry_at))) end) order by w.n), '[]')
    from json_array_elements_text(request -> 'jobs') with ordinality w (job, n)
      join herald_jobs j on j.job = w.job
      left join lateral (
        select r.id, r.scheduled_at, r.state = 'failed' and r.retry_at is not null as waits
        from herald_job_runs r where r.job = j.job and r.cause <> 'hand'
        order by r.scheduled_at desc limit 1) newest on true
      -- A failed run waits for another try only as long as no later instant has come.
      left join herald_job_runs o on o.id = coalesce(
        (select r.id from herald_job_runs r where r.job = j.job and r.state = 'running'),
        case when newest.waits then newest.id end)));
end
$$;

-- begin_run_request -> begun_run
create or replace function public.herald_begin_run(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
  my_job constant text := request ->> 'job';
  my_name constant text := request ->> 'worker';
  my_cause constant text := request ->> 'cause';
  by_hand constant boolean := my_cause = 'hand';
  now_ms constant bigint := (request ->> 'now')::bigint;
  at constant timestamptz := herald_at(now_ms);
  lease_end constant timestamptz := herald_at(now_ms + (request ->> 'lease')::bigint);
  instant constant timestamptz := herald_at((request ->> 'scheduled_at')::bigint);
  first_missed constant timestamptz := herald_at((request #>> '{missed,first}')::bigint);
  settled_until timestamptz;
  entry herald_job_runs;
  mine boolean := false; -- the entry is of this very instant and may be run
begin
  -- An instant settles all before it, and a lease holds a job, for all daemons: one whose clock is far ahead must have
  -- neither. The instant may be from before its clock was set back.
  if greatest(at, instant) > clock_timestamp() + interval '10 minutes' then
    raise exception using errcode = '22023', message = format(
      'the clock of %s is ahead of the database server''s by %s seconds, so no job runs there; let both follow a time server',
      my_name, floor(extract(epoch from greatest(at, instant) - clock_timestamp())));
  end if;
  insert into herald_jobs (job, known_since) values (my_job, least(at, clock_timestamp()))
  on conflict do nothing;
  -- One at a time decides about a job; who comes next sees what became of it.
  select j.known_since into settled_until from herald_jobs j where j.job = my_job for update;

  select * into entry from herald_job_runs r where r.job = my_job and r.state = 'running' for update;
  if found then
    mine := not by_hand and entry.cause <> 'hand' and entry.scheduled_at = instant;
    if entry.lease_until > at then
      if not mine or entry.worker <> my_name then
        return json_build_object('verdict', 'busy', 'run', json_build_object('id', 0, 'claim_no', 0), 'attempt', 0,
          'holder', entry.worker, 'held_until', herald_due_ms(entry.lease_until));
      end if;
      -- The answer that told of this run was lost.
      update herald_job_runs set lease_until = greatest(lease_until, lease_end) where id = entry.id;
      return json_build_object('verdict', 'begun',
        'run', json_build_object('id', entry.id, 'claim_no', entry.claim_no), 'attempt', entry.attempts, 'holder', '',
        'held_until', null);
    end if;
    if not mine then
      update herald_job_runs set state = 'failed', lease_until = null, ended_at = at, retry_at = null,
        error_class = 'crash', error = 'the daemon that ran it (' || worker || ') is gone: its lease ran out'
      where id = entry.id;
    end if;
  end if;

  if not mine and not by_hand then
    select * into entry from herald_job_runs r
    where r.job = my_job and r.scheduled_at = instant and r.cause <> 'hand' for update;
    if found then
      mine := entry.state = 'failed' and coalesce(entry.retry_at <= at, false);
    else
      settled_until := greatest(settled_until, (
        select max(r.scheduled_at) from herald_job_runs r where r.job = my_job and r.cause <> 'hand'));
    end if;
    if not mine and (entry.id is not null or least(instant, first_missed) <= settled_until) then
      return json_build_object('verdict', 'settled', 'run', json_build_object('id', 0, 'claim_no', 0), 'attempt', 0,
        'holder', '', 'held_until', null);
    end if;
  end if;

  if mine then
    update herald_job_runs set state = 'running', worker = my_name, claim_no = claim_no + 1, attempts = attempts + 1,
      started_at = at, lease_until = lease_end, ended_at = null, retry_at = null, error_class = '', error = '',
      counts = '{}'
    where id = entry.id
    returning * into entry;
  else
    if first_missed is not null and not by_hand then
      insert into herald_job_runs (job, scheduled_at, first_at, instants, cause, state, ended_at)
      values (my_job, herald_at((request #>> '{missed,last}')::bigint), first_missed,
        (request #>> '{missed,instants}')::bigint, my_cause, 'missed', at);
    end if;
    insert into herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no, attempts, started_at,
      lease_until)
    values (my_job, instant, instant, my_cause, 'running', my_name, 1, 1, at, lease_end)
    returning * into entry;
  end if;

  -- This run stands for what waited for another try.
  if not by_hand then
    update herald_job_runs set retry_at = null
    where job = my_job and cause <> 'hand' and scheduled_at < instant and state = 'failed' and retry_at is not null;
  end if;
  -- The newest instant says up to where everything is settled. Only the oldest entries are looked at.
  delete from herald_job_runs d
  where d.id in (
      select o.id from (
        select r.id, r.state, r.ended_at from herald_job_runs r where r.job = my_job order by r.id limit 1000) o
      where o.state <> 'running' and o.ended_at < herald_at(now_ms - (request ->> 'keep')::bigint))
    and d.id is distinct from (
      select r.id from herald_job_runs r where r.job = my_job and r.cause <> 'hand'
      order by r.scheduled_at desc limit 1);
  return json_build_object('verdict', 'begun',
    'run', json_build_object('id', entry.id, 'claim_no', entry.claim_no), 'attempt', entry.attempts, 'holder', '',
    'held_until', null);
end
$$;

-- finish_run_request -> {"result": boolean}
create or replace function public.herald_finish_run(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  my_run constant bigint := (request #>> '{run,id}')::bigint;
  my_claim constant integer := (request #>> '{run,claim_no}')::integer;
  my_name constant text := request ->> 'worker';
  ending constant text := request ->> 'state';
  why_class constant text := coalesce(request #>> '{why,kind}', '');
  why constant text := coalesce(request #>> '{why,reason}', '');
  retry constant timestamptz := herald_at((request ->> 'retry_at')::bigint);
  tally constant jsonb := request -> 'counts';
  ended boolean;
begin
  update herald_job_runs set state = ending, lease_until = null,
    ended_at = herald_at((request ->> 'now')::bigint), error_class = why_class, error = why, retry_at = retry,
    counts = tally, attempts = greatest(attempts - (request ->> 'handed_back')::boolean::integer, 0)
  where id = my_run and claim_no = my_claim and worker = my_name and state = 'running';
  ended := found;
  if not ended then
    -- The answer to the same request may have been lost.
    ended := exists (
      select from herald_job_runs
      where id = my_run and claim_no = my_claim and worker = my_name and state = ending and error_class = why_class
        and error = why and retry_at is not distinct from retry and counts = tally);
  end if;
  return json_build_object('result', ended);
end
$$;

-- {"limit"} -> {"result": [job_run], by job and from new to old}
create or replace function public.herald_job_runs(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off set enable_seqscan = off
as $$
  select json_build_object('result', coalesce(json_agg(json_build_object('id', r.id, 'job', r.job,
    'scheduled_at', herald_ms(r.scheduled_at), 'first_at', herald_ms(r.first_at), 'instants', r.instants,
    'cause', r.cause, 'state', r.state, 'worker', r.worker, 'attempts', r.attempts,
    'started_at', herald_ms(r.started_at), 'ended_at', herald_ms(r.ended_at), 'error_class', r.error_class,
    'error', r.error, 'retry_at', herald_due_ms(r.retry_at), 'counts', herald_counts_json(r.counts))
    order by r.job collate "C", r.id desc), '[]'))
  from herald_jobs j cross join lateral (
    select x.* from herald_job_runs x where x.job = j.job order by x.id desc
    limit (request ->> 'limit')::bigint) r
$$;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
