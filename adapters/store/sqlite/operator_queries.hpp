// The operator's side of the store: feeding, looking, repairing. The port (adapters/store/store.hpp) says
// what each of these means.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "adapters/store/platform_rows.hpp"
#include "adapters/store/sqlite/database.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

std::vector<std::int64_t> insert_events(database& db, std::span<const new_event> events, timestamp now);

void insert_platform_rows(database& db, const platform_rows& rows, timestamp now);

store_status read_status(database& db, timestamp now, duration max_age);

store_summary summarize(database& db);

std::optional<explanation> explain(database& db, std::int64_t event_id);

std::vector<dead_letter> dead_letters(database& db, std::uint32_t limit);

std::uint64_t retry_dead(database& db, std::span<const std::int64_t> event_ids, timestamp now);

void record_supervision(database& db, std::span<const supervision_note> notes);

std::vector<stage_restarts> restarts(database& db);

std::uint64_t drop_dead(database& db, std::span<const std::int64_t> event_ids, timestamp now);

} // namespace herald::sqlite
