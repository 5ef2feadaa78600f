// What answers of PostgREST, and of the gateway and the edge before it, mean for Herald: the class of failure, and a
// sentence that says what to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/client.hpp"
#include "messages/failure.hpp"
#include "messages/secret.hpp"

namespace herald::supabase {

/// Which call it is about.
struct call_site {
  /// The service and its address, for messages.
  std::string_view where;
  std::string_view function;
  /// Should an answer repeat it, it is hidden.
  const secret& key;
};

/// Why the answer is no result of the function; nothing when it is one.
std::optional<failure> refusal_of(const http_response& answer, const call_site& site);

/// There was no answer, or none that is taken.
/// @pre !x.response
failure describe_loss(const http_exchange& x, const call_site& site);

} // namespace herald::supabase
