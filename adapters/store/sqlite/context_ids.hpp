// Which rows the handlers of a batch may ask for, read off the events and their payloads.
#pragma once

#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/store/sqlite/json_list.hpp"
#include "messages/context.hpp"
#include "messages/event.hpp"

namespace herald::sqlite {

/// Ids that a batch of events names. Ids of the row and of the payload both count: a handler may fall back
/// from one to the other. A payload that cannot be read names nothing; its handler reports it.
struct named_ids {
  id_set projects;
  id_set orgs;
  id_set resources;
  id_set threads;
  id_set meetings;
  /// Actors, and everybody a payload names.
  id_set people;
  /// Whom a resource's events name; they may look at it only if the access rule says so.
  by_uuid<id_set> asked_about;
  /// The projects of a resource's events, whose grantees are candidates too.
  by_uuid<id_set> seen_through;
  /// Users and projects of resume nudges.
  id_set nudged;
  id_set nudge_projects;
  /// Event types under which preferences may stand.
  std::set<std::string> preference_types;
};

named_ids ids_named_by(std::span<const claimed_event> events);

} // namespace herald::sqlite
