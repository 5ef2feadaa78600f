// Errors as values: what class of failure, and a reason an operator can act on.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace herald {

/// How a failure is answered. docs/reliability.md has the full table.
enum class failure_class : std::uint8_t {
  transient, ///< worth a retry with back-off; the attempt is counted
  permanent, ///< no retry can help: dead letter at once
  crash,     ///< the code that worked on it died; attempt and crash are counted
  outage,    ///< a dependency is down: wait for it, no attempt is counted
};

std::string_view to_string(failure_class x);

/// Inverse of to_string; an unknown name is `transient`, the class that loses nothing.
failure_class failure_class_from(std::string_view name);

struct failure {
  failure_class kind = failure_class::transient;
  /// What failed, where, and what to do about it. Never holds a secret.
  std::string reason;
};

std::string to_string(const failure& x);

template <class Inspector> auto inspect(Inspector& f, failure& x) {
  auto kind = std::string{to_string(x.kind)};
  return f(kind, x.reason);
}

/// Reached only when a result is read without a check, which is a defect of the caller.
[[noreturn]] inline void throw_exception_from_error(const failure& x, const boost::source_location&) {
  throw std::runtime_error(x.reason);
}

/// A value or the failure that took its place.
template <class T> using result = boost::system::result<T, failure>;

} // namespace herald
