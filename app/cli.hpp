// Herald's command line: what can be asked, and who answers. Everything about options, help and completion is
// here.
#pragma once

#include "app/daemon.hpp"

namespace herald {

/// Parses the command line, loads the configuration and runs the command. Returns the exit status; never
/// throws.
int run_command_line(int argc, char** argv, const program_hooks& hooks = {});

} // namespace herald
