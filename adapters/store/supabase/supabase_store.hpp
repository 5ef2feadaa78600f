// The store on Supabase: Herald's functions in the database, called through its REST interface (PostgREST).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "adapters/store/remote/remote_store.hpp"
#include "messages/secret.hpp"
#include "messages/time.hpp"

namespace herald {

struct supabase_options {
  /// The project's address, `https://PROJECT.supabase.co`, or that of a gateway of one's own; with or without
  /// `/rest/v1`. Plain http for this machine only.
  std::string url;
  /// A secret key (`sb_secret_…`) or the legacy service_role key (a JWT, `eyJ…`).
  secret service_role_key;
  /// Whether the key also stands in the header Authorization. Nothing: a JWT does, since PostgREST takes the
  /// role from there; a secret key does not, since the gateway puts a token of its own there.
  std::optional<bool> bearer;
  /// For name resolution, connection and TLS handshake together.
  duration connect_timeout{10'000};
  /// For a call as a whole, connecting included. Longer than the database gives a statement (8 s on Supabase)
  /// and PostgREST waits for a connection to it (10 s), else neither is ever heard of.
  duration answer_timeout{20'000};
  /// Of an answer; more is a failure. A claim comes with all that its handlers need to know.
  std::size_t max_response_bytes = std::size_t{64} * 1024 * 1024;
  /// PEM file with certificate authorities to trust besides the system's; empty for none.
  std::string ca_file;
};

/// The way to the functions alone, for whoever wants to see for himself what is there. Fails (permanent) on an address or
/// a key that cannot work, as open_supabase_store does.
result<std::unique_ptr<function_caller>> open_supabase_caller(const supabase_options& options);

/// Makes sure that Herald's functions are there and that the key may call them, by calling one that changes
/// nothing. Fails
///  - `permanent` when address or key are none that can work: no address, plain http to another machine, no
///  key, a key for browsers (publishable or anon);
///  - `outage` when the service cannot be reached, refuses the key, or lacks the functions (the remedy is to
///  run herald migrate).
/// Connections are made when they are needed. No call is repeated by the store itself.
result<std::unique_ptr<remote_store>> open_supabase_store(const supabase_options& options);

} // namespace herald
