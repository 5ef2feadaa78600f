// Counting chat messages into the one unread row per user and thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "adapters/store/sqlite/database.hpp"
#include "messages/fan_out.hpp"

namespace herald::sqlite {

/// Collects the roll-ups of one commit, so that twenty messages in a thread write each reader's row once.
/// Lives inside one write transaction; the drafts must outlive it.
class roll_up_ledger {
public:
  struct place {
    /// The event whose row counts this message.
    std::int64_t into_event_id = 0;
    /// This message started that row.
    bool started = false;
  };

  explicit roll_up_ledger(database& db) : db_{db} {}

  /// Counts one message of `event_id` for `user`: into the unread row of the thread, else into a new one.
  place count(const uuid& user, const roll_up_draft& draft, std::int64_t event_id);

  /// Writes all rows, each with the text of the latest draft and its final count. Call once.
  void write(timestamp now);

private:
  struct entry {
    std::optional<std::int64_t> row_id;
    std::int64_t event_id = 0;
    std::int64_t count = 0;
    const roll_up_draft* latest = nullptr;
  };

  entry find_unread(const uuid& user, const uuid& thread);

  database& db_;
  /// By thread and user; ordered, so that rows are written in the same order everywhere.
  std::map<std::pair<uuid, uuid>, entry> entries_;
};

} // namespace herald::sqlite
