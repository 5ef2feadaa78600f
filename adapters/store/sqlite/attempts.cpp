#include "adapters/store/sqlite/attempts.hpp"

#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_endings = R"(
  INSERT INTO herald_attempts (event_id, claim_no, worker, claimed_at, ended_at, ending, kind, reason)
  SELECT p.event_id, coalesce(p.herald_claim_no, 1), coalesce(p.processor_id, ''), p.claimed_at, ?2, ?3, ?4, ?5
  FROM json_each(?1) w CROSS JOIN notification_processing p ON p.event_id = w.value)";

constexpr std::string_view release = R"(
  UPDATE notification_processing
  SET processing_status = 'pending', herald_lease_until = NULL, herald_next_attempt_at = NULL
  WHERE event_id IN (SELECT value FROM json_each(?1)))";

} // namespace

void record_endings(database& db, std::span<const std::int64_t> event_ids, timestamp now,
                    const claim_ending& why) {
  if (!event_ids.empty())
    db.run(insert_endings, to_json_list(event_ids), now, why.ending, why.kind, why.reason);
}

void release_events(database& db, std::span<const std::int64_t> event_ids, timestamp now,
                    std::string_view reason) {
  if (event_ids.empty())
    return;
  record_endings(db, event_ids, now, {"released", {}, reason});
  db.run(release, to_json_list(event_ids));
}

} // namespace herald::sqlite
