#include "bench/postgres/child.hpp"

#include <array>
#include <csignal>
#include <stdexcept>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace herald::bench {

child::child(const std::string& program, std::vector<std::string> args,
             const std::map<std::string, std::string>& env)
    : name_{program} {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  args.insert(args.begin(), program);
  std::vector<char*> argv;
  for (auto& x : args)
    argv.push_back(x.data());
  argv.push_back(nullptr);
  std::vector<std::string> assignments;
  for (auto& [key, value] : env)
    assignments.push_back(key + "=" + value);
  std::vector<char*> envp;
  for (auto& x : assignments)
    envp.push_back(x.data());
  envp.push_back(nullptr);
  auto failed = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  input_ = in[1];
  output_ = out[0];
  if (failed != 0) {
    pid_ = -1;
    throw std::runtime_error("cannot start " + program);
  }
}

child::~child() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    wait();
  }
  close(input_);
  close(output_);
}

std::string child::read_line() {
  std::string out;
  char c = 0;
  while (read(output_, &c, 1) == 1) {
    if (c == '\n')
      return out;
    out += c;
  }
  throw std::runtime_error(name_ + " has ended early");
}

void child::stop() {
  close(input_);
  input_ = -1;
  kill(pid_, SIGTERM);
  // By the signal, or in good order because of it.
  auto status = wait();
  if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
      && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
    throw std::runtime_error(name_ + " did not end well");
}

void child::join() {
  auto status = wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(name_ + " failed");
}

int child::wait() {
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

} // namespace herald::bench
