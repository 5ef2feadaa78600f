-- The platform's tables: those that Herald reads or writes, with the platform's names, types, keys and checks.
-- Left out: triggers by which the platform makes domain events of its own (a meeting's invitations) or guards its
-- resource tree; who loads this file makes those rows himself.

create function public.update_updated_at_column() returns trigger
language plpgsql
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

-- -- people, organisations, projects -----------------------------------------------------------------------------

create table public.orgs (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  entity_type text not null check (entity_type in ('borrower', 'lender', 'advisor'))
);
create index idx_orgs_entity_type on public.orgs (entity_type);
create trigger update_orgs_updated_at before update on public.orgs
  for each row execute function public.update_updated_at_column();

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  full_name text,
  email text not null unique,
  app_role text not null check (app_role in ('borrower', 'lender', 'advisor')),
  active_org_id uuid references public.orgs (id) on delete set null
);
create index idx_profiles_active_org_id on public.profiles (active_org_id);
create index idx_profiles_app_role on public.profiles (app_role);
create index idx_profiles_email on public.profiles (email);
create trigger update_profiles_updated_at before update on public.profiles
  for each row execute function public.update_updated_at_column();

create table public.org_members (
  org_id uuid not null references public.orgs (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'member')),
  created_at timestamptz not null default now(),
  primary key (org_id, user_id)
);
create index idx_org_members_user_id on public.org_members (user_id);

