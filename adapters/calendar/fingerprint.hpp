// Digests that stand for secrets: one to know a token again, one to know our own channels again.
#pragma once

#include <string>
#include <string_view>

#include "messages/secret.hpp"

namespace herald {

/// SHA-256 of the token as 64 hexadecimal digits. It may be kept and shown: nobody gets back from it to a token as
/// random as a provider's.
std::string fingerprint(const secret& token);

/// What a channel carries so that the webhook can tell the provider's messages from anyone else's: HMAC-SHA256 of the
/// channel's id under the channel secret, as 64 hexadecimal digits. The webhook computes the same from the message's
/// X-Goog-Channel-ID and compares it with X-Goog-Channel-Token in constant time; it needs the secret and no table.
std::string channel_token(const secret& channel_secret, std::string_view channel_id);

} // namespace herald
