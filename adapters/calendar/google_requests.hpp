// Google's three requests as they stand on the wire, and what keeps one from being sent. Values come from rows of the
// platform, so nothing is taken for well-formed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/client.hpp"
#include "messages/calendar.hpp"
#include "messages/secret.hpp"

namespace herald {

/// Everything but the unreserved characters of RFC 3986 (letters, digits, `-._~`) as %XX: one segment of a path, or one
/// value of a form, whatever it holds.
std::string percent_encoded(std::string_view text);

/// Whether the text can be a token in a header or a form: 1 to 4,096 visible ASCII characters.
bool is_token_text(std::string_view text);

/// Whether the text can be the id of a channel: 1 to 64 of A–Z a–z 0–9 - _ + / =.
bool is_channel_id(std::string_view text);

/// Whether the text can be a resource's id: 1 to 256 visible ASCII characters.
bool is_resource_id(std::string_view text);

// Why the request is not sent, as the answer to the call; nothing when it is.
std::optional<calendar_answer> defect_of(const watch_creation& x);
std::optional<calendar_answer> defect_of(const watch_stop& x);

/// `target` is the path of the token endpoint.
http_request token_request(std::string target, std::string_view client_id, const secret& client_secret,
                           const secret& refresh_token);

/// @pre no defect; an empty `token` is left out
http_request watch_request(const watch_creation& x, const std::string& token);

/// @pre no defect
http_request stop_request(const watch_stop& x);

} // namespace herald
