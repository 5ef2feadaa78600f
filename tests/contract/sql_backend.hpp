// What the stores on a PostgreSQL server share in the contract: the platform's rows, and what other programs do to them,
// in plain SQL.
#pragma once

#include <memory>
#include <optional>

#include "adapters/store/postgres/postgres_store.hpp"
#include "tests/contract/store_contract.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::test {

class sql_session;

/// A database with the tables and functions that deploy/sql makes. How the store reaches it is left to the store's test.
class sql_backend : public store_backend {
public:
  sql_backend();
  ~sql_backend() override;

  std::vector<notification_row> notifications() override;
  std::vector<email_row> emails() override;
  void mark_read(std::int64_t notification_id, timestamp at) override;
  void delete_profile(const uuid& user) override;
  void delete_project(const uuid& project) override;
  void set_parent(const uuid& resource, const uuid& parent) override;
  void leave_processing_row(std::int64_t event_id, std::string_view status, timestamp claimed_at) override;
  void leave_notification(std::int64_t event_id, const uuid& user, std::string_view payload) override;
  void leave_email(std::int64_t event_id, const uuid& user) override;
  void delete_email(std::int64_t row_id) override;
  void set_email_status(std::int64_t row_id, std::string_view status) override;
  void read_thread(const uuid& thread, const uuid& user, timestamp at) override;
  void add_message(const uuid& thread, const uuid& author, timestamp at) override;
  std::optional<platform_rows::calendar_connection_row> connection(const uuid& id) override;
  std::optional<watch_row> watch(const uuid& connection) override;
  void set_tokens(const uuid& connection, std::optional<std::string> access,
                  std::optional<std::string> refresh) override;
  void set_channel(const uuid& connection, std::optional<std::string> channel) override;
  void delete_connection(const uuid& connection) override;

  run_ref start_run(std::string_view job, std::string_view worker) override;
  void end_run(const run_ref& run) override;
  std::vector<domain_event> events() override;
  void move_meeting(const uuid& meeting, timestamp start) override;
  void set_meeting_status(const uuid& meeting, std::string_view status) override;
  std::vector<reminder_row> reminders() override;
  void leave_reminder(const reminder_row& row) override;
  std::vector<stale_row> stale_log() override;
  void leave_stale_row(const stale_row& row) override;
  void edit_resume(const uuid& project, const uuid& user, std::string_view resume_type,
                   timestamp at) override;

protected:
  /// For the superuser.
  postgres_options options() const;

  const test_database& database() const { return database_; }

private:
  sql_session& side_door();

  test_database database_;
  std::unique_ptr<sql_session> side_door_;
};

} // namespace herald::test
