#include "adapters/store/sqlite/outbox_views.hpp"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/store/sqlite/email_context.hpp"
#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view count_waiting = R"(
  SELECT
    (SELECT count(*) FROM pending_emails WHERE status = 'pending' AND delivery_type = 'immediate'),
    (SELECT count(*) FROM pending_emails WHERE status = 'pending' AND delivery_type = 'aggregated'),
    (SELECT count(*) FROM pending_emails)
      + (SELECT count(*) FROM herald_mail_rows r
         WHERE NOT EXISTS (SELECT 1 FROM pending_emails e WHERE e.id = r.email_id)),
    (SELECT count(*) FROM herald_mails WHERE state = 'sent' AND lane = 'immediate'),
    (SELECT count(*) FROM herald_mails WHERE state = 'sent' AND lane = 'digest'),
    (SELECT count(*) FROM herald_envelopes WHERE state = 'sealed'))";

// A row that was kept out of its mail has an ending of its own; the others end as their mail does.
constexpr std::string_view count_rows = R"(
  WITH members (mail_id, n) AS (
    SELECT mail_id, count(*) FROM herald_mail_rows WHERE state = 'member' GROUP BY mail_id)
  SELECT
    CASE
      WHEN r.state <> 'member' THEN r.state
      WHEN m.state IN ('open', 'claimed') THEN 'claimed'
      WHEN m.state = 'sent' AND c.n > 1 THEN 'merged'
      ELSE m.state
    END AS ending,
    iif(r.state <> 'member', r.reason, iif(m.state = 'failed', m.reason, '')), count(*)
  FROM herald_mail_rows r JOIN herald_mails m ON m.id = r.mail_id LEFT JOIN members c ON c.mail_id = r.mail_id
  GROUP BY 1, 2)";

constexpr std::string_view select_stuck = R"(
  SELECT m.id, m.user_id, m.state, m.lane, m.reason, m.updated_at,
    (SELECT json_group_array(r.email_id) FROM herald_mail_rows r WHERE r.mail_id = m.id)
  FROM herald_mails m
  WHERE m.state IN ('failed', 'parked')
  ORDER BY m.updated_at DESC, m.id DESC LIMIT ?1)";

constexpr std::string_view select_all_failed =
    "SELECT id FROM herald_mails WHERE state IN ('failed', 'parked') AND state = 'failed'";

constexpr std::string_view select_named = R"(
  SELECT m.id FROM json_each(?1) w CROSS JOIN herald_mails m ON m.id = w.value
  WHERE m.state IN ('failed', 'parked'))";

constexpr std::string_view reopen_mails = R"(
  UPDATE herald_mails SET state = 'open', generation = generation + 1, envelope_id = NULL, position = NULL,
    reason = '', updated_at = ?2
  WHERE id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view reopen_rows = R"(
  UPDATE herald_mail_rows SET state = 'member', reason = ''
  WHERE mail_id IN (SELECT value FROM json_each(?1)) AND state = 'failed')";

constexpr std::string_view reopen_emails = R"(
  UPDATE pending_emails SET status = 'processing', processed_at = NULL
  WHERE id IN (SELECT r.email_id FROM herald_mail_rows r
    WHERE r.mail_id IN (SELECT value FROM json_each(?1)) AND r.state = 'member'))";

constexpr std::string_view drop_parked = R"(
  UPDATE herald_mails SET state = 'failed', reason = 'dropped by an operator: ' || reason, updated_at = ?2
  WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'parked')";

constexpr std::string_view fail_emails = R"(
  UPDATE pending_emails SET status = 'failed', processed_at = ?2
  WHERE status = 'processing' AND id IN (SELECT r.email_id
    FROM herald_mail_rows r JOIN herald_mails m ON m.id = r.mail_id
    WHERE r.mail_id IN (SELECT value FROM json_each(?1)) AND m.state = 'failed'))";

constexpr std::string_view select_row = R"(
  SELECT e.user_id, e.id, e.event_id, e.event_type, e.project_id, e.project_name, e.subject, e.body_data,
    e.created_at, r.mail_id
  FROM pending_emails e LEFT JOIN herald_mail_rows r ON r.email_id = e.id
  WHERE e.id = ?1)";

constexpr std::string_view insert_message = R"(
  INSERT INTO herald_captured_mails
    (id, idempotency_key, sender, recipient, subject, html, text, headers, captured_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
  ON CONFLICT DO NOTHING)";

constexpr std::string_view select_messages = R"(
  SELECT id, idempotency_key, sender, recipient, subject, html, text, headers, captured_at
  FROM herald_captured_mails ORDER BY captured_at DESC, id LIMIT ?1)";

using text_pairs = std::vector<std::pair<std::string, std::string>>;

