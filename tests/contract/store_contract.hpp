// The contract that every store has to keep: fixture and vocabulary of the suites in this folder. A store
// joins by providing a store_backend and instantiating the suite, as sqlite_contract_test.cpp does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/store/platform_rows.hpp"
#include "adapters/store/store.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

/// One connection to the database under test. Two of them on one backend are two replicas.
struct store_under_test {
  store_under_test(std::shared_ptr<void> owner, full_store& store, platform_writer& rows)
      : keeper{std::move(owner)}, events{store}, outbox{store}, ledger{store}, watches{store}, nudges{store},
        operations{store}, platform{rows} {}

  std::shared_ptr<void> keeper;
  event_store& events;
  outbox_store& outbox;
  run_ledger& ledger;
  calendar_store& watches;
  nudge_store& nudges;
  operator_store& operations;
  platform_writer& platform;
};

struct notification_row {
  std::int64_t id = 0;
  uuid user_id{};
  std::int64_t event_id = 0;
  std::string title;
  std::string body;
  std::string link_url;
  std::string payload;
  timestamp created_at{};
};

struct email_row {
  std::int64_t id = 0;
  uuid user_id{};
  std::int64_t event_id = 0;
  std::string event_type;
  std::string delivery_type;
  std::optional<uuid> project_id;
  std::string project_name;
  std::string subject;
  std::string body_data;
  std::string status;
};

/// What Herald keeps of a calendar connection in a table of its own.
struct watch_row {
  std::string planned_channel;
  std::string refused_token;
  std::string error_class;
  std::string error;

  friend bool operator==(const watch_row&, const watch_row&) = default;
};

struct reminder_row {
  uuid meeting_id{};
  uuid user_id{};
  std::string type;
  timestamp sent_at{};

  friend bool operator==(const reminder_row&, const reminder_row&) = default;
};

struct stale_row {
  uuid thread_id{};
  uuid user_id{};
  timestamp latest_message_at{};
  std::int64_t event_id = 0; ///< 0 for NULL
  timestamp sent_at{};
};

/// A fresh, empty database, removed at the end, and what other programs do to it behind the store's back.
class store_backend {
public:
  virtual ~store_backend() = default;

  virtual store_under_test open() = 0;

  /// All rows in the order of their ids.
  virtual std::vector<notification_row> notifications() = 0;
  virtual std::vector<email_row> emails() = 0;

  virtual void mark_read(std::int64_t notification_id, timestamp at) = 0;
  virtual void delete_profile(const uuid& user) = 0;
  virtual void delete_project(const uuid& project) = 0;
  virtual void set_parent(const uuid& resource, const uuid& parent) = 0;

  /// A row of another program that works on the same table and knows no leases.
  virtual void leave_processing_row(std::int64_t event_id, std::string_view status, timestamp claimed_at) = 0;
  virtual void leave_notification(std::int64_t event_id, const uuid& user, std::string_view payload) = 0;
  virtual void leave_email(std::int64_t event_id, const uuid& user) = 0;
  /// Somebody withdrew a queued e-mail.
  virtual void delete_email(std::int64_t id) = 0;
  virtual void set_email_status(std::int64_t id, std::string_view status) = 0;
  /// The user has read a thread up to now.
  virtual void read_thread(const uuid& thread, const uuid& user, timestamp at) = 0;
  virtual void add_message(const uuid& thread, const uuid& author, timestamp at) = 0;

  // -- calendars --------------------------------------------------------------------------------------------

  /// Nothing when there is no such row.
  virtual std::optional<platform_rows::calendar_connection_row> connection(const uuid& id) = 0;
  virtual std::optional<watch_row> watch(const uuid& connection) = 0;
  /// The web application has let the person connect anew, or disconnect.
  virtual void set_tokens(const uuid& connection, std::optional<std::string> access,
                          std::optional<std::string> refresh) = 0;
  virtual void set_channel(const uuid& connection, std::optional<std::string> channel) = 0;
  virtual void delete_connection(const uuid& connection) = 0;

