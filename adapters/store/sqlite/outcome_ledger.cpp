#include "adapters/store/sqlite/outcome_ledger.hpp"

#include <algorithm>

#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_outcome = R"(
  INSERT INTO herald_outcomes (event_id, channel, state, reason, into_event_id, recipient_count, recipients)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))";

} // namespace

bool outcome_ledger::has(channel where, std::string_view state, const uuid& user) const {
  return std::ranges::any_of(groups_, [&](const group& x) {
    return x.where == where && x.state == state && std::ranges::find(x.users, user) != x.users.end();
  });
}

void outcome_ledger::add(channel where, std::string_view state, std::string_view reason,
                         std::int64_t into_event_id, const uuid& user) {
  auto found = std::ranges::find_if(groups_, [&](const group& x) {
    return x.where == where && x.state == state && x.reason == reason && x.into_event_id == into_event_id;
  });
  if (found == groups_.end())
    found = groups_.insert(found, {where, std::string{state}, std::string{reason}, into_event_id, {}});
  found->users.push_back(user);
}

void outcome_ledger::write() {
  auto row = db_.prepare(insert_outcome);
  row.set(1, event_id_);
  for (auto& x : groups_) {
    row.set(2, to_string(x.where)).set(3, x.state).set(4, x.reason).set(5, x.into_event_id);
    row.set(6, x.users.size()).set(7, to_json_list(x.users)).run();
  }
}

} // namespace herald::sqlite
