// The fastest way there is to write a result: COPY of the very same rows into the very same tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/secret.hpp"

namespace herald::bench {

/// The notifications and e-mails that events have caused, as COPY's text.
struct output_rows {
  /// What one transaction writes.
  struct chunk {
    std::string notifications;
    std::string emails;
  };
  std::vector<chunk> chunks;
  std::uint64_t rows = 0;
};

/// Events whose rows COPY writes in one transaction: as many as Herald commits at once.
inline constexpr std::int64_t events_per_copy = 500;

output_rows read_output(const secret& url);

/// Writes the rows into a database with the same events, in as many sessions at once. Returns the seconds that it took.
double copy_output(const secret& url, const output_rows& output, std::size_t sessions);

} // namespace herald::bench
