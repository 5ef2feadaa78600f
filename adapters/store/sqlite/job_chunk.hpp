// What the jobs that create events have in common: the part of the outer table that a chunk looks at, and appending what
// came of it with a constant number of statements.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/job.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

inline transaction::mode mode_of(const job_chunk_request& chunk) {
  return chunk.dry_run ? transaction::mode::read : transaction::mode::write;
}

job_chunk lost_chunk();

/// Who is never told, as a JSON list: `excluded`, and the platform's own system account.
std::string system_accounts(const std::vector<uuid>& excluded);

/// Ids above `after`, up to and including `last`.
struct id_range {
  std::string after;
  std::string last;
  /// The same as `last`, or empty when nothing lies behind it.
  std::string next;
};

/// Reads the bounds of a chunk. `sql` selects the ids above ?1 in their order, at most ?2; further values are its own.
/// A key that is no UUID is none of ours and means the beginning.
template <class... Ts>
id_range find_range(database& db, std::string_view sql, const job_chunk_request& chunk, const Ts&... values) {
  auto after = parse_uuid(chunk.after);
  id_range out;
  out.after = after ? to_string(*after) : std::string{};
  auto limit = std::int64_t{chunk.limit > 0 ? chunk.limit : 1};
  auto row =
      db.query("SELECT count(*), max(id) FROM (" + std::string{sql} + ")", out.after, limit, values...);
  row.step();
  out.last = row.text(1);
  if (row.integer(0) == limit)
    out.next = out.last;
  return out;
}

/// Appends events with one statement, and returns the id of the first; those of the others follow.
/// @pre in a write transaction; there are events, and each has its created_at
std::int64_t append_events(database& db, std::span<const new_event> events);

/// The verdict of a row that an event comes of.
inline constexpr std::string_view created = "created";

} // namespace herald::sqlite
