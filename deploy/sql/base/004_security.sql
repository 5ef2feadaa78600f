-- Who may do what. As on the platform, every table has row-level security; domain_events, notification_processing,
-- pending_emails and the logs have no policy at all, so only a role that bypasses it sees their rows.

do $$
declare
  name text;
begin
  foreach name in array array[
    'orgs', 'profiles', 'org_members', 'projects', 'project_access_grants', 'lender_project_access', 'resources',
    'permissions', 'chat_threads', 'chat_thread_participants', 'project_messages', 'meetings', 'meeting_participants',
    'calendar_connections', 'project_resumes', 'borrower_resumes', 'project_workspace_activity',
    'user_notification_preferences', 'domain_events', 'notification_processing', 'notifications', 'pending_emails',
    'meeting_reminders_sent', 'unread_thread_stale_log', 'resume_nudge_log', 'email_digest_processed']
  loop
    execute format('alter table public.%I enable row level security', name);
    execute format('grant all on public.%I to anon, authenticated, service_role', name);
  end loop;
end
$$;
grant all on all sequences in schema public to anon, authenticated, service_role;

-- What the browser needs of the inbox and of the settings page; the platform has more policies on the other tables.
create policy "own profile" on public.profiles for select to authenticated using (id = auth.uid());
create policy "own notifications" on public.notifications for select to authenticated using (user_id = auth.uid());
create policy "mark own notifications" on public.notifications for update to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy "own preferences" on public.user_notification_preferences for all to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());

-- The system account that the platform puts into threads. Nobody reads its mail.
insert into auth.users (id, email)
values ('00000000-0000-0000-0000-000000000000', 'ai-underwriter@capmatch.system');
insert into public.profiles (id, full_name, email, app_role)
values ('00000000-0000-0000-0000-000000000000', 'AI Underwriter', 'ai-underwriter@capmatch.system', 'advisor');
