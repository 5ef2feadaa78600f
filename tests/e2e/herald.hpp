// The program under test and a place for it to work in.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.hpp"

namespace herald::testing {

/// A directory with a database, and the herald program working on it.
class workplace {
public:
  std::string database() const { return dir_ / "herald.db"; }

  std::string file(const std::string& name) const { return dir_ / name; }

  /// Runs a command to its end; `--database` is added.
  outcome run(std::vector<std::string> args, child_process::environment env = {}) const {
    return start(std::move(args), std::move(env)).wait();
  }

  child_process start(std::vector<std::string> args, child_process::environment env = {}) const {
    args.insert(args.end(), {"--database", database()});
    return start_plain(std::move(args), std::move(env));
  }

  /// Without `--database`.
  child_process start_plain(std::vector<std::string> args, child_process::environment env = {}) const {
    return child_process{HERALD_PROGRAM, std::move(args), env, dir_ / ""};
  }

private:
  temp_dir dir_;
};

/// The last line of a text, without its line break.
inline std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  auto at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

} // namespace herald::testing
