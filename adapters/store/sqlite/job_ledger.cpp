#include "adapters/store/sqlite/job_ledger.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_job =
    "INSERT INTO herald_jobs (job, known_since) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

constexpr std::string_view insert_jobs = R"(
  INSERT INTO herald_jobs (job, known_since) SELECT value, ?2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING)";

// A failed run waits for another try only as long as no later instant has come.
constexpr std::string_view select_states = R"(
  SELECT j.job, max(j.known_since, coalesce(n.scheduled_at, j.known_since)), o.id, o.claim_no, o.scheduled_at,
    o.cause, o.worker, o.state, o.attempts, coalesce(o.lease_until, o.retry_at)
  FROM json_each(?1) w
    CROSS JOIN herald_jobs j ON j.job = w.value
    LEFT JOIN herald_job_runs n ON n.id = (
      SELECT id FROM herald_job_runs
      WHERE job = j.job AND cause <> 'hand' ORDER BY scheduled_at DESC LIMIT 1)
    LEFT JOIN herald_job_runs o ON o.id = coalesce(
      (SELECT id FROM herald_job_runs WHERE job = j.job AND state = 'running'),
      iif(n.state = 'failed' AND n.retry_at IS NOT NULL, n.id, NULL))
  ORDER BY w.key)";

constexpr std::string_view select_running = R"(
  SELECT id, claim_no, attempts, worker, cause <> 'hand' AND scheduled_at = ?2, lease_until
  FROM herald_job_runs WHERE job = ?1 AND state = 'running')";

constexpr std::string_view select_entry = R"(
  SELECT id, claim_no, attempts, state = 'failed' AND coalesce(retry_at <= ?3, 0)
  FROM herald_job_runs WHERE job = ?1 AND scheduled_at = ?2 AND cause <> 'hand')";

constexpr std::string_view select_settled_until = R"(
  SELECT max(known_since, coalesce((
    SELECT max(scheduled_at) FROM herald_job_runs WHERE job = ?1 AND cause <> 'hand'), known_since))
  FROM herald_jobs WHERE job = ?1)";

constexpr std::string_view keep_run =
    "UPDATE herald_job_runs SET lease_until = max(lease_until, ?2) WHERE id = ?1";

constexpr std::string_view end_crashed = R"(
  UPDATE herald_job_runs SET state = 'failed', lease_until = NULL, ended_at = ?2, retry_at = NULL,
    error_class = 'crash', error = 'the daemon that ran it (' || worker || ') is gone: its lease ran out'
  WHERE id = ?1)";

constexpr std::string_view take_run_over = R"(
  UPDATE herald_job_runs SET state = 'running', worker = ?2, claim_no = claim_no + 1, attempts = attempts + 1,
    started_at = ?3, lease_until = ?4, ended_at = NULL, retry_at = NULL, error_class = '', error = '', counts = '{}'
  WHERE id = ?1)";

constexpr std::string_view insert_missed = R"(
  INSERT INTO herald_job_runs (job, scheduled_at, first_at, instants, cause, state, ended_at)
  VALUES (?1, ?2, ?3, ?4, ?5, 'missed', ?6))";

constexpr std::string_view insert_run = R"(
  INSERT INTO herald_job_runs
    (job, scheduled_at, first_at, cause, state, worker, claim_no, attempts, started_at, lease_until)
  VALUES (?1, ?2, ?2, ?3, 'running', ?4, 1, 1, ?5, ?6))";

constexpr std::string_view drop_older_retries = R"(
  UPDATE herald_job_runs SET retry_at = NULL
  WHERE job = ?1 AND cause <> 'hand' AND scheduled_at < ?2 AND state = 'failed' AND retry_at IS NOT NULL)";

// The newest instant says up to where everything is settled. Only the oldest entries are looked at.
constexpr std::string_view forget_old = R"(
  DELETE FROM herald_job_runs WHERE id IN (
    SELECT id FROM (
      SELECT id, state, ended_at FROM herald_job_runs WHERE job = ?1 ORDER BY id LIMIT 1000)
    WHERE state <> 'running' AND ended_at < ?2 AND id IS NOT (
      SELECT id FROM herald_job_runs WHERE job = ?1 AND cause <> 'hand' ORDER BY scheduled_at DESC LIMIT 1)))";

