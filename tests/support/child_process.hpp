// Runs the herald program as its users do, for end-to-end tests: output captured, signals sent, nothing left
// behind.
#pragma once

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/spawn.hpp"

namespace herald::testing {

/// A directory that lives as long as its test.
class temp_dir {
public:
  temp_dir() {
    auto pattern = (std::filesystem::temp_directory_path() / "herald-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("cannot make a temporary directory");
    path_ = pattern;
  }

  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// What a finished program left.
struct outcome {
  /// Exit status, or 128 + signal number.
  int status = -1;
  std::string out;
  std::string err;
};

/// A running child. Killed when it goes out of scope.
class child_process {
public:
  using environment = std::map<std::string, std::string>;

  /// Starts `program` in `directory` with exactly the given environment.
  child_process(const std::string& program, std::vector<std::string> args, const environment& env,
                const std::string& directory) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("cannot make a pipe");
    pipes_[0].fd = out[0];
    pipes_[1].fd = err[0];
    pid_ = spawn_program(program, std::move(args), env, [&](posix_spawn_file_actions_t& actions) {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
      posix_spawn_file_actions_adddup2(&actions, out[1], 1);
      posix_spawn_file_actions_adddup2(&actions, err[1], 2);
      posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    });
    close(out[1]);
    close(err[1]);
  }

  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  ~child_process() {
    if (pid_ > 0) {
      signal(SIGKILL);
      wait();
    }
  }

  void signal(int number) const {
    // Of a program that has ended no number is left, and -1 means everybody.
    if (pid_ > 0)
      kill(pid_, number);
  }

  /// Whether the program has ended; waits for its end at most for `limit` milliseconds. Takes in what it says
  /// meanwhile: a program whose output nobody reads stops in the middle of its work.
  bool ended_within(int limit) {
    read_some(limit);
    siginfo_t info{};
    return pid_ <= 0 || waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0
           || info.si_pid != 0;
  }

  /// What it has written to standard error, as far as it was taken in.
  const std::string& said_so_far() const { return result_.err; }

  /// Reads both outputs to their ends and takes the exit status.
  outcome wait() {
    while (pipes_[0].fd >= 0 || pipes_[1].fd >= 0)
      read_some(-1);
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    result_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return std::move(result_);
  }

private:
  /// Waits for output or an end of it, and reads what is there.
  void read_some(int limit) {
    if (poll(pipes_.data(), pipes_.size(), limit) < 0 && errno != EINTR)
      throw std::runtime_error("cannot read the program's output");
    std::array<std::string*, 2> sinks{&result_.out, &result_.err};
    for (std::size_t i = 0; i < 2; ++i) {
      if (pipes_[i].fd < 0 || pipes_[i].revents == 0)
        continue;
      std::array<char, 4096> buffer;
      auto n = read(pipes_[i].fd, buffer.data(), buffer.size());
      if (n > 0) {
        sinks[i]->append(buffer.data(), static_cast<std::size_t>(n));
      } else {
        close(pipes_[i].fd);
        pipes_[i].fd = -1;
      }
    }
  }

  pid_t pid_ = -1;
  std::array<pollfd, 2> pipes_{pollfd{-1, POLLIN, 0}, pollfd{-1, POLLIN, 0}};
  outcome result_;
};

} // namespace herald::testing
