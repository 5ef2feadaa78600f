#include "adapters/store/sqlite/job_chunk.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

using nlohmann::json;

constexpr std::string_view insert_events = R"(
  INSERT INTO domain_events
    (event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload, created_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
  FROM json_each(?1) ORDER BY key)";

json optional_text(const std::optional<uuid>& x) {
  return x ? json(to_string(*x)) : json{};
}

} // namespace

job_chunk lost_chunk() {
  job_chunk out;
  out.lost = true;
  return out;
}

std::string system_accounts(const std::vector<uuid>& excluded) {
  json_list out;
  out.add(nil_uuid);
  for (auto& x : excluded)
    out.add(x);
  return std::move(out).str();
}

std::int64_t append_events(database& db, std::span<const new_event> events) {
  auto rows = json::array();
  for (auto& x : events)
    rows.push_back({x.type, optional_text(x.actor_id), optional_text(x.project_id),
                    optional_text(x.resource_id), optional_text(x.thread_id), optional_text(x.meeting_id),
                    x.payload, to_epoch_ms(x.created_at.value())});
  db.run(insert_events, rows.dump(-1, ' ', false, json::error_handler_t::replace));
  // Nobody else is given ids while this transaction holds the write lock.
  return db.last_insert_id() - static_cast<std::int64_t>(events.size()) + 1;
}

} // namespace herald::sqlite
