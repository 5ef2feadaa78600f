#include "adapters/store/sqlite/leases.hpp"

#include <unordered_set>
#include <utility>

#include "adapters/store/sqlite/attempts.hpp"
#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view extend_leases = R"(
  UPDATE notification_processing AS p
  SET herald_lease_until = ?3
  FROM (SELECT value ->> 0 AS event_id, value ->> 1 AS claim_no FROM json_each(?1)) w
  WHERE p.event_id = w.event_id AND p.herald_claim_no = w.claim_no
    AND p.processing_status = 'processing' AND p.processor_id = ?2
  RETURNING event_id)";

constexpr std::string_view select_held = R"(
  SELECT p.event_id
  FROM json_each(?1) w CROSS JOIN notification_processing p ON p.event_id = w.value ->> 0
  WHERE p.herald_claim_no = w.value ->> 1 AND p.processing_status = 'processing' AND p.processor_id = ?2)";

constexpr std::string_view select_all_held = R"(
  SELECT event_id FROM notification_processing
  WHERE processing_status = 'processing' AND processor_id = ?1 AND herald_claim_no IS NOT NULL)";

std::string to_pairs(const std::vector<claim_ref>& claims) {
  json_list out;
  for (auto& x : claims)
    out.add(x.event_id, x.claim_no);
  return std::move(out).str();
}

std::vector<std::int64_t> event_ids(statement rows) {
  std::vector<std::int64_t> out;
  while (rows.step())
    out.push_back(rows.integer(0));
  return out;
}

} // namespace

std::vector<claim_ref> renew_leases(database& db, const renew_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  auto kept = event_ids(
      db.query(extend_leases, to_pairs(request.claims), request.worker, request.now + request.lease));
  tx.commit();
  auto held = std::unordered_set<std::int64_t>{kept.begin(), kept.end()};
  std::vector<claim_ref> lost;
  for (auto& x : request.claims)
    if (!held.contains(x.event_id))
      lost.push_back(x);
  return lost;
}

std::uint64_t release_leases(database& db, const release_request& request) {
  auto tx = transaction{db, transaction::mode::write};
  auto held = request.claims.empty()
                  ? event_ids(db.query(select_all_held, request.worker))
                  : event_ids(db.query(select_held, to_pairs(request.claims), request.worker));
  release_events(db, held, request.now, "handed back by the worker, uncounted");
  tx.commit();
  return held.size();
}

} // namespace herald::sqlite
