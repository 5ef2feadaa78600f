#include "tests/support/sql_platform.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>

namespace herald::test {

namespace {

template <class T> T value_or_throw(result<T> x) {
  if (x.has_error())
    throw std::runtime_error(to_string(x.error()));
  return std::move(*x);
}

} // namespace

// -- SQL with values ----------------------------------------------------------------------------------------

sql_session::sql_session(const postgres_options& options)
    : connection_{value_or_throw(postgres::connection::open(options))} {
  // nop
}

postgres::rows sql_session::run_with(const std::string& sql, postgres::parameters values) {
  return value_or_throw(connection_.run(sql, values));
}

// -- the platform's rows ------------------------------------------------------------------------------------

result<void> sql_platform::insert_platform_rows(const platform_rows& rows, timestamp now) {
  try {
    db_.run("BEGIN");
    people(rows, now);
    projects(rows, now);
    documents(rows, now);
    resumes(rows, now);
    chat(rows, now);
    meetings(rows, now);
    calendars(rows, now);
    db_.run("COMMIT");
    return {};
  } catch (const std::exception& e) {
    db_.run("ROLLBACK");
    return failure{failure_class::permanent, e.what()};
  }
}

void sql_platform::people(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.orgs)
    db_.run("INSERT INTO orgs (id, name, entity_type, created_at) VALUES ($1, $2, $3, $4)", x.id, x.name,
            x.entity_type, now);
  for (auto& x : rows.profiles) {
    db_.run("INSERT INTO auth.users (id, email) VALUES ($1, $2)", x.id, x.email);
    db_.run("INSERT INTO profiles (id, full_name, email, app_role, created_at) VALUES ($1, $2, $3, $4, $5)",
            x.id, x.full_name, x.email, x.app_role, now);
  }
  for (auto& x : rows.org_members)
    db_.run("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)", x.org_id,
            x.user_id, x.role, now);
  for (auto& x : rows.preferences)
    db_.run(
        "INSERT INTO user_notification_preferences (id, user_id, scope_type, scope_id, event_type, channel,"
        " status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        x.id, x.user_id, x.scope_type, x.scope_id, x.event_type, x.channel, x.status, now);
}

void sql_platform::projects(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.projects)
    db_.run("INSERT INTO projects (id, name, owner_org_id, created_at) VALUES ($1, $2, $3, $4)", x.id, x.name,
            x.owner_org_id, x.created_at.value_or(now));
  for (auto& x : rows.grants)
    db_.run("INSERT INTO project_access_grants (id, project_id, org_id, user_id, granted_by, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            x.id, x.project_id, x.org_id, x.user_id, x.granted_by, now);
  for (auto& x : rows.activity)
    db_.run("INSERT INTO project_workspace_activity (user_id, project_id, last_project_resume_edit_at,"
            " last_borrower_resume_edit_at) VALUES ($1, $2, $3, $4)",
            x.user_id, x.project_id, x.last_project_resume_edit_at, x.last_borrower_resume_edit_at);
}

void sql_platform::documents(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.resources)
    db_.run("INSERT INTO resources (id, org_id, project_id, parent_id, resource_type, name, created_at,"
            " current_version_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            x.id, x.org_id, x.project_id, x.parent_id, x.resource_type, x.name, now, x.current_version_id);
  for (auto& x : rows.permissions)
    db_.run("INSERT INTO permissions (resource_id, user_id, permission, granted_by, created_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            x.resource_id, x.user_id, x.permission, x.granted_by, now);
}

void sql_platform::resumes(const platform_rows& rows, timestamp now) {
  auto insert = [&](const std::string& table, const std::vector<platform_rows::resume_row>& versions) {
    for (auto& x : versions)
      db_.run("INSERT INTO " + table
                  + " (id, project_id, version_number, completeness_percent, created_at) VALUES ($1, $2, $3, "
                    "$4, $5)",
              x.id, x.project_id, std::int64_t{x.version_number}, std::int64_t{x.completeness_percent}, now);
  };
  insert("project_resumes", rows.project_resumes);
  insert("borrower_resumes", rows.borrower_resumes);
}

void sql_platform::chat(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.threads)
    db_.run("INSERT INTO chat_threads (id, project_id, topic, created_at) VALUES ($1, $2, $3, $4)", x.id,
            x.project_id, x.topic, now);
  for (auto& x : rows.participants)
    db_.run("INSERT INTO chat_thread_participants (thread_id, user_id, last_read_at, created_at)"
            " VALUES ($1, $2, $3, $4)",
            x.thread_id, x.user_id, x.last_read_at, now);
  for (auto& x : rows.messages)
    db_.run("INSERT INTO project_messages (thread_id, user_id, content, created_at) VALUES ($1, $2, $3, $4)",
            x.thread_id, x.user_id, x.content, x.created_at);
}

void sql_platform::meetings(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.meetings)
    db_.run("INSERT INTO meetings (id, title, start_time, end_time, duration_minutes, meeting_link, "
            "organizer_id,"
            " project_id, status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            x.id, x.title, x.start_time, x.start_time + std::chrono::minutes{x.duration_minutes},
            std::int64_t{x.duration_minutes}, x.meeting_link, x.organizer_id, x.project_id, x.status, now);
  for (auto& x : rows.meeting_participants)
    db_.run("INSERT INTO meeting_participants (id, meeting_id, user_id, response_status, is_organizer, "
            "invited_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            x.id, x.meeting_id, x.user_id, x.response_status, x.is_organizer, now);
}

void sql_platform::calendars(const platform_rows& rows, timestamp now) {
  for (auto& x : rows.calendar_connections)
    db_.run(
        "INSERT INTO calendar_connections (id, user_id, provider, provider_account_id, access_token,"
        " refresh_token, token_expires_at, calendar_list, sync_enabled, watch_channel_id, watch_resource_id,"
        " watch_expiration, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        x.id, x.user_id, x.provider, x.provider_account_id, x.access_token, x.refresh_token,
        x.token_expires_at, x.calendar_list, x.sync_enabled, x.watch_channel_id, x.watch_resource_id,
        x.watch_expiration, now);
}

} // namespace herald::test
