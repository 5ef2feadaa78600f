// The supervisor: one step function decides what happens next; handlers only note what has become so.
#include "actors/supervisor.hpp"

#include <algorithm>
#include <exception>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "actors/front.hpp"

namespace herald {

namespace {

constexpr auto category = caf::atom("sup");
constexpr std::uint8_t gave_up_code = 1;
constexpr duration longest_backoff{std::chrono::hours{24}};

caf::error invalid(std::string text) {
  return caf::make_error(caf::sec::invalid_argument, std::move(text));
}

/// Whether a child that ended so did what it was meant to.
bool is_normal(const caf::error& reason) {
  return !reason || reason == caf::exit_reason::user_shutdown;
}

} // namespace

// -- configuration ------------------------------------------------------------------------------------------

caf::error validate(const supervisor_options& x) {
  if (x.window < duration{1})
    return invalid("supervisor: window must be at least 1 ms");
  if (x.backoff_min < duration{1})
    return invalid("supervisor: backoff_min must be at least 1 ms");
  if (x.backoff_max < x.backoff_min)
    return invalid("supervisor: backoff_max must not be below backoff_min");
  if (x.backoff_max > longest_backoff)
    return invalid("supervisor: backoff_max must be at most 24 hours");
  if (!(x.jitter >= 0.0 && x.jitter <= 1.0)) // also refuses NaN
    return invalid("supervisor: jitter must be between 0 and 1");
  if (x.stable_after < duration{0})
    return invalid("supervisor: stable_after must not be negative");
  if (x.max_history == 0)
    return invalid("supervisor: max_history must be at least 1");
  return {};
}

// -- construction -------------------------------------------------------------------------------------------

supervisor_state::supervisor_state(caf::event_based_actor* self) : self_{self}, random_{0} {
  act::harden(self);
}

supervisor_state::~supervisor_state() {
  for (auto i = children_.rbegin(); i != children_.rend(); ++i)
    if (i->handle)
      caf::anon_send_exit(i->handle, caf::exit_reason::kill);
}

caf::behavior supervisor_state::make_behavior(std::string label, supervisor_options options,
                                              std::vector<child_spec> specs, supervisor_hooks hooks) {
  auto error = validate(options);
  if (!error)
    error = check(specs, hooks);
  if (error) {
    self_->quit(std::move(error));
    return {};
  }
  label_ = std::move(label);
  options_ = options;
  hooks_ = std::move(hooks);
  random_ = random_source{options.seed};
  for (auto& spec : specs) {
    auto& x = children_.emplace_back();
    x.report.name = spec.name;
    x.spec = std::move(spec);
  }
  self_->set_default_handler(caf::drop);
  self_->set_down_handler([this](caf::down_msg& x) { on_down(x); });
  self_->set_exit_handler([this](caf::exit_msg& x) { on_exit(x); });
  step();
  return {
      [this](start_child_atom, std::uint64_t index, std::uint64_t generation) {
        on_start_due(index, generation);
      },
      [this](kill_child_atom, std::uint64_t index, std::uint64_t generation) {
        on_shutdown_overdue(index, generation);
      },
      [this](where_is_atom, const std::string& child_name) { return on_where_is(child_name); },
      [this](sup_status_atom) { return on_status(); },
  };
}

caf::error supervisor_state::check(const std::vector<child_spec>& specs, const supervisor_hooks& hooks) {
  if (!hooks.now)
    return invalid("supervisor: the hook `now` is missing");
  std::set<std::string_view> names;
  for (auto& spec : specs) {
    if (spec.name.empty())
      return invalid("supervisor: a child has no name");
    if (!names.insert(spec.name).second)
      return invalid(fmt::format("supervisor: two children are named {}", spec.name));
    if (!spec.start)
      return invalid(fmt::format("supervisor: child {} has no start function", spec.name));
    if (spec.shutdown_timeout < duration{0})
      return invalid(fmt::format("supervisor: shutdown_timeout of child {} must not be negative", spec.name));
  }
  return {};
}

// -- message handlers ---------------------------------------------------------------------------------------

void supervisor_state::on_start_due(std::uint64_t index, std::uint64_t generation) {
  auto& x = children_[index];
  if (x.phase != phase::backing_off || x.generation != generation)
    return;
  x.phase = phase::starting;
  step();
}

void supervisor_state::on_shutdown_overdue(std::uint64_t index, std::uint64_t generation) {
  auto& x = children_[index];
  if (x.phase != phase::stopping || x.generation != generation)
    return;
  record(x, "killed", fmt::format("did not stop within {} ms", x.spec.shutdown_timeout.count()));
  self_->send_exit(x.handle, caf::exit_reason::kill);
}

caf::result<caf::actor> supervisor_state::on_where_is(const std::string& child_name) const {
  auto i = std::find_if(children_.begin(), children_.end(),
                        [&](const child& x) { return x.spec.name == child_name; });
  if (i == children_.end())
    return invalid(fmt::format("supervisor {}: there is no child named {}", label_, child_name));
  if (!i->handle)
    return invalid(fmt::format("supervisor {}: child {} is not running", label_, child_name));
  return i->handle;
}

supervisor_report supervisor_state::on_status() {
  forget_old_restarts();
  supervisor_report result;
  result.name = label_;
  for (auto& x : children_) {
    result.children.push_back(x.report);
    result.children.back().state = state_name(x);
  }
  result.history.assign(history_.begin(), history_.end());
  result.restarts_in_window = static_cast<std::uint32_t>(restart_times_.size());
  result.max_restarts = options_.max_restarts;
  return result;
}

void supervisor_state::on_down(const caf::down_msg& x) {
  auto i = std::find_if(children_.begin(), children_.end(),
                        [&](const child& c) { return c.handle && c.handle.address() == x.source; });
  if (i == children_.end())
    return;
  i->handle = nullptr;
  i->report.last_reason = act::text_of(x.reason, self_->system());
  if (i->spec.front)
    self_->send(i->spec.front, child_down_v, x.reason);
  auto policy = i->spec.restart;
  if (i->phase == phase::stopping || i->stop_wanted)
    on_ended_as_asked(*i, x.reason);
  else if (policy == restart_policy::temporary
           || (policy == restart_policy::transient && is_normal(x.reason)))
    retire(*i, x.reason);
  else
    on_crash(static_cast<std::size_t>(i - children_.begin()));
  step();
}

void supervisor_state::on_exit(caf::exit_msg& x) {
  close(std::move(x.reason));
  step();
}

// -- starting and stopping ----------------------------------------------------------------------------------

// Does what can be done now, one act at a time: stop what has to stop, last first, each after the one before
// it is gone; then start what may start, first first; or quit.
void supervisor_state::step() {
  for (;;) {
    auto stopping = [](const child& x) { return x.phase == phase::stopping; };
    if (std::any_of(children_.begin(), children_.end(), stopping))
      return;
    auto next =
        std::find_if(children_.rbegin(), children_.rend(), [](const child& x) { return x.stop_wanted; });
    if (next != children_.rend()) {
      stop(*next);
    } else if (closing_) {
      self_->quit(*closing_);
      return;
    } else if (!start_next()) {
      return;
    }
  }
}

// Starts the first child that waits for it. Where order matters, one that backs off holds up those after it,
// or all.
bool supervisor_state::start_next() {
  auto backing_off = [](const child& x) { return x.phase == phase::backing_off; };
  if (options_.strategy == restart_strategy::one_for_all
      && std::any_of(children_.begin(), children_.end(), backing_off))
    return false;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i].phase == phase::starting) {
      start(i);
      return true;
    }
    if (options_.strategy == restart_strategy::rest_for_one && backing_off(children_[i]))
      return false;
  }
  return false;
}

