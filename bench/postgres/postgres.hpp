// The benchmark of Herald on PostgreSQL: `herald_bench postgres [N]`.
#pragma once

#include <span>
#include <string>

namespace herald::bench {

/// Runs everything and prints a table. Throws std::exception when something fails.
int postgres(std::span<char*> args);

} // namespace herald::bench
