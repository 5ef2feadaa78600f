// What the event poller has handed out, and how much more it may claim. No clock, no actor, no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "messages/event.hpp"

namespace herald {

class poll_ledger {
public:
  /// @pre batch_size ≥ 1
  explicit poll_ledger(std::uint32_t batch_size);

  /// Sets how many events may be in flight. A lower limit than before takes nothing back.
  void grant(std::uint64_t limit);

  /// How many events to claim now. 0 when the credit left is too small a part of a batch to be worth a round
  /// trip; with nothing in flight any credit is worth one.
  std::uint32_t claimable() const;

  /// Books a batch as handed out and returns its id.
  std::uint64_t hand_out(event_batch_ptr batch);

  /// The batch with this id, or nullptr when it has been settled.
  event_batch_ptr find(std::uint64_t id) const;

  /// Books a batch out. False if it was not there any more.
  bool settle(std::uint64_t id);

  /// Replaces a batch by one batch per event, so that the event at fault is found alone; returns the new ids.
  std::vector<std::uint64_t> split(std::uint64_t id);

  /// Books everything out.
  void clear();

  /// Every claim in flight.
  std::vector<claim_ref> claims() const;

  /// Events in flight.
  std::uint64_t in_flight() const { return in_flight_; }

  std::uint64_t limit() const { return limit_; }

private:
  std::uint32_t batch_size_;
  std::uint64_t limit_ = 0;
  std::uint64_t in_flight_ = 0;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, event_batch_ptr> batches_;
};

/// Sorts a claim into one batch per event type, in order of first appearance; each keeps the order of its
/// events.
std::vector<event_batch_ptr> split_by_type(std::vector<claimed_event> events,
                                           const std::shared_ptr<const batch_context>& context);

} // namespace herald
