// Values as people write them and as error messages show them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace herald {

/// The text without blanks, tabs and line breaks at its ends.
std::string_view trimmed(std::string_view text);

/// `true` for true, 1 and yes, `false` for false, 0 and no, in either case; nothing for any other text.
std::optional<bool> parse_switch(std::string_view text);

/// A short rendering of a value for an error message: text in quotes, cut when it is long.
std::string quoted_excerpt(std::string_view text);

/// Likewise; objects and lists are only called so.
std::string excerpt(const nlohmann::json& value);

} // namespace herald
