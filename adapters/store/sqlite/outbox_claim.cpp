// Digest windows, and claiming: what is due goes to one worker, under a lease.
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "adapters/store/sqlite/email_context.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/outbox.hpp"
#include "core/reasons.hpp"

namespace herald::sqlite {

namespace {

// -- windows ------------------------------------------------------------------------------------------------

constexpr std::string_view insert_window = R"(
  INSERT INTO herald_digest_windows (window_at, opened_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING)";

// Somebody set rows back to pending that went into a mail before. A row is in one mail for good: they get the status that
// their mail has, and `herald mail resend` is the way to send one again.
constexpr std::string_view keep_rows_in_their_mails = R"(
  UPDATE pending_emails SET status = (
    SELECT CASE
      WHEN r.state <> 'member' OR m.state IN ('failed', 'skipped') THEN 'failed'
      WHEN m.state = 'sent' THEN 'sent'
      ELSE 'processing'
    END
    FROM herald_mail_rows r JOIN herald_mails m ON m.id = r.mail_id WHERE r.email_id = pending_emails.id)
  WHERE status = 'pending' AND delivery_type = ?1
    AND EXISTS (SELECT 1 FROM herald_mail_rows r WHERE r.email_id = pending_emails.id))";

constexpr std::string_view insert_digests = R"(
  INSERT INTO herald_mails (user_id, lane, window_at, created_at, updated_at)
  SELECT DISTINCT user_id, 'digest', ?1, ?2, ?2 FROM pending_emails
  WHERE status = 'pending' AND delivery_type = 'aggregated' AND created_at < ?1)";

constexpr std::string_view insert_members = R"(
  INSERT INTO herald_mail_rows (email_id, mail_id)
  SELECT e.id, m.id
  FROM pending_emails e JOIN herald_mails m ON m.user_id = e.user_id AND m.window_at = ?1
  WHERE e.status = 'pending' AND e.delivery_type = 'aggregated' AND e.created_at < ?1)";

constexpr std::string_view take_members = R"(
  UPDATE pending_emails SET status = 'processing'
  WHERE status = 'pending' AND delivery_type = 'aggregated' AND created_at < ?1)";

// -- envelopes ----------------------------------------------------------------------------------------------

constexpr std::string_view select_due_envelopes = R"(
  SELECT id FROM herald_envelopes
  WHERE state = 'sealed' AND max(coalesce(lease_until, 0), coalesce(next_attempt_at, 0)) <= ?1
  ORDER BY max(coalesce(lease_until, 0), coalesce(next_attempt_at, 0)), id
  LIMIT ?2)";

// RETURNING would show the new first_attempt_at; the sender needs to know whether there was one before.
constexpr std::string_view select_envelopes = R"(
  SELECT v.id, v.endpoint, v.lane, v.idempotency_key, v.body, v.attempts, v.first_attempt_at, v.claim_no + 1
  FROM json_each(?1) w CROSS JOIN herald_envelopes v ON v.id = w.value
  ORDER BY w.key)";

constexpr std::string_view lease_envelopes = R"(
  UPDATE herald_envelopes SET worker = ?2, claim_no = claim_no + 1, lease_until = ?4, next_attempt_at = NULL,
    first_attempt_at = coalesce(first_attempt_at, ?3)
  WHERE id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view select_members = R"(
  SELECT m.envelope_id, m.id
  FROM json_each(?1) w CROSS JOIN herald_mails m ON m.envelope_id = w.value
  ORDER BY m.envelope_id, m.position)";

// -- mails --------------------------------------------------------------------------------------------------

constexpr std::string_view free_lapsed_mails = R"(
  UPDATE herald_mails SET state = 'open', worker = '', lease_until = NULL
  WHERE state = 'claimed' AND lease_until <= ?1)";

constexpr std::string_view select_open_mails = R"(
  SELECT id FROM herald_mails WHERE state = 'open' AND lane = ?1 ORDER BY id LIMIT ?2)";

constexpr std::string_view count_members = R"(
  SELECT r.mail_id, count(*)
  FROM json_each(?1) w CROSS JOIN herald_mail_rows r ON r.mail_id = w.value
  GROUP BY r.mail_id ORDER BY r.mail_id)";

constexpr std::string_view select_new_rows = R"(
  SELECT e.id, e.user_id, EXISTS (SELECT 1 FROM herald_mail_rows r WHERE r.email_id = e.id)
  FROM pending_emails e
  WHERE e.status = 'pending' AND e.delivery_type = 'immediate'
  ORDER BY e.created_at, e.id LIMIT ?1)";

constexpr std::string_view insert_mail = R"(
  INSERT INTO herald_mails (user_id, lane, created_at, updated_at) VALUES (?1, 'immediate', ?2, ?2))";

