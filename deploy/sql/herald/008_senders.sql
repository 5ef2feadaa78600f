-- Daemons that send through the same provider share its limits: who is at it, and what they sent today.

begin;
set local lock_timeout = '3s';

-- A row per daemon; `mails` are those of `day` (UTC).
create table if not exists public.herald_senders (
  worker text primary key,
  lease_until timestamptz not null,
  day date not null,
  mails bigint not null
);

do $$
begin
  if not (select relrowsecurity from pg_class where oid = 'public.herald_senders'::regclass) then
    alter table public.herald_senders enable row level security;
  end if;
  revoke all on public.herald_senders from public, anon, authenticated;
  grant select, insert, update, delete on public.herald_senders to service_role;
end
$$;

-- sender_report -> sender_share. Repeated because its answer was lost it counts its mails again: too many rather than
-- too few.
create or replace function public.herald_report_sender(request json) returns json
language plpgsql
set search_path = pg_catalog, public, pg_temp set jit = off
as $$
declare
  at constant timestamptz := herald_at((request ->> 'now')::bigint);
  today constant date := (at at time zone 'UTC')::date;
begin
  insert into herald_senders as s (worker, lease_until, day, mails)
  values (request ->> 'worker', at + (request ->> 'lease')::bigint * interval '1 millisecond', today,
    (request ->> 'mails')::bigint)
  on conflict (worker) do update set lease_until = excluded.lease_until, day = excluded.day,
    mails = excluded.mails + case when s.day = excluded.day then s.mails else 0 end;
  -- Somebody else may be deleting, or reporting again after days: whoever is locked is left alone.
  delete from herald_senders d
  where d.worker in (
    select s.worker from herald_senders s where s.day < today - 1 and s.lease_until < at for update skip locked);
  return (
    select json_build_object('senders', count(*) filter (where s.lease_until > at),
      'mails_today', coalesce(sum(s.mails) filter (where s.day = today), 0))
    from herald_senders s);
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

notify pgrst, 'reload schema';
commit;
