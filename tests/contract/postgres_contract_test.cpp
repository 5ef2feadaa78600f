// The PostgreSQL store takes part in the contract, with the functions and tables that deploy/sql makes.
#include <initializer_list>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/store/postgres/connection.hpp"
#include "adapters/store/postgres/postgres_store.hpp"
#include "tests/contract/outbox_contract.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::test {

namespace {

// -- SQL with values ----------------------------------------------------------------------------------------

/// A parameter as text; nothing for NULL.
class value {
public:
  value(const std::string& x) : text_{x} {}
  value(std::string_view x) : text_{x} {}
  value(const char* x) : text_{x} {}
  value(const uuid& x) : text_{to_string(x)} {}
  value(timestamp x) : text_{to_iso8601(x)} {}
  value(std::int64_t x) : text_{std::to_string(x)} {}
  value(bool x) : text_{x ? "true" : "false"} {}
  template <class T> value(const std::optional<T>& x) {
    if (x)
      text_ = value{*x}.text_;
  }

  const char* get() const { return text_ ? text_->c_str() : nullptr; }

private:
  std::optional<std::string> text_;
};

/// A session that throws what goes wrong.
class session {
public:
  explicit session(const postgres_options& options)
      : connection_{value_of(postgres::connection::open(options))} {}

  /// With as many values as there are parameters.
  template <class... Ts> postgres::rows run(const std::string& sql, const Ts&... xs) {
    return run_with(sql, {value{xs}.get()...});
  }

private:
  postgres::rows run_with(const std::string& sql, postgres::parameters values) {
    return value_of(connection_.run(sql, values));
  }

  postgres::connection connection_;
};

std::int64_t integer(const postgres::rows& x, int row, int column) {
  return std::stoll(std::string{x.text(row, column)});
}

uuid id(const postgres::rows& x, int row, int column) {
  return parse_uuid(x.text(row, column)).value();
}

/// The database keeps values, not texts: spaces are its own.
std::string compact_json(std::string_view x) {
  return nlohmann::ordered_json::parse(x).dump();
}

// -- the platform's rows ------------------------------------------------------------------------------------

class sql_platform final : public platform_writer {
public:
  explicit sql_platform(const postgres_options& options) : db_{options} {}

