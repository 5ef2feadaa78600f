// What SQLite's result codes mean for Herald: the class of failure, and a sentence that says what to do.
#pragma once

#include <string_view>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "messages/failure.hpp"

namespace herald::sqlite {

/// `code` is an extended result code and `text` SQLite's own words for it; `doing` completes "could not …".
///  - locked, full, read-only, unreachable, damaged or not a database: `outage`
///  - a broken constraint or a value that is too big: `permanent`
///  - anything else: `transient`
failure describe(int code, std::string_view text, const sqlite_options& options, std::string_view doing);

} // namespace herald::sqlite
