// Shell completion, generated from the parsed definition of the command line so that it cannot fall behind.
#pragma once

#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace herald {

/// A bash completion script for `app` and all its subcommands. Load it with `source <(herald completion
/// bash)`.
std::string bash_completion(const CLI::App& app);

} // namespace herald
