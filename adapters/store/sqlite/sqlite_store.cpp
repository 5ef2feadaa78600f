// The port's calls on top of this folder's functions: one connection, and exceptions turned into failures.
#include "adapters/store/sqlite/sqlite_store.hpp"

#include <new>
#include <type_traits>
#include <utility>

#include "adapters/store/sqlite/calendar_watches.hpp"
#include "adapters/store/sqlite/claim.hpp"
#include "adapters/store/sqlite/commit.hpp"
#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/leases.hpp"
#include "adapters/store/sqlite/nudges.hpp"
#include "adapters/store/sqlite/operator_queries.hpp"
#include "adapters/store/sqlite/outbox.hpp"
#include "adapters/store/sqlite/outbox_views.hpp"
#include "adapters/store/sqlite/schema.hpp"

namespace herald {

namespace {

/// Runs `call` and turns whatever it throws into a failure. A transaction that was open has been rolled back
/// by then.
template <class F> auto guarded(F call) -> result<std::invoke_result_t<F>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
      call();
      return {};
    } else {
      return call();
    }
  } catch (const sqlite::database_error& e) {
    return e.why();
  } catch (const std::bad_alloc&) {
    return failure{failure_class::outage, "SQLite store: the process is out of memory; nothing was changed"};
  } catch (const std::exception& e) {
    return failure{failure_class::transient, std::string{"SQLite store: unexpected error: "} + e.what()};
  }
}

class embedded_store final : public sqlite_store {
public:
  explicit embedded_store(const sqlite_options& options) : db_{options} {
    sqlite::prepare_schema(db_, options.create);
    db_.use_write_ahead_log();
  }

  // -- event_store ------------------------------------------------------------------------------------------

  result<claimed_batch> claim(const claim_request& x) override {
    return guarded([&] { return sqlite::claim_events(db_, x); });
  }

  result<commit_report> commit(const commit_request& x) override {
    return guarded([&] { return sqlite::commit_plans(db_, x); });
  }

  result<std::vector<claim_ref>> renew(const renew_request& x) override {
    return guarded([&] { return sqlite::renew_leases(db_, x); });
  }

  result<std::uint64_t> release(const release_request& x) override {
    return guarded([&] { return sqlite::release_leases(db_, x); });
  }

  // -- outbox_store -----------------------------------------------------------------------------------------

  result<window_report> open_window(const open_window_request& x) override {
    return guarded([&] { return sqlite::open_window(db_, x); });
  }

  result<claimed_outbox> claim_outbox(const outbox_claim_request& x) override {
    return guarded([&] { return sqlite::claim_outbox(db_, x); });
  }

  result<sealed_batch> seal(const seal_request& x) override {
    return guarded([&] { return sqlite::seal_envelopes(db_, x); });
  }

  result<record_report> record(const record_request& x) override {
    return guarded([&] { return sqlite::record_outcomes(db_, x); });
  }

  result<std::uint64_t> release_outbox(const outbox_release_request& x) override {
    return guarded([&] { return sqlite::release_outbox(db_, x); });
  }

  result<std::uint64_t> purge_bodies(const purge_request& x) override {
    return guarded([&] { return sqlite::purge_bodies(db_, x); });
  }
  result<sender_share> report_sender(const sender_report& x) override {
    return guarded([&] { return sqlite::report_sender(db_, x); });
  }

  // -- run_ledger -------------------------------------------------------------------------------------------

  result<std::vector<job_state>> open_jobs(const open_jobs_request& x) override {
    return guarded([&] { return sqlite::open_jobs(db_, x); });
  }

  result<begun_run> begin_run(const begin_run_request& x) override {
    return guarded([&] { return sqlite::begin_run(db_, x); });
  }

  result<bool> finish_run(const finish_run_request& x) override {
    return guarded([&] { return sqlite::finish_run(db_, x); });
  }

  result<std::vector<job_run>> job_runs(std::uint32_t limit) override {
    return guarded([&] { return sqlite::job_runs(db_, limit); });
  }

  // -- calendar_store ------------------------------------------------------------------------------------------

  result<due_watches> find_due_watches(const due_watches_request& x) override {
    return guarded([&] { return sqlite::find_due_watches(db_, x); });
  }

  result<watches_recorded> record_watches(const record_watches_request& x) override {
    return guarded([&] { return sqlite::record_watches(db_, x); });
  }

