#include "adapters/store/sqlite/commit_facts.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_profiles = R"(
  SELECT p.id FROM json_each(?1) w CROSS JOIN profiles p ON p.id = w.value)";

constexpr std::string_view select_projects = R"(
  SELECT p.id FROM json_each(?1) w CROSS JOIN projects p ON p.id = w.value)";

constexpr std::string_view select_notified = R"(
  SELECT n.event_id, n.user_id FROM json_each(?1) w CROSS JOIN notifications n ON n.event_id = w.value)";

/// The ids that the plans of a commit mention.
struct mentioned {
  id_set users;
  id_set projects;
  /// Events that were claimed before.
  std::vector<std::int64_t> repeated;

  void add(const fan_out_plan& plan) {
    for (auto& x : plan.notifications)
      users.insert(x.users.begin(), x.users.end());
    for (auto& x : plan.roll_ups)
      users.insert(x.users.begin(), x.users.end());
    for (auto& x : plan.emails) {
      users.insert(x.immediate.begin(), x.immediate.end());
      users.insert(x.aggregated.begin(), x.aggregated.end());
      if (x.project_id)
        projects.insert(*x.project_id);
    }
    if (!plan.claims.empty() && plan.claims.front().claim_no > 1)
      repeated.push_back(plan.claims.front().event_id);
  }
};

id_set existing(database& db, std::string_view sql, const id_set& wanted) {
  id_set out;
  if (wanted.empty())
    return out;
  auto rows = db.query(sql, to_json_list(wanted));
  while (rows.step())
    out.insert(rows.id(0));
  return out;
}

} // namespace

commit_facts::commit_facts(database& db, const commit_request& request) {
  mentioned ids;
  for (auto& batch : request.batches)
    for (auto& plan : batch->plans)
      ids.add(plan);
  profiles_ = existing(db, select_profiles, ids.users);
  projects_ = existing(db, select_projects, ids.projects);
  if (ids.repeated.empty())
    return;
  auto rows = db.query(select_notified, to_json_list(ids.repeated));
  while (rows.step())
    notified_.emplace(rows.integer(0), rows.id(1));
}

} // namespace herald::sqlite
