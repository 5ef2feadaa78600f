#include "adapters/store/sqlite/envelopes.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_sealed = R"(
  INSERT INTO herald_envelopes (idempotency_key, endpoint, lane, body, mail_count, sealed_at)
  VALUES (?1, ?2, ?3, CAST(?4 AS BLOB), ?5, ?6)
  ON CONFLICT (idempotency_key) DO NOTHING)";

constexpr std::string_view put_mail = R"(
  UPDATE herald_mails SET state = 'sealed', envelope_id = ?2, position = ?3, worker = '', lease_until = NULL,
    updated_at = ?4
  WHERE id = ?1)";

constexpr std::string_view park_mail = R"(
  UPDATE herald_mails SET state = 'parked', worker = '', lease_until = NULL, updated_at = ?2,
    reason = 'its idempotency key was used before, so it may have been sent: look at the provider, then send it again or drop it'
  WHERE id = ?1)";

constexpr std::string_view lease_envelope = R"(
  UPDATE herald_envelopes SET worker = ?2, claim_no = 1, lease_until = ?3, first_attempt_at = ?4 WHERE id = ?1)";

} // namespace

std::int64_t insert_envelope(database& db, const envelope_draft& x, timestamp now) {
  if (db.run(insert_sealed, x.idempotency_key, to_string(x.endpoint), to_string(x.lane), x.body,
             static_cast<std::int64_t>(x.mails.size()), now)
      == 0) {
    for (auto& mail : x.mails)
      db.run(park_mail, mail.mail_id, now);
    return 0;
  }
  auto id = db.last_insert_id();
  auto position = std::int64_t{0};
  for (auto& mail : x.mails)
    db.run(put_mail, mail.mail_id, id, position++, now);
  return id;
}

void lease_new_envelope(database& db, std::int64_t id, std::string_view worker, timestamp now,
                        duration lease) {
  db.run(lease_envelope, id, worker, now + lease, now);
}

} // namespace herald::sqlite
