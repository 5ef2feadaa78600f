// The embedded store: one SQLite file (or a database in memory) that holds the platform's tables and Herald's
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/store/platform_rows.hpp"
#include "adapters/store/store.hpp"

namespace herald {

/// How far a commit is forced to the disk. A crash of Herald never loses a commit with either.
enum class sqlite_durability : std::uint8_t {
  full,   ///< every commit survives a power cut
  normal, ///< the last commits may be undone by a power cut, never torn
};

struct sqlite_options {
  /// A file path, or `:memory:`.
  std::string path = "herald.db";
  /// How long to wait for another process's lock before the call fails as an outage.
  duration busy_timeout{5'000};
  sqlite_durability durability = sqlite_durability::full;
  /// Create the file and its schema when there is none.
  bool create = true;
};

class sqlite_store : public full_store, public platform_writer {
public:
  /// Statements run since the store was opened; lets tests hold the "constant number per batch" rule.
  virtual std::uint64_t statements_run() const = 0;

  /// Keeps a message that the capture transport took; one with a known id stays as it is.
  virtual result<void> keep_captured(const captured_message& x) = 0;

  /// Newest first, at most `limit`.
  virtual result<std::vector<captured_message>> captured_messages(std::uint32_t limit) = 0;

  /// A number that changes whenever another connection has committed to the file (PRAGMA data_version); cheap
  /// enough to ask twice a second. 0 when it cannot be read.
  virtual std::uint64_t data_version() = 0;
};

/// Opens (and on first use creates) the database. Fails with a message that names the path and what to do
/// when the file is no SQLite database, is corrupt, cannot be written, or has a schema newer than this
/// program's.
result<std::unique_ptr<sqlite_store>> open_sqlite_store(const sqlite_options&);

} // namespace herald