constexpr std::string_view end_run = R"(
  UPDATE herald_job_runs SET state = ?4, lease_until = NULL, ended_at = ?5, error_class = ?6, error = ?7,
    retry_at = ?8, counts = ?9, attempts = max(attempts - ?10, 0)
  WHERE id = ?1 AND claim_no = ?2 AND worker = ?3 AND state = 'running')";

constexpr std::string_view select_ended = R"(
  SELECT 1 FROM herald_job_runs
  WHERE id = ?1 AND claim_no = ?2 AND worker = ?3 AND state = ?4 AND error_class = ?5 AND error = ?6
    AND retry_at IS ?7 AND counts = ?8)";

constexpr std::string_view select_runs = R"(
  SELECT r.id, r.job, r.scheduled_at, r.first_at, r.instants, r.cause, r.state, r.worker, r.attempts, r.started_at,
    r.ended_at, r.error_class, r.error, r.retry_at, r.counts
  FROM herald_jobs j CROSS JOIN herald_job_runs r ON r.id IN (
    SELECT x.id FROM herald_job_runs x WHERE x.job = j.job ORDER BY x.id DESC LIMIT ?1)
  ORDER BY r.job, r.id DESC)";

constexpr std::string_view select_held =
    "SELECT 1 FROM herald_job_runs WHERE id = ?1 AND claim_no = ?2 AND worker = ?3 AND state = 'running'";

// -- values -------------------------------------------------------------------------------------------------

run_cause cause_named(std::string_view name) {
  for (auto x : std::array{run_cause::catch_up, run_cause::hand})
    if (name == to_string(x))
      return x;
  return run_cause::schedule;
}

run_state state_named(std::string_view name) {
  for (auto x : std::array{run_state::running, run_state::ran, run_state::late, run_state::missed})
    if (name == to_string(x))
      return x;
  return run_state::failed;
}

