// Appending to the event log.
#include <string_view>

#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_event = R"(
  INSERT INTO domain_events
    (event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload, created_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))";

} // namespace

std::vector<std::int64_t> insert_events(database& db, std::span<const new_event> events, timestamp now) {
  std::vector<std::int64_t> ids;
  ids.reserve(events.size());
  auto tx = transaction{db, transaction::mode::write};
  {
    auto row = db.prepare(insert_event);
    for (auto& x : events) {
      auto payload = x.payload.empty() ? std::nullopt : std::optional<std::string_view>{x.payload};
      row.bind(x.type, x.actor_id, x.project_id, x.resource_id, x.thread_id, x.meeting_id, payload,
               x.created_at.value_or(now));
      row.run();
      ids.push_back(db.last_insert_id());
    }
  }
  tx.commit();
  return ids;
}

} // namespace herald::sqlite
