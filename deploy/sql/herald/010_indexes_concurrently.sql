-- Indexes on the platform's tables. CREATE INDEX CONCURRENTLY cannot run inside a transaction, so each statement is
-- sent on its own; each ends with a semicolon at the end of a line, and there is no other semicolon. A build that was
-- interrupted leaves an invalid index that IF NOT EXISTS takes for done: `herald migrate` drops such a one and builds
-- it anew. By hand, `select indexrelid::regclass from pg_index where not indisvalid` finds it, `drop index
-- concurrently` and a second run of this file repair it.
--
-- Locks: SHARE UPDATE EXCLUSIVE on the table: reads and writes go on, only other changes of its definition wait

-- The look-up of an event's notifications, and the cascade when an event goes with its project.
create index concurrently if not exists herald_notifications_event
  on public.notifications (event_id);

-- The one row per user and thread that counts unread messages. The user as text, so that the look-up that asks for it
-- fits no other index.
create index concurrently if not exists herald_notifications_unread_thread
  on public.notifications ((payload ->> 'thread_id'), (user_id::text))
  where read_at is null and (payload ->> 'type') = 'thread_activity';

-- Open work only, so that history costs a claim nothing: due and waiting events, leases, rows that programs without
-- leases have left, dead letters.
create index concurrently if not exists herald_processing_due
  on public.notification_processing ((coalesce(herald_next_attempt_at, '-infinity'::timestamptz)), event_id)
  where processing_status = 'pending';

create index concurrently if not exists herald_processing_leases
  on public.notification_processing (herald_lease_until, event_id)
  where processing_status = 'processing' and herald_lease_until is not null;

create index concurrently if not exists herald_processing_leftovers
  on public.notification_processing (event_id)
  where processing_status = 'processing' and herald_lease_until is null;

create index concurrently if not exists herald_processing_dead
  on public.notification_processing (event_id)
  where processing_status = 'failed';

-- The cascades of deleted threads, and how many messages of a thread are unread.
create index concurrently if not exists herald_domain_events_thread
  on public.domain_events (thread_id)
  where thread_id is not null;

create index concurrently if not exists herald_project_messages_thread
  on public.project_messages (thread_id, created_at desc);
