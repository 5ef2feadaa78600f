// Creates the schema in an empty file, brings an older one up to date, and refuses files that are not Herald's or
// are newer than this program.
#pragma once

#include <cstdint>

#include "adapters/store/sqlite/database.hpp"

namespace herald::sqlite {

/// The version of the embedded schema, kept in the file's user_version.
inline constexpr std::int64_t schema_version = 4;

/// After this the connection's file has the schema this program knows: an older one is brought up to date, an empty
/// file is given it if `create`.
/// Throws `permanent` for somebody else's database, a newer schema, or none while `create` is false.
void prepare_schema(database& db, bool create);

} // namespace herald::sqlite
