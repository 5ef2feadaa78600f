// The PostgreSQL store takes part in the contract, with the functions and tables that deploy/sql makes.
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/store/postgres/postgres_store.hpp"
#include "tests/contract/outbox_contract.hpp"
#include "tests/support/postgres_server.hpp"
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

/// The database keeps values, not texts: spaces are its own.
std::string compact_json(std::string_view x) {
  return nlohmann::ordered_json::parse(x).dump();
}

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

  sql_session& side_door() {
    if (!side_door_)
      side_door_.emplace(options());
    return *side_door_;
  }

  test_database database_;
  std::optional<sql_session> side_door_;
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
