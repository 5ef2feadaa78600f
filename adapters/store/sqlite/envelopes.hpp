// Storing envelopes: the one statement sequence that both sealing and splitting use.
#pragma once

#include <cstdint>
#include <string_view>

#include "adapters/store/sqlite/database.hpp"
#include "messages/outbox.hpp"

namespace herald::sqlite {

/// Stores the envelope, unleased and due, and puts its mails into it. Returns its id; 0 when the key was used
/// before: then its mails are parked, because they may have been sent under it.
std::int64_t insert_envelope(database& db, const envelope_draft& x, timestamp now);

/// Gives a new envelope to its sealer, so that nobody else sends it first.
void lease_new_envelope(database& db, std::int64_t id, std::string_view worker, timestamp now,
                        duration lease);

} // namespace herald::sqlite