create table public.projects (
  id uuid primary key default gen_random_uuid(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  name text not null,
  owner_org_id uuid not null references public.orgs (id) on delete cascade,
  assigned_advisor_id uuid references public.profiles (id) on delete set null,
  deal_type text not null default 'ground_up' check (deal_type in ('ground_up', 'refinance'))
);
create index idx_projects_assigned_advisor_id on public.projects (assigned_advisor_id);
create index idx_projects_deal_type on public.projects (deal_type);
create index idx_projects_owner_org_id on public.projects (owner_org_id);
create trigger update_projects_updated_at before update on public.projects
  for each row execute function public.update_updated_at_column();

-- granted_by says SET NULL on a NOT NULL column here and below, as on the platform: who has granted something cannot be
-- deleted before it.
create table public.project_access_grants (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  org_id uuid not null references public.orgs (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  granted_by uuid not null references public.profiles (id) on delete set null,
  created_at timestamptz not null default now(),
  unique (project_id, user_id)
);
create index idx_project_access_grants_org_id on public.project_access_grants (org_id);
create index idx_project_access_grants_project_id on public.project_access_grants (project_id);
create index idx_project_access_grants_user_id on public.project_access_grants (user_id);

create table public.lender_project_access (
  id uuid primary key default gen_random_uuid(),
  lender_org_id uuid not null references public.orgs (id) on delete cascade,
  project_id uuid not null references public.projects (id) on delete cascade,
  granted_by uuid not null references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  unique (lender_org_id, project_id)
);
create index idx_lender_project_access_lender_org_id on public.lender_project_access (lender_org_id);
create index idx_lender_project_access_project_id on public.lender_project_access (project_id);

-- -- documents ---------------------------------------------------------------------------------------------------

create table public.resources (
  id uuid primary key default gen_random_uuid(),
  org_id uuid not null references public.orgs (id) on delete cascade,
  project_id uuid references public.projects (id) on delete cascade,
  parent_id uuid references public.resources (id) on delete cascade,
  resource_type text not null check (resource_type in (
    'FILE', 'FOLDER', 'BORROWER_RESUME', 'BORROWER_DOCS_ROOT', 'PROJECT_RESUME', 'PROJECT_DOCS_ROOT', 'OM',
    'UNDERWRITING_DOCS_ROOT', 'UNDERWRITING_TEMPLATES_ROOT')),
  name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Points into document_versions, project_resumes or borrower_resumes, depending on the type.
  current_version_id uuid,
  unique (parent_id, name),
  check (case resource_type
    when 'BORROWER_RESUME' then project_id is not null
    when 'BORROWER_DOCS_ROOT' then project_id is not null
    when 'PROJECT_RESUME' then project_id is not null
    when 'PROJECT_DOCS_ROOT' then project_id is not null
    else true
  end)
);
create index idx_resources_current_version_id on public.resources (current_version_id);
create index idx_resources_org_id on public.resources (org_id);
create index idx_resources_parent_id on public.resources (parent_id);
create index idx_resources_project_id on public.resources (project_id);
create unique index idx_resources_borrower_docs_root on public.resources (project_id)
  where resource_type = 'BORROWER_DOCS_ROOT';
create unique index idx_resources_borrower_resume on public.resources (project_id)
  where resource_type = 'BORROWER_RESUME';
create trigger update_resources_updated_at before update on public.resources
  for each row execute function public.update_updated_at_column();

create table public.permissions (
  resource_id uuid not null references public.resources (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  permission text not null check (permission in ('view', 'edit', 'none')),
  granted_by uuid not null references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  primary key (resource_id, user_id)
);
create index idx_permissions_resource_user on public.permissions (resource_id, user_id);
create index idx_permissions_none on public.permissions (resource_id, user_id) where permission = 'none';
create index idx_permissions_user_id on public.permissions (user_id);

-- -- chat --------------------------------------------------------------------------------------------------------

create table public.chat_threads (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  topic text,
  created_at timestamptz not null default now(),
  resource_id uuid references public.resources (id),
  status varchar default 'active',
  stage varchar
);
create index idx_chat_threads_project_id on public.chat_threads (project_id);
create index idx_chat_threads_resource_id on public.chat_threads (resource_id);
create index idx_chat_threads_status on public.chat_threads (status);

create table public.chat_thread_participants (
  thread_id uuid not null references public.chat_threads (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_read_at timestamptz not null default '1970-01-01 00:00:00+00',
  primary key (thread_id, user_id)
);
alter table public.chat_thread_participants replica identity full;
create index idx_chat_thread_participants_thread_id on public.chat_thread_participants (thread_id);
create index idx_chat_thread_participants_user_id on public.chat_thread_participants (user_id);

create table public.project_messages (
  id bigserial primary key,
  thread_id uuid not null references public.chat_threads (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete set null,
  content text,
  created_at timestamptz not null default now(),
  reply_to bigint references public.project_messages (id) on delete set null
);
alter table public.project_messages replica identity full;
create index idx_project_messages_reply_to on public.project_messages (reply_to);
create index idx_project_messages_thread_id on public.project_messages (thread_id);

-- -- meetings and calendars --------------------------------------------------------------------------------------

create table public.meetings (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  description text,
  start_time timestamptz not null,
  end_time timestamptz not null,
  duration_minutes integer not null,
  location text,
  meeting_link text,
  organizer_id uuid not null references public.profiles (id) on delete cascade,
  project_id uuid references public.projects (id) on delete cascade,
  status text not null default 'scheduled' check (status in ('scheduled', 'cancelled', 'completed')),
  calendar_event_ids jsonb default '[]',
  recording_url text,
  transcript_text text,
  summary text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  cancelled_at timestamptz,
  room_name text
);
create index idx_meetings_organizer_id on public.meetings (organizer_id);
create index idx_meetings_project_id on public.meetings (project_id);
create index idx_meetings_room_name on public.meetings (room_name);
create index idx_meetings_start_time on public.meetings (start_time);
create index idx_meetings_status on public.meetings (status);
create trigger update_meetings_updated_at before update on public.meetings
  for each row execute function public.update_updated_at_column();

create table public.meeting_participants (
  id uuid primary key default gen_random_uuid(),
  meeting_id uuid not null references public.meetings (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  response_status text default 'pending' check (response_status in ('pending', 'accepted', 'declined', 'tentative')),
  is_organizer boolean default false,
  calendar_event_id text,
  invited_at timestamptz default now(),
  responded_at timestamptz,
  unique (meeting_id, user_id)
);
create index idx_meeting_participants_meeting_id on public.meeting_participants (meeting_id);
create index idx_meeting_participants_user_id on public.meeting_participants (user_id);

create table public.calendar_connections (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (id) on delete cascade,
  provider text not null check (provider in ('google', 'microsoft', 'apple')),
  provider_account_id text not null,
  provider_email text,
  access_token text,
  refresh_token text,
  token_expires_at timestamptz,
  calendar_list jsonb default '[]',
  sync_enabled boolean default true,
  last_synced_at timestamptz,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  watch_channel_id text,
  watch_resource_id text,
  watch_expiration timestamptz,
  unique (user_id, provider, provider_account_id)
);
create index idx_calendar_connections_user_id on public.calendar_connections (user_id);
create index idx_calendar_connections_user_provider on public.calendar_connections (user_id, provider);
create index idx_calendar_connections_watch_channel on public.calendar_connections (watch_channel_id)
  where watch_channel_id is not null;
create trigger update_calendar_connections_updated_at before update on public.calendar_connections
  for each row execute function public.update_updated_at_column();

-- -- resumes -----------------------------------------------------------------------------------------------------

create table public.project_resumes (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  content jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version_number integer not null,
  created_by uuid references auth.users (id) on delete set null,
  completeness_percent integer not null default 0,
  locked_fields jsonb not null default '{}'
);
alter table public.project_resumes replica identity full;
create index idx_project_resumes_project_created on public.project_resumes (project_id, created_at desc);
create index idx_project_resumes_project_version on public.project_resumes (project_id, version_number);
create trigger update_project_resumes_updated_at before update on public.project_resumes
  for each row execute function public.update_updated_at_column();

create table public.borrower_resumes (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  content jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  version_number integer not null,
  created_by uuid references auth.users (id) on delete set null,
  completeness_percent integer not null default 0,
  locked_fields jsonb not null default '{}'
);
alter table public.borrower_resumes replica identity full;
create index idx_borrower_resumes_project_created on public.borrower_resumes (project_id, created_at desc);
create trigger update_borrower_resumes_updated_at before update on public.borrower_resumes
  for each row execute function public.update_updated_at_column();

create table public.project_workspace_activity (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (id) on delete cascade,
  project_id uuid not null references public.projects (id) on delete cascade,
  last_visited_at timestamptz,
  last_step_id text,
  last_project_resume_edit_at timestamptz,
  last_borrower_resume_edit_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, project_id)
);
create index idx_project_workspace_activity_project_user on public.project_workspace_activity (project_id, user_id);
create index idx_project_workspace_activity_user_project on public.project_workspace_activity (user_id, project_id);
create trigger update_project_workspace_activity_updated_at before update on public.project_workspace_activity
  for each row execute function public.update_updated_at_column();

-- -- preferences -------------------------------------------------------------------------------------------------

create table public.user_notification_preferences (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (id) on delete cascade,
  scope_type text not null check (scope_type in ('global', 'project', 'thread')),
  scope_id uuid,
  event_type text not null,
  channel text not null default 'in_app',
  status text not null default 'immediate',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Nulls are distinct: global rows may stand twice.
  unique (user_id, scope_type, scope_id, event_type, channel)
);
create index idx_user_notification_preferences_user on public.user_notification_preferences (user_id);
create index idx_user_notification_preferences_scope
  on public.user_notification_preferences (user_id, scope_type, scope_id);

-- -- the event log and what comes of it --------------------------------------------------------------------------

create table public.domain_events (
  id bigserial primary key,
  event_type text not null,
  actor_id uuid references auth.users (id) on delete set null,
  project_id uuid references public.projects (id) on delete cascade,
  resource_id uuid references public.resources (id) on delete cascade,
  thread_id uuid references public.chat_threads (id) on delete cascade,
  payload jsonb,
  created_at timestamptz not null default now(),
  meeting_id uuid references public.meetings (id) on delete cascade
);
create index idx_domain_events_created_at on public.domain_events (created_at desc);
create index idx_domain_events_meeting on public.domain_events (meeting_id, created_at desc);
create index idx_domain_events_project on public.domain_events (project_id, created_at desc)
  where project_id is not null;
create index idx_domain_events_resource on public.domain_events (resource_id, created_at desc)
  where resource_id is not null;

create table public.notification_processing (
  event_id bigint primary key references public.domain_events (id) on delete cascade,
  processing_status text not null default 'pending'
    check (processing_status in ('pending', 'processing', 'completed', 'failed')),
  processor_id text default 'gcp-notify-fan-out',
  claimed_at timestamptz,
  completed_at timestamptz,
  retry_count integer default 0,
  error_message text,
  created_at timestamptz default now()
);
create index idx_notification_processing_event_id on public.notification_processing (event_id);
create index idx_notification_processing_status on public.notification_processing (processing_status, created_at)
  where processing_status in ('pending', 'failed');

create table public.notifications (
  id bigserial primary key,
  user_id uuid not null references public.profiles (id) on delete cascade,
  event_id bigint not null references public.domain_events (id) on delete cascade,
  title text not null,
  body text,
  link_url text,
  read_at timestamptz,
  created_at timestamptz not null default now(),
  payload jsonb default '{}'
);
alter table public.notifications replica identity full;
create index idx_notifications_user_created on public.notifications (user_id, created_at desc);
create index idx_notifications_resume_nudges on public.notifications
  (user_id, (payload ->> 'resume_type'), (payload ->> 'nudge_tier'), created_at desc)
  where (payload ->> 'type') = 'resume_incomplete_nudge';

create table public.pending_emails (
  id bigserial primary key,
  user_id uuid not null references public.profiles (id) on delete cascade,
  event_id bigint not null references public.domain_events (id) on delete cascade,
  event_type text not null,
  delivery_type text not null check (delivery_type in ('immediate', 'aggregated')),
  project_id uuid references public.projects (id) on delete cascade,
  project_name text,
  subject text not null,
  body_data jsonb not null,
  status text not null default 'pending' check (status in ('pending', 'processing', 'sent', 'failed')),
  created_at timestamptz not null default now(),
  processed_at timestamptz,
  unique (event_id, user_id)
);
create index idx_pending_emails_status_delivery on public.pending_emails (status, delivery_type, created_at);
create index idx_pending_emails_user_created on public.pending_emails (user_id, created_at desc);
create index idx_pending_emails_user_aggregated on public.pending_emails (user_id, delivery_type, status)
  where delivery_type = 'aggregated' and status = 'pending';

-- -- what jobs have reported -------------------------------------------------------------------------------------

create table public.meeting_reminders_sent (
  id bigserial primary key,
  meeting_id uuid not null references public.meetings (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  reminder_type text not null check (reminder_type in ('30min', '15min', '5min')),
  sent_at timestamptz not null default now(),
  unique (meeting_id, user_id, reminder_type)
);
create index idx_meeting_reminders_sent_meeting on public.meeting_reminders_sent (meeting_id);
create index idx_meeting_reminders_sent_sent_at on public.meeting_reminders_sent (sent_at);

create table public.unread_thread_stale_log (
  id bigserial primary key,
  thread_id uuid not null references public.chat_threads (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  latest_message_at timestamptz not null,
  event_id bigint references public.domain_events (id) on delete set null,
  sent_at timestamptz not null default now()
);
create index idx_unread_thread_stale_log_sent_at on public.unread_thread_stale_log (sent_at);
create index idx_unread_thread_stale_log_user on public.unread_thread_stale_log (user_id, sent_at desc);
create unique index idx_unread_thread_stale_log_once
  on public.unread_thread_stale_log (thread_id, user_id, latest_message_at);

create table public.resume_nudge_log (
  id bigserial primary key,
  project_id uuid not null references public.projects (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  channel text not null check (channel in ('in_app', 'email')),
  stage text not null check (stage in ('t45m', 't24h', 't3d', 't7d')),
  resume_focus text not null check (resume_focus in ('borrower', 'project', 'both')),
  anchor_activity_at timestamptz not null,
  event_id bigint references public.domain_events (id) on delete set null,
  sent_at timestamptz not null default now()
);
create index idx_resume_nudge_log_user on public.resume_nudge_log (user_id, sent_at desc);
create unique index idx_resume_nudge_log_once on public.resume_nudge_log
  (project_id, user_id, channel, stage, resume_focus, anchor_activity_at);

create table public.email_digest_processed (
  event_id bigint not null references public.domain_events (id) on delete cascade,
  user_id uuid not null references public.profiles (id) on delete cascade,
  digest_date date not null,
  sent_at timestamptz not null default now(),
  primary key (event_id, user_id, digest_date)
);
create index idx_email_digest_processed_event on public.email_digest_processed (event_id);
create index idx_email_digest_processed_user on public.email_digest_processed (user_id, digest_date);
