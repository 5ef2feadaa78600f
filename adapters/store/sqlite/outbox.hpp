// The way of a queued e-mail through the database: window, claim, seal, record. One write transaction each.
#pragma once

#include "adapters/store/sqlite/database.hpp"
#include "messages/outbox.hpp"

namespace herald::sqlite {

window_report open_window(database& db, const open_window_request& request);

claimed_outbox claim_outbox(database& db, const outbox_claim_request& request);

sealed_batch seal_envelopes(database& db, const seal_request& request);

record_report record_outcomes(database& db, const record_request& request);

std::uint64_t release_outbox(database& db, const outbox_release_request& request);

std::uint64_t purge_bodies(database& db, const purge_request& request);
sender_share report_sender(database& db, const sender_report& report);

} // namespace herald::sqlite
