// Recording what the provider said, envelope by envelope, each fenced by its claim.
#include <map>
#include <set>
#include <string_view>

#include "adapters/store/sqlite/envelopes.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/outbox.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_held = R"(
  SELECT v.id, v.claim_no
  FROM json_each(?1) w CROSS JOIN herald_envelopes v ON v.id = w.value
  WHERE v.state = 'sealed' AND v.worker = ?2)";

constexpr std::string_view end_envelope = R"(
  UPDATE herald_envelopes SET state = ?2, ended_at = ?3, lease_until = NULL, next_attempt_at = NULL,
    body = iif(?4, NULL, body), error_class = ?5, error = ?6
  WHERE id = ?1)";

constexpr std::string_view postpone_envelope = R"(
  UPDATE herald_envelopes SET worker = '', lease_until = NULL, next_attempt_at = ?2, attempts = attempts + ?3,
    first_attempt_at = ?4, error_class = ?5, error = ?6
  WHERE id = ?1)";

constexpr std::string_view end_mail = R"(
  UPDATE herald_mails SET state = ?3, provider_id = ?4, reason = ?5, updated_at = ?6
  WHERE id = ?1 AND envelope_id = ?2 AND state = 'sealed'
  RETURNING lane)";

constexpr std::string_view end_rows = R"(
  UPDATE pending_emails SET status = ?2, processed_at = ?3
  WHERE id IN (SELECT email_id FROM herald_mail_rows WHERE mail_id = ?1 AND state = 'member'))";

constexpr std::string_view park_mails = R"(
  UPDATE herald_mails SET state = 'parked', reason = ?2, updated_at = ?3
  WHERE envelope_id = ?1 AND state = 'sealed')";

class recorder {
public:
  recorder(database& db, const record_request& request)
      : db_{db}, request_{request}, tx_{db, transaction::mode::write} {}

  record_report run() {
    read_claims();
    for (auto& x : request_.outcomes)
      if (auto held = held_.find(x.envelope_id); held == held_.end() || held->second != x.claim_no)
        ++report_.lost;
      else
        record(x);
    tx_.commit();
    return report_;
  }

private:
  void read_claims() {
    std::set<std::int64_t> ids;
    for (auto& x : request_.outcomes)
      ids.insert(x.envelope_id);
    for (auto x = db_.query(select_held, to_json_list(ids), request_.worker); x.step();)
      held_[x.integer(0)] = x.small_integer(1);
  }

  void record(const envelope_outcome& x) {
    held_.erase(x.envelope_id);
    switch (x.fate) {
    case envelope_fate::settled:
      settle(x);
      return;
    case envelope_fate::retry:
      postpone(x, 1);
      return;
    case envelope_fate::deferred:
      postpone(x, 0);
      return;
    case envelope_fate::parked:
      park(x);
      return;
    case envelope_fate::split:
      split(x);
      return;
    }
  }

  void settle(const envelope_outcome& x) {
    for (auto& verdict : x.mails) {
      auto sent = !verdict.provider_id.empty();
      auto row =
          db_.query(end_mail, verdict.mail_id, x.envelope_id, std::string_view{sent ? "sent" : "failed"},
                    verdict.provider_id, verdict.reason, request_.now);
      if (!row.step())
        continue;
      auto digest = row.text(0) == "digest";
      row.step(); // a change with RETURNING ends with its last row
      auto rows =
          db_.run(end_rows, verdict.mail_id, std::string_view{sent ? "sent" : "failed"}, request_.now);
      if (!sent) {
        ++report_.failed;
        continue;
      }
      ++(digest ? report_.digests : report_.immediate);
      report_.merged += rows > 1 ? static_cast<std::uint64_t>(rows) : 0;
    }
    report_.parked += static_cast<std::uint64_t>(
        db_.run(park_mails, x.envelope_id, "the provider's answer did not mention it", request_.now));
    end(x, "settled", request_.purge);
  }

  void postpone(const envelope_outcome& x, int counted) {
    db_.run(postpone_envelope, x.envelope_id, x.retry_at, counted, x.first_attempt_at, to_string(x.why.kind),
            x.why.reason);
    report_.retried += static_cast<std::uint64_t>(counted);
  }

  // The body stays, so that a person can see what may have been sent.
  void park(const envelope_outcome& x) {
    report_.parked +=
        static_cast<std::uint64_t>(db_.run(park_mails, x.envelope_id, x.why.reason, request_.now));
    end(x, "parked", false);
  }

  void split(const envelope_outcome& x) {
    for (auto& part : x.parts)
      insert_envelope(db_, part, request_.now);
    report_.parked += static_cast<std::uint64_t>(
        db_.run(park_mails, x.envelope_id, "it was left out when its batch was split", request_.now));
    end(x, "split", request_.purge);
  }

  void end(const envelope_outcome& x, std::string_view state, bool purge) {
    db_.run(end_envelope, x.envelope_id, state, request_.now, purge ? 1 : 0,
            x.why.reason.empty() ? std::string_view{} : to_string(x.why.kind), x.why.reason);
  }

  database& db_;
  const record_request& request_;
  transaction tx_;
  std::map<std::int64_t, std::int32_t> held_;
  record_report report_;
};

} // namespace

record_report record_outcomes(database& db, const record_request& request) {
  return recorder{db, request}.run();
}

std::uint64_t purge_bodies(database& db, const purge_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  auto n = db.run(
      "UPDATE herald_envelopes SET body = NULL "
      "WHERE state <> 'sealed' AND body IS NOT NULL AND ended_at < ?1 AND NOT EXISTS ("
      "  SELECT 1 FROM herald_mails m WHERE m.envelope_id = herald_envelopes.id AND m.state = 'parked')",
      request.ended_before);
  tx.commit();
  return static_cast<std::uint64_t>(n);
}

sender_share report_sender(database& db, const sender_report& report) {
  auto tx = transaction{db, transaction::mode::write};
  auto today = std::chrono::floor<std::chrono::days>(report.now).time_since_epoch().count();
  db.run("INSERT INTO herald_senders (worker, lease_until, day, mails) VALUES (?1, ?2, ?3, ?4) "
         "ON CONFLICT (worker) DO UPDATE SET lease_until = excluded.lease_until, day = excluded.day, "
         "mails = excluded.mails + iif(day = excluded.day, mails, 0)",
         report.worker, report.now + report.lease, std::int64_t{today}, report.mails);
  db.run("DELETE FROM herald_senders WHERE day < ?1 - 1 AND lease_until < ?2", std::int64_t{today},
         report.now);
  auto counts = db.query("SELECT count(*) FILTER (WHERE lease_until > ?1), "
                         "coalesce(sum(mails) FILTER (WHERE day = ?2), 0) FROM herald_senders",
                         report.now, std::int64_t{today});
  counts.step();
  auto out = sender_share{static_cast<std::uint32_t>(counts.count(0)), counts.integer(1)};
  tx.commit();
  return out;
}

} // namespace herald::sqlite
