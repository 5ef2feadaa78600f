// How fast mails may go to the provider, and when none may. A state machine without a clock: who owns it asks
// before each request and reports each answer.
//
//   next ──granted──► on_started ──(request)──► on_answer
//     └──not now: ask again at `until`, or after the next answer or new work
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "core/email/outcome.hpp"
#include "messages/email.hpp"
#include "messages/mail.hpp"
#include "messages/time.hpp"

namespace herald {

struct governor_config {
  /// Requests per second until the provider has announced its limit.
  double rate_start = 2;
  /// Most requests per second, whatever the provider announces.
  double rate_max = 8;
  /// Of the announced limit, which all programs of the team share: how much is ours (0 to 1).
  double share = 0.8;
  /// Requests that may start at once after a pause (≥ 1). Together with the rate never more than the announced
  /// limit, so that no second sees more.
  double burst = 2;
  /// Requests under way at the same time (≥ 1).
  std::int32_t max_in_flight = 4;
  /// Mails per day (UTC); 0 for no limit. A request that carries more goes out as the first of a day, since it could
  /// never go out else.
  std::int64_t daily_quota = 0;
  /// While both lanes have work: the digests' part of the requests (more than 0, less than 1).
  double digest_share = 0.2;
  /// Failures of the provider in a row that open the circuit breaker (≥ 1).
  std::int32_t outages_to_open = 5;
  /// How long the breaker stays open at first; doubles with each failed probe. Half of it is random.
  duration open_min{2'000};
  duration open_max{5 * 60'000};
  /// While the provider takes no mail from us: how often one request tries again.
  duration probe_interval{3'600'000};

  friend bool operator==(const governor_config&, const governor_config&) = default;
};

/// Nothing, or the first wrong value and what it has to be.
std::optional<std::string> validate(const governor_config& x);

/// What waits to be sent: the mails in the first envelope of each lane, 0 for none.
struct lane_demand {
  std::int32_t immediate = 0;
  std::int32_t digest = 0;
};

/// Why no request may start now.
enum class send_block : std::uint8_t {
  nothing,     ///< it may
  no_work,     ///< nothing waits
  paused,      ///< the provider takes no mail from us, see pause_reason
  breaker,     ///< the provider is down
  retry_after, ///< the provider asked us to wait
  in_flight,   ///< enough requests are under way
  quota,       ///< the day's quota does not hold the next envelope
  rate,        ///< too soon after the last request
};

std::string_view to_string(send_block x);

/// May a request start?
struct send_decision {
  send_block block = send_block::no_work;
  /// When to ask again; nothing if only an answer or new work can change it.
  std::optional<timestamp> until;

  // For a grant.
  email_lane lane = email_lane::immediate;
  std::int32_t mails = 0;
  /// A single request that finds out whether the provider is back.
  bool probe = false;
  /// Both lanes wait.
  bool contended = false;

  bool granted() const { return block == send_block::nothing; }
};

/// A request under way; to be handed back with its answer.
struct send_ticket {
  email_lane lane = email_lane::immediate;
  std::int32_t mails = 0;
  bool probe = false;
  std::int64_t day = 0; ///< whose quota it was counted in
};

/// What an answer says about the provider.
enum class provider_signal : std::uint8_t {
  alive,        ///< it works
  rate_limited, ///< it works, we are too fast
  outage,       ///< it does not answer, or fails
  paused,       ///< it takes no mail from us
};

struct send_observation {
  provider_signal signal = provider_signal::alive;
  pause_reason pause = pause_reason::unauthorised; ///< for paused
  /// Mails that the provider may have accepted; they count against the quota.
  std::int32_t accepted = 0;
  std::optional<double> limit_per_second;
  std::optional<std::int64_t> remaining;
  std::optional<duration> reset_after;
  std::optional<duration> retry_after;
  std::optional<std::int64_t> daily_used;
};

send_observation observe(const send_ticket& ticket, const mail_answer& answer, const send_outcome& meaning);

enum class breaker_state : std::uint8_t { closed, open, half_open };

std::string_view to_string(breaker_state x);

/// For status and metrics.
struct governor_state {
  double rate = 0;   ///< requests per second
  double tokens = 0; ///< requests that could start at once
  std::int32_t in_flight = 0;
  breaker_state breaker = breaker_state::closed;
  std::int32_t outages = 0; ///< in a row
  std::optional<pause_reason> paused;
  /// When the provider is tried or asked again: the end of the pause, of the breaker or of retry-after.
  std::optional<timestamp> until;
  std::int64_t quota_used = 0; ///< mails of this day, also without a quota
  std::int64_t quota = 0;      ///< 0 for none
};

/// A clock that is set back stops its waiting for no longer than it had to wait anyway. Belongs to one thread.
class governor {
public:
  /// @pre the configuration is valid
  explicit governor(const governor_config& config, timestamp now);

  /// Immediate mail goes first; digests have their share. A grant that is not used costs nothing.
  send_decision next(const lane_demand& demand, timestamp now);

  /// The granted request starts now. Call it before asking for another.
  send_ticket on_started(const send_decision& grant, timestamp now);

  /// `random` is uniform in [0, 1).
  void on_answer(const send_ticket& ticket, const send_observation& x, timestamp now, double random);

  /// The request was never made.
  void on_cancelled(const send_ticket& ticket, timestamp now);

  /// At least so many mails had gone out on the day of `counted`, by whoever counts them for all daemons. Yesterday's say
  /// nothing about today.
  void on_quota_count(std::int64_t used, timestamp counted, timestamp now);

  /// So many daemons send through this provider, this one included (≥ 1): each takes its part of the rate.
  void share_among(std::uint32_t senders, timestamp now);

  /// Something was put right (a new key, another sender): try again at once.
  void resume(timestamp now);

  /// Takes a new configuration; what was learned stays.
  void reconfigure(const governor_config& config, timestamp now);

  governor_state state(timestamp now);

private:
  /// Nanoseconds on a clock of our own, which never goes back.
  using ticks = std::int64_t;

  void advance(timestamp now);
  timestamp wall(ticks x, timestamp now) const;
  ticks in(duration x) const;
  void set_rate();
  void learn(const send_ticket& ticket, const send_observation& x);
  void forget_old_starts();
  void hold_until(ticks x);
  ticks full_at() const;
  void trip(double random);
  send_decision pick(const lane_demand& demand) const;
  bool fits(std::int32_t mails) const;

  governor_config config_;
  // The clock.
  timestamp last_;
  ticks now_ = 0;
  // The bucket, as the time at which it will be full again (the "theoretical arrival time" of the generic cell
  // rate algorithm, in whole numbers: nothing is lost to rounding).
  std::optional<double> limit_; ///< as announced
  double senders_ = 1;
  double rate_ = 0;
  ticks interval_ = 1;  ///< between requests
  ticks tolerance_ = 0; ///< how far a burst may run ahead
  ticks full_at_ = 0;
  /// Long ago, so that it holds nothing back.
  ticks hold_until_ = std::numeric_limits<ticks>::min() / 2;
  /// When our requests of the last second started.
  std::deque<ticks> recent_;
  std::int32_t in_flight_ = 0;
  /// What digests have saved up, in thousandths of a request.
  std::int32_t digest_due_ = 0;
  // The breaker.
  std::int32_t outages_ = 0;
  bool open_ = false;
  std::int32_t openings_ = 0; ///< in a row
  ticks open_until_ = 0;
  bool probing_ = false;
  // The pause.
  std::optional<pause_reason> paused_;
  ticks probe_at_ = 0;
  // The quota.
  std::int64_t day_ = 0;
  std::int64_t used_ = 0;
};

} // namespace herald
