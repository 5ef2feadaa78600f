#include "app/store_watch.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/store/postgres/notifications.hpp"
#include "app/store_setup.hpp"

namespace herald {

namespace {

constexpr std::string_view component = "store";
constexpr std::string_view events_channel = "herald_events";
constexpr std::string_view emails_channel = "herald_emails";

/// A pause that another thread can end.
class pause {
public:
  /// False when it was ended early.
  bool sleep(duration x) {
    std::unique_lock lock{guard_};
    auto ended = ended_early_.wait_for(lock, x, [this] { return interrupted_; });
    interrupted_ = false;
    return !ended;
  }

  void interrupt() {
    std::lock_guard lock{guard_};
    interrupted_ = true;
    ended_early_.notify_one();
  }

private:
  std::mutex guard_;
  std::condition_variable ended_early_;
  bool interrupted_ = false;
};

/// SQLite counts the commits of other connections, which costs next to nothing to ask.
class file_watch final : public store_watch {
public:
  explicit file_watch(sqlite_options options) : options_{std::move(options)} {}

  store_changes wait(duration limit) override {
    constexpr duration look_every{500};
    if (!pause_.sleep(std::min(limit, look_every)))
      return {};
    if (!store_) {
      auto opened = open_sqlite_store(options_);
      if (!opened)
        return {};
      store_ = std::move(*opened);
    }
    // While the pipeline works its own commits show here as well; then the wake-up does no harm.
    auto version = store_->data_version();
    auto changed = std::exchange(seen_, version) != version;
    return {changed, changed};
  }

  void interrupt() override { pause_.interrupt(); }

private:
  sqlite_options options_;
  pause pause_;
  std::unique_ptr<sqlite_store> store_;
  std::uint64_t seen_ = 0;
};

/// Every look is a wake-up: for stores that say nothing.
class regular_watch final : public store_watch {
public:
  explicit regular_watch(duration every) : every_{every} {}

  store_changes wait(duration limit) override {
    auto span = std::min(limit, every_ - waited_);
    if (!pause_.sleep(span))
      return {};
    waited_ += span;
    if (waited_ < every_)
      return {};
    waited_ = duration{0};
    return {true, true};
  }

  void interrupt() override { pause_.interrupt(); }

private:
  duration every_;
  duration waited_{0};
  pause pause_;
};

/// LISTEN. Behind a pooler it gives up for good and looks at regular intervals. While there is no connection it does
/// neither: then the stages wait for the database, too.
class listening_watch final : public store_watch {
public:
  listening_watch(std::unique_ptr<notifications> source, duration look_every, logger log)
      : source_{std::move(source)}, fallback_{look_every}, log_{std::move(log)} {
    // nop
  }

  store_changes wait(duration limit) override {
    if (given_up_)
      return fallback_.wait(limit);
    auto heard = source_->wait(limit);
    if (!heard) {
      note(heard.error());
      given_up_ = heard.error().kind == failure_class::permanent;
      // The stages find out about the outage themselves and come back on their own.
      return {};
    }
    if (!heard->empty() && std::exchange(deaf_, false))
      log_.info(component, "listening-again", "the database wakes Herald again");
    store_changes out;
    for (auto& channel : *heard) {
      out.events = out.events || channel == events_channel;
      out.emails = out.emails || channel == emails_channel;
    }
    return out;
  }

  void interrupt() override {
    source_->interrupt();
    fallback_.interrupt();
  }

private:
  void note(const failure& why) {
    if (!std::exchange(deaf_, true))
      log_.warning(component, "not-listening", "no wake-ups from the database, new work is polled for: {}",
                   why.reason);
  }

  std::unique_ptr<notifications> source_;
  regular_watch fallback_;
  logger log_;
  bool deaf_ = false;
  bool given_up_ = false;
};

} // namespace

std::unique_ptr<store_watch> watch_store(const store_options& options, const logger& log) {
  if (options.kind == store_kind::sqlite)
    return std::make_unique<file_watch>(options.sqlite);
  if (options.kind == store_kind::postgres && options.listen) {
    auto source =
        open_notifications({options.postgres, {std::string{events_channel}, std::string{emails_channel}}});
    if (source)
      return std::make_unique<listening_watch>(std::move(*source), options.look_every, log);
    log.warning(component, "not-listening", "no wake-ups from the database, new work is polled for: {}",
                source.error().reason);
  }
  return std::make_unique<regular_watch>(options.look_every);
}

} // namespace herald
