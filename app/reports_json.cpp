// The JSON half of app/reports.hpp.
#include <nlohmann/json.hpp>

#include "app/reports.hpp"
#include "core/payload.hpp"
#include "messages/failure.hpp"

namespace herald {

namespace {

// Keeps keys in the order they were set, which is the order people read them in.
using nlohmann::ordered_json;

/// ASCII only: a JSON line may end on a terminal as well as in a script. Invalid UTF-8 becomes U+FFFD.
std::string line_of(const ordered_json& x) {
  return x.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

ordered_json json_of(const std::optional<timestamp>& x) {
  return x ? ordered_json(to_iso8601(*x)) : ordered_json();
}

ordered_json json_of(const std::optional<uuid>& x) {
  return x ? ordered_json(to_string(*x)) : ordered_json();
}

ordered_json json_of_payload(const std::string& text) {
  if (text.empty())
    return {};
  // Only what passes the limits of the rules (depth, size) is built into the answer; the rest is quoted.
  if (auto parsed = payload::parse(text))
    return ordered_json::parse(text);
  return text;
}

ordered_json json_of(const domain_event& x) {
  return {{"id", x.id},
          {"event_type", x.type},
          {"actor_id", json_of(x.actor_id)},
          {"project_id", json_of(x.project_id)},
          {"resource_id", json_of(x.resource_id)},
          {"thread_id", json_of(x.thread_id)},
          {"meeting_id", json_of(x.meeting_id)},
          {"payload", json_of_payload(x.payload)},
          {"created_at", to_iso8601(x.created_at)}};
}

ordered_json json_of(const attempt_record& x) {
  return {{"claim_no", x.claim_no},
          {"worker", x.worker},
          {"claimed_at", json_of(x.claimed_at)},
          {"ended_at", to_iso8601(x.ended_at)},
          {"ending", x.ending},
          {"kind", x.kind},
          {"reason", x.reason}};
}

ordered_json json_of(const watch_summary& x) {
  return {{"connections", x.connections}, {"watched", x.watched},
          {"expired", x.expired},         {"needs_reconnect", x.needs_reconnect},
          {"failing", x.failing},         {"next_expiry", json_of(x.next_expiry)}};
}

ordered_json json_of(const job_run& x) {
  auto ms = took(x);
  return {{"id", x.id},
          {"scheduled_at", to_iso8601(x.scheduled_at)},
          {"first_at", to_iso8601(x.first_at)},
          {"instants", x.instants},
          {"cause", to_string(x.cause)},
          {"state", to_string(x.state)},
          {"worker", x.worker},
          {"attempts", x.attempts},
          {"started_at", json_of(x.started_at)},
          {"ended_at", json_of(x.ended_at)},
          {"took_ms", ms ? ordered_json(ms->count()) : ordered_json()},
          {"retry_at", json_of(x.retry_at)},
          {"error_class", x.error_class},
          {"error", x.error},
          {"counts", x.counts}};
}

ordered_json json_of(const job_view& x) {
  ordered_json runs = ordered_json::array();
  for (auto& run : x.runs)
    runs.push_back(json_of(run));
  return {{"job", x.schedule.job},
          {"schedule", x.schedule.rule},
          {"time_zone", x.schedule.zone},
          {"next", json_of(x.next)},
          {"runs", std::move(runs)}};
}

ordered_json json_of(const recipient_outcome& x) {
  return {{"user_id", to_string(x.user_id)},
          {"user_name", x.user_name},
          {"channel", x.channel},
          {"state", x.state},
          {"reason", x.reason},
          {"row_id", x.row_id ? ordered_json(*x.row_id) : ordered_json()},
          {"row_state", x.row_state},
          {"row_detail", x.row_detail}};
}

ordered_json json_of(const dead_letter& x) {
  return {{"event_id", x.event_id},
          {"event_type", x.event_type},
          {"kind", x.kind},
          {"reason", x.reason},
          {"attempts", x.attempts},
          {"crashes", x.crashes},
          {"created_at", to_iso8601(x.created_at)},
          {"died_at", to_iso8601(x.died_at)}};
}

ordered_json json_of(const supervision_record& x) {
  return {{"at", to_iso8601(x.at)}, {"supervisor", x.supervisor}, {"child", x.child},
          {"what", x.what},         {"reason", x.reason},         {"delay_ms", x.delay.count()}};
}

ordered_json json_of(const type_summary& x) {
  auto reasons = ordered_json::object();
  std::uint64_t skipped = 0;
  for (auto& [reason, n] : x.skipped) {
    reasons[reason] = n;
    skipped += n;
  }
  return {{"events", x.events},
          {"completed", x.completed},
          {"notifications", x.notifications},
          {"rolled_up", x.rolled_up},
          {"emails", x.emails},
          {"skipped", skipped},
          {"skipped_by_reason", std::move(reasons)},
          {"dead", x.dead},
          {"pending", x.pending},
          {"expired", x.expired}};
}

ordered_json json_of(const outbox_summary& x) {
  return {{"immediate", x.immediate_mails},
          {"digests", x.digest_mails},
          {"merged", x.merged},
          {"skipped", x.skipped},
          {"failed", x.failed},
          {"parked", x.parked},
          {"pending", x.pending},
          {"deferred", x.deferred},
          {"claimed", x.claimed},
          {"sealed", x.sealed},
          {"rows", x.rows},
          {"open_envelopes", x.open_envelopes},
          {"reasons", x.reasons}};
}

ordered_json json_of(const conservation_report& x) {
  auto checks = ordered_json::array();
  for (auto& check : x.checks)
    checks.push_back({{"name", check.name},
                      {"left", check.left},
                      {"relation", to_string(check.relation)},
                      {"right", check.right},
                      {"holds", check.holds()}});
  return {{"holds", x.holds}, {"checks", std::move(checks)}};
}

template <class T> ordered_json array_of(std::span<const T> xs) {
  auto out = ordered_json::array();
  for (auto& x : xs)
    out.push_back(json_of(x));
  return out;
}

ordered_json event_totals(const store_summary& x) {
  type_summary sum;
  for (auto& entry : x.by_type) {
    sum.completed += entry.second.completed;
    sum.dead += entry.second.dead;
    sum.pending += entry.second.pending;
    sum.expired += entry.second.expired;
  }
  return {{"in", x.event_rows},
          {"completed", sum.completed},
          {"dead", sum.dead},
          {"pending", sum.pending},
          {"expired", sum.expired}};
}

ordered_json quarantined(const std::vector<dead_letter>& xs) {
  auto out = ordered_json::array();
  for (auto& x : xs)
    if (x.kind == to_string(failure_class::crash))
      out.push_back({{"event_id", x.event_id}, {"event_type", x.event_type}, {"reason", x.reason}});
  return out;
}

} // namespace

std::string status_json(const store_status& x) {
  return line_of({{"unclaimed", x.unclaimed},
                  {"waiting", x.waiting},
                  {"due_retries", x.due_retries},
                  {"in_flight", x.in_flight},
                  {"stale", x.stale},
                  {"completed", x.completed},
                  {"dead", x.dead},
                  {"expired", x.expired},
                  {"emails_pending", x.emails_pending},
                  {"oldest_pending", json_of(x.oldest_pending)}});
}

std::string explanation_json(const explanation& x) {
  return line_of({{"event", json_of(x.event)},
                  {"state", x.state},
                  {"worker", x.worker},
                  {"claim_no", x.claim_no},
                  {"attempts", x.attempts},
                  {"crashes", x.crashes},
                  {"claimed_at", json_of(x.claimed_at)},
                  {"completed_at", json_of(x.completed_at)},
                  {"lease_until", json_of(x.lease_until)},
                  {"next_attempt_at", json_of(x.next_attempt_at)},
                  {"error", x.error},
                  {"error_class", x.error_class},
                  {"history", array_of(std::span{x.history})},
                  {"outcomes", array_of(std::span{x.outcomes})}});
}

std::string dead_letters_json(std::span<const dead_letter> xs) {
  return line_of(array_of(xs));
}

std::string outbox_json(const outbox_summary& x) {
  return line_of(json_of(x));
}

std::string jobs_json(std::span<const job_view> jobs, const watch_summary& watches) {
  ordered_json list = ordered_json::array();
  for (auto& x : jobs)
    list.push_back(json_of(x));
  ordered_json out{{"jobs", std::move(list)}, {"watches", json_of(watches)}};
  return line_of(out);
}

std::string demo_json(const demo_report& x) {
  auto by_type = ordered_json::object();
  for (auto& [type, figures] : x.summary.by_type)
    by_type[type] = json_of(figures);
  auto jobs = ordered_json::object();
  for (auto& [job, sum] : x.jobs)
    jobs[job] = {{"runs", sum.runs}, {"counts", sum.counts}};
  return line_of(
      {{"events", event_totals(x.summary)},
       {"by_type", std::move(by_type)},
       {"emails", json_of(x.outbox)},
       {"conservation", json_of(check_conservation(x.summary, x.outbox))},
       {"quarantined", quarantined(x.dead_letters)},
       {"jobs", std::move(jobs)},
       {"watches", json_of(x.watches)},
       {"channels",
        {{"live", x.channels_live}, {"stopped", x.channels_stopped}, {"expired", x.channels_expired}}},
       {"restarts", x.restarts},
       {"supervision", array_of(std::span{x.supervision})},
       {"seconds", std::chrono::duration<double>(x.elapsed).count()}});
}

} // namespace herald
