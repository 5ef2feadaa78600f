// A clock that shows another time than the wall's, and goes on like it.
#pragma once

#include <memory>
#include <utility>

#include "adapters/clock.hpp"

namespace herald {

class shifted_clock final : public clock {
public:
  /// Shows `now` at this moment.
  shifted_clock(std::shared_ptr<const clock> wall, timestamp now)
      : wall_{std::move(wall)}, shift_{now - wall_->now()} {}

  timestamp now() const override { return wall_->now() + shift_; }

private:
  std::shared_ptr<const clock> wall_;
  duration shift_;
};

} // namespace herald
