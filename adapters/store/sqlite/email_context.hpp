// Loads mails with their rows, and what is needed to check that they are still true.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "adapters/store/sqlite/database.hpp"
#include "messages/outbox.hpp"

namespace herald::sqlite {

/// The mails with these ids, in order, each with the rows that are still to be sent. A constant number of
/// statements.
std::vector<claimed_mail> load_mails(database& db, std::span<const std::int64_t> mail_ids);

/// Call it inside the transaction that claimed the mails. A constant number of statements.
std::shared_ptr<const email_context> load_email_context(database& db, std::span<const claimed_mail> mails,
                                                        timestamp now);

/// Columns as in `email_row`; the statement selects them from `first` on.
email_row read_email_row(const statement& row, int first);

} // namespace herald::sqlite
