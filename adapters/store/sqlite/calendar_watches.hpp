// Calendar connections whose push channel is due, and what their renewal leaves behind.
#pragma once

#include "adapters/store/sqlite/database.hpp"
#include "messages/calendar.hpp"

namespace herald::sqlite {

due_watches find_due_watches(database& db, const due_watches_request& request);

watches_recorded record_watches(database& db, const record_watches_request& request);

watch_summary summarize_watches(database& db, timestamp now);

} // namespace herald::sqlite
