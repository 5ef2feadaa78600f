// The list of all options: what the loader, the JSON schema, the commented sample and the manual are made
// from.
#pragma once

#include <string>
#include <vector>

#include "config/option.hpp"

namespace herald {

/// Every option, section by section, in the order people should read them.
std::vector<option> option_table();

/// An object in the configuration file that groups options.
struct option_section {
  std::string pointer; ///< e.g. `/store/sqlite`
  std::string description;
};

/// Every section, parents before children.
std::vector<option_section> option_sections();

} // namespace herald
