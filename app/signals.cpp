#include "app/signals.hpp"

#include <cerrno>
#include <ctime>
#include <thread>

#include <pthread.h>
#include <unistd.h>

namespace herald {

namespace {

timespec to_timespec(duration x) {
  return {static_cast<time_t>(x.count() / 1000), static_cast<long>(x.count() % 1000) * 1'000'000};
}

} // namespace

signal_watch::signal_watch() {
  sigemptyset(&set_);
  for (int x : {SIGTERM, SIGINT, SIGHUP, SIGUSR1})
    sigaddset(&set_, x);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

std::optional<int> signal_watch::wait(duration limit) const {
  auto time = to_timespec(limit);
  auto signal = sigtimedwait(&set_, nullptr, &time);
  if (signal < 0)
    return std::nullopt;
  return signal;
}

void signal_watch::interrupt() const {
  kill(getpid(), SIGUSR1);
}

void signal_watch::end_on_next(duration limit, int code) const {
  std::thread([limit, code] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    auto time = to_timespec(limit);
    // A debugger or a sanitizer interrupts the wait; that ends nothing.
    while (sigtimedwait(&set, nullptr, &time) < 0 && errno == EINTR) {
    }
    _exit(code);
  }).detach();
}

} // namespace herald
