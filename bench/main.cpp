// Herald's benchmarks by name; `./dev bench` builds and starts this.
#include <cstdlib>
#include <exception>
#include <string>

#include <fmt/format.h>

#include "bench/fanout.hpp"

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  auto count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  if (name != "fanout" || count == 0) {
    fmt::print(stderr, "usage: herald_bench fanout [EVENTS]\n");
    return 2;
  }
  try {
    return herald::bench::fanout(HERALD_PROGRAM, count);
  } catch (const std::exception& e) {
    fmt::print(stderr, "herald_bench: {}\n", e.what());
    return 1;
  }
}
