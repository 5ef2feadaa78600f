// Writing what plans cause and settling their events, in one fenced transaction.
#pragma once

#include "adapters/store/sqlite/database.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

/// Everything or, after an exception, nothing. `completed`, `retried`, `dead` and `lost` of the report add up
/// to the events of the request; the events that a torn burst hands back count as lost.
commit_report commit_plans(database& db, const commit_request& request);

} // namespace herald::sqlite
