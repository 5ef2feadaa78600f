// Keeping leases and giving them back.
#pragma once

#include <cstdint>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/store.hpp"

namespace herald::sqlite {

/// Returns the claims that are no longer the worker's. A lease that ran out and was not taken over is still
/// held.
std::vector<claim_ref> renew_leases(database& db, const renew_request& request);

/// Returns how many claims were given back.
std::uint64_t release_leases(database& db, const release_request& request);

} // namespace herald::sqlite
