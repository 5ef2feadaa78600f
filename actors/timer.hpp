// Wakes other stages: at fixed intervals, and once on request.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "messages/actors.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

/// One line of the timer's schedule.
struct timer_entry {
  /// Names the tick.
  std::string job;
  /// Time between ticks (positive); the first one comes after one interval.
  duration every{};
  /// Who is told.
  tick_taker target;
};

/// Returns an error that names the first unusable entry.
caf::error validate(const std::vector<timer_entry>& schedule);

// -- state --------------------------------------------------------------------------------------------------

class timer_state {
public:
  static constexpr const char* name = "timer";

  using self_ptr = timer_actor::stateful_pointer<timer_state>;

  explicit timer_state(self_ptr owner);

  timer_actor::behavior_type make_behavior(std::vector<timer_entry> schedule,
                                           std::shared_ptr<const clock> time, logger log);

private:
  // -- message handlers, in the order of timer_actor --------------------------------------------------------

  stage_status on_status() const;

  void on_alarm(const alarm& x);

  void on_due(std::uint64_t index, std::uint64_t generation);

  // -- helpers ----------------------------------------------------------------------------------------------

  void ring(std::size_t index);

  // -- member types -----------------------------------------------------------------------------------------

  struct job {
    timer_entry entry;
    /// The newest alarm; older ones ring in vain. 0 is the interval itself.
    std::uint64_t alarm_generation = 0;
  };

  // -- member variables -------------------------------------------------------------------------------------

  self_ptr self;
  std::shared_ptr<const clock> time;
  logger log;
  std::vector<job> jobs;
  std::int64_t ticks = 0;
};

// -- spawning -----------------------------------------------------------------------------------------------

/// Ticks by `schedule`; an alarm adds one tick of a job that stands in it.
timer_actor::behavior_type timer(timer_state::self_ptr self, std::vector<timer_entry> schedule,
                                 std::shared_ptr<const clock> time, logger log);

} // namespace herald
