#include "messages/failure.hpp"

namespace herald {

std::string_view to_string(failure_class x) {
  switch (x) {
  case failure_class::transient:
    return "transient";
  case failure_class::permanent:
    return "permanent";
  case failure_class::crash:
    return "crash";
  case failure_class::outage:
    return "outage";
  }
  return "transient";
}

failure_class failure_class_from(std::string_view name) {
  for (auto x : {failure_class::permanent, failure_class::crash, failure_class::outage})
    if (name == to_string(x))
      return x;
  return failure_class::transient;
}

std::string to_string(const failure& x) {
  return std::string{to_string(x.kind)}.append(": ").append(x.reason);
}

} // namespace herald
