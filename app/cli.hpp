// Herald's command line: what can be asked, and who answers. Everything about options, help and completion is
// here.
#pragma once

namespace herald {

/// Parses the command line, loads the configuration and runs the command. Returns the exit status; never
/// throws.
int run_command_line(int argc, char** argv);

} // namespace herald