std::string to_json(const job_counts& xs) {
  return nlohmann::json(xs).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

job_counts counts_in(const std::string& text) {
  job_counts out;
  auto counts = nlohmann::json::parse(text, nullptr, false);
  if (counts.is_object())
    for (auto& [name, x] : counts.items())
      if (x.is_number_unsigned())
        out.emplace(name, x.get<std::uint64_t>());
  return out;
}

job_state state_in(const statement& row) {
  job_state out{row.text(0), row.time(1), std::nullopt};
  if (!row.is_null(2))
    out.open = open_run{{row.integer(2), row.small_integer(3)},
                        row.time(4),
                        cause_named(row.text(5)),
                        row.text(6),
                        state_named(row.text(7)),
                        row.small_integer(8),
                        row.time(9)};
  return out;
}

job_run run_in(const statement& row) {
  job_run out;
  out.id = row.integer(0);
  out.job = row.text(1);
  out.scheduled_at = row.time(2);
  out.first_at = row.time(3);
  out.instants = row.count(4);
  out.cause = cause_named(row.text(5));
  out.state = state_named(row.text(6));
  out.worker = row.text(7);
  out.attempts = row.small_integer(8);
  out.started_at = row.optional_time(9);
  out.ended_at = row.optional_time(10);
  out.error_class = row.text(11);
  out.error = row.text(12);
  out.retry_at = row.optional_time(13);
  out.counts = counts_in(row.text(14));
  return out;
}

// -- beginning ----------------------------------------------------------------------------------------------

/// Carries one request out. The write transaction keeps everybody else away from the ledger.
class run_opener {
public:
  run_opener(database& db, const begin_run_request& request)
      : db_{db}, request_{request}, tx_{db, transaction::mode::write} {}

  begun_run run() {
    db_.run(insert_job, request_.job, request_.now);
    auto out = decide();
    tx_.commit();
    return out;
  }

private:
  struct entry {
    run_ref run;
    std::int32_t attempts = 0;
  };

  begun_run decide() {
    if (auto row = db_.query(select_running, request_.job, request_.scheduled_at); row.step()) {
      auto found = entry{{row.integer(0), row.small_integer(1)}, row.small_integer(2)};
      auto holder = row.text(3);
      auto ours = !by_hand() && row.integer(4) != 0;
      auto held_until = row.time(5);
      if (held_until > request_.now)
        return ours && holder == request_.worker ? keep(found) : busy(std::move(holder), held_until);
      if (ours)
        return take_over(found);
      db_.run(end_crashed, found.run.id, request_.now);
    }
    return by_hand() ? start() : begin_instant();
  }

  begun_run begin_instant() {
    if (auto row = db_.query(select_entry, request_.job, request_.scheduled_at, request_.now); row.step())
      return row.integer(3) != 0 ? take_over({{row.integer(0), row.small_integer(1)}, row.small_integer(2)})
                                 : begun_run{};
    auto from =
        request_.missed ? std::min(request_.missed->first, request_.scheduled_at) : request_.scheduled_at;
    if (from <= settled_until())
      return {};
    if (request_.missed)
      db_.run(insert_missed, request_.job, request_.missed->last, request_.missed->first,
              request_.missed->instants, to_string(request_.cause), request_.now);
    return start();
  }

  /// The answer that told of this run was lost.
  begun_run keep(const entry& x) {
    db_.run(keep_run, x.run.id, request_.now + request_.lease);
    return begun(x.run, x.attempts);
  }

  begun_run take_over(const entry& x) {
    db_.run(take_run_over, x.run.id, request_.worker, request_.now, request_.now + request_.lease);
    tidy();
    return begun({x.run.id, x.run.claim_no + 1}, x.attempts + 1);
  }

  begun_run start() {
    db_.run(insert_run, request_.job, request_.scheduled_at, to_string(request_.cause), request_.worker,
            request_.now, request_.now + request_.lease);
    auto run = run_ref{db_.last_insert_id(), 1};
    tidy();
    return begun(run, 1);
  }

  void tidy() {
    if (!by_hand())
      db_.run(drop_older_retries, request_.job, request_.scheduled_at);
    db_.run(forget_old, request_.job, request_.now - request_.keep);
  }

  timestamp settled_until() {
    auto row = db_.query(select_settled_until, request_.job);
    row.step();
    return row.time(0);
  }

  bool by_hand() const { return request_.cause == run_cause::hand; }

  static begun_run begun(const run_ref& run, std::int32_t attempt) {
    return {begin_verdict::begun, run, attempt, {}, std::nullopt};
  }

  static begun_run busy(std::string holder, timestamp held_until) {
    return {begin_verdict::busy, {}, 0, std::move(holder), held_until};
  }

  database& db_;
  const begin_run_request& request_;
  transaction tx_;
};

} // namespace

std::vector<job_state> open_jobs(database& db, const open_jobs_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  auto jobs = to_json_list(request.jobs);
  db.run(insert_jobs, jobs, request.now);
  std::vector<job_state> out;
  for (auto row = db.query(select_states, jobs); row.step();)
    out.push_back(state_in(row));
  tx.commit();
  return out;
}

begun_run begin_run(database& db, const begin_run_request& request) {
  return run_opener{db, request}.run();
}

bool finish_run(database& db, const finish_run_request& x) {
  auto tx = transaction{db, transaction::mode::write};
  auto state = to_string(x.state);
  auto error_class = x.why ? to_string(x.why->kind) : std::string_view{};
  auto error = x.why ? std::string_view{x.why->reason} : std::string_view{};
  auto counts = to_json(x.counts);
  auto ended = db.run(end_run, x.run.id, x.run.claim_no, x.worker, state, x.now, error_class, error,
                      x.retry_at, counts, x.handed_back ? 1 : 0)
               > 0;
  // The answer to the same request may have been lost.
  if (!ended)
    ended = db.query(select_ended, x.run.id, x.run.claim_no, x.worker, state, error_class, error, x.retry_at,
                     counts)
                .step();
  tx.commit();
  return ended;
}

std::vector<job_run> job_runs(database& db, std::uint32_t limit) {
  std::vector<job_run> out;
  for (auto row = db.query(select_runs, limit); row.step();)
    out.push_back(run_in(row));
  return out;
}

bool holds_run(database& db, const run_ref& run, std::string_view worker) {
  return db.query(select_held, run.id, run.claim_no, worker).step();
}

} // namespace herald::sqlite
