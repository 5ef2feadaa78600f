// What a mail points to: mailboxes and links. Both come from rows that anybody may have written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace herald {

/// What keeps `text` from being exactly one e-mail address, in words that continue "the address ..."; nothing
/// when it is one.
std::optional<std::string_view> why_no_address(std::string_view text);

/// The same for `address` or `Name <address>`.
std::optional<std::string_view> why_no_mailbox(std::string_view text);

/// What keeps `text` from being the http(s) URL of a web application, with or without a path; nothing when it
/// is one.
std::optional<std::string_view> why_no_base_url(std::string_view text);

/// Whether a browser takes `link` for a path on the site it is on, whatever the link says after that.
bool is_site_relative(std::string_view link);

/// `link` on the site of `base_url`; `base_url` itself when the link is not site-relative.
/// @pre base_url passes why_no_base_url
std::string absolute_link(std::string_view base_url, std::string_view link);

} // namespace herald
