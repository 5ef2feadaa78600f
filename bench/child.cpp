#include "bench/child.hpp"

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/spawn.hpp"

namespace herald::bench {

child::child(const std::string& program, std::vector<std::string> args,
             const std::map<std::string, std::string>& env)
    : name_{program} {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  input_ = in[1];
  output_ = out[0];
  pid_ = testing::spawn_program(program, std::move(args), env, [&](posix_spawn_file_actions_t& actions) {
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  });
  close(in[0]);
  close(out[1]);
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
