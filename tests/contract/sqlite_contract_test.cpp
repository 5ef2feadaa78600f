// The embedded store takes part in the contract.
#include <gtest/gtest.h>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "tests/contract/nudge_contract.hpp"
#include "tests/contract/outbox_contract.hpp"
#include "tests/contract/watch_contract.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

class sqlite_backend final : public store_backend {
public:
  store_under_test open() override {
    auto opened = value_of(open_sqlite_store(options()));
    std::shared_ptr<sqlite_store> store = std::move(opened);
    return {store, *store, *store};
  }

  std::vector<notification_row> notifications() override {
    std::vector<notification_row> out;
    auto& db = side_door();
    auto x = db.prepare(
        "SELECT id, user_id, event_id, title, body, link_url, payload, created_at FROM notifications"
        " ORDER BY id");
    while (x.step())
      out.push_back(
          {x.integer(0), x.id(1), x.integer(2), x.text(3), x.text(4), x.text(5), x.text(6), x.time(7)});
    return out;
  }

  std::vector<email_row> emails() override {
    std::vector<email_row> out;
    auto& db = side_door();
    auto x = db.prepare(
        "SELECT id, user_id, event_id, event_type, delivery_type, project_id, project_name, subject,"
        " body_data, status FROM pending_emails ORDER BY id");
    while (x.step())
      out.push_back({x.integer(0), x.id(1), x.integer(2), x.text(3), x.text(4), x.optional_id(5), x.text(6),
                     x.text(7), x.text(8), x.text(9)});
    return out;
  }

  void mark_read(std::int64_t notification_id, timestamp at) override {
    side_door().run("UPDATE notifications SET read_at = ?2 WHERE id = ?1", notification_id, at);
  }

  void delete_profile(const uuid& user) override {
    side_door().run("DELETE FROM profiles WHERE id = ?1", user);
  }

  void delete_project(const uuid& project) override {
    side_door().run("DELETE FROM projects WHERE id = ?1", project);
  }

  void set_parent(const uuid& resource, const uuid& parent) override {
    side_door().run("UPDATE resources SET parent_id = ?2 WHERE id = ?1", resource, parent);
  }

  void leave_processing_row(std::int64_t event_id, std::string_view status, timestamp claimed_at) override {
    side_door().run(
        "INSERT INTO notification_processing (event_id, processing_status, claimed_at, created_at)"
        " VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO UPDATE SET processing_status = excluded.processing_status",
        event_id, status, claimed_at);
  }

  void leave_notification(std::int64_t event_id, const uuid& user, std::string_view payload) override {
    side_door().run("INSERT INTO notifications (user_id, event_id, title, payload, created_at)"
                    " VALUES (?1, ?2, 'left over', ?3, ?4)",
                    user, event_id, payload, t0);
  }

  void delete_email(std::int64_t id) override {
    side_door().run("DELETE FROM pending_emails WHERE id = ?1", id);
  }

  void set_email_status(std::int64_t id, std::string_view status) override {
    side_door().run("UPDATE pending_emails SET status = ?2 WHERE id = ?1", id, status);
  }

  void read_thread(const uuid& thread, const uuid& user, timestamp at) override {
    side_door().run(
        "UPDATE chat_thread_participants SET last_read_at = ?3 WHERE thread_id = ?1 AND user_id = ?2", thread,
        user, at);
  }

  void add_message(const uuid& thread, const uuid& author, timestamp at) override {
    side_door().run("INSERT INTO project_messages (thread_id, user_id, content, created_at)"
                    " VALUES (?1, ?2, 'hello', ?3)",
                    thread, author, at);
  }

  void leave_email(std::int64_t event_id, const uuid& user) override {
    side_door().run(
        "INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, body_data,"
        " status, created_at) VALUES (?1, ?2, 'x', 'immediate', 'left over', '{}', 'sent', ?3)",
        user, event_id, t0);
  }

  std::optional<platform_rows::calendar_connection_row> connection(const uuid& id) override {
    auto& db = side_door();
    auto x = db.query("SELECT id, user_id, provider, provider_account_id, access_token, refresh_token,"
                      " token_expires_at, calendar_list, sync_enabled, watch_channel_id, watch_resource_id,"
                      " watch_expiration FROM calendar_connections WHERE id = ?1",
                      id);
    if (!x.step())
      return std::nullopt;
    return platform_rows::calendar_connection_row{x.id(0),
                                                  x.id(1),
                                                  x.text(2),
                                                  x.text(3),
                                                  optional_text(x, 4),
                                                  optional_text(x, 5),
                                                  x.optional_time(6),
                                                  x.text(7),
                                                  x.integer(8) != 0,
                                                  optional_text(x, 9),
                                                  optional_text(x, 10),
                                                  x.optional_time(11)};
  }

  std::optional<watch_row> watch(const uuid& connection) override {
    auto& db = side_door();
    auto x = db.query("SELECT planned_channel, refused_token, error_class, error FROM herald_calendar_watches"
                      " WHERE connection_id = ?1",
                      connection);
    if (!x.step())
      return std::nullopt;
    return watch_row{x.text(0), x.text(1), x.text(2), x.text(3)};
  }

