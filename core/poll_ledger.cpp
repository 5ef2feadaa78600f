#include "core/poll_ledger.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace herald {

poll_ledger::poll_ledger(std::uint32_t batch_size) : batch_size_{batch_size} {
  // nop
}

void poll_ledger::grant(std::uint64_t limit) {
  limit_ = limit;
}

std::uint32_t poll_ledger::claimable() const {
  if (limit_ <= in_flight_)
    return 0;
  auto wanted = std::min<std::uint64_t>(batch_size_, limit_ - in_flight_);
  auto worthwhile = std::min<std::uint64_t>(batch_size_, limit_) / 2;
  if (in_flight_ > 0 && wanted < worthwhile)
    return 0;
  return static_cast<std::uint32_t>(wanted);
}

std::uint64_t poll_ledger::hand_out(event_batch_ptr batch) {
  in_flight_ += batch->events.size();
  auto id = next_id_++;
  batches_.emplace(id, std::move(batch));
  return id;
}

event_batch_ptr poll_ledger::find(std::uint64_t id) const {
  auto i = batches_.find(id);
  return i == batches_.end() ? nullptr : i->second;
}

bool poll_ledger::settle(std::uint64_t id) {
  auto i = batches_.find(id);
  if (i == batches_.end())
    return false;
  in_flight_ -= i->second->events.size();
  batches_.erase(i);
  return true;
}

std::vector<std::uint64_t> poll_ledger::split(std::uint64_t id) {
  auto whole = find(id);
  if (!whole || !settle(id))
    return {};
  std::vector<std::uint64_t> ids;
  for (auto& x : whole->events)
    ids.push_back(
        hand_out(std::make_shared<const event_batch>(event_batch{whole->type, {x}, whole->context})));
  return ids;
}

void poll_ledger::clear() {
  batches_.clear();
  in_flight_ = 0;
}

std::vector<claim_ref> poll_ledger::claims() const {
  std::vector<claim_ref> out;
  for (auto& [id, batch] : batches_)
    for (auto& x : batch->events)
      out.push_back(x.ref());
  return out;
}

std::vector<event_batch_ptr> split_by_type(std::vector<claimed_event> events,
                                           const std::shared_ptr<const batch_context>& context) {
  std::vector<std::shared_ptr<event_batch>> batches;
  std::unordered_map<std::string, std::size_t> by_type;
  for (auto& x : events) {
    auto [i, is_new] = by_type.emplace(x.event.type, batches.size());
    if (is_new)
      batches.push_back(std::make_shared<event_batch>(event_batch{x.event.type, {}, context}));
    batches[i->second]->events.push_back(std::move(x));
  }
  return {batches.begin(), batches.end()};
}

} // namespace herald
