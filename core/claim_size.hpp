// How much to ask a store for at a time, given how it coped: a claim that is too large for its time limit fails every
// time it is asked again, a smaller one gets through.
#pragma once

#include <cstdint>

namespace herald {

/// Starts at `most`, halves with each failure, doubles with each success.
class claim_size {
public:
  /// @pre most ≥ 1
  explicit claim_size(std::uint32_t most) : most_{most}, now_{most} {}

  /// What to ask for, of `wanted`.
  std::uint32_t of(std::uint32_t wanted) const { return wanted < now_ ? wanted : now_; }

  void failed() { now_ = now_ > 1 ? now_ / 2 : 1; }

  void succeeded() { now_ = now_ > most_ / 2 ? most_ : now_ * 2; }

private:
  std::uint32_t most_;
  std::uint32_t now_;
};

} // namespace herald