  void set_tokens(const uuid& connection, std::optional<std::string> access,
                  std::optional<std::string> refresh) override {
    side_door().run("UPDATE calendar_connections SET access_token = ?2, refresh_token = ?3 WHERE id = ?1",
                    connection, access, refresh);
  }

  void set_channel(const uuid& connection, std::optional<std::string> channel) override {
    side_door().run("UPDATE calendar_connections SET watch_channel_id = ?2 WHERE id = ?1", connection,
                    channel);
  }

  void delete_connection(const uuid& connection) override {
    side_door().run("DELETE FROM calendar_connections WHERE id = ?1", connection);
  }

  run_ref start_run(std::string_view job, std::string_view worker) override {
    auto& db = side_door();
    db.run("INSERT INTO herald_jobs (job, known_since) VALUES (?1, ?2) ON CONFLICT DO NOTHING", job, t0);
    db.run("INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no, "
           "lease_until)"
           " VALUES (?1, ?2, ?2, 'hand', 'running', ?3, 1, ?2)",
           job, t0, worker);
    return {db.last_insert_id(), 1};
  }

  void end_run(const run_ref& run) override {
    side_door().run("UPDATE herald_job_runs SET state = 'ran', lease_until = NULL WHERE id = ?1", run.id);
  }

  std::vector<domain_event> events() override {
    std::vector<domain_event> out;
    auto& db = side_door();
    auto x =
        db.prepare("SELECT id, event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload,"
                   " created_at FROM domain_events ORDER BY id");
    while (x.step())
      out.push_back({x.integer(0), x.text(1), x.optional_id(2), x.optional_id(3), x.optional_id(4),
                     x.optional_id(5), x.optional_id(6), x.text(7), x.time(8)});
    return out;
  }

  void move_meeting(const uuid& meeting, timestamp start) override {
    side_door().run(
        "UPDATE meetings SET start_time = ?2, end_time = ?2 + end_time - start_time WHERE id = ?1", meeting,
        start);
  }

  void set_meeting_status(const uuid& meeting, std::string_view status) override {
    side_door().run("UPDATE meetings SET status = ?2 WHERE id = ?1", meeting, status);
  }

  std::vector<reminder_row> reminders() override {
    std::vector<reminder_row> out;
    auto& db = side_door();
    auto x = db.prepare(
        "SELECT meeting_id, user_id, reminder_type, sent_at FROM meeting_reminders_sent ORDER BY id");
    while (x.step())
      out.push_back({x.id(0), x.id(1), x.text(2), x.time(3)});
    return out;
  }

  void leave_reminder(const reminder_row& row) override {
    side_door().run("INSERT INTO meeting_reminders_sent (meeting_id, user_id, reminder_type, sent_at)"
                    " VALUES (?1, ?2, ?3, ?4)",
                    row.meeting_id, row.user_id, row.type, row.sent_at);
  }

  std::vector<stale_row> stale_log() override {
    std::vector<stale_row> out;
    auto& db = side_door();
    auto x = db.prepare(
        "SELECT thread_id, user_id, latest_message_at, event_id, sent_at FROM unread_thread_stale_log"
        " ORDER BY id");
    while (x.step())
      out.push_back({x.id(0), x.id(1), x.time(2), x.integer(3), x.time(4)});
    return out;
  }

  void leave_stale_row(const stale_row& row) override {
    side_door().run("INSERT INTO unread_thread_stale_log (thread_id, user_id, latest_message_at, sent_at)"
                    " VALUES (?1, ?2, ?3, ?4)",
                    row.thread_id, row.user_id, row.latest_message_at, row.sent_at);
  }

  void edit_resume(const uuid& project, const uuid& user, std::string_view resume_type,
                   timestamp at) override {
    auto column = "last_" + std::string{resume_type} + "_resume_edit_at";
    side_door().run("INSERT INTO project_workspace_activity (user_id, project_id, " + column
                        + ", created_at, updated_at) VALUES (?1, ?2, ?3, ?3, ?3) ON CONFLICT DO UPDATE SET "
                        + column + " = excluded." + column,
                    user, project, at);
  }

private:
  static std::optional<std::string> optional_text(const sqlite::statement& x, int column) {
    if (x.is_null(column))
      return std::nullopt;
    return x.text(column);
  }

  sqlite_options options() const {
    sqlite_options out;
    out.path = dir_.file("herald.db");
    out.durability = sqlite_durability::normal;
    return out;
  }

  sqlite::database& side_door() {
    if (!side_door_)
      side_door_ = std::make_unique<sqlite::database>(options());
    return *side_door_;
  }

  temp_dir dir_;
  std::unique_ptr<sqlite::database> side_door_;
};

const auto sqlite_kind =
    testing::Values(store_kind{"sqlite", [] { return std::make_unique<sqlite_backend>(); }});

INSTANTIATE_TEST_SUITE_P(sqlite, store_contract, sqlite_kind, [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(sqlite, outbox_contract, sqlite_kind, [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(sqlite, job_contract, sqlite_kind, [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(sqlite, watch_contract, sqlite_kind, [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(sqlite, nudge_contract, sqlite_kind, [](const auto& x) { return x.param.name; });

} // namespace

} // namespace herald::test
