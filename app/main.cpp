// The herald program.
#include "app/cli.hpp"

int main(int argc, char** argv) {
  return herald::run_command_line(argc, argv);
}
