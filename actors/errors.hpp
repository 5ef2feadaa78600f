// Failures on their way through the actor system: herald::failure to caf::error and back.
#pragma once

#include <caf/all.hpp>

#include "messages/failure.hpp"

namespace herald {

/// An error that keeps class and reason.
caf::error to_error(const failure&);

/// Whether the error says that a dependency is down. Slots do not hold such an error against a request.
bool is_herald_outage(const caf::error&);

/// Classifies whatever a request may be answered with: our own errors as they are, exceptions as `crash`,
/// time-outs, overload and unreachable actors as `outage`, anything else as `transient`.
failure to_failure(const caf::error&, const caf::actor_system&);

} // namespace herald
