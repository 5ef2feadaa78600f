// Herald's benchmarks by name; `./dev bench` builds and starts this.
#include <cstdlib>
#include <exception>
#include <string>

#include <fmt/format.h>

#include "bench/email.hpp"
#include "bench/fanout.hpp"
#include "bench/jobs.hpp"
#include "bench/postgres/postgres.hpp"

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  auto count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  try {
    if (name == "fanout")
      return herald::bench::fanout(HERALD_PROGRAM, count > 0 ? count : 100'000);
    if (name == "email")
      return herald::bench::email(HERALD_PROGRAM, FAKE_RESEND_PROGRAM, count > 0 ? count : 20'000);
    if (name == "jobs")
      return herald::bench::jobs({argv + 2, static_cast<std::size_t>(argc - 2)});
    if (name == "postgres")
      return herald::bench::postgres({argv + 2, static_cast<std::size_t>(argc - 2)});
  } catch (const std::exception& e) {
    fmt::print(stderr, "herald_bench: {}\n", e.what());
    return 1;
  }
  fmt::print(stderr,
             "usage: herald_bench fanout [EVENTS]\n"
             "       herald_bench email [MAILS]\n"
             "       herald_bench jobs [--quick]\n"
             "       herald_bench postgres [EVENTS] [--skip-peers] [--quick] [--json] [--only-throughput] "
             "[--only-latency]\n");
  return 2;
}
