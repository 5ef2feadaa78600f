-- Doorbells: a NOTIFY when a statement has inserted events or e-mails. One per transaction reaches the listeners,
-- without content; whoever hears it asks the store. Polling remains the safety net, so a lost one costs time only.
--
-- Locks: SHARE ROW EXCLUSIVE on domain_events, pending_emails (writes wait), first run only

begin;
set local lock_timeout = '3s';

-- Runs before the first row gets its id. Asking for the transaction's number makes sure that a transaction is numbered
-- before it takes an event id, which the search for new events relies on (herald_cursor).
create or replace function public.herald_ring_events() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_current_xact_id();
  perform pg_notify('herald_events', '');
  return null;
end
$$;

create or replace function public.herald_ring_emails() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('herald_emails', '');
  return null;
end
$$;

do $$ begin perform public.herald_close_functions(); end $$;

-- Created only when missing: also a replacement would make writers wait.
do $$
begin
  if not exists (select from pg_trigger
      where tgrelid = 'public.domain_events'::regclass and tgname = 'herald_ring_events') then
    create trigger herald_ring_events before insert on public.domain_events
      for each statement execute function public.herald_ring_events();
  end if;
  if not exists (select from pg_trigger
      where tgrelid = 'public.pending_emails'::regclass and tgname = 'herald_ring_emails') then
    create trigger herald_ring_emails after insert on public.pending_emails
      for each statement execute function public.herald_ring_emails();
  end if;
end
$$;

-- PostgREST learns of new functions; without one listening this does nothing.
notify pgrst, 'reload schema';
commit;
