-- Calendar watches: what is due for renewal, and what the renewal leaves behind.

begin;
set local lock_timeout = '3s';

-- due_watches_request -> due_watches. The dates are the platform's, which may be infinite.
create or replace function public.herald_due_watches(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('watches', coalesce(json_agg(json_build_object('connection_id', c.id,
    'access_token', coalesce(c.access_token, ''), 'refresh_token', coalesce(c.refresh_token, ''),
    'token_expires_at', case when isfinite(c.token_expires_at) then herald_ms(c.token_expires_at) end,
    'calendar_list', coalesce(c.calendar_list::text, '[]'), 'channel_id', c.watch_channel_id,
    'resource_id', coalesce(c.watch_resource_id, ''),
    'expires_at', herald_ms(greatest(c.watch_expiration, to_timestamp(0))),
    'planned_channels', to_json(string_to_array(coalesce(w.planned_channel, ''), ',')),
    'refused_token', coalesce(w.refused_token, ''))
    order by c.id), '[]'))
  from (
    select * from calendar_connections x
    where x.provider = 'google' and x.sync_enabled and x.watch_channel_id <> ''
      and x.watch_expiration < herald_at((request ->> 'now')::bigint + (request ->> 'within')::bigint)
      and x.id > coalesce((request ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
    order by x.id limit (request ->> 'limit')::bigint) c
    left join herald_calendar_watches w on w.connection_id = c.id
$$;

-- record_watches_request -> watches_recorded
create or replace function public.herald_record_watches(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  updates json := request -> 'updates';
  fitting uuid[] := '{}';
begin
  if herald_hold_run(request) then
    -- A channel or a token that stands there already was recorded before. A token is of use to nobody once the grant
    -- that it came of has been replaced.
    fitting := array(
      select c.id
      from calendar_connections c join (
        select (x ->> 'connection_id')::uuid as id, x #>> '{created,channel_id}' as channel_id,
          x #>> '{created,replaces}' as replaces, x #>> '{token,access_token}' as access_token,
          x #>> '{token,used}' as used, nullif(x #>> '{token,refresh_token}', '') as refresh_token
        from json_array_elements(updates) x) u on u.id = c.id
      where (u.channel_id is null or coalesce(c.watch_channel_id, '') in (u.replaces, u.channel_id))
        and (u.access_token is null or coalesce(c.refresh_token, '') in (u.used, u.refresh_token))
      order by c.id for update of c);
  end if;
  select coalesce(json_agg(x order by n), '[]') into updates
  from json_array_elements(updates) with ordinality u (x, n)
  where (x ->> 'connection_id')::uuid = any (fitting);

  update calendar_connections c set access_token = x #>> '{token,access_token}',
    refresh_token = coalesce(nullif(x #>> '{token,refresh_token}', ''), c.refresh_token),
    token_expires_at = herald_at((x #>> '{token,expires_at}')::bigint)
  from json_array_elements(updates) x
  where c.id = (x ->> 'connection_id')::uuid and x #>> '{token,access_token}' is not null;
  update calendar_connections c set watch_channel_id = x #>> '{created,channel_id}',
    watch_resource_id = x #>> '{created,resource_id}',
    watch_expiration = herald_at((x #>> '{created,expires_at}')::bigint)
  from json_array_elements(updates) x
  where c.id = (x ->> 'connection_id')::uuid and x #>> '{created,channel_id}' is not null;

  -- The newest five are kept: every try that fails may leave a channel behind.
  insert into herald_calendar_watches as w (connection_id, planned_channel, updated_at)
  select (x ->> 'connection_id')::uuid, x ->> 'planned', at
  from json_array_elements(updates) x where x ->> 'planned' is not null
  on conflict (connection_id) do update set updated_at = at, planned_channel = concat_ws(',', (
    select string_agg(o.id, ',' order by o.n) from (
      select p.id, p.n from unnest(string_to_array(w.planned_channel, ',')) with ordinality p (id, n)
      where p.id <> excluded.planned_channel
      order by p.n desc limit 4) o), excluded.planned_channel);
  update herald_calendar_watches w set planned_channel = '', refused_token = '', error_class = '', error = '',
    updated_at = at
  from json_array_elements(updates) x
  where w.connection_id = (x ->> 'connection_id')::uuid and x #>> '{created,channel_id}' is not null;
  insert into herald_calendar_watches (connection_id, refused_token, error_class, error, updated_at)
  select (x ->> 'connection_id')::uuid, x #>> '{failed,refused_token}', x #>> '{failed,why,kind}',
    left(x #>> '{failed,why,reason}', 500), at
  from json_array_elements(updates) x where x #>> '{failed,why,kind}' is not null
  on conflict (connection_id) do update set refused_token = excluded.refused_token,
    error_class = excluded.error_class, error = excluded.error, updated_at = at;

  return json_build_object('lost', (
    select coalesce(json_agg(x ->> 'connection_id' order by n), '[]')
    from json_array_elements(request -> 'updates') with ordinality u (x, n)
    where (x ->> 'connection_id')::uuid <> all (fitting)));
end
$$;

-- {"now"} -> watch_summary
create or replace function public.herald_summarize_watches(request json) returns json
language sql stable
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
  select json_build_object('connections', count(*), 'watched', count(*) filter (where c.lives),
    'expired', count(*) filter (where not c.lives), 'needs_reconnect', count(*) filter (where w.refused_token <> ''),
    'failing', count(*) filter (where w.refused_token = '' and w.error_class <> ''),
    'next_expiry', herald_due_ms(min(c.watch_expiration) filter (where c.lives and isfinite(c.watch_expiration))))
  from (
    -- Null for a connection without a channel.
    select x.id, x.watch_expiration,
      case when x.watch_channel_id <> '' then x.watch_expiration > herald_at((request ->> 'now')::bigint) end as lives
    from calendar_connections x where x.provider = 'google' and x.sync_enabled) c
    left join herald_calendar_watches w on w.connection_id = c.id
$$;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
