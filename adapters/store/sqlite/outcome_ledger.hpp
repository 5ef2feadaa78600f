// How the recipients of one event ended, grouped so that an event costs a few rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/fan_out.hpp"

namespace herald::sqlite {

namespace outcome {
inline constexpr std::string_view notified = "notified";
inline constexpr std::string_view rolled_up = "rolled_up";
inline constexpr std::string_view queued = "queued";
inline constexpr std::string_view skipped = "skipped";
} // namespace outcome

class outcome_ledger {
public:
  outcome_ledger(database& db, std::int64_t event_id) : db_{db}, event_id_{event_id} {}

  /// The user's row belongs to this event.
  void add(channel where, std::string_view state, const uuid& user) {
    add(where, state, {}, event_id_, user);
  }

  /// The user sees this event in the row of another.
  void add_rolled_up(channel where, std::int64_t into_event_id, const uuid& user) {
    add(where, outcome::rolled_up, {}, into_event_id, user);
  }

  void add_skipped(channel where, std::string_view reason, const uuid& user) {
    add(where, outcome::skipped, reason, event_id_, user);
  }

  bool has(channel where, std::string_view state, const uuid& user) const;

  /// Writes one row per group. Call once, when the event is complete.
  void write();

private:
  struct group {
    channel where;
    std::string state;
    std::string reason;
    std::int64_t into_event_id;
    std::vector<uuid> users;
  };

  void add(channel where, std::string_view state, std::string_view reason, std::int64_t into_event_id,
           const uuid& user);

  database& db_;
  std::int64_t event_id_;
  std::vector<group> groups_;
};

} // namespace herald::sqlite