void supervisor_state::start(std::size_t index) {
  auto& x = children_[index];
  if (x.generation++ > 0)
    ++x.report.restarts;
  std::string reason = "the start function returned no actor";
  try {
    x.handle = x.spec.start(self_, [this](std::string_view sibling) { return stable_handle(sibling); });
  } catch (const std::exception& e) {
    reason = e.what();
  } catch (...) {
    reason = "an exception of an unknown type";
  }
  if (!x.handle) {
    x.report.last_reason = "did not start: " + reason;
    on_crash(index);
    return;
  }
  x.phase = phase::running;
  x.started = now();
  record(x, "started");
  // A child that is dead already is reported at once.
  self_->monitor(x.handle);
  if (x.spec.front)
    self_->send(x.spec.front, child_up_v, x.handle);
}

void supervisor_state::stop(child& x) {
  x.phase = phase::stopping;
  x.stop_wanted = false;
  self_->send_exit(x.handle, caf::exit_reason::user_shutdown);
  auto index = static_cast<std::uint64_t>(&x - children_.data());
  self_->delayed_send(self_, x.spec.shutdown_timeout, kill_child_v, index, x.generation);
}

void supervisor_state::close(caf::error reason) {
  if (closing_)
    return;
  closing_ = std::move(reason);
  for (auto& x : children_) {
    if (x.phase == phase::running)
      x.stop_wanted = true;
    else if (x.phase != phase::stopping)
      x.phase = phase::stopped;
  }
}

