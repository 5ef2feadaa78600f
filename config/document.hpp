// From the text of a configuration file to a JSON document, with errors that say where.
#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "config/config_error.hpp"

namespace herald {

/// Parses JSON with `//` and `/* */` comments. Adds an error (with `source` as its source) for a syntax
/// error, with line and column, for every key that stands twice in one object, and for a document that is no
/// object. Gives the document, with the last of equal keys, unless it could not be parsed.
std::optional<nlohmann::json> parse_document(std::string_view text, std::string_view source,
                                             config_errors& errors);

/// `segment` as part of a JSON pointer: `~` and `/` escaped.
std::string pointer_segment(std::string_view segment);

} // namespace herald
