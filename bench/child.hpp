// A program that runs beside the benchmark: herald, or one of its peers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace herald::bench {

class child {
public:
  /// Starts it with exactly this environment. Its standard output is read line by line, or dropped.
  child(const std::string& program, std::vector<std::string> args,
        const std::map<std::string, std::string>& env = {});
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// Killed if it has not ended.
  ~child();

  /// Waits for the next line of its output; throws when there is none any more.
  std::string read_line();

  /// Closes its input, tells it to end, and waits until it has. Throws when it ended otherwise.
  void stop();

  /// Waits until it has ended by itself. Throws when it failed.
  void join();

private:
  int wait();

  std::string name_;
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

} // namespace herald::bench
