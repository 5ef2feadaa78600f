// The store as a set of functions in a database: every call of the ports is one function that takes and
// returns JSON. How a function is reached is the caller's affair: libpq, or HTTPS.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapters/store/store.hpp"

namespace herald {

/// The way to the database's functions. Belongs to one thread at a time.
class function_caller {
public:
  virtual ~function_caller() = default;

  /// Calls `function` (without its schema, e.g. `herald_claim`) with one JSON object and returns its answer,
  /// empty when that is NULL. Does not throw; failures are those of the ports. A call whose answer was lost
  /// may have been carried out: it has to be safe to repeat.
  virtual result<std::string> call(std::string_view function, const std::string& request) = 0;
};

class remote_store : public full_store {
public:
  /// @pre caller is not null
  explicit remote_store(std::unique_ptr<function_caller> caller) : caller_{std::move(caller)} {}

  // -- event_store ------------------------------------------------------------------------------------------

  result<claimed_batch> claim(const claim_request& x) override;
  result<commit_report> commit(const commit_request& x) override;
  result<std::vector<claim_ref>> renew(const renew_request& x) override;
  result<std::uint64_t> release(const release_request& x) override;

  // -- outbox_store -----------------------------------------------------------------------------------------

  result<window_report> open_window(const open_window_request& x) override;
  result<claimed_outbox> claim_outbox(const outbox_claim_request& x) override;
  result<sealed_batch> seal(const seal_request& x) override;
  result<record_report> record(const record_request& x) override;
  result<std::uint64_t> release_outbox(const outbox_release_request& x) override;
  result<std::uint64_t> purge_bodies(const purge_request& x) override;
  result<sender_share> report_sender(const sender_report& x) override;

  // -- run_ledger -------------------------------------------------------------------------------------------

  result<std::vector<job_state>> open_jobs(const open_jobs_request& x) override;
  result<begun_run> begin_run(const begin_run_request& x) override;
  result<bool> finish_run(const finish_run_request& x) override;
  result<std::vector<job_run>> job_runs(std::uint32_t limit) override;

  // -- calendar_store ------------------------------------------------------------------------------------------

  result<due_watches> find_due_watches(const due_watches_request& x) override;
  result<watches_recorded> record_watches(const record_watches_request& x) override;
  result<watch_summary> summarize_watches(timestamp now) override;

  // -- nudge_store ------------------------------------------------------------------------------------------

  result<job_chunk> remind_of_meetings(const meeting_reminders_request& x) override;
  result<job_chunk> nudge_unread_threads(const unread_nudges_request& x) override;
  result<job_chunk> nudge_incomplete_resumes(const resume_nudges_request& x) override;

  // -- operator_store ---------------------------------------------------------------------------------------

  result<std::vector<std::int64_t>> insert_events(std::span<const new_event> events, timestamp now) override;
  result<store_status> status(timestamp now, duration max_age) override;
  result<store_summary> summarize() override;
  result<std::optional<explanation>> explain(std::int64_t event_id) override;
  result<std::vector<dead_letter>> dead_letters(std::uint32_t limit) override;
  result<std::uint64_t> retry_dead(std::span<const std::int64_t> event_ids, timestamp now) override;
  result<void> record_supervision(std::span<const supervision_note> notes) override;
  result<std::vector<stage_restarts>> restarts() override;
  result<outbox_summary> summarize_outbox() override;
  result<std::vector<stuck_mail>> stuck_mails(std::uint32_t limit) override;
  result<std::uint64_t> resend_mails(std::span<const std::int64_t> mail_ids, timestamp now) override;
  result<std::uint64_t> drop_mails(std::span<const std::int64_t> mail_ids, timestamp now) override;
  result<std::optional<claimed_outbox>> read_mail(std::int64_t row_id, timestamp now) override;
  result<std::uint64_t> drop_dead(std::span<const std::int64_t> event_ids, timestamp now) override;

private:
  template <class Request> result<std::string> call(std::string_view function, const Request& x);
  template <class Answer, class Request> result<Answer> ask(std::string_view function, const Request& x);
  template <class T, class Request> result<T> ask_wrapped(std::string_view function, const Request& x);

  std::unique_ptr<function_caller> caller_;
};

/// Every function that remote_store calls.
std::span<const std::string_view> remote_functions();

} // namespace herald
