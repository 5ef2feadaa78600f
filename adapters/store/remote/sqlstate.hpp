// What the errors of PostgreSQL mean for Herald, whichever way they came.
#pragma once

#include <string_view>

#include "messages/failure.hpp"

namespace herald::remote {

struct sqlstate_verdict {
  /// An SQLSTATE, or the first letters of those it stands for.
  std::string_view code;
  failure_class kind = failure_class::transient;
  /// What an operator can do.
  std::string_view remedy;
};

/// Nothing is unknown: a code without a rule of its own is `transient`, the class that loses nothing.
sqlstate_verdict judge_sqlstate(std::string_view sqlstate);

} // namespace herald::remote
