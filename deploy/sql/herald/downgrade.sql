-- Takes Herald out of a database: functions, triggers, tables, columns and indexes. What Herald has written into the
-- platform's own tables stays; what it knew of attempts, outcomes and sent mail is gone. Stop all daemons first: a
-- queued e-mail that is not sent by then stays in status `processing`. Locks as in 001_tables.sql, and dropping the
-- columns and indexes takes ACCESS EXCLUSIVE on their table for a moment.

begin;
set local lock_timeout = '3s';
set local client_min_messages = warning;

drop trigger if exists herald_ring_events on public.domain_events;
drop trigger if exists herald_ring_emails on public.pending_emails;

-- All functions of the prefix, with whatever arguments a version gave them.
do $$
declare
  f regprocedure;
begin
  for f in select oid from pg_proc where pronamespace = 'public'::regnamespace and starts_with(proname, 'herald_') loop
    execute format('drop function %s', f);
  end loop;
end
$$;

-- A lease means nothing to other programs: rows that wait or are leased go, and their events count as unclaimed. Not
-- those that Herald had taken over from such a program: it may have notified some people before it died, and would do
-- so again. They are left as it left them.
do $$
begin
  if exists (select from pg_attribute where attrelid = 'public.notification_processing'::regclass
      and attname = 'herald_claim_no' and not attisdropped) then
    delete from public.notification_processing p
    where p.herald_claim_no is not null and p.processing_status in ('pending', 'processing')
      and not exists (
        select from public.herald_attempts a
        where a.event_id = p.event_id and a.claim_no = 1 and a.worker in ('', 'gcp-notify-fan-out'));
    update public.notification_processing set processing_status = 'processing', processor_id = 'gcp-notify-fan-out'
    where herald_claim_no is not null and processing_status = 'pending';
  end if;
end
$$;

drop index if exists public.herald_notifications_event, public.herald_notifications_unread_thread,
  public.herald_processing_due, public.herald_processing_leases, public.herald_processing_leftovers,
  public.herald_processing_dead, public.herald_domain_events_thread, public.herald_project_messages_thread,
  public.herald_domain_events_resume_nudges;

drop table if exists public.herald_calendar_watches, public.herald_job_runs, public.herald_jobs, public.herald_senders,
  public.herald_mail_rows, public.herald_mails, public.herald_envelopes,
  public.herald_digest_windows, public.herald_installation, public.herald_supervision, public.herald_access_rules,
  public.herald_threads, public.herald_once, public.herald_outcomes, public.herald_attempts, public.herald_expired,
  public.herald_cursor, public.herald_schema_files, public.herald_schema;

alter table public.notification_processing
  drop column if exists herald_claim_no,
  drop column if exists herald_lease_until,
  drop column if exists herald_next_attempt_at,
  drop column if exists herald_crashes,
  drop column if exists herald_error_class,
  drop column if exists herald_dropped_at;

notify pgrst, 'reload schema';
commit;
