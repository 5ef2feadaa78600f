#include "actors/timer.hpp"

#include <algorithm>
#include <utility>

namespace herald {

namespace {

/// Delays follow a clock that knows nothing of the wall's: the wall is looked at again at least this often, in case
/// somebody has set it.
constexpr duration longest_sleep{60'000};

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const std::vector<timer_entry>& plan) {
  auto invalid = [](const timer_entry& x, const char* what) {
    return caf::make_error(caf::sec::invalid_argument, "timer entry '" + x.job + "' " + what);
  };
  for (auto& x : plan) {
    if (x.job.empty())
      return invalid(x, "needs a name");
    if (x.every.count() < 0 || (x.every.count() > 0 && x.schedule))
      return invalid(x, "needs either a positive interval or a schedule");
    if (!x.target)
      return invalid(x, "needs somebody to tell");
    if (std::ranges::count(plan, x.job, &timer_entry::job) > 1)
      return invalid(x, "stands twice in the plan");
  }
  return caf::none;
}

// -- state --------------------------------------------------------------------------------------------------

timer_state::timer_state(self_ptr owner) : self{owner} {
  // nop
}

timer_actor::behavior_type timer_state::make_behavior(std::vector<timer_entry> plan, std::uint64_t seed,
                                                      std::shared_ptr<const clock> wall_clock, logger sink) {
  act::harden(self);
  if (auto err = validate(plan)) {
    self->quit(std::move(err));
    return timer_actor::behavior_type::make_empty_behavior();
  }
  time = std::move(wall_clock);
  log = std::move(sink);
  random = random_source{seed};
  for (auto& x : plan) {
    jobs.emplace_back();
    jobs.back().entry = std::move(x);
    jobs.back().lot = random.uniform();
  }
  for (std::size_t i = 0; i < jobs.size(); ++i)
    arm(i);
  return {
      [this](status_atom) { return on_status(); },
      [this](const alarm& x) { on_alarm(x); },
      [this](const schedule_change_ptr& x) { on_schedule_change(*x); },
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
    log.warning(name, "alarm-ignored", "nobody scheduled the job '{}'; add it to the timer's plan", x.job);
    return;
  }
  i->alarm = send_later(static_cast<std::size_t>(i - jobs.begin()), x.delay);
}

void timer_state::on_schedule_change(const std::vector<schedule_settings>& changes) {
  for (auto& x : changes) {
    auto i = std::ranges::find(jobs, x.job, [](const job& y) { return y.entry.job; });
    if (i == jobs.end() || i->entry.every.count() > 0) {
      log.warning(name, "change-ignored", "the job '{}' has no schedule to change", x.job);
      continue;
    }
    std::optional<job_schedule> changed;
    if (!x.rule.empty()) {
      auto parsed = job_schedule::parse(x);
      if (parsed.has_error()) {
        log.error(name, "change-refused", "{}; the old schedule stays", parsed.error().reason);
        continue;
      }
      changed = std::move(*parsed);
    }
    i->entry.schedule = std::move(changed);
    i->next_look = timestamp::max();
    arm(static_cast<std::size_t>(i - jobs.begin()));
  }
}

void timer_state::on_due(std::uint64_t index, std::uint64_t generation) {
  auto& x = jobs[index];
  if (generation == x.beat)
    on_beat(index);
  else if (generation == x.alarm)
    ring(index, time->now());
}

// -- helpers ------------------------------------------------------------------------------------------------

void timer_state::arm(std::size_t index) {
  auto& x = jobs[index];
  if (x.entry.every.count() > 0) {
    x.beat = send_later(index, x.entry.every);
    return;
  }
  if (!x.entry.schedule) {
    x.beat = 0;
    return;
  }
  // Looked up anew each time: a clock that was set back brings the next instant nearer.
  auto now = time->now();
  x.next_look = std::min(x.next_look, herald::next_look(*x.entry.schedule, now, x.lot));
  x.beat = send_later(index, std::min(x.next_look - now, longest_sleep));
}

void timer_state::on_beat(std::size_t index) {
  auto& x = jobs[index];
  auto now = time->now();
  if (x.entry.every.count() > 0) {
    ring(index, now);
  } else if (now >= x.next_look) {
    x.next_look = timestamp::max();
    x.lot = random.uniform();
    ring(index, last_at_or_before(x.entry.schedule->rule, x.entry.schedule->zone, now));
  }
  arm(index);
}

void timer_state::ring(std::size_t index, timestamp instant) {
  ++ticks;
  auto& entry = jobs[index].entry;
  self->send(entry.target, tick{entry.job, instant});
}

std::uint64_t timer_state::send_later(std::size_t index, duration delay) {
  self->delayed_send(self, std::max(delay, duration{0}), due_v, std::uint64_t{index}, ++last_generation);
  return last_generation;
}

// -- spawning -----------------------------------------------------------------------------------------------

timer_actor::behavior_type timer(timer_state::self_ptr self, std::vector<timer_entry> plan,
                                 std::uint64_t seed, std::shared_ptr<const clock> time, logger log) {
  return self->state.make_behavior(std::move(plan), seed, std::move(time), std::move(log));
}

} // namespace herald
