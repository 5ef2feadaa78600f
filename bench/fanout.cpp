// How fast and how large the fan-out is: the real program on a real SQLite file, against the speed at which
// the same rows can be inserted at all.
//
// The limit is the fastest honest way to write the result: the rows that a run left are inserted into a
// database with the same schema, indexes and durability, by plain prepared statements, one transaction per
// 500 events. Reading them beforehand is not counted.
#include "bench/fanout.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "bench/support.hpp"

namespace herald::bench {

namespace {

namespace fs = std::filesystem;
using sqlite::database;
using sqlite::transaction;

constexpr std::int64_t chunk = 500;

/// A company in which a document reaches about 25 people, and `count` events in the mix of a busy platform.
void prepare(const std::string& path, std::size_t count) {
  auto store = open(path);
  auto now = system_clock{}.now();
  auto people = make_company({.seed = 1,
                              .now = now,
                              .people = 60,
                              .people_per_project = 26,
                              .files_per_project = 60,
                              .denials_per_project = 0});
  check(store->insert_platform_rows(people.rows, now));
  constexpr std::size_t at_once = 5'000;
  for (std::size_t first = 0; first < count; first += at_once)
    check(store->insert_events(mixed_events(people, {.seed = 1, .at = now, .only_type = {}}, first,
                                            std::min(at_once, count - first)),
                               now));
}

run_figures fan_out(const std::string& program, const std::string& path) {
  return run_herald(program, {"once", "notify-fan-out", "--database", path, "--log-level", "ERROR"});
}

/// One table of the result: how to read its rows for a range of events, and how to insert one.
struct copied_table {
  const char* name;
  const char* columns;
  int column_count;
};

constexpr std::array<copied_table, 4> tables{{
    {"notification_processing",
     "event_id, processing_status, processor_id, claimed_at, completed_at, retry_count, error_message, "
     "created_at,"
     " herald_claim_no, herald_lease_until, herald_next_attempt_at, herald_crashes, herald_error_class",
     13},
    {"notifications", "event_id, user_id, title, body, link_url, created_at, payload", 7},
    {"pending_emails",
     "event_id, user_id, event_type, delivery_type, project_id, project_name, subject, body_data, created_at",
     9},
    {"herald_outcomes", "event_id, channel, state, reason, into_event_id, recipient_count, recipients", 7},
}};

using cell = std::variant<std::nullptr_t, std::int64_t, std::string>;
using row = std::vector<cell>;

/// The storage class of each column, so that values are inserted as what they are.
std::string types_of(const copied_table& table) {
  std::string out = "typeof(" + std::string{table.columns} + ")";
  for (auto at = out.find(", "); at != std::string::npos; at = out.find(", ", at + 12))
    out.replace(at, 2, "), typeof(");
  return out;
}

std::vector<row> read_rows(database& db, const copied_table& table, std::int64_t first, std::int64_t last) {
  auto query = db.query(fmt::format("SELECT {0}, {1} FROM {2} WHERE event_id BETWEEN ?1 AND ?2",
                                    types_of(table), table.columns, table.name),
                        first, last);
  std::vector<row> out;
  while (query.step()) {
    row x;
    for (int i = 0; i < table.column_count; ++i) {
      auto type = query.text(i);
      auto column = i + table.column_count;
      if (type == "null")
        x.emplace_back(nullptr);
      else if (type == "integer")
        x.emplace_back(query.integer(column));
      else
        x.emplace_back(query.text(column));
    }
    out.push_back(std::move(x));
  }
  return out;
}

std::string insert_of(const copied_table& table) {
  std::string marks = "?1";
  for (int i = 2; i <= table.column_count; ++i)
    marks += fmt::format(", ?{}", i);
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, table.columns, marks);
}

struct limit_figures {
  double wall = 0;
  std::uint64_t rows = 0;
};

/// Inserts the rows of `from` into `to`, which holds the same platform and events.
limit_figures insert_same_rows(const std::string& from, const std::string& to, std::int64_t count) {
  sqlite_options options;
  options.path = from;
  database source{options};
  options.path = to;
  database target{options};
  limit_figures out;
  for (std::int64_t first = 1; first <= count; first += chunk) {
    std::array<std::vector<row>, tables.size()> rows;
    for (std::size_t i = 0; i < tables.size(); ++i)
      rows[i] = read_rows(source, tables[i], first, first + chunk - 1);
    auto start = std::chrono::steady_clock::now();
    transaction all{target, transaction::mode::write};
    for (std::size_t i = 0; i < tables.size(); ++i) {
      auto insert = target.prepare(insert_of(tables[i]));
      for (auto& x : rows[i]) {
        for (std::size_t c = 0; c < x.size(); ++c)
          std::visit([&](auto& value) { insert.set(static_cast<int>(c) + 1, value); }, x[c]);
        insert.run();
        ++out.rows;
      }
    }
    all.commit();
    out.wall += seconds_since(start);
  }
  return out;
}

} // namespace

int fanout(const std::string& program, std::size_t count) {
  scratch dir;
  fmt::print("fan-out of {} events on SQLite, synchronous=FULL\n", count);
  auto work = dir.file("work.db");
  auto limit_db = dir.file("limit.db");
  prepare(work, count);
  fs::copy_file(work, limit_db);
  auto run = fan_out(program, work);
  auto limit = insert_same_rows(work, limit_db, static_cast<std::int64_t>(count));
  auto events = static_cast<double>(count);
  auto rows = static_cast<double>(limit.rows);
  fmt::print("  herald        {:9.0f} events/s  {:9.0f} rows/s  {:6.2f} s wall  {:6.2f} s CPU  {:5.1f} MB "
             "peak RSS\n",
             events / run.wall, rows / run.wall, run.wall, run.cpu, run.rss_mb);
  fmt::print("  plain insert  {:9.0f} events/s  {:9.0f} rows/s  {:6.2f} s wall\n", events / limit.wall,
             rows / limit.wall, limit.wall);
  fmt::print("  ratio         {:.2f} of the limit ({} rows: {:.1f} per event)\n", limit.wall / run.wall,
             limit.rows, rows / events);
  fmt::print("peak memory against backlog\n");
  for (std::size_t backlog : {std::size_t{10'000}, std::size_t{200'000}}) {
    auto path = dir.file(fmt::format("backlog-{}.db", backlog));
    prepare(path, backlog);
    auto figures = fan_out(program, path);
    fmt::print("  {:7} events waiting  {:5.1f} MB peak RSS  ({:.0f} events/s)\n", backlog, figures.rss_mb,
               static_cast<double>(backlog) / figures.wall);
    fs::remove(path);
  }
  return 0;
}

} // namespace herald::bench
