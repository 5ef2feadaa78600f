// What Herald says about its configuration, all of it made from the option table.
#pragma once

#include <string>

#include "config/configuration.hpp"

namespace herald {

/// The configuration in effect, as a file that would give it. Every option is there.
std::string effective_json(const configuration&);

/// A configuration file with every option at its default, each explained. Checked in as config/herald.json.
std::string sample_json();

/// The JSON Schema (draft 7) of configuration files, for editors. Checked in as config/herald.schema.json.
std::string schema_json();

/// All options as a Markdown table.
std::string options_markdown();

} // namespace herald
