// Starts a program with exactly the given environment, for tests and benchmarks. Only what steers the sanitizers is handed
// on besides.
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <spawn.h>

namespace herald::testing {

/// `prepare` says what the program finds at its descriptors. Throws when it cannot be started.
inline pid_t spawn_program(const std::string& program, std::vector<std::string> args,
                           const std::map<std::string, std::string>& env,
                           const std::function<void(posix_spawn_file_actions_t&)>& prepare) {
  args.insert(args.begin(), program);
  std::vector<char*> argv;
  for (auto& x : args)
    argv.push_back(x.data());
  argv.push_back(nullptr);
  std::vector<std::string> assignments;
  for (auto& [name, value] : env)
    assignments.push_back(name + "=" + value);
  for (auto* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"})
    if (auto* value = std::getenv(name); value != nullptr && !env.contains(name))
      assignments.push_back(std::string{name} + "=" + value);
  std::vector<char*> envp;
  for (auto& x : assignments)
    envp.push_back(x.data());
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  prepare(actions);
  pid_t out = 0;
  auto failed = posix_spawn(&out, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw std::runtime_error("cannot start " + program);
  return out;
}

} // namespace herald::testing
