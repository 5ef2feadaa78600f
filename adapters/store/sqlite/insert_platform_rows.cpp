// Filling the platform's tables, referenced rows first.
#include <string_view>

#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

class platform_inserter {
public:
  platform_inserter(database& db, const platform_rows& rows, timestamp now)
      : db_{db}, rows_{rows}, now_{now} {}

  void run() {
    auto tx = transaction{db_, transaction::mode::write};
    people();
    projects();
    documents();
    resumes();
    chat();
    meetings();
    settings();
    calendars();
    tx.commit();
  }

private:
  /// One row per element; `values` hands the element's columns on, in the order of the parameters.
  template <class Rows, class Values> void insert(std::string_view sql, const Rows& rows, Values values) {
    if (rows.empty())
      return;
    auto row = db_.prepare(sql);
    for (auto& x : rows) {
      values(row, x);
      row.run();
    }
  }

  void people() {
    insert("INSERT INTO orgs (id, name, entity_type, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
           rows_.orgs, [this](statement& row, auto& x) { row.bind(x.id, x.name, x.entity_type, now_); });
    insert("INSERT INTO profiles (id, full_name, email, app_role, created_at, updated_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
           rows_.profiles,
           [this](statement& row, auto& x) { row.bind(x.id, x.full_name, x.email, x.app_role, now_); });
    insert("INSERT INTO org_members (org_id, user_id, role, created_at) VALUES (?1, ?2, ?3, ?4)",
           rows_.org_members,
           [this](statement& row, auto& x) { row.bind(x.org_id, x.user_id, x.role, now_); });
  }

  void projects() {
    insert(
        "INSERT INTO projects (id, name, owner_org_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        rows_.projects, [this](statement& row, auto& x) {
          row.bind(x.id, x.name, x.owner_org_id, x.created_at.value_or(now_));
        });
    insert("INSERT INTO project_access_grants (id, project_id, org_id, user_id, granted_by, created_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
           rows_.grants, [this](statement& row, auto& x) {
             row.bind(x.id, x.project_id, x.org_id, x.user_id, x.granted_by, now_);
           });
    insert("INSERT INTO project_workspace_activity (user_id, project_id, last_project_resume_edit_at,"
           " last_borrower_resume_edit_at, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
           rows_.activity, [this](statement& row, auto& x) {
             row.bind(x.user_id, x.project_id, x.last_project_resume_edit_at, x.last_borrower_resume_edit_at,
                      now_);
           });
  }

  void documents() {
    insert("INSERT INTO resources (id, org_id, project_id, parent_id, resource_type, name, created_at, "
           "updated_at, current_version_id)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
           rows_.resources, [this](statement& row, auto& x) {
             row.bind(x.id, x.org_id, x.project_id, x.parent_id, x.resource_type, x.name, now_,
                      x.current_version_id);
           });
    insert("INSERT INTO permissions (resource_id, user_id, permission, granted_by, created_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5)",
           rows_.permissions, [this](statement& row, auto& x) {
             row.bind(x.resource_id, x.user_id, x.permission, x.granted_by, now_);
           });
  }

  void resumes() {
    auto values = [this](statement& row, auto& x) {
      row.bind(x.id, x.project_id, x.version_number, x.completeness_percent, now_);
    };
    insert("INSERT INTO project_resumes (id, project_id, version_number, completeness_percent, created_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5)",
           rows_.project_resumes, values);
    insert("INSERT INTO borrower_resumes (id, project_id, version_number, completeness_percent, created_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5)",
           rows_.borrower_resumes, values);
  }

  void chat() {
    insert("INSERT INTO chat_threads (id, project_id, topic, created_at) VALUES (?1, ?2, ?3, ?4)",
           rows_.threads, [this](statement& row, auto& x) { row.bind(x.id, x.project_id, x.topic, now_); });
    insert("INSERT INTO chat_thread_participants (thread_id, user_id, last_read_at, created_at)"
           " VALUES (?1, ?2, ?3, ?4)",
           rows_.participants,
           [this](statement& row, auto& x) { row.bind(x.thread_id, x.user_id, x.last_read_at, now_); });
    insert("INSERT INTO project_messages (thread_id, user_id, content, created_at) VALUES (?1, ?2, ?3, ?4)",
           rows_.messages,
           [](statement& row, auto& x) { row.bind(x.thread_id, x.user_id, x.content, x.created_at); });
  }

  void meetings() {
    insert(
        "INSERT INTO meetings (id, title, start_time, end_time, duration_minutes, meeting_link, organizer_id,"
        " project_id, status, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        rows_.meetings, [this](statement& row, auto& x) {
          auto end = x.start_time + std::chrono::minutes{x.duration_minutes};
          row.bind(x.id, x.title, x.start_time, end, x.duration_minutes, x.meeting_link, x.organizer_id,
                   x.project_id, x.status, now_);
        });
    insert("INSERT INTO meeting_participants (id, meeting_id, user_id, response_status, is_organizer, "
           "invited_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
           rows_.meeting_participants, [this](statement& row, auto& x) {
             row.bind(x.id, x.meeting_id, x.user_id, x.response_status, x.is_organizer, now_);
           });
  }

  void settings() {
    insert(
        "INSERT INTO user_notification_preferences (id, user_id, scope_type, scope_id, event_type, channel,"
        " status, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        rows_.preferences, [this](statement& row, auto& x) {
          row.bind(x.id, x.user_id, x.scope_type, x.scope_id, x.event_type, x.channel, x.status, now_);
        });
  }

  void calendars() {
    insert(
        "INSERT INTO calendar_connections (id, user_id, provider, provider_account_id, access_token,"
        " refresh_token, token_expires_at, calendar_list, sync_enabled, watch_channel_id, watch_resource_id,"
        " watch_expiration, created_at, updated_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
        rows_.calendar_connections, [this](statement& row, auto& x) {
          row.bind(x.id, x.user_id, x.provider, x.provider_account_id, x.access_token, x.refresh_token,
                   x.token_expires_at, x.calendar_list, x.sync_enabled, x.watch_channel_id,
                   x.watch_resource_id, x.watch_expiration, now_);
        });
  }

  database& db_;
  const platform_rows& rows_;
  timestamp now_;
};

} // namespace

void insert_platform_rows(database& db, const platform_rows& rows, timestamp now) {
  platform_inserter{db, rows, now}.run();
}

} // namespace herald::sqlite
