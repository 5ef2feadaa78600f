// The ledger of time-driven jobs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/job.hpp"

namespace herald::sqlite {

std::vector<job_state> open_jobs(database& db, const open_jobs_request& request);

begun_run begin_run(database& db, const begin_run_request& request);

bool finish_run(database& db, const finish_run_request& request);

std::vector<job_run> job_runs(database& db, std::uint32_t limit);

/// Whether the run is the worker's. Holds until the end of the transaction, which has to be one that writes.
bool holds_run(database& db, const run_ref& run, std::string_view worker);

} // namespace herald::sqlite