  result<watch_summary> summarize_watches(timestamp now) override {
    return guarded([&] { return sqlite::summarize_watches(db_, now); });
  }

  // -- nudge_store ------------------------------------------------------------------------------------------

  result<job_chunk> remind_of_meetings(const meeting_reminders_request& x) override {
    return guarded([&] { return sqlite::remind_of_meetings(db_, x); });
  }

  result<job_chunk> nudge_unread_threads(const unread_nudges_request& x) override {
    return guarded([&] { return sqlite::nudge_unread_threads(db_, x); });
  }

  result<job_chunk> nudge_incomplete_resumes(const resume_nudges_request& x) override {
    return guarded([&] { return sqlite::nudge_incomplete_resumes(db_, x); });
  }

  // -- operator_store ---------------------------------------------------------------------------------------

  result<std::vector<std::int64_t>> insert_events(std::span<const new_event> events, timestamp now) override {
    return guarded([&] { return sqlite::insert_events(db_, events, now); });
  }

  result<store_status> status(timestamp now, duration max_age) override {
    return guarded([&] { return sqlite::read_status(db_, now, max_age); });
  }

  result<store_summary> summarize() override {
    return guarded([&] { return sqlite::summarize(db_); });
  }

  result<std::optional<explanation>> explain(std::int64_t event_id) override {
    return guarded([&] { return sqlite::explain(db_, event_id); });
  }

  result<std::vector<dead_letter>> dead_letters(std::uint32_t limit) override {
    return guarded([&] { return sqlite::dead_letters(db_, limit); });
  }

  result<std::uint64_t> retry_dead(std::span<const std::int64_t> event_ids, timestamp now) override {
    return guarded([&] { return sqlite::retry_dead(db_, event_ids, now); });
  }

  result<std::uint64_t> drop_dead(std::span<const std::int64_t> event_ids, timestamp now) override {
    return guarded([&] { return sqlite::drop_dead(db_, event_ids, now); });
  }

  result<void> record_supervision(std::span<const supervision_note> notes) override {
    return guarded([&] { sqlite::record_supervision(db_, notes); });
  }

  result<std::vector<stage_restarts>> restarts() override {
    return guarded([&] { return sqlite::restarts(db_); });
  }

  result<outbox_summary> summarize_outbox() override {
    return guarded([&] { return sqlite::summarize_outbox(db_); });
  }

  result<std::vector<stuck_mail>> stuck_mails(std::uint32_t limit) override {
    return guarded([&] { return sqlite::stuck_mails(db_, limit); });
  }

  result<std::uint64_t> resend_mails(std::span<const std::int64_t> mail_ids, timestamp now) override {
    return guarded([&] { return sqlite::resend_mails(db_, mail_ids, now); });
  }

  result<std::uint64_t> drop_mails(std::span<const std::int64_t> mail_ids, timestamp now) override {
    return guarded([&] { return sqlite::drop_mails(db_, mail_ids, now); });
  }

  result<std::optional<claimed_outbox>> read_mail(std::int64_t row_id, timestamp now) override {
    return guarded([&] { return sqlite::read_mail(db_, row_id, now); });
  }

  // -- platform_writer and sqlite_store ---------------------------------------------------------------------

  result<void> insert_platform_rows(const platform_rows& rows, timestamp now) override {
    return guarded([&] { return sqlite::insert_platform_rows(db_, rows, now); });
  }

  std::uint64_t statements_run() const override { return db_.statements_run(); }

  result<void> keep_captured(const captured_message& x) override {
    return guarded([&] { sqlite::insert_captured(db_, x); });
  }

  result<std::vector<captured_message>> captured_messages(std::uint32_t limit) override {
    return guarded([&] { return sqlite::captured_messages(db_, limit); });
  }

  std::uint64_t data_version() override {
    auto version = guarded([&] { return db_.read_integer("PRAGMA data_version"); });
    return version ? static_cast<std::uint64_t>(*version) : 0;
  }

private:
  sqlite::database db_;
};

} // namespace

result<std::unique_ptr<sqlite_store>> open_sqlite_store(const sqlite_options& options) {
  return guarded(
      [&]() -> std::unique_ptr<sqlite_store> { return std::make_unique<embedded_store>(options); });
}

} // namespace herald
