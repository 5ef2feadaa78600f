// The fan-out benchmark: `herald_bench fanout [N]`.
#pragma once

#include <cstddef>
#include <string>

namespace herald::bench {

/// Runs `program` over `count` events and prints the figures; throws std::exception when something fails.
int fanout(const std::string& program, std::size_t count);

} // namespace herald::bench
