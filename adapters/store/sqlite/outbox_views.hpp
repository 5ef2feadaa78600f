// The operator's side of the outbox: how it stands, which mails need a person, what was captured.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/outbox.hpp"

namespace herald::sqlite {

outbox_summary summarize_outbox(database& db);

std::vector<stuck_mail> stuck_mails(database& db, std::uint32_t limit);

std::uint64_t resend_mails(database& db, std::span<const std::int64_t> mail_ids, timestamp now);

std::uint64_t drop_mails(database& db, std::span<const std::int64_t> mail_ids, timestamp now);

std::optional<claimed_outbox> read_mail(database& db, std::int64_t row_id, timestamp now);

/// Keeps a captured message; one that is there already stays as it is.
void insert_captured(database& db, const captured_message& x);

/// Newest first.
std::vector<captured_message> captured_messages(database& db, std::uint32_t limit);

} // namespace herald::sqlite
