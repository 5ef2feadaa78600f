// What is wrong with a configuration: where, what was expected there, and what stands there instead.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

namespace herald {

// Every member has an initialiser, so that one can name those that matter and leave out the rest.
struct config_error {
  /// The file, `command line`, or empty when `variable` comes from the process environment.
  std::string source{};
  /// Counted from 1, in bytes; 0 when the position is not known.
  std::size_t line = 0;
  std::size_t column = 0;
  /// The environment variable, if one brought the value.
  std::string variable{};
  /// JSON pointer of the option; empty when the document as a whole is meant.
  std::string pointer{};
  std::string expected{};
  std::string found{};
  /// A suggestion, e.g. `did you mean "batch_size"?`; empty when there is none.
  std::string hint{};
};

using config_errors = std::vector<config_error>;

/// One line, e.g. `herald.json: /poller/batch_size: expected an integer from 1 to 10000, found "many"`.
/// Control characters in names and values are escaped.
std::string to_string(const config_error&);

/// One error per line, without a final line break.
std::string to_string(const config_errors&);

/// Reached only when a result is read without a check, which is a defect of the caller.
[[noreturn]] inline void throw_exception_from_error(const config_errors& x, const boost::source_location&) {
  throw std::runtime_error(to_string(x));
}

/// A value, or everything that stands in its way.
template <class T> using config_result = boost::system::result<T, config_errors>;

} // namespace herald
