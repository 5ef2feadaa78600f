// Starts, watches, restarts and stops a set of children, in order. Knows nothing of what the children do.
//
// A child that dies is started again after an exponential back-off with jitter. More than `max_restarts`
// restarts within `window` mean that restarting does not help: the supervisor stops its children and quits
// with an error, which its own supervisor, if any, treats like the crash of any other child.
//
// A dependency that is down is a state of a child, not a crash: a stage that cannot reach its database or
// provider stays alive, says that it is degraded and tries again. Only defects spend the restart budget.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/caf_compat.hpp"
#include "core/random.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

/// Which siblings go down with a child that crashed.
enum class restart_strategy : std::uint8_t {
  one_for_one,  ///< none
  rest_for_one, ///< those after it in start order
  one_for_all,  ///< all of them
};

/// Whether a child that ended is started again.
enum class restart_policy : std::uint8_t {
  permanent, ///< always
  transient, ///< unless it ended normally or was asked to shut down
  temporary, ///< never
};

struct supervisor_options {
  restart_strategy strategy = restart_strategy::one_for_one;
  /// Restarts that may fall into `window`; one more and the supervisor gives up. 0 means the first crash
  /// does.
  std::uint32_t max_restarts = 5;
  /// Sliding window of `max_restarts` (at least 1 ms).
  duration window{30'000};
  /// Delay before the first restart; doubles with each further crash in a row (at least 1 ms).
  duration backoff_min{100};
  /// Upper bound of the delay, before jitter (at most a day).
  duration backoff_max{10'000};
  /// Share of the delay that is random, 0 to 1: the delay lies in [d·(1−jitter), d].
  double jitter = 0.2;
  /// Uptime after which a child's next crash counts as its first in a row.
  duration stable_after{10'000};
  /// Seed of the jitter.
  std::uint64_t seed = 1;
  /// Records kept for the report (at least 1).
  std::size_t max_history = 200;
};

/// Nothing when the options make sense, else an error that names the bad field.
caf::error validate(const supervisor_options&);

/// The stable handle of a sibling: its front if it has one, else the child itself (null while it does not
/// run). Throws std::invalid_argument when no sibling has this name, which counts as a crash of the child
/// being started.
using sibling_fn = std::function<caf::actor(std::string_view)>;

struct child_spec {
  /// Unique within its supervisor, not empty.
  std::string name;
  /// Starts the child with `self->spawn(...)`. Throwing or returning null counts as a crash.
  std::function<caf::actor(caf::event_based_actor* self, const sibling_fn&)> start;
  /// Told whenever the child comes and goes (actors/front.hpp); null for a child nobody talks to.
  caf::actor front;
  restart_policy restart = restart_policy::permanent;
  /// How long the child may take to end when asked to, before it is killed.
  duration shutdown_timeout{5'000};
};

// -- report -------------------------------------------------------------------------------------------------

struct child_report {
  std::string name;
  /// starting (waits for its turn), running, backing_off, stopping or stopped.
  std::string state;
  std::uint64_t restarts = 0;
  /// Why it ended last; empty when it never did.
  std::string last_reason;
};

/// One act of supervision.
struct supervision_record {
  timestamp at{};
  std::string supervisor;
  std::string child;
  /// started, crashed, restarting (after `delay`), stopped, killed or escalated.
  std::string what;
  std::string reason;
  duration delay{};
};

struct supervisor_report {
  std::string name;
  /// In start order.
  std::vector<child_report> children;
  /// The latest `max_history` records, oldest first.
  std::vector<supervision_record> history;
  std::uint32_t restarts_in_window = 0;
  std::uint32_t max_restarts = 0;
};

HERALD_ATOM(sup_status, "supStatus")   // answers supervisor_report
HERALD_ATOM(where_is, "whereIs")       // + name: answers the running child itself, not its front
HERALD_ATOM(start_child, "startChild") // INTERNAL: + index, generation: the back-off is over
HERALD_ATOM(kill_child, "killChild")   // INTERNAL: + index, generation: the shutdown timeout is over

/// What the supervisor needs from outside. Neither may throw.
struct supervisor_hooks {
  /// Wall clock for records; required.
  std::function<timestamp()> now;
  /// Called with each record, e.g. to log it; may be empty.
  std::function<void(const supervision_record&)> on_record;
};

// -- the actor ----------------------------------------------------------------------------------------------

class supervisor_state {
public:
  static constexpr const char* name = "supervisor";

  explicit supervisor_state(caf::event_based_actor* self);
  supervisor_state(const supervisor_state&) = delete;
  supervisor_state& operator=(const supervisor_state&) = delete;

  /// Kills what still runs. Reached with running children only when the supervisor itself is killed.
  ~supervisor_state();

  caf::behavior make_behavior(std::string label, supervisor_options, std::vector<child_spec>,
                              supervisor_hooks);

private:
  using time_point = caf::actor_clock::time_point;

  enum class phase : std::uint8_t { starting, running, backing_off, stopping, stopped };

  struct child {
    child_spec spec;
    caf::actor handle;
    supervisor_state::phase phase = supervisor_state::phase::starting;
    /// Runs, and has to be stopped when its turn comes.
    bool stop_wanted = false;
    /// Counts starts, so that timers of earlier lives are ignored.
    std::uint64_t generation = 0;
    time_point started{};
    /// Crashes in a row.
    std::uint32_t crashes = 0;
    child_report report;
  };

  // -- message handlers -------------------------------------------------------------------------------------
  void on_start_due(std::uint64_t index, std::uint64_t generation);
  void on_shutdown_overdue(std::uint64_t index, std::uint64_t generation);
  caf::result<caf::actor> on_where_is(const std::string& child_name) const;
  supervisor_report on_status();
  void on_down(const caf::down_msg&);
  void on_exit(caf::exit_msg&);

  // -- starting and stopping --------------------------------------------------------------------------------
  void step();
  bool start_next();
  void start(std::size_t index);
  void stop(child&);
  void close(caf::error reason);
  void retire(child&, const caf::error& reason);

  // -- crashes ----------------------------------------------------------------------------------------------
  void on_ended_as_asked(child&, const caf::error& reason);
  void on_crash(std::size_t index);
  void back_off(std::size_t index);
  void take_siblings_down(std::size_t crashed);
  duration next_delay(std::uint32_t crashes);

  // -- helpers ----------------------------------------------------------------------------------------------
  static caf::error check(const std::vector<child_spec>&, const supervisor_hooks&);
  static std::string state_name(const child&);
  caf::actor stable_handle(std::string_view sibling) const;
  void forget_old_restarts();
  void record(const child&, std::string what, std::string reason = {}, duration delay = {});
  time_point now() const;

  // -- member variables -------------------------------------------------------------------------------------
  caf::event_based_actor* self_;
  std::string label_;
  supervisor_options options_;
  supervisor_hooks hooks_;
  random_source random_;
  std::vector<child> children_;
  std::deque<time_point> restart_times_;
  std::deque<supervision_record> history_;
  /// Set once the supervisor is on its way out; the reason to quit with.
  std::optional<caf::error> closing_;
};

/// Runs the children until it is told to exit or gives up. Any exit reason stops them in reverse start order,
/// each within its shutdown timeout, before the supervisor quits with that reason. Giving up quits with an
/// error of category "sup" whose text names the child, the number of crashes and the window. Quits at once
/// with an error when options, specs or hooks are invalid.
caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, std::string name,
                         supervisor_options options, std::vector<child_spec> children,
                         supervisor_hooks hooks);

} // namespace herald

HERALD_LOCAL_MESSAGE(herald::supervisor_report)
