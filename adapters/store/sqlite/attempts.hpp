// Ending claims without completing their events: the history rows, and handing events back.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "adapters/store/sqlite/database.hpp"

namespace herald::sqlite {

/// Why a claim ended; `kind` is a failure class for `failed`, else empty.
struct claim_ending {
  std::string_view ending;
  std::string_view kind;
  std::string_view reason;
};

/// Adds one history row per event, with claim number, worker and claim time as they stand in the event's
/// processing row: call it before that row changes.
void record_endings(database& db, std::span<const std::int64_t> event_ids, timestamp now,
                    const claim_ending& why);

/// Makes leased events claimable by anybody at once, uncounted, and records it. The caller holds the claims.
void release_events(database& db, std::span<const std::int64_t> event_ids, timestamp now,
                    std::string_view reason);

} // namespace herald::sqlite
