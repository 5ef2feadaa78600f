// Runs a scope without root's power to write everywhere, so that file permissions mean something in a
// container too.
#pragma once

#include <stdexcept>

#include <unistd.h>

namespace herald::test {

/// No effect unless the tests run as root.
class unprivileged {
public:
  unprivileged() : was_root_{geteuid() == 0} {
    constexpr uid_t nobody = 65'534;
    if (was_root_ && seteuid(nobody) != 0)
      throw std::runtime_error("cannot give up root");
  }

  ~unprivileged() {
    if (was_root_ && seteuid(0) != 0)
      std::terminate();
  }

  unprivileged(const unprivileged&) = delete;
  unprivileged& operator=(const unprivileged&) = delete;

private:
  bool was_root_;
};

} // namespace herald::test
