// Wakes other stages: at fixed intervals, at the instants of a schedule, and once on request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "core/jobs/occurrences.hpp"
#include "core/random.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

/// One line of the timer's plan.
struct timer_entry {
  /// Names the tick.
  std::string job;
  /// Time between ticks (positive); the first one comes after one interval. 0: by schedule.
  duration every{};
  /// Who is told.
  tick_taker target;
  /// Without an interval: when; nothing for never.
  std::optional<job_schedule> schedule{};
};

/// Returns an error that names the first unusable entry.
caf::error validate(const std::vector<timer_entry>& plan);

// -- state --------------------------------------------------------------------------------------------------

class timer_state {
public:
  static constexpr const char* name = "timer";

  using self_ptr = timer_actor::stateful_pointer<timer_state>;

  explicit timer_state(self_ptr owner);

  timer_actor::behavior_type make_behavior(std::vector<timer_entry> plan, std::uint64_t seed,
                                           std::shared_ptr<const clock> time, logger log);

private:
  // -- message handlers, in the order of timer_actor --------------------------------------------------------

  stage_status on_status() const;

  void on_alarm(const alarm& x);

  void on_schedule_change(const std::vector<schedule_settings>& changes);

  void on_due(std::uint64_t index, std::uint64_t generation);

  // -- helpers ----------------------------------------------------------------------------------------------

  /// Waits for the job's next interval, or a while for its next instant.
  void arm(std::size_t index);

  void on_beat(std::size_t index);

  void ring(std::size_t index, timestamp instant);

  std::uint64_t send_later(std::size_t index, duration delay);

  // -- member types -----------------------------------------------------------------------------------------

  struct job {
    timer_entry entry;
    /// The delayed messages that still count; older ones ring in vain.
    std::uint64_t beat = 0;
    std::uint64_t alarm = 0;
    /// By schedule: when the next tick is sent, and the lot that decides its jitter.
    timestamp next_look = timestamp::max();
    double lot = 0;
  };

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  std::shared_ptr<const clock> time;
  logger log;
  random_source random{1};
  std::vector<job> jobs;
  std::uint64_t last_generation = 0;
  std::int64_t ticks = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Ticks by `plan`; an alarm adds one tick of a job that stands in it. A tick by schedule carries its instant, and is a
/// hint only: one may come twice or, while the timer is down, not at all. `seed` is where the jitter starts from.
timer_actor::behavior_type timer(timer_state::self_ptr self, std::vector<timer_entry> plan,
                                 std::uint64_t seed, std::shared_ptr<const clock> time, logger log);

} // namespace herald
