#include "adapters/store/postgres/notifications.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "adapters/store/postgres/connection.hpp"

namespace herald {

namespace {

using postgres::connection;

class descriptor {
public:
  explicit descriptor(int fd) : fd_{fd} {
    if (fd < 0)
      throw std::system_error{errno, std::generic_category(), "no file descriptor left"};
  }

  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor() { close(fd_); }

  int get() const { return fd_; }

private:
  int fd_;
};

/// Readable once its time has come. A timer, so that a wait that is woken for nothing does not start over.
class timer {
public:
  timer() : fd_{timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)} {}

  void start(duration x) {
    // Zero would stop it instead.
    auto span = std::max<std::chrono::nanoseconds>(x, std::chrono::nanoseconds{1});
    auto whole = std::chrono::floor<std::chrono::seconds>(span);
    itimerspec when{};
    when.it_value.tv_sec = whole.count();
    when.it_value.tv_nsec = (span - whole).count();
    timerfd_settime(fd_.get(), 0, &when, nullptr);
  }

  int fd() const { return fd_.get(); }

private:
  descriptor fd_;
};

class listener final : public notifications {
public:
  explicit listener(notification_options options)
      : options_{std::move(options)}, pause_{options_.min_reconnect, options_.max_reconnect},
        interrupted_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    reconnect_.start(duration{0});
  }

  result<std::vector<std::string>> wait(duration limit) override {
    limit_.start(limit);
    try {
      return connection_ ? wait_for_news() : wait_for_connection();
    } catch (const std::exception& e) {
      connection_.reset();
      return failure{failure_class::outage, std::string{"PostgreSQL notifications: "} + e.what()};
    }
  }

  void interrupt() override {
    std::uint64_t one = 1;
    // It cannot block and fails only when the counter is full, which is as good.
    [[maybe_unused]] auto written = write(interrupted_.get(), &one, sizeof one);
  }

private:
  enum class cause : std::uint8_t { ready, time_over, interruption };

  result<std::vector<std::string>> wait_for_news() {
    while (true) {
      // Before the first poll: they may have come in together with an earlier answer.
      auto came = connection_->take_notifications();
      if (came.has_error()) {
        connection_.reset();
        reconnect_.start(pause_.next());
        return came.error();
      }
      if (!came->empty())
        return std::move(*came);
      if (poll_for(connection_->socket()) != cause::ready)
        return std::vector<std::string>{};
    }
  }

  result<std::vector<std::string>> wait_for_connection() {
    if (auto why = poll_for(reconnect_.fd()); why == cause::interruption)
      return std::vector<std::string>{};
    else if (why == cause::time_over)
      return why_not_;
    auto opened = open();
    if (opened.has_error()) {
      why_not_ = opened.error();
      reconnect_.start(pause_.next());
      return why_not_;
    }
    connection_.emplace(std::move(*opened));
    pause_.reset();
    return options_.channels;
  }

  result<connection> open() {
    auto out = connection::open(options_.database);
    if (out.has_error())
      return out;
    if (out->pooled() && !options_.through_pooler)
      return failure{failure_class::permanent,
                     out->where()
                         + " is behind a connection pooler, which may lose notifications; Herald polls. For "
                           "wake-ups connect to the server itself"};
    for (auto& channel : options_.channels) {
      auto done = out->listen(channel);
      if (done.has_error())
        return done.error();
    }
    return out;
  }

  cause poll_for(int fd) {
    std::array<pollfd, 3> on{pollfd{interrupted_.get(), POLLIN, 0}, pollfd{fd, POLLIN, 0},
                             pollfd{limit_.fd(), POLLIN, 0}};
    while (poll(on.data(), on.size(), -1) < 0)
      if (errno != EINTR)
        throw std::system_error{errno, std::generic_category(), "poll failed"};
    if (on[0].revents != 0) {
      std::uint64_t times = 0;
      [[maybe_unused]] auto taken = read(interrupted_.get(), &times, sizeof times);
      return cause::interruption;
    }
    return on[1].revents != 0 ? cause::ready : cause::time_over;
  }

  notification_options options_;
  idle_backoff pause_;
  descriptor interrupted_;
  timer limit_;
  timer reconnect_;
  failure why_not_{failure_class::outage, "there is no connection to PostgreSQL yet"};
  std::optional<connection> connection_;
};

} // namespace

result<std::unique_ptr<notifications>> open_notifications(const notification_options& options) {
  try {
    return std::unique_ptr<notifications>{std::make_unique<listener>(options)};
  } catch (const std::exception& e) {
    return failure{failure_class::outage, std::string{"PostgreSQL notifications: "} + e.what()};
  }
}

} // namespace herald
