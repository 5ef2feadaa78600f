#include "adapters/store/sqlite/error_text.hpp"

#include <string>

#include <sqlite3.h>

namespace herald::sqlite {

namespace {

struct verdict {
  failure_class kind;
  std::string remedy;
};

verdict judge(int primary_code, const sqlite_options& options) {
  using enum failure_class;
  switch (primary_code) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return {outage, "another program holds its lock and did not let go of it within "
                        + std::to_string(options.busy_timeout.count())
                        + " ms; find that program (fuser shows it), or wait longer"};
  case SQLITE_FULL:
    return {outage, "there is no space left; free space on its disk"};
  case SQLITE_READONLY:
    return {outage, "make the file and its directory writable for the user Herald runs as"};
  case SQLITE_CANTOPEN:
    return {outage,
            "check that the directory exists and that the user Herald runs as may read and write there"};
  case SQLITE_IOERR:
    return {outage, "the disk or file system reported an error; look into the system log"};
  case SQLITE_CORRUPT:
    return {outage, "the file is damaged; stop Herald, keep a copy, and restore the file from a backup"};
  case SQLITE_NOTADB:
    return {outage, "the file is not a SQLite database; check the path, or restore the file from a backup"};
  case SQLITE_NOMEM:
    return {outage, "the process could not get memory"};
  case SQLITE_CONSTRAINT:
    return {permanent, "the data breaks a rule of the schema"};
  case SQLITE_TOOBIG:
    return {permanent, "a value is larger than SQLite takes"};
  default:
    return {transient, "this is unexpected; if it happens again, report it with this text"};
  }
}

} // namespace

failure describe(int code, std::string_view text, const sqlite_options& options, std::string_view doing) {
  auto [kind, remedy] = judge(code & 0xff, options);
  auto reason = "SQLite database '" + options.path + "': could not ";
  reason.append(doing).append(": ").append(text).append(" (code ").append(std::to_string(code)).append("): ");
  return {kind, reason + remedy};
}

} // namespace herald::sqlite
