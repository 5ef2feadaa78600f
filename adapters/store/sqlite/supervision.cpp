// What supervisors did, kept for the operator across restarts of the daemon.
#include <string_view>

#include "adapters/store/sqlite/operator_queries.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_note = R"(
  INSERT INTO herald_supervision (at, worker, supervisor, child, what, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6))";

constexpr std::string_view sum_up = R"(
  SELECT s.supervisor, s.child, count(*) FILTER (WHERE s.what = 'restarting'),
    (SELECT c.reason FROM herald_supervision c
      WHERE c.supervisor = s.supervisor AND c.child = s.child AND c.what = 'crashed' ORDER BY c.id DESC LIMIT 1),
    max(s.at)
  FROM herald_supervision s
  GROUP BY s.supervisor, s.child
  ORDER BY s.supervisor, s.child)";

} // namespace

void record_supervision(database& db, std::span<const supervision_note> notes) {
  auto tx = transaction{db, transaction::mode::write};
  for (auto& x : notes)
    db.run(insert_note, x.at, x.worker, x.supervisor, x.child, x.what, x.reason);
  tx.commit();
}

std::vector<stage_restarts> restarts(database& db) {
  std::vector<stage_restarts> out;
  auto rows = db.query(sum_up);
  while (rows.step())
    out.push_back({rows.text(0), rows.text(1), rows.count(2), rows.text(3), rows.time(4)});
  return out;
}

} // namespace herald::sqlite
