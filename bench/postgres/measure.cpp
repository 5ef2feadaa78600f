#include "bench/postgres/measure.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "bench/support.hpp"

namespace herald::bench {

double server_time(client& db) {
  return db.number("SELECT extract(epoch FROM clock_timestamp())");
}

void wait_for_completed(client& db, std::size_t events) {
  constexpr auto pause = std::chrono::milliseconds{200};
  constexpr double patience = 60;
  auto last_change = std::chrono::steady_clock::now();
  for (double seen = -1;;) {
    auto done =
        db.number("SELECT count(*) FROM notification_processing WHERE processing_status = 'completed'");
    if (done >= static_cast<double>(events))
      return;
    if (done != seen)
      last_change = std::chrono::steady_clock::now();
    seen = done;
    if (seconds_since(last_change) > patience)
      throw std::runtime_error(
          fmt::format("{} of {} events were completed, then nothing happened", done, events));
    std::this_thread::sleep_for(pause);
  }
}

double last_commit(client& db) {
  return db.number(
      "SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin))) FROM notification_processing"
      " WHERE processing_status = 'completed'");
}

latencies latencies_of(client& db, std::int64_t after_id) {
  // The transaction that completes an event is the one that writes its notifications.
  auto rows =
      db.query("SELECT unnest(percentile_cont(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM"
               " pg_xact_commit_timestamp(p.xmin) - pg_xact_commit_timestamp(e.xmin)) * 1000))"
               " FROM domain_events e JOIN notification_processing p ON p.event_id = e.id"
               " WHERE p.processing_status = 'completed' AND e.id > $1",
               {std::to_string(after_id)});
  return {std::stod(rows.at(0).at(0)), std::stod(rows.at(1).at(0))};
}

void feed(const secret& url, std::size_t events, double per_second) {
  client db{url};
  auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < events; ++i) {
    std::this_thread::sleep_until(start
                                  + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                      std::chrono::duration<double>(static_cast<double>(i) / per_second)));
    db.query("INSERT INTO domain_events (event_type, actor_id, project_id, resource_id, thread_id, "
             "meeting_id, payload)"
             " SELECT event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload"
             " FROM domain_events WHERE id = $1",
             {std::to_string(1 + i % 1'000)});
  }
}

void count_calls(client& db, const std::string& database) {
  db.run("ALTER DATABASE " + database + " SET pg_stat_statements.track = 'all'");
  db.query("SELECT pg_stat_statements_reset()");
}

call_counts counted_calls(client& db) {
  auto sum = [&](const char* which) {
    return db.number(
        fmt::format("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
                    " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    " AND query NOT LIKE 'SELECT $2 FROM ONLY %' AND {}",
                    which));
  };
  return {sum("toplevel"), sum("true")};
}

} // namespace herald::bench
