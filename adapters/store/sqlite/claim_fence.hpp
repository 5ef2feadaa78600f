// Which claims of a commit still hold: the guard that keeps a worker that lost its lease from writing
// anything.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/event.hpp"

namespace herald::sqlite {

class claim_fence {
public:
  /// Reads the claims as they stand; valid inside the current write transaction.
  claim_fence(database& db, std::string_view worker, const std::vector<std::int64_t>& event_ids);

  /// The claim is the worker's newest and its event is not settled, neither before nor by this commit.
  bool holds(const claim_ref& claim) const;

  /// From now on the claim is used up.
  void settle(const claim_ref& claim);

private:
  /// Claim number by event.
  std::unordered_map<std::int64_t, std::int64_t> held_;
};

} // namespace herald::sqlite
