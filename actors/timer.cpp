#include "actors/timer.hpp"

#include <algorithm>
#include <utility>

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const std::vector<timer_entry>& schedule) {
  auto invalid = [](const timer_entry& x, const char* what) {
    return caf::make_error(caf::sec::invalid_argument, "timer entry '" + x.job + "' " + what);
  };
  for (auto& x : schedule) {
    if (x.job.empty())
      return invalid(x, "needs a name");
    if (x.every.count() <= 0)
      return invalid(x, "needs a positive interval");
    if (!x.target)
      return invalid(x, "needs somebody to tell");
    if (std::ranges::count(schedule, x.job, &timer_entry::job) > 1)
      return invalid(x, "stands twice in the schedule");
  }
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

timer_state::timer_state(self_ptr owner) : self{owner} {
  // nop
}

timer_actor::behavior_type timer_state::make_behavior(std::vector<timer_entry> schedule,
                                                      std::shared_ptr<const clock> wall_clock, logger sink) {
  act::harden(self);
  if (auto err = validate(schedule)) {
    self->quit(std::move(err));
    return timer_actor::behavior_type::make_empty_behavior();
  }
  time = std::move(wall_clock);
  log = std::move(sink);
  for (auto& x : schedule)
    jobs.push_back({std::move(x), 0});
  for (std::uint64_t i = 0; i < jobs.size(); ++i)
    self->delayed_send(self, jobs[i].entry.every, due_v, i, std::uint64_t{0});
  return {
      [this](status_atom) { return on_status(); },
      [this](const alarm& x) { on_alarm(x); },
      [this](due_atom, std::uint64_t index, std::uint64_t generation) { on_due(index, generation); },
  };
}

// -- message handlers ---------------------------------------------------------------------------------------

stage_status timer_state::on_status() const {
  return {name, "running", {}, {{"jobs", static_cast<std::int64_t>(jobs.size())}, {"ticks", ticks}}};
}

void timer_state::on_alarm(const alarm& x) {
  auto i = std::ranges::find(jobs, x.job, [](const job& y) { return y.entry.job; });
  if (i == jobs.end()) {
    log.warning(name, "alarm-ignored", "nobody scheduled the job '{}'; add it to the timer's schedule",
                x.job);
    return;
  }
  auto index = static_cast<std::uint64_t>(i - jobs.begin());
  self->delayed_send(self, std::max(x.delay, duration{0}), due_v, index, ++i->alarm_generation);
}

void timer_state::on_due(std::uint64_t index, std::uint64_t generation) {
  auto& x = jobs[index];
  if (generation == 0)
    self->delayed_send(self, x.entry.every, due_v, index, std::uint64_t{0});
  else if (generation != x.alarm_generation)
    return;
  ring(index);
}

// -- helpers ------------------------------------------------------------------------------------------------

void timer_state::ring(std::size_t index) {
  ++ticks;
  auto& entry = jobs[index].entry;
  self->send(entry.target, tick{entry.job, time->now()});
}

// -- spawning -----------------------------------------------------------------------------------------------

timer_actor::behavior_type timer(timer_state::self_ptr self, std::vector<timer_entry> schedule,
                                 std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(schedule), std::move(time), std::move(log));
}

} // namespace herald
