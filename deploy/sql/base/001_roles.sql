-- The platform's database as far as Herald touches it, for tests, local work and self-hosting: roles and what Supabase
-- brings along. Load the files of this folder in the order of their names into an empty database:
--   for f in deploy/sql/base/*.sql; do psql -v ON_ERROR_STOP=1 -f "$f"; done
-- Never load them into a database of the platform itself: it has all of this already.

-- Roles belong to the whole server, so another database of it may have brought them.
do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then
    create role anon nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then
    create role authenticated nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role service_role nologin noinherit bypassrls;
  end if;
  -- The role PostgREST logs in as. It has no password here; whoever needs one sets it.
  if not exists (select from pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
    alter role authenticator set statement_timeout = '8s';
    alter role authenticator set lock_timeout = '8s';
  end if;
exception
  -- Two databases of one server may be set up at the same moment.
  when duplicate_object or unique_violation then
    null;
end
$$;

grant anon, authenticated, service_role to authenticator;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
grant usage on schema public to anon, authenticated, service_role;

-- Reduced to what others refer to: the platform's has many more columns, and its own service writes them.
create table auth.users (
  id uuid primary key,
  email text,
  created_at timestamptz not null default now()
);
grant all on auth.users to service_role;

-- The signed-in user of a PostgREST request; null for the service role.
create function auth.uid() returns uuid
language sql stable
as $$
  select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
$$;