  result<void> insert_platform_rows(const platform_rows& rows, timestamp now) override {
    try {
      db_.run("BEGIN");
      people(rows, now);
      projects(rows, now);
      documents(rows, now);
      chat(rows, now);
      meetings(rows, now);
      db_.run("COMMIT");
      return {};
    } catch (const std::exception& e) {
      db_.run("ROLLBACK");
      return failure{failure_class::permanent, e.what()};
    }
  }

private:
  void people(const platform_rows& rows, timestamp now) {
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

  void projects(const platform_rows& rows, timestamp now) {
    for (auto& x : rows.projects)
      db_.run("INSERT INTO projects (id, name, owner_org_id, created_at) VALUES ($1, $2, $3, $4)", x.id,
              x.name, x.owner_org_id, x.created_at.value_or(now));
    for (auto& x : rows.grants)
      db_.run("INSERT INTO project_access_grants (id, project_id, org_id, user_id, granted_by, created_at)"
              " VALUES ($1, $2, $3, $4, $5, $6)",
              x.id, x.project_id, x.org_id, x.user_id, x.granted_by, now);
    for (auto& x : rows.activity)
      db_.run("INSERT INTO project_workspace_activity (user_id, project_id, last_project_resume_edit_at,"
              " last_borrower_resume_edit_at) VALUES ($1, $2, $3, $4)",
              x.user_id, x.project_id, x.last_project_resume_edit_at, x.last_borrower_resume_edit_at);
  }

  void documents(const platform_rows& rows, timestamp now) {
    for (auto& x : rows.resources)
      db_.run("INSERT INTO resources (id, org_id, project_id, parent_id, resource_type, name, created_at)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7)",
              x.id, x.org_id, x.project_id, x.parent_id, x.resource_type, x.name, now);
    for (auto& x : rows.permissions)
      db_.run("INSERT INTO permissions (resource_id, user_id, permission, granted_by, created_at)"
              " VALUES ($1, $2, $3, $4, $5)",
              x.resource_id, x.user_id, x.permission, x.granted_by, now);
  }

  void chat(const platform_rows& rows, timestamp now) {
    for (auto& x : rows.threads)
      db_.run("INSERT INTO chat_threads (id, project_id, topic, created_at) VALUES ($1, $2, $3, $4)", x.id,
              x.project_id, x.topic, now);
    for (auto& x : rows.participants)
      db_.run("INSERT INTO chat_thread_participants (thread_id, user_id, last_read_at, created_at)"
              " VALUES ($1, $2, $3, $4)",
              x.thread_id, x.user_id, x.last_read_at, now);
    for (auto& x : rows.messages)
      db_.run(
          "INSERT INTO project_messages (thread_id, user_id, content, created_at) VALUES ($1, $2, $3, $4)",
          x.thread_id, x.user_id, x.content, x.created_at);
  }

  void meetings(const platform_rows& rows, timestamp now) {
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

  session db_;
};

// -- the backend --------------------------------------------------------------------------------------------

class postgres_backend final : public store_backend {
public:
  store_under_test open() override {
    struct replica {
      explicit replica(const postgres_options& x) : store{value_of(open_postgres_store(x))}, platform{x} {}

      std::unique_ptr<postgres_store> store;
      sql_platform platform;
    };
    auto x = std::make_shared<replica>(options());
    return {x, *x->store, *x->store, *x->store, x->platform};
  }

  std::vector<notification_row> notifications() override {
    auto x = side_door().run(
        "SELECT id, user_id, event_id, title, coalesce(body, ''), coalesce(link_url, ''), payload,"
        " floor(extract(epoch FROM created_at) * 1000)::bigint FROM notifications ORDER BY id");
    std::vector<notification_row> out;
    for (auto i = 0; i < x.size(); ++i)
      out.push_back({integer(x, i, 0), id(x, i, 1), integer(x, i, 2), std::string{x.text(i, 3)},
                     std::string{x.text(i, 4)}, std::string{x.text(i, 5)}, compact_json(x.text(i, 6)),
                     from_epoch_ms(integer(x, i, 7))});
    return out;
  }

  std::vector<email_row> emails() override {
    auto x = side_door().run(
        "SELECT id, user_id, event_id, event_type, delivery_type, project_id, coalesce(project_name, ''),"
        " subject, body_data, status FROM pending_emails ORDER BY id");
    std::vector<email_row> out;
    for (auto i = 0; i < x.size(); ++i)
      out.push_back({integer(x, i, 0), id(x, i, 1), integer(x, i, 2), std::string{x.text(i, 3)},
                     std::string{x.text(i, 4)}, parse_uuid(x.text(i, 5)), std::string{x.text(i, 6)},
                     std::string{x.text(i, 7)}, compact_json(x.text(i, 8)), std::string{x.text(i, 9)}});
    return out;
  }

  void mark_read(std::int64_t notification_id, timestamp at) override {
    side_door().run("UPDATE notifications SET read_at = $2 WHERE id = $1", notification_id, at);
  }

  void delete_profile(const uuid& user) override {
    // The platform would refuse: the grant's column may not be null, and its key wants to make it so.
    side_door().run("UPDATE project_access_grants SET granted_by = user_id WHERE granted_by = $1", user);
    side_door().run("DELETE FROM profiles WHERE id = $1", user);
  }

  void delete_project(const uuid& project) override {
    side_door().run("DELETE FROM projects WHERE id = $1", project);
  }

  void set_parent(const uuid& resource, const uuid& parent) override {
    side_door().run("UPDATE resources SET parent_id = $2 WHERE id = $1", resource, parent);
  }

  void leave_processing_row(std::int64_t event_id, std::string_view status, timestamp claimed_at) override {
    side_door().run(
        "INSERT INTO notification_processing (event_id, processing_status, claimed_at, created_at)"
        " VALUES ($1, $2, $3, $3) ON CONFLICT (event_id) DO UPDATE"
        " SET processing_status = excluded.processing_status",
        event_id, status, claimed_at);
  }

  void leave_notification(std::int64_t event_id, const uuid& user, std::string_view payload) override {
    side_door().run("INSERT INTO notifications (user_id, event_id, title, payload, created_at)"
                    " VALUES ($1, $2, 'left over', $3, $4)",
                    user, event_id, payload, t0);
  }

  void leave_email(std::int64_t event_id, const uuid& user) override {
    side_door().run("INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, "
                    "body_data, status,"
                    " created_at) VALUES ($1, $2, 'x', 'immediate', 'left over', '{}', 'sent', $3)",
                    user, event_id, t0);
  }

  void delete_email(std::int64_t row_id) override {
    side_door().run("DELETE FROM pending_emails WHERE id = $1", row_id);
  }

  void set_email_status(std::int64_t row_id, std::string_view status) override {
    side_door().run("UPDATE pending_emails SET status = $2 WHERE id = $1", row_id, status);
  }

  void read_thread(const uuid& thread, const uuid& user, timestamp at) override {
    side_door().run(
        "UPDATE chat_thread_participants SET last_read_at = $3 WHERE thread_id = $1 AND user_id = $2", thread,
        user, at);
  }

  void add_message(const uuid& thread, const uuid& author, timestamp at) override {
    side_door().run("INSERT INTO project_messages (thread_id, user_id, content, created_at)"
                    " VALUES ($1, $2, 'hello', $3)",
                    thread, author, at);
  }

private:
  postgres_options options() const {
    postgres_options out;
    out.url = database_.url();
    return out;
  }

  session& side_door() {
    if (!side_door_)
      side_door_.emplace(options());
    return *side_door_;
  }

  test_database database_;
  std::optional<session> side_door_;
};

/// None where PostgreSQL is not installed: a fixture's constructor cannot skip.
std::vector<store_kind> kinds() {
  if (!postgres_server::installed())
    return {};
  return {{"postgres", [] { return std::make_unique<postgres_backend>(); }}};
}

INSTANTIATE_TEST_SUITE_P(postgres, store_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(postgres, outbox_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });

TEST(postgres_contract, has_a_server_to_run_on) {
  if (!postgres_server::installed())
    GTEST_SKIP() << "PostgreSQL is not installed";
}

} // namespace

} // namespace herald::test
