// Nothing vanishes: figures that were counted in different ways and still have to agree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/outbox.hpp"
#include "messages/store.hpp"

namespace herald {

enum class relation : std::uint8_t { equal, at_most };

/// `=` or `<=`.
std::string_view to_string(relation x);

/// One statement: `left` is equal to, or at most, `right`.
struct conservation_check {
  /// What is compared, in words.
  std::string name;
  std::uint64_t left = 0;
  herald::relation relation = herald::relation::equal;
  std::uint64_t right = 0;

  bool holds() const;
};

struct conservation_report {
  /// Whether every check holds.
  bool holds = true;
  std::vector<conservation_check> checks;
};

/// Compares what the tables hold with what Herald says it did:
///  - per event type: events = completed + dead + pending + expired;
///  - all rows of the event log = the sum of these four over all types;
///  - rows in notifications = notifications written; rows in pending_emails = e-mails queued;
///  - chat roll-ups: every message counted into a row shows in that row's count, and the rest of the counts
///    are the messages that started a row, of which there are no more than chat notifications:
///    rolled up <= counts shown <= rolled up + chat notifications.
/// Holds for a database in which Herald alone has written notifications and e-mails and nobody has deleted
/// any, such as the demo's.
conservation_report check_conservation(const store_summary&);

/// The same, and that every queued e-mail is in exactly one state on its way out.
conservation_report check_conservation(const store_summary&, const outbox_summary&);

} // namespace herald