void supervisor_state::retire(child& x, const caf::error& reason) {
  x.phase = phase::stopped;
  record(x, "stopped", x.report.last_reason);
  if (x.spec.front)
    self_->send(x.spec.front, child_gone_v, reason);
}

// -- crashes ------------------------------------------------------------------------------------------------

// A child that was to be stopped is gone, if by a crash of its own before its turn came: that spends no
// budget.
void supervisor_state::on_ended_as_asked(child& x, const caf::error& reason) {
  x.stop_wanted = false;
  if (!closing_ && x.spec.restart == restart_policy::temporary) {
    retire(x, reason);
    return;
  }
  x.phase = closing_ ? phase::stopped : phase::starting;
  record(x, "stopped", x.report.last_reason);
}

void supervisor_state::on_crash(std::size_t index) {
  auto& x = children_[index];
  record(x, "crashed", x.report.last_reason);
  restart_times_.push_back(now());
  forget_old_restarts();
  if (restart_times_.size() > options_.max_restarts) {
    x.phase = phase::stopped;
    auto text = fmt::format("{}: gave up on child {}: {} crashes within {} ms, {} allowed; the last one: {}",
                            label_, x.spec.name, restart_times_.size(), options_.window.count(),
                            options_.max_restarts, x.report.last_reason);
    record(x, "escalated", text);
    close({gave_up_code, category, caf::make_message(std::move(text))});
    return;
  }
  back_off(index);
  take_siblings_down(index);
}

void supervisor_state::back_off(std::size_t index) {
  auto& x = children_[index];
  // A child that did not start has no uptime: `started` is of an earlier life, or of none.
  if (x.phase == phase::running && now() - x.started >= options_.stable_after)
    x.crashes = 0;
  auto delay = next_delay(x.crashes++);
  x.phase = phase::backing_off;
  record(x, "restarting", x.report.last_reason, delay);
  self_->delayed_send(self_, delay, start_child_v, static_cast<std::uint64_t>(index), x.generation);
}

void supervisor_state::take_siblings_down(std::size_t crashed) {
  if (options_.strategy == restart_strategy::one_for_one)
    return;
  auto first = options_.strategy == restart_strategy::one_for_all ? 0 : crashed + 1;
  for (auto i = first; i < children_.size(); ++i) {
    auto& x = children_[i];
    if (i == crashed)
      continue;
    if (x.phase == phase::running) {
      x.stop_wanted = true;
    } else if (x.phase == phase::backing_off) {
      // It follows the one that crashed now; its own timer will find it in another phase.
      x.phase = phase::starting;
    }
  }
}

duration supervisor_state::next_delay(std::uint32_t crashes) {
  auto delay = options_.backoff_min;
  for (; crashes > 0 && delay < options_.backoff_max; --crashes)
    delay *= 2;
  delay = std::min(delay, options_.backoff_max);
  auto random_share = static_cast<double>(delay.count()) * options_.jitter * random_.uniform();
  return delay - duration{static_cast<duration::rep>(random_share)};
}

// -- helpers ------------------------------------------------------------------------------------------------

caf::actor supervisor_state::stable_handle(std::string_view sibling) const {
  for (auto& x : children_)
    if (x.spec.name == sibling)
      return x.spec.front ? x.spec.front : x.handle;
  throw std::invalid_argument(fmt::format("there is no sibling named {}", sibling));
}

void supervisor_state::forget_old_restarts() {
  while (!restart_times_.empty() && now() - restart_times_.front() > options_.window)
    restart_times_.pop_front();
}

void supervisor_state::record(const child& x, std::string what, std::string reason, duration delay) {
  history_.push_back({hooks_.now(), label_, x.spec.name, std::move(what), std::move(reason), delay});
  if (history_.size() > options_.max_history)
    history_.pop_front();
  if (hooks_.on_record)
    hooks_.on_record(history_.back());
}

std::string supervisor_state::state_name(const child& x) {
  switch (x.phase) {
  case phase::starting:
    return "starting";
  case phase::running:
    return x.stop_wanted ? "stopping" : "running";
  case phase::backing_off:
    return "backing_off";
  case phase::stopping:
    return "stopping";
  case phase::stopped:
    return "stopped";
  }
  return "stopped";
}

supervisor_state::time_point supervisor_state::now() const {
  return self_->clock().now();
}

// -- the actor ----------------------------------------------------------------------------------------------

caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, std::string name,
                         supervisor_options options, std::vector<child_spec> children,
                         supervisor_hooks hooks) {
  return self->state.make_behavior(std::move(name), options, std::move(children), std::move(hooks));
}

} // namespace herald
