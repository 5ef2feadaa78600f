// Domain events as the store hands them out, alone and in the batches that travel between stages.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

struct batch_context;

/// One row of `domain_events`.
struct domain_event {
  std::int64_t id = 0;
  std::string type;
  std::optional<uuid> actor_id;
  std::optional<uuid> project_id;
  std::optional<uuid> resource_id;
  std::optional<uuid> thread_id;
  std::optional<uuid> meeting_id;
  /// The JSON text as stored, unparsed and untrusted; empty when the column is NULL.
  std::string payload;
  timestamp created_at{};
};

/// A worker's right to settle one event. Together with the worker's id it is the fence: a commit whose claim
/// number is no longer the newest changes nothing.
struct claim_ref {
  std::int64_t event_id = 0;
  std::int32_t claim_no = 0;

  friend bool operator==(const claim_ref&, const claim_ref&) = default;
};

template <class Inspector> auto inspect(Inspector& f, claim_ref& x) {
  return f(x.event_id, x.claim_no);
}

/// An event under a lease.
struct claimed_event {
  domain_event event;
  std::int32_t claim_no = 0;
  /// Counted failures before this claim.
  std::int32_t attempts = 0;
  /// How many of those killed the code that handled the event.
  std::int32_t crashes = 0;

  claim_ref ref() const { return {event.id, claim_no}; }
};

/// Events of one type that were claimed together, with what their handler may look at.
struct event_batch {
  std::string type;
  std::vector<claimed_event> events;
  std::shared_ptr<const batch_context> context;
};

using event_batch_ptr = std::shared_ptr<const event_batch>;

/// For traces: type and ids, e.g. `event_batch(meeting_invited: 7 8)`.
std::string to_string(const event_batch_ptr& x);

} // namespace herald
