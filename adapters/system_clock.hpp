// The operating system's clock behind the clock port.
#pragma once

#include "adapters/clock.hpp"

namespace herald {

class system_clock final : public clock {
public:
  timestamp now() const override { return std::chrono::floor<duration>(std::chrono::system_clock::now()); }
};

} // namespace herald
