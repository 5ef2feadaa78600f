#include "adapters/store/remote/remote_store.hpp"

#include <array>
#include <exception>

#include "adapters/store/remote/codec.hpp"

namespace herald {

using namespace remote;

// -- helpers ------------------------------------------------------------------------------------------------

template <class Request> result<std::string> remote_store::call(std::string_view function, const Request& x) {
  try {
    return caller_->call(function, encode(x));
  } catch (const std::exception& e) {
    return failure{failure_class::outage, "the process could not put together its request to the database: "
                                              + std::string{e.what()}};
  }
}

template <class Answer, class Request>
result<Answer> remote_store::ask(std::string_view function, const Request& x) {
  auto answer = call(function, x);
  if (answer.has_error())
    return answer.error();
  return decode<Answer>(function, *answer);
}

template <class T, class Request>
result<T> remote_store::ask_wrapped(std::string_view function, const Request& x) {
  auto answer = ask<wrapped<T>>(function, x);
  if (answer.has_error())
    return answer.error();
  return std::move(answer->result);
}

// -- event_store --------------------------------------------------------------------------------------------

result<claimed_batch> remote_store::claim(const claim_request& x) {
  return ask<claimed_batch>("herald_claim", x);
}

result<commit_report> remote_store::commit(const commit_request& x) {
  return ask<commit_report>("herald_commit", x);
}

result<std::vector<claim_ref>> remote_store::renew(const renew_request& x) {
  return ask_wrapped<std::vector<claim_ref>>("herald_renew", x);
}

result<std::uint64_t> remote_store::release(const release_request& x) {
  return ask_wrapped<std::uint64_t>("herald_release", x);
}

// -- outbox_store -------------------------------------------------------------------------------------------

result<window_report> remote_store::open_window(const open_window_request& x) {
  return ask<window_report>("herald_open_window", x);
}

result<claimed_outbox> remote_store::claim_outbox(const outbox_claim_request& x) {
  return ask<claimed_outbox>("herald_claim_outbox", x);
}

result<sealed_batch> remote_store::seal(const seal_request& x) {
  return ask<sealed_batch>("herald_seal", x);
}

result<record_report> remote_store::record(const record_request& x) {
  return ask<record_report>("herald_record", x);
}

result<std::uint64_t> remote_store::release_outbox(const outbox_release_request& x) {
  return ask_wrapped<std::uint64_t>("herald_release_outbox", x);
}

result<std::uint64_t> remote_store::purge_bodies(const purge_request& x) {
  return ask_wrapped<std::uint64_t>("herald_purge_bodies", x);
}

result<sender_share> remote_store::report_sender(const sender_report& x) {
  return ask<sender_share>("herald_report_sender", x);
}

// -- run_ledger ---------------------------------------------------------------------------------------------

result<std::vector<job_state>> remote_store::open_jobs(const open_jobs_request& x) {
  return ask_wrapped<std::vector<job_state>>("herald_open_jobs", x);
}

result<begun_run> remote_store::begin_run(const begin_run_request& x) {
  return ask<begun_run>("herald_begin_run", x);
}

result<bool> remote_store::finish_run(const finish_run_request& x) {
  return ask_wrapped<bool>("herald_finish_run", x);
}

result<std::vector<job_run>> remote_store::job_runs(std::uint32_t limit) {
  return ask_wrapped<std::vector<job_run>>("herald_job_runs", list_request{limit});
}

// -- calendar_store --------------------------------------------------------------------------------------------

result<due_watches> remote_store::find_due_watches(const due_watches_request& x) {
  return ask<due_watches>("herald_due_watches", x);
}

result<watches_recorded> remote_store::record_watches(const record_watches_request& x) {
  return ask<watches_recorded>("herald_record_watches", x);
}

result<watch_summary> remote_store::summarize_watches(timestamp now) {
  return ask<watch_summary>("herald_summarize_watches", summarize_watches_request{now});
}

// -- nudge_store --------------------------------------------------------------------------------------------

result<job_chunk> remote_store::remind_of_meetings(const meeting_reminders_request& x) {
  return ask<job_chunk>("herald_remind_of_meetings", x);
}

result<job_chunk> remote_store::nudge_unread_threads(const unread_nudges_request& x) {
  return ask<job_chunk>("herald_nudge_unread_threads", x);
}

result<job_chunk> remote_store::nudge_incomplete_resumes(const resume_nudges_request& x) {
  return ask<job_chunk>("herald_nudge_incomplete_resumes", x);
}

// -- operator_store -----------------------------------------------------------------------------------------

result<std::vector<std::int64_t>> remote_store::insert_events(std::span<const new_event> events,
                                                              timestamp now) {
  return ask_wrapped<std::vector<std::int64_t>>("herald_insert_events", insert_events_request{events, now});
}

result<store_status> remote_store::status(timestamp now, duration max_age) {
  return ask<store_status>("herald_status", status_request{now, max_age});
}

result<store_summary> remote_store::summarize() {
  return ask<store_summary>("herald_summarize", empty_request{});
}

result<std::optional<explanation>> remote_store::explain(std::int64_t event_id) {
  return ask_wrapped<std::optional<explanation>>("herald_explain", explain_request{event_id});
}

result<std::vector<dead_letter>> remote_store::dead_letters(std::uint32_t limit) {
  return ask_wrapped<std::vector<dead_letter>>("herald_dead_letters", list_request{limit});
}

result<std::uint64_t> remote_store::retry_dead(std::span<const std::int64_t> event_ids, timestamp now) {
  return ask_wrapped<std::uint64_t>("herald_retry_dead", events_request{event_ids, now});
}

result<void> remote_store::record_supervision(std::span<const supervision_note> notes) {
  auto answer = call("herald_record_supervision", supervision_request{notes});
  if (answer.has_error())
    return answer.error();
  return {};
}

result<std::vector<stage_restarts>> remote_store::restarts() {
  return ask_wrapped<std::vector<stage_restarts>>("herald_restarts", empty_request{});
}

result<outbox_summary> remote_store::summarize_outbox() {
  return ask<outbox_summary>("herald_summarize_outbox", empty_request{});
}

result<std::vector<stuck_mail>> remote_store::stuck_mails(std::uint32_t limit) {
  return ask_wrapped<std::vector<stuck_mail>>("herald_stuck_mails", list_request{limit});
}

result<std::uint64_t> remote_store::resend_mails(std::span<const std::int64_t> mail_ids, timestamp now) {
  return ask_wrapped<std::uint64_t>("herald_resend_mails", mails_request{mail_ids, now});
}

result<std::uint64_t> remote_store::drop_mails(std::span<const std::int64_t> mail_ids, timestamp now) {
  return ask_wrapped<std::uint64_t>("herald_drop_mails", mails_request{mail_ids, now});
}

result<std::optional<claimed_outbox>> remote_store::read_mail(std::int64_t row_id, timestamp now) {
  return ask_wrapped<std::optional<claimed_outbox>>("herald_read_mail", read_mail_request{row_id, now});
}

result<std::uint64_t> remote_store::drop_dead(std::span<const std::int64_t> event_ids, timestamp now) {
  return ask_wrapped<std::uint64_t>("herald_drop_dead", events_request{event_ids, now});
}

// -- names --------------------------------------------------------------------------------------------------

std::span<const std::string_view> remote_functions() {
  static constexpr std::array<std::string_view, 35> names{"herald_claim",
                                                          "herald_commit",
                                                          "herald_renew",
                                                          "herald_release",
                                                          "herald_open_window",
                                                          "herald_claim_outbox",
                                                          "herald_seal",
                                                          "herald_record",
                                                          "herald_release_outbox",
                                                          "herald_purge_bodies",
                                                          "herald_report_sender",
                                                          "herald_open_jobs",
                                                          "herald_begin_run",
                                                          "herald_finish_run",
                                                          "herald_job_runs",
                                                          "herald_due_watches",
                                                          "herald_record_watches",
                                                          "herald_summarize_watches",
                                                          "herald_insert_events",
                                                          "herald_status",
                                                          "herald_summarize",
                                                          "herald_explain",
                                                          "herald_dead_letters",
                                                          "herald_retry_dead",
                                                          "herald_record_supervision",
                                                          "herald_restarts",
                                                          "herald_summarize_outbox",
                                                          "herald_stuck_mails",
                                                          "herald_resend_mails",
                                                          "herald_drop_mails",
                                                          "herald_read_mail",
                                                          "herald_drop_dead",
                                                          "herald_remind_of_meetings",
                                                          "herald_nudge_unread_threads",
                                                          "herald_nudge_incomplete_resumes"};
  return names;
}

} // namespace herald
