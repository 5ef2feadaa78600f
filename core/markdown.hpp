// Pieces of notification bodies, which are Markdown.
#pragma once

#include <string>
#include <string_view>

namespace herald {

/// A stranger's name in bold type, escaped.
std::string bold(std::string_view name);

/// A thread label in bold type. Behind the asterisks its own # starts no heading, so it stays bare.
/// @pre label starts with #
std::string bold_label(std::string_view label);

/// Longest message text that is copied into a notification, in characters.
inline constexpr std::size_t message_limit = 500;

/// The text of a chat message as a notification body: mentions `@[name](user:id)` become `@name`, the rest is
/// escaped and cut at message_limit. May be empty.
std::string message_body(std::string_view message);

} // namespace herald