  // -- jobs -------------------------------------------------------------------------------------------------

  /// A run that the worker holds.
  virtual run_ref start_run(std::string_view job, std::string_view worker) = 0;
  virtual void end_run(const run_ref& run) = 0;
  /// The event log, in the order of ids.
  virtual std::vector<domain_event> events() = 0;
  virtual void move_meeting(const uuid& meeting, timestamp start) = 0;
  virtual void set_meeting_status(const uuid& meeting, std::string_view status) = 0;
  /// In the order of their ids, as are the next ones.
  virtual std::vector<reminder_row> reminders() = 0;
  virtual void leave_reminder(const reminder_row& row) = 0;
  virtual std::vector<stale_row> stale_log() = 0;
  /// Without an event.
  virtual void leave_stale_row(const stale_row& row) = 0;
  /// The user has worked on the `project` or `borrower` resume.
  virtual void edit_resume(const uuid& project, const uuid& user, std::string_view resume_type,
                           timestamp at) = 0;
};

struct store_kind {
  std::string name;
  std::function<std::unique_ptr<store_backend>()> make;
};

inline void PrintTo(const store_kind& x, std::ostream* out) {
  *out << x.name;
}

/// The value of a result; fails the test with the reason when there is none.
template <class T> T value_of(result<T> x) {
  if (x.has_error())
    throw std::runtime_error("unexpected failure: " + to_string(x.error()));
  return std::move(x).value();
}

/// A database with the fixture world in it, one connection, and the verbs of the suites. Time stands still
/// unless a test moves `now`.
class store_contract : public testing::TestWithParam<store_kind> {
protected:
  store_contract();

  // -- feeding ----------------------------------------------------------------------------------------------

  std::int64_t emit(const new_event& event);
  /// `n` events of a type that names nothing.
  std::vector<std::int64_t> emit_plain(std::size_t n, std::string_view type = "document_uploaded");
  /// A chat message by mia in the given thread.
  std::int64_t emit_chat(const uuid& thread = ids::closing_thread);

  // -- the worker's calls -----------------------------------------------------------------------------------

  claim_request request(std::uint32_t limit = 100, std::string_view worker = "worker-1") const;
  claimed_batch claim(std::uint32_t limit = 100, std::string_view worker = "worker-1");
  /// Claims what must be exactly one event.
  claimed_event claim_one(std::string_view worker = "worker-1");

  commit_report commit(std::vector<fan_out_plan> plans, std::vector<settled_failure> failures = {},
                       std::string_view worker = "worker-1");
  /// Reports the event as failed; without a date it is dead.
  commit_report fail(const claimed_event& event, failure why,
                     std::optional<timestamp> retry_at = std::nullopt);

  // -- looking ----------------------------------------------------------------------------------------------

  explanation explain(std::int64_t event_id);
  store_status status();
  store_summary summary();

  std::unique_ptr<store_backend> backend;
  store_under_test store;
  timestamp now = t0;
};

// -- plans --------------------------------------------------------------------------------------------------

fan_out_plan empty_plan(const claimed_event& event);
/// One notification text for all users.
fan_out_plan notify_plan(const claimed_event& event, std::vector<uuid> users);
/// One more message in the thread for all users.
fan_out_plan roll_up_plan(const claimed_event& event, std::vector<uuid> users,
                          const uuid& thread = ids::closing_thread);
fan_out_plan email_plan(const claimed_event& event, std::vector<uuid> immediate,
                        std::vector<uuid> aggregated = {});

std::vector<std::int64_t> ids_of(const claimed_batch& batch);

/// The outcomes of an event as sorted lines `channel state reason user`.
std::vector<std::string> outcome_lines(const explanation& x);

/// The count in a roll-up row's payload; -1 when there is none.
std::int64_t count_in(const notification_row& row);

} // namespace herald::test
