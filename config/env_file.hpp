// Reads `.env` files: environment variables as operators keep them beside a service.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/config_error.hpp"

namespace herald {

struct env_entry {
  std::string name;
  std::string value;
  std::size_t line = 0; ///< counted from 1
};

/// One `NAME=VALUE` per line, with or without a leading `export`; blank lines and lines that begin with `#`
/// are skipped. An unquoted value ends before a `#` that follows a blank, and loses the blanks at its ends.
/// Single quotes keep everything; in double quotes `\n`, `\r`, `\t`, `\"`, `\$` and `\\` are escapes. Nothing
/// is substituted. Both kinds of line ends are understood. Each bad line adds an error with `source` and its
/// number, never its value: it may be a secret. Entries stand in file order; of equal names the last one
/// counts.
std::vector<env_entry> parse_env_file(std::string_view text, std::string_view source, config_errors& errors);

} // namespace herald
