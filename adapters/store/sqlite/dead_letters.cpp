// Dead letters: listing them, giving them another chance, taking them off the list.
#include <string>
#include <string_view>

#include "adapters/store/sqlite/attempts.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

// Rows of other programs have no history; they died when they were last claimed, as far as anybody knows.
constexpr std::string_view select_dead = R"(
  SELECT p.event_id, e.event_type, p.herald_error_class, p.error_message, p.retry_count, p.herald_crashes,
    e.created_at,
    coalesce((SELECT max(a.ended_at) FROM herald_attempts a WHERE a.event_id = p.event_id), p.claimed_at, p.created_at)
      AS died_at
  FROM notification_processing p CROSS JOIN domain_events e ON e.id = p.event_id
  WHERE p.processing_status = 'failed' AND p.herald_dropped_at IS NULL
  ORDER BY died_at DESC, p.event_id DESC LIMIT ?1)";

constexpr std::string_view select_all_ids = R"(
  SELECT event_id FROM notification_processing
  WHERE processing_status = 'failed' AND herald_dropped_at IS NULL)";

constexpr std::string_view select_ids = R"(
  SELECT p.event_id
  FROM json_each(?1) w CROSS JOIN notification_processing p ON p.event_id = w.value
  WHERE p.processing_status = 'failed' AND p.herald_dropped_at IS NULL)";

constexpr std::string_view revive = R"(
  UPDATE notification_processing
  SET processing_status = 'pending', retry_count = 0, herald_crashes = 0, herald_next_attempt_at = NULL
  WHERE event_id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view drop = R"(
  UPDATE notification_processing SET herald_dropped_at = ?2
  WHERE event_id IN (SELECT value FROM json_each(?1)))";

/// Those of the asked that are on the list; everything on it when none is named.
std::vector<std::int64_t> on_the_list(database& db, std::span<const std::int64_t> asked) {
  std::vector<std::int64_t> out;
  auto rows = asked.empty() ? db.query(select_all_ids) : db.query(select_ids, to_json_list(asked));
  while (rows.step())
    out.push_back(rows.integer(0));
  return out;
}

} // namespace

std::vector<dead_letter> dead_letters(database& db, std::uint32_t limit) {
  std::vector<dead_letter> out;
  auto rows = db.query(select_dead, limit);
  while (rows.step())
    out.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3), rows.small_integer(4),
                   rows.small_integer(5), rows.time(6), rows.time(7)});
  return out;
}

std::uint64_t retry_dead(database& db, std::span<const std::int64_t> event_ids, timestamp now) {
  auto tx = transaction{db, transaction::mode::write};
  auto ids = on_the_list(db, event_ids);
  record_endings(db, ids, now, {"retried_by_operator", {}, "made claimable again with fresh counters"});
  db.run(revive, to_json_list(ids));
  tx.commit();
  return ids.size();
}

std::uint64_t drop_dead(database& db, std::span<const std::int64_t> event_ids, timestamp now) {
  auto tx = transaction{db, transaction::mode::write};
  auto ids = on_the_list(db, event_ids);
  record_endings(db, ids, now, {"dropped_by_operator", {}, "taken off the list of dead letters for good"});
  db.run(drop, to_json_list(ids), now);
  tx.commit();
  return ids.size();
}

} // namespace herald::sqlite