constexpr std::string_view insert_member = R"(
  INSERT INTO herald_mail_rows (email_id, mail_id) VALUES (?1, ?2))";

constexpr std::string_view take_rows = R"(
  UPDATE pending_emails SET status = 'processing' WHERE id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view lease_mails = R"(
  UPDATE herald_mails SET state = 'claimed', worker = ?2, claim_no = claim_no + 1, lease_until = ?4,
    updated_at = ?3
  WHERE id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view end_withdrawn_rows = R"(
  UPDATE herald_mail_rows SET state = 'skipped', reason = ?2
  WHERE mail_id IN (SELECT value FROM json_each(?1)) AND state = 'member'
    AND NOT EXISTS (SELECT 1 FROM pending_emails e WHERE e.id = email_id))";

constexpr std::string_view end_empty_mails = R"(
  UPDATE herald_mails SET state = 'skipped', reason = ?2, updated_at = ?3
  WHERE id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM herald_mail_rows r WHERE r.mail_id = herald_mails.id AND r.state = 'member'))";

constexpr std::string_view select_next_due = R"(
  SELECT min(due) FROM (
    SELECT min(max(coalesce(lease_until, 0), coalesce(next_attempt_at, 0))) AS due FROM herald_envelopes
    WHERE state = 'sealed' AND max(coalesce(lease_until, 0), coalesce(next_attempt_at, 0)) > ?1
    UNION ALL
    SELECT min(lease_until) FROM herald_mails WHERE state = 'claimed' AND lease_until > ?1))";

constexpr std::string_view select_dry = R"(
  SELECT e.user_id, e.id, e.event_id, e.event_type, e.project_id, e.project_name, e.subject, e.body_data,
    e.created_at
  FROM pending_emails e NOT INDEXED
  WHERE e.status = 'pending' AND e.delivery_type = 'immediate' AND e.id > ?1
  ORDER BY e.id LIMIT ?2)";

/// Rows that the digests of one claim may hold together; a single larger digest is claimed alone.
constexpr std::int64_t max_digest_rows = 2'000;

class claimer {
public:
  claimer(database& db, const outbox_claim_request& request) : db_{db}, request_{request} {}

  claimed_outbox run() {
    auto tx = transaction{db_, request_.dry_run ? transaction::mode::read : transaction::mode::write};
    if (request_.dry_run) {
      read_without_claiming();
    } else {
      claim_envelopes();
      out_.open = static_cast<std::uint64_t>(
          db_.read_integer("SELECT count(*) FROM herald_envelopes WHERE state = 'sealed'"));
      if (out_.open < request_.max_open && out_.envelopes.size() < request_.envelopes)
        claim_mails();
      auto next = db_.query(select_next_due, request_.now);
      out_.next_due = next.step() ? next.optional_time(0) : std::nullopt;
    }
    out_.context = load_email_context(db_, out_.mails, request_.now);
    tx.commit();
    return std::move(out_);
  }

private:
  void claim_envelopes() {
    auto ids = ids_of(db_.query(select_due_envelopes, request_.now, request_.envelopes));
    if (ids.empty())
      return;
    auto list = to_json_list(ids);
    std::map<std::int64_t, std::vector<std::int64_t>> mails;
    for (auto x = db_.query(select_members, list); x.step();)
      mails[x.integer(0)].push_back(x.integer(1));
    for (auto x = db_.query(select_envelopes, list); x.step();) {
      sealed_envelope out;
      out.id = x.integer(0);
      out.endpoint = x.text(1) == "batch" ? email_endpoint::batch : email_endpoint::single;
      out.lane = x.text(2) == "digest" ? email_lane::digest : email_lane::immediate;
      out.idempotency_key = x.text(3);
      out.body = x.text(4);
      out.attempts = x.small_integer(5);
      out.first_attempt_at = x.optional_time(6);
      out.claim_no = x.small_integer(7);
      out.lease_until = request_.now + request_.lease;
      out.mail_ids = std::move(mails[out.id]);
      out_.envelopes.push_back(std::make_shared<const sealed_envelope>(std::move(out)));
    }
    db_.run(lease_envelopes, list, request_.worker, request_.now, request_.now + request_.lease);
  }

