// What the benchmarks share: a scratch directory, a store, and herald run and measured from outside.
#pragma once

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "tests/support/spawn.hpp"

namespace herald::bench {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A directory that is gone when the benchmark ends.
class scratch {
public:
  scratch() {
    auto pattern = (std::filesystem::temp_directory_path() / "herald-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("cannot make a temporary directory");
    path_ = pattern;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

inline std::unique_ptr<sqlite_store> open(const std::string& path) {
  sqlite_options options;
  options.path = path;
  auto store = open_sqlite_store(options);
  if (!store)
    throw std::runtime_error(store.error().reason);
  return std::move(*store);
}

template <class T> void check(const result<T>& x) {
  if (!x)
    throw std::runtime_error(x.error().reason);
}

struct run_figures {
  double wall = 0;
  double cpu = 0;
  double rss_mb = 0;
};

/// Runs a herald command with exactly this environment to its end, without its output, and measures it from outside.
inline run_figures run_herald(const std::string& program, const std::vector<std::string>& args,
                              const std::map<std::string, std::string>& env = {}) {
  auto start = std::chrono::steady_clock::now();
  auto pid = testing::spawn_program(program, args, env, [](posix_spawn_file_actions_t& actions) {
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  });
  int status = 0;
  rusage usage{};
  wait4(pid, &status, 0, &usage);
  auto to_seconds = [](const timeval& x) {
    return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
  };
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("'herald " + args.at(0) + "' failed");
  return {seconds_since(start), to_seconds(usage.ru_utime) + to_seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) / 1024.0};
}

} // namespace herald::bench
