// Leasing due events: which ones, in what order, and what is set aside on the way.
#pragma once

#include "adapters/store/sqlite/database.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

/// Events that are looked at and not handed out (too old, or settled by somebody else) per claim, so that a
/// claim over a long idle log stays short. When there are more, the batch says that something is due right
/// away.
inline constexpr std::int64_t max_passed_over = 5'000;

/// One write transaction (a read transaction for a dry run). The number of statements does not depend on the
/// size of the batch, and none of them looks at more rows than it hands out or sets aside.
claimed_batch claim_events(database& db, const claim_request& request);

} // namespace herald::sqlite