std::string to_json(const text_pairs& xs) {
  auto out = nlohmann::json::array();
  for (auto& [name, value] : xs)
    out.push_back({name, value});
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

text_pairs from_json(const std::string& text) {
  text_pairs out;
  auto list = nlohmann::json::parse(text, nullptr, false);
  if (list.is_array())
    for (auto& x : list)
      if (x.is_array() && x.size() == 2 && x[0].is_string() && x[1].is_string())
        out.emplace_back(x[0].get<std::string>(), x[1].get<std::string>());
  return out;
}

std::uint64_t* counter_for(outbox_summary& out, std::string_view ending) {
  if (ending == "claimed")
    return &out.claimed;
  if (ending == "sealed")
    return &out.sealed;
  if (ending == "sent")
    return &out.sent;
  if (ending == "merged")
    return &out.merged;
  if (ending == "skipped")
    return &out.skipped;
  if (ending == "failed")
    return &out.failed;
  return ending == "parked" ? &out.parked : nullptr;
}

std::vector<std::int64_t> ids_of(statement rows) {
  std::vector<std::int64_t> out;
  while (rows.step())
    out.push_back(rows.integer(0));
  return out;
}

} // namespace

outbox_summary summarize_outbox(database& db) {
  auto tx = transaction{db, transaction::mode::read};
  outbox_summary out;
  auto waiting = db.query(count_waiting);
  waiting.step();
  out.pending = waiting.count(0);
  out.deferred = waiting.count(1);
  out.rows = waiting.count(2);
  out.immediate_mails = waiting.count(3);
  out.digest_mails = waiting.count(4);
  out.open_envelopes = waiting.count(5);
  for (auto row = db.query(count_rows); row.step();) {
    auto ending = row.text(0);
    auto reason = row.text(1);
    if (auto* counter = counter_for(out, ending))
      *counter += row.count(2);
    if (!reason.empty())
      out.reasons[ending.append(":").append(reason)] += row.count(2);
  }
  return out;
}

std::vector<stuck_mail> stuck_mails(database& db, std::uint32_t limit) {
  std::vector<stuck_mail> out;
  for (auto row = db.query(select_stuck, limit); row.step();) {
    out.push_back({row.integer(0), row.id(1), row.text(2), row.text(3), {}, row.text(4), row.time(5)});
    auto ids = nlohmann::json::parse(row.text(6), nullptr, false);
    if (ids.is_array())
      for (auto& x : ids)
        out.back().row_ids.push_back(x.get<std::int64_t>());
  }
  return out;
}

std::uint64_t resend_mails(database& db, std::span<const std::int64_t> mail_ids, timestamp now) {
  auto tx = transaction{db, transaction::mode::write};
  auto ids =
      ids_of(mail_ids.empty() ? db.query(select_all_failed) : db.query(select_named, to_json_list(mail_ids)));
  auto list = to_json_list(ids);
  db.run(reopen_mails, list, now);
  db.run(reopen_rows, list);
  db.run(reopen_emails, list);
  tx.commit();
  return ids.size();
}

std::uint64_t drop_mails(database& db, std::span<const std::int64_t> mail_ids, timestamp now) {
  auto tx = transaction{db, transaction::mode::write};
  auto list = to_json_list(mail_ids);
  auto n = db.run(drop_parked, list, now);
  db.run(fail_emails, list, now);
  tx.commit();
  return static_cast<std::uint64_t>(n);
}

std::optional<claimed_outbox> read_mail(database& db, std::int64_t row_id, timestamp now) {
  auto tx = transaction{db, transaction::mode::read};
  auto row = db.query(select_row, row_id);
  if (!row.step())
    return std::nullopt;
  claimed_outbox out;
  if (auto mail = row.optional_integer(9))
    out.mails = load_mails(db, std::span{&*mail, 1});
  // Not in a mail yet, or no longer in what its mail will say: it is shown alone.
  if (out.mails.empty() || out.mails.front().mail.rows.empty()) {
    claimed_mail alone;
    alone.mail.user_id = row.id(0);
    alone.mail.rows.push_back(read_email_row(row, 1));
    out.mails = {std::move(alone)};
  }
  out.context = load_email_context(db, out.mails, now);
  return out;
}

void insert_captured(database& db, const captured_message& x) {
  auto& m = x.message;
  db.run(insert_message, x.id, x.idempotency_key, m.from, m.to, m.subject, m.html, m.text, to_json(m.headers),
         x.captured_at);
}

std::vector<captured_message> captured_messages(database& db, std::uint32_t limit) {
  std::vector<captured_message> out;
  for (auto row = db.query(select_messages, limit); row.step();) {
    email_message message;
    message.from = row.text(2);
    message.to = row.text(3);
    message.subject = row.text(4);
    message.html = row.text(5);
    message.text = row.text(6);
    message.headers = from_json(row.text(7));
    out.push_back({row.text(0), row.text(1), std::move(message), row.time(8)});
  }
  return out;
}

} // namespace herald::sqlite
