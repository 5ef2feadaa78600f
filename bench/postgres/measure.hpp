// What is read off the database itself: progress, and times by the server's clock alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "bench/postgres/client.hpp"

namespace herald::bench {

/// The server's clock, in seconds.
double server_time(client& db);

/// Waits until as many events are completed. Throws when nothing happens for a minute.
void wait_for_completed(client& db, std::size_t events);

/// When the last event was completed: the commit of its transaction, by the server's clock.
double last_commit(client& db);

struct latencies {
  double p50_ms = 0;
  double p99_ms = 0;
};

/// From the commit of an event to the commit of what it caused, for events above `after_id`.
latencies latencies_of(client& db, std::int64_t after_id);

/// Inserts copies of the first thousand events, each in a transaction of its own, at a steady pace.
void feed(const secret& url, std::size_t events, double per_second);

struct call_counts {
  double round_trips = 0; ///< statements that the client has sent
  double statements = 0;  ///< those and the statements inside functions, without checks of foreign keys
};

/// Switches the counting on for a database; connections that are open already stay uncounted.
void count_calls(client& db, const std::string& database);
call_counts counted_calls(client& db);

} // namespace herald::bench
