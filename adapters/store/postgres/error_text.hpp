// What PostgreSQL's errors mean for Herald: the class of failure, and a sentence that says what to do.
#pragma once

#include <string>
#include <string_view>

#include "messages/failure.hpp"

namespace herald::postgres {

/// An error the server reported. `doing` completes "could not …", `where` names the database.
failure describe_error(std::string_view sqlstate, std::string_view text, std::string_view where,
                       std::string_view doing);

/// No connection, or no longer one. `text` is libpq's.
failure describe_loss(std::string_view text, std::string_view where, std::string_view doing);

/// One line, without the levels and hints that libpq puts around it.
std::string one_line(std::string_view text);

} // namespace herald::postgres
