// `herald_bench jobs`: how long the jobs that create events take over a whole platform, on SQLite and PostgreSQL.
#pragma once

#include <span>

namespace herald::bench {

/// Runs everything and prints a table. Throws std::exception when something fails.
int jobs(std::span<char*> args);

} // namespace herald::bench
