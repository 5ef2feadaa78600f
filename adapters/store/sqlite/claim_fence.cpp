#include "adapters/store/sqlite/claim_fence.hpp"

#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

// Outcomes are looked at too: a program that sets the status of a settled event back must not have it settled
// twice.
constexpr std::string_view select_held = R"(
  SELECT p.event_id, p.herald_claim_no
  FROM json_each(?1) w CROSS JOIN notification_processing p ON p.event_id = w.value
  WHERE p.processing_status = 'processing' AND p.processor_id = ?2 AND p.herald_claim_no IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM herald_outcomes o WHERE o.event_id = p.event_id))";

} // namespace

claim_fence::claim_fence(database& db, std::string_view worker, const std::vector<std::int64_t>& event_ids) {
  auto rows = db.query(select_held, to_json_list(event_ids), worker);
  while (rows.step())
    held_[rows.integer(0)] = rows.integer(1);
}

bool claim_fence::holds(const claim_ref& claim) const {
  auto found = held_.find(claim.event_id);
  return found != held_.end() && found->second == claim.claim_no;
}

void claim_fence::settle(const claim_ref& claim) {
  held_.erase(claim.event_id);
}

} // namespace herald::sqlite