  void claim_mails() {
    db_.run(free_lapsed_mails, request_.now);
    // One more than wanted of each, to know whether more wait.
    auto limit = std::int64_t{request_.mails} + 1;
    auto none = std::int64_t{0};
    auto immediate_limit = request_.immediate ? limit : none;
    auto digests =
        ids_of(db_.query(select_open_mails, to_string(email_lane::digest), request_.digests ? limit : none));
    auto freed = ids_of(db_.query(select_open_mails, to_string(email_lane::immediate), immediate_limit));
    auto fresh = new_rows(immediate_limit - static_cast<std::int64_t>(freed.size()));
    auto immediates = freed.size() + fresh.size();
    out_.more = digests.size() + immediates > request_.mails;
    bound_rows(digests);

    auto room = std::size_t{request_.mails};
    auto digests_taken =
        std::min(digests.size(), std::max<std::size_t>(std::min<std::size_t>(request_.digest_share, room),
                                                       room - std::min(room, immediates)));
    room -= digests_taken;
    digests.resize(digests_taken);
    freed.resize(std::min(freed.size(), room));
    fresh.resize(std::min(fresh.size(), room - freed.size()));

    auto ids = std::move(freed);
    for (auto& id : create_mails(fresh))
      ids.push_back(id);
    ids.insert(ids.end(), digests.begin(), digests.end());
    if (ids.empty())
      return;
    auto list = to_json_list(ids);
    db_.run(lease_mails, list, request_.worker, request_.now, request_.now + request_.lease);
    db_.run(end_withdrawn_rows, list, reasons::withdrawn);
    db_.run(end_empty_mails, list, reasons::withdrawn, request_.now);
    out_.mails = load_mails(db_, ids);
    auto name = db_.query("SELECT name FROM herald_installation");
    out_.installation = name.step() ? name.text(0) : std::string{};
    std::erase_if(out_.mails, [](const claimed_mail& x) { return x.mail.rows.empty(); });
  }

  /// Leaves out digests that would make the claim too large; they are the next one's.
  void bound_rows(std::vector<std::int64_t>& digests) {
    if (digests.empty())
      return;
    std::int64_t rows = 0;
    std::size_t kept = 0;
    for (auto x = db_.query(count_members, to_json_list(digests)); x.step(); ++kept) {
      rows += x.integer(1);
      if (kept > 0 && rows > max_digest_rows)
        break;
    }
    out_.more = out_.more || kept < digests.size();
    digests.resize(std::min(kept, digests.size()));
  }

  std::vector<std::pair<std::int64_t, uuid>> new_rows(std::int64_t limit) {
    std::vector<std::pair<std::int64_t, uuid>> out;
    if (limit <= 0)
      return out;
    auto known = false;
    for (auto x = db_.query(select_new_rows, limit); x.step();)
      if (x.integer(2) != 0)
        known = true;
      else
        out.emplace_back(x.integer(0), x.id(1));
    if (known)
      db_.run(keep_rows_in_their_mails, std::string_view{"immediate"});
    return out;
  }

  std::vector<std::int64_t> create_mails(const std::vector<std::pair<std::int64_t, uuid>>& rows) {
    std::vector<std::int64_t> out;
    json_list taken;
    for (auto& [row, user] : rows) {
      db_.run(insert_mail, user, request_.now);
      out.push_back(db_.last_insert_id());
      db_.run(insert_member, row, out.back());
      taken.add(row);
    }
    if (!rows.empty())
      db_.run(take_rows, std::move(taken).str());
    return out;
  }

  void read_without_claiming() {
    if (!request_.immediate)
      return;
    for (auto x = db_.query(select_dry, request_.after_id, request_.mails); x.step();) {
      claimed_mail out;
      out.mail.user_id = x.id(0);
      out.mail.rows.push_back(read_email_row(x, 1));
      out_.mails.push_back(std::move(out));
    }
  }

  static std::vector<std::int64_t> ids_of(statement rows) {
    std::vector<std::int64_t> out;
    while (rows.step())
      out.push_back(rows.integer(0));
    return out;
  }

  database& db_;
  const outbox_claim_request& request_;
  claimed_outbox out_;
};

} // namespace

window_report open_window(database& db, const open_window_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  window_report out;
  out.opened = db.run(insert_window, request.window_at, request.now) == 1;
  if (out.opened) {
    db.run(keep_rows_in_their_mails, std::string_view{"aggregated"});
    out.digests = static_cast<std::uint64_t>(db.run(insert_digests, request.window_at, request.now));
    out.rows = static_cast<std::uint64_t>(db.run(insert_members, request.window_at));
    db.run(take_members, request.window_at);
  }
  tx.commit();
  return out;
}

claimed_outbox claim_outbox(database& db, const outbox_claim_request& request) {
  return claimer{db, request}.run();
}

std::uint64_t release_outbox(database& db, const outbox_release_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  auto n = db.run("UPDATE herald_mails SET state = 'open', worker = '', lease_until = NULL, updated_at = ?2 "
                  "WHERE state = 'claimed' AND worker = ?1",
                  request.worker, request.now);
  tx.commit();
  return static_cast<std::uint64_t>(n);
}

} // namespace herald::sqlite
