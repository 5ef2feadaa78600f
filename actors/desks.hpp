// A few workers that may block, and the queue in front of them: what the gates have in common. Part of the
// actor that holds it; not an actor itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include <caf/all.hpp>

namespace herald {

/// Whether workers get a thread of their own; tests under the deterministic scheduler want none.
enum class gate_threads : std::uint8_t { detached, scheduled };

/// Spawns a monitored worker of a gate.
template <class Self, class... Ts> auto hire(Self* gate, gate_threads mode, Ts&&... xs) {
  return mode == gate_threads::detached
             ? gate->template spawn<caf::detached + caf::monitored>(std::forward<Ts>(xs)...)
             : gate->template spawn<caf::monitored>(std::forward<Ts>(xs)...);
}

/// One job per worker at a time; the rest waits in order. `Worker` is an actor handle.
template <class Worker> class desks {
public:
  /// Hands one request to a worker.
  using job = std::function<void(const Worker&)>;
  /// Spawns, and monitors, the worker of one desk.
  using hire_fn = std::function<Worker(std::uint64_t number)>;

  void open(std::size_t n, hire_fn hire) {
    hire_ = std::move(hire);
    desks_.resize(n);
    for (std::size_t i = 0; i < n; ++i)
      desks_[i] = {hire_(i), true};
  }

  void push(job x) {
    queue_.push_back(std::move(x));
    pump();
  }

  /// The worker of this desk is done with its job, in time or not.
  void free(std::uint64_t number) {
    desks_[number].free = true;
    pump();
  }

  /// Replaces the worker with this address; false when it is none of ours.
  bool replace(const caf::actor_addr& gone) {
    auto i = std::ranges::find(desks_, gone, [](const desk& x) { return x.worker.address(); });
    if (i == desks_.end())
      return false;
    *i = {hire_(static_cast<std::uint64_t>(i - desks_.begin())), true};
    pump();
    return true;
  }

  std::size_t size() const { return desks_.size(); }

  std::size_t queued() const { return queue_.size(); }

  std::int64_t busy() const { return std::ranges::count(desks_, false, &desk::free); }

  /// A worker may be blocked in a call and must not outlive its gate.
  void close() {
    for (auto& x : desks_)
      caf::anon_send_exit(x.worker, caf::exit_reason::user_shutdown);
  }

private:
  struct desk {
    Worker worker;
    bool free = false;
  };

  void pump() {
    for (auto& x : desks_) {
      if (queue_.empty())
        return;
      if (!x.free)
        continue;
      x.free = false;
      auto next = std::move(queue_.front());
      queue_.pop_front();
      next(x.worker);
    }
  }

  hire_fn hire_;
  std::vector<desk> desks_;
  std::deque<job> queue_;
};

} // namespace herald
