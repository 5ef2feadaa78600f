// The keys that Supabase hands out, and which of them the store can use.
#pragma once

#include <cstdint>

#include "messages/failure.hpp"
#include "messages/secret.hpp"

namespace herald::supabase {

enum class key_kind : std::uint8_t {
  token,  ///< a JWT, which names its role: the legacy service_role key, or one of a gateway of one's own
  opaque, ///< a secret key, or one of a form that is not known here
};

/// What kind of key it is. Fails (permanent) without one, and on those meant for browsers: publishable keys, and
/// tokens for the roles anon and authenticated. Neither signature nor expiry are looked at. The failure does not
/// repeat the key.
result<key_kind> inspect_key(const secret& key);

} // namespace herald::supabase
