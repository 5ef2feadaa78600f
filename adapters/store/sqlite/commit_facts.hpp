// What a commit has to know about the world before it writes, asked once for all of its plans.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <utility>

#include "adapters/store/sqlite/database.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

/// True for the rest of the write transaction it was read in.
class commit_facts {
public:
  commit_facts(database& db, const commit_request& request);

  /// The user still exists. People vanish between plan and commit; that must not fail everybody else's rows.
  bool has_profile(const uuid& user) const { return profiles_.contains(user); }

  /// The project if it still exists, else nothing.
  std::optional<uuid> existing_project(const std::optional<uuid>& project) const {
    return project && projects_.contains(*project) ? project : std::nullopt;
  }

  /// The user has a notification of this event already: an earlier worker died half-way, outside a
  /// transaction.
  bool has_notification(std::int64_t event_id, const uuid& user) const {
    return notified_.contains({event_id, user});
  }

private:
  id_set profiles_;
  id_set projects_;
  std::set<std::pair<std::int64_t, uuid>> notified_;
};

} // namespace herald::sqlite
