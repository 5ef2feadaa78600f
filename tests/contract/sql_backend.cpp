#include "tests/contract/sql_backend.hpp"

#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/sql_platform.hpp"

namespace herald::test {

namespace {

// -- reading ------------------------------------------------------------------------------------------------

std::int64_t integer(const postgres::rows& x, int row, int column) {
  return std::stoll(std::string{x.text(row, column)});
}

uuid id(const postgres::rows& x, int row, int column) {
  return parse_uuid(x.text(row, column)).value();
}

std::optional<std::string> optional_text(const postgres::rows& x, int row, int column) {
  if (x.is_null(row, column))
    return std::nullopt;
  return std::string{x.text(row, column)};
}

std::optional<timestamp> optional_time(const postgres::rows& x, int row, int column) {
  if (x.is_null(row, column))
    return std::nullopt;
  return from_epoch_ms(integer(x, row, column));
}

/// The database keeps values, not texts: spaces are its own.
std::string compact_json(std::string_view x) {
  return nlohmann::ordered_json::parse(x).dump();
}

} // namespace

// -- the backend --------------------------------------------------------------------------------------------

sql_backend::sql_backend() = default;
sql_backend::~sql_backend() = default;

std::vector<notification_row> sql_backend::notifications() {
  auto x = side_door().run(
      "SELECT id, user_id, event_id, title, coalesce(body, ''), coalesce(link_url, ''), payload,"
      " floor(extract(epoch FROM created_at) * 1000)::bigint FROM notifications ORDER BY id");
  std::vector<notification_row> out;
  out.reserve(static_cast<std::size_t>(x.size()));
  for (auto i = 0; i < x.size(); ++i)
    out.push_back({integer(x, i, 0), id(x, i, 1), integer(x, i, 2), std::string{x.text(i, 3)},
                   std::string{x.text(i, 4)}, std::string{x.text(i, 5)}, compact_json(x.text(i, 6)),
                   from_epoch_ms(integer(x, i, 7))});
  return out;
}

std::vector<email_row> sql_backend::emails() {
  auto x = side_door().run(
      "SELECT id, user_id, event_id, event_type, delivery_type, project_id, coalesce(project_name, ''),"
      " subject, body_data, status FROM pending_emails ORDER BY id");
  std::vector<email_row> out;
  out.reserve(static_cast<std::size_t>(x.size()));
  for (auto i = 0; i < x.size(); ++i)
    out.push_back({integer(x, i, 0), id(x, i, 1), integer(x, i, 2), std::string{x.text(i, 3)},
                   std::string{x.text(i, 4)}, parse_uuid(x.text(i, 5)), std::string{x.text(i, 6)},
                   std::string{x.text(i, 7)}, compact_json(x.text(i, 8)), std::string{x.text(i, 9)}});
  return out;
}

void sql_backend::mark_read(std::int64_t notification_id, timestamp at) {
  side_door().run("UPDATE notifications SET read_at = $2 WHERE id = $1", notification_id, at);
}

void sql_backend::delete_profile(const uuid& user) {
  // The platform would refuse: the grant's column may not be null, and its key wants to make it so.
  side_door().run("UPDATE project_access_grants SET granted_by = user_id WHERE granted_by = $1", user);
  side_door().run("DELETE FROM profiles WHERE id = $1", user);
}

void sql_backend::delete_project(const uuid& project) {
  side_door().run("DELETE FROM projects WHERE id = $1", project);
}

void sql_backend::set_parent(const uuid& resource, const uuid& parent) {
  side_door().run("UPDATE resources SET parent_id = $2 WHERE id = $1", resource, parent);
}

void sql_backend::leave_processing_row(std::int64_t event_id, std::string_view status, timestamp claimed_at) {
  side_door().run("INSERT INTO notification_processing (event_id, processing_status, claimed_at, created_at)"
                  " VALUES ($1, $2, $3, $3) ON CONFLICT (event_id) DO UPDATE"
                  " SET processing_status = excluded.processing_status",
                  event_id, status, claimed_at);
}

void sql_backend::leave_notification(std::int64_t event_id, const uuid& user, std::string_view payload) {
  side_door().run("INSERT INTO notifications (user_id, event_id, title, payload, created_at)"
                  " VALUES ($1, $2, 'left over', $3, $4)",
                  user, event_id, payload, t0);
}

void sql_backend::leave_email(std::int64_t event_id, const uuid& user) {
  side_door().run("INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, "
                  "body_data, status,"
                  " created_at) VALUES ($1, $2, 'x', 'immediate', 'left over', '{}', 'sent', $3)",
                  user, event_id, t0);
}

void sql_backend::delete_email(std::int64_t row_id) {
  side_door().run("DELETE FROM pending_emails WHERE id = $1", row_id);
}

void sql_backend::set_email_status(std::int64_t row_id, std::string_view status) {
  side_door().run("UPDATE pending_emails SET status = $2 WHERE id = $1", row_id, status);
}

void sql_backend::read_thread(const uuid& thread, const uuid& user, timestamp at) {
  side_door().run(
      "UPDATE chat_thread_participants SET last_read_at = $3 WHERE thread_id = $1 AND user_id = $2", thread,
      user, at);
}

void sql_backend::add_message(const uuid& thread, const uuid& author, timestamp at) {
  side_door().run("INSERT INTO project_messages (thread_id, user_id, content, created_at)"
                  " VALUES ($1, $2, 'hello', $3)",
                  thread, author, at);
}

std::optional<platform_rows::calendar_connection_row> sql_backend::connection(const uuid& id_wanted) {
  auto x = side_door().run(
      "SELECT id, user_id, provider, provider_account_id, access_token, refresh_token,"
      " floor(extract(epoch FROM token_expires_at) * 1000)::bigint, coalesce(calendar_list, '[]'),"
      " sync_enabled, watch_channel_id, watch_resource_id,"
      " floor(extract(epoch FROM watch_expiration) * 1000)::bigint"
      " FROM calendar_connections WHERE id = $1",
      id_wanted);
  if (x.size() == 0)
    return std::nullopt;
  return platform_rows::calendar_connection_row{id(x, 0, 0),
                                                id(x, 0, 1),
                                                std::string{x.text(0, 2)},
                                                std::string{x.text(0, 3)},
                                                optional_text(x, 0, 4),
                                                optional_text(x, 0, 5),
                                                optional_time(x, 0, 6),
                                                compact_json(x.text(0, 7)),
                                                x.text(0, 8) == "t",
                                                optional_text(x, 0, 9),
                                                optional_text(x, 0, 10),
                                                optional_time(x, 0, 11)};
}

std::optional<watch_row> sql_backend::watch(const uuid& connection) {
  auto x =
      side_door().run("SELECT planned_channel, refused_token, error_class, error FROM herald_calendar_watches"
                      " WHERE connection_id = $1",
                      connection);
  if (x.size() == 0)
    return std::nullopt;
  return watch_row{std::string{x.text(0, 0)}, std::string{x.text(0, 1)}, std::string{x.text(0, 2)},
                   std::string{x.text(0, 3)}};
}

void sql_backend::set_tokens(const uuid& connection, std::optional<std::string> access,
                             std::optional<std::string> refresh) {
  side_door().run("UPDATE calendar_connections SET access_token = $2, refresh_token = $3 WHERE id = $1",
                  connection, access, refresh);
}

void sql_backend::set_channel(const uuid& connection, std::optional<std::string> channel) {
  side_door().run("UPDATE calendar_connections SET watch_channel_id = $2 WHERE id = $1", connection, channel);
}

void sql_backend::delete_connection(const uuid& connection) {
  side_door().run("DELETE FROM calendar_connections WHERE id = $1", connection);
}

run_ref sql_backend::start_run(std::string_view job, std::string_view worker) {
  side_door().run("INSERT INTO herald_jobs (job, known_since) VALUES ($1, $2) ON CONFLICT DO NOTHING", job,
                  t0);
  auto x = side_door().run(
      "INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no, lease_until)"
      " VALUES ($1, $2, $2, 'hand', 'running', $3, 1, $2) RETURNING id",
      job, t0, worker);
  return {integer(x, 0, 0), 1};
}

void sql_backend::end_run(const run_ref& run) {
  side_door().run("UPDATE herald_job_runs SET state = 'ran', lease_until = NULL WHERE id = $1", run.id);
}

std::vector<domain_event> sql_backend::events() {
  auto x =
      side_door().run("SELECT id, event_type, actor_id, project_id, resource_id, thread_id, meeting_id, "
                      "coalesce(payload::text, ''),"
                      " floor(extract(epoch FROM created_at) * 1000)::bigint FROM domain_events ORDER BY id");
  std::vector<domain_event> out;
  for (auto i = 0; i < x.size(); ++i)
    out.push_back({integer(x, i, 0), std::string{x.text(i, 1)}, parse_uuid(x.text(i, 2)),
                   parse_uuid(x.text(i, 3)), parse_uuid(x.text(i, 4)), parse_uuid(x.text(i, 5)),
                   parse_uuid(x.text(i, 6)), std::string{x.text(i, 7)}, from_epoch_ms(integer(x, i, 8))});
  return out;
}

void sql_backend::move_meeting(const uuid& meeting, timestamp start) {
  side_door().run("UPDATE meetings SET start_time = $2, end_time = $2::timestamptz + (end_time - start_time) "
                  "WHERE id = $1",
                  meeting, start);
}

void sql_backend::set_meeting_status(const uuid& meeting, std::string_view status) {
  side_door().run("UPDATE meetings SET status = $2 WHERE id = $1", meeting, status);
}

std::vector<reminder_row> sql_backend::reminders() {
  auto x = side_door().run(
      "SELECT meeting_id, user_id, reminder_type, floor(extract(epoch FROM sent_at) * 1000)::bigint"
      " FROM meeting_reminders_sent ORDER BY id");
  std::vector<reminder_row> out;
  for (auto i = 0; i < x.size(); ++i)
    out.push_back({id(x, i, 0), id(x, i, 1), std::string{x.text(i, 2)}, from_epoch_ms(integer(x, i, 3))});
  return out;
}

void sql_backend::leave_reminder(const reminder_row& row) {
  side_door().run("INSERT INTO meeting_reminders_sent (meeting_id, user_id, reminder_type, sent_at)"
                  " VALUES ($1, $2, $3, $4)",
                  row.meeting_id, row.user_id, row.type, row.sent_at);
}

std::vector<stale_row> sql_backend::stale_log() {
  auto x = side_door().run(
      "SELECT thread_id, user_id, floor(extract(epoch FROM latest_message_at) * 1000)::bigint,"
      " coalesce(event_id, 0), floor(extract(epoch FROM sent_at) * 1000)::bigint"
      " FROM unread_thread_stale_log ORDER BY id");
  std::vector<stale_row> out;
  for (auto i = 0; i < x.size(); ++i)
    out.push_back({id(x, i, 0), id(x, i, 1), from_epoch_ms(integer(x, i, 2)), integer(x, i, 3),
                   from_epoch_ms(integer(x, i, 4))});
  return out;
}

void sql_backend::leave_stale_row(const stale_row& row) {
  side_door().run("INSERT INTO unread_thread_stale_log (thread_id, user_id, latest_message_at, sent_at)"
                  " VALUES ($1, $2, $3, $4)",
                  row.thread_id, row.user_id, row.latest_message_at, row.sent_at);
}

void sql_backend::edit_resume(const uuid& project, const uuid& user, std::string_view resume_type,
                              timestamp at) {
  auto column = "last_" + std::string{resume_type} + "_resume_edit_at";
  side_door().run("INSERT INTO project_workspace_activity (user_id, project_id, " + column
                      + ") VALUES ($1, $2, $3) ON CONFLICT (user_id, project_id) DO UPDATE SET " + column
                      + " = excluded." + column,
                  user, project, at);
}

postgres_options sql_backend::options() const {
  postgres_options out;
  out.url = database_.url();
  return out;
}

sql_session& sql_backend::side_door() {
  if (!side_door_)
    side_door_ = std::make_unique<sql_session>(options());
  return *side_door_;
}

} // namespace herald::test
