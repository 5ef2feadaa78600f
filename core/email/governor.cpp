#include "core/email/governor.hpp"

#include <algorithm>
#include <cmath>

namespace herald {

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int32_t whole = 1000; // digest_due_ counts thousandths

// What strangers and clocks may say at most.
constexpr duration longest_wait{24 * 3'600'000};
constexpr duration longest_leap = 30 * longest_wait;
constexpr double slowest = 0.01;
constexpr double fastest = 10'000;

std::int64_t day_of(timestamp x) {
  return std::chrono::floor<std::chrono::days>(x).time_since_epoch().count();
}

timestamp day_begin(std::int64_t day) {
  return timestamp{std::chrono::sys_days{std::chrono::days{day}}};
}

std::int32_t thousandths(double share) {
  return std::clamp(static_cast<std::int32_t>(std::lround(share * whole)), 1, whole - 1);
}

bool within(double x, double low, double high) {
  return x >= low && x <= high; // false for NaN
}

} // namespace

std::optional<std::string> validate(const governor_config& x) {
  if (!within(x.rate_max, slowest, fastest))
    return "rate_max has to be 0.01 to 10000 requests per second";
  if (!within(x.rate_start, slowest, x.rate_max))
    return "rate_start has to be 0.01 requests per second to rate_max";
  if (!within(x.share, 0.01, 1))
    return "share has to be 0.01 to 1";
  if (!within(x.burst, 1, 1000))
    return "burst has to be 1 to 1000 requests";
  if (x.max_in_flight < 1 || x.max_in_flight > 1000)
    return "max_in_flight has to be 1 to 1000 requests";
  if (x.daily_quota < 0)
    return "daily_quota has to be a number of mails, or 0 for none";
  if (!within(x.digest_share, 0.001, 0.999))
    return "digest_share has to be 0.001 to 0.999";
  if (x.outages_to_open < 1)
    return "outages_to_open has to be at least 1";
  if (x.open_min <= duration::zero() || x.open_max < x.open_min || x.open_max > longest_wait)
    return "open_min has to be more than nothing and not above open_max, which is a day at most";
  if (x.probe_interval <= duration::zero() || x.probe_interval > longest_wait)
    return "probe_interval has to be more than nothing and a day at most";
  return std::nullopt;
}

std::string_view to_string(send_block x) {
  switch (x) {
  case send_block::nothing:
    return "nothing";
  case send_block::no_work:
    return "no_work";
  case send_block::paused:
    return "paused";
  case send_block::breaker:
    return "breaker";
  case send_block::retry_after:
    return "retry_after";
  case send_block::in_flight:
    return "in_flight";
  case send_block::quota:
    return "quota";
  case send_block::rate:
    return "rate";
  }
  return "nothing";
}

std::string_view to_string(breaker_state x) {
  switch (x) {
  case breaker_state::closed:
    return "closed";
  case breaker_state::open:
    return "open";
  case breaker_state::half_open:
    return "half_open";
  }
  return "closed";
}

send_observation observe(const send_ticket& ticket, const mail_answer& answer, const send_outcome& meaning) {
  send_observation out;
  switch (meaning.result) {
  case send_result::rate_limited:
    out.signal = provider_signal::rate_limited;
    break;
  case send_result::paused:
    out.signal = provider_signal::paused;
    break;
  default:
    out.signal = meaning.outage ? provider_signal::outage : provider_signal::alive;
  }
  out.pause = meaning.pause;
  out.accepted = meaning.maybe_accepted ? ticket.mails : 0;
  if (meaning.result == send_result::settled)
    out.accepted = static_cast<std::int32_t>(std::count_if(meaning.mails.begin(), meaning.mails.end(),
                                                           [](const mail_fate& x) { return x.accepted(); }));
  out.limit_per_second = answer.limit_per_second;
  out.remaining = answer.remaining;
  out.reset_after = answer.reset_after;
  out.retry_after = answer.retry_after;
  out.daily_used = answer.daily_used;
  return out;
}

// -- questions ----------------------------------------------------------------------------------------------

governor::governor(const governor_config& config, timestamp now)
    : config_{config}, last_{now}, day_{day_of(now)} {
  set_rate();
}

send_decision governor::next(const lane_demand& demand, timestamp now) {
  advance(now);
  auto blocked = [](send_block why, std::optional<timestamp> until = {}) {
    send_decision out;
    out.block = why;
    out.until = until;
    return out;
  };
  if (demand.immediate <= 0 && demand.digest <= 0)
    return blocked(send_block::no_work);
  auto probe = paused_.has_value() || open_;
  auto suspended = paused_ ? send_block::paused : send_block::breaker;
  if (probe && probing_)
    return blocked(suspended);
  if (auto at = std::max(paused_ ? probe_at_ : 0, open_ ? open_until_ : 0); probe && at > now_)
    return blocked(suspended, wall(at, now));
  if (hold_until_ > now_)
    return blocked(send_block::retry_after, wall(hold_until_, now));
  if (in_flight_ >= config_.max_in_flight)
    return blocked(send_block::in_flight);
  auto out = pick(demand);
  if (!out.granted())
    return blocked(out.block, day_begin(day_ + 1));
  if (auto at = full_at_ - tolerance_; at > now_)
    return blocked(send_block::rate, wall(at, now));
  out.probe = probe;
  return out;
}

send_decision governor::pick(const lane_demand& demand) const {
  auto immediate = demand.immediate > 0 && fits(demand.immediate);
  auto digest = demand.digest > 0 && fits(demand.digest);
  send_decision out;
  if (!immediate && !digest) {
    out.block = send_block::quota;
    return out;
  }
  out.block = send_block::nothing;
  out.contended = immediate && digest;
  auto digests_turn = digest_due_ + thousandths(config_.digest_share) >= whole;
  out.lane = !immediate || (digest && digests_turn) ? email_lane::digest : email_lane::immediate;
  out.mails = out.lane == email_lane::digest ? demand.digest : demand.immediate;
  return out;
}

bool governor::fits(std::int32_t mails) const {
  // What was sealed under a larger quota goes out as the first of a day: it would block its lane for ever.
  return config_.daily_quota == 0 || used_ == 0 || used_ + mails <= config_.daily_quota;
}

governor_state governor::state(timestamp now) {
  advance(now);
  governor_state out;
  out.rate = rate_;
  auto burst = static_cast<double>(tolerance_) / static_cast<double>(interval_) + 1;
  auto used = static_cast<double>(full_at() - now_) / static_cast<double>(interval_);
  out.tokens = std::max(burst - used, 0.0);
  out.in_flight = in_flight_;
  if (open_)
    out.breaker = open_until_ > now_ ? breaker_state::open : breaker_state::half_open;
  out.outages = outages_;
  out.paused = paused_;
  auto until = std::max({hold_until_, open_ ? open_until_ : 0, paused_ ? probe_at_ : 0});
  if (until > now_)
    out.until = wall(until, now);
  out.quota_used = used_;
  out.quota = config_.daily_quota;
  return out;
}

// -- events -------------------------------------------------------------------------------------------------

send_ticket governor::on_started(const send_decision& grant, timestamp now) {
  advance(now);
  full_at_ = full_at() + interval_;
  recent_.push_back(now_);
  forget_old_starts();
  ++in_flight_;
  used_ += grant.mails;
  probing_ = probing_ || grant.probe;
  if (grant.contended) {
    digest_due_ += thousandths(config_.digest_share);
    if (grant.lane == email_lane::digest)
      digest_due_ -= whole;
  }
  return {grant.lane, grant.mails, grant.probe, day_};
}

void governor::on_cancelled(const send_ticket& ticket, timestamp now) {
  advance(now);
  in_flight_ = std::max(in_flight_ - 1, 0);
  if (ticket.probe)
    probing_ = false;
  if (ticket.day == day_)
    used_ = std::max<std::int64_t>(used_ - ticket.mails, 0);
}

void governor::on_answer(const send_ticket& ticket, const send_observation& x, timestamp now, double random) {
  advance(now);
  in_flight_ = std::max(in_flight_ - 1, 0);
  if (ticket.probe)
    probing_ = false;
  learn(ticket, x);
  auto asked = in(x.retry_after.value_or(duration::zero()));
  if (x.signal == provider_signal::outage) {
    // Answers to what was sent before the breaker opened tell nothing new.
    if (!open_)
      ++outages_;
    if (open_ ? ticket.probe : outages_ >= config_.outages_to_open)
      trip(random);
    hold_until(now_ + asked);
    return;
  }
  // While it is open only the probe can close it: others may have been answered before the trouble began.
  if (ticket.probe || !open_) {
    outages_ = 0;
    openings_ = 0;
    open_ = false;
  }
  switch (x.signal) {
  case provider_signal::rate_limited:
    hold_until(now_ + std::max<ticks>(asked, ns_per_s));
    break;
  case provider_signal::paused:
    if (!paused_ || ticket.probe)
      probe_at_ = now_ + std::max(asked, in(config_.probe_interval));
    paused_ = x.pause;
    break;
  default:
    if (ticket.probe)
      paused_.reset();
  }
}

void governor::trip(double random) {
  auto wait = config_.open_min;
  for (auto i = openings_; i > 0 && wait < config_.open_max; --i)
    wait = std::min(wait * 2, config_.open_max);
  openings_ = std::min(openings_ + 1, 64);
  auto jitter = 1 - 0.5 * std::clamp(random, 0.0, 1.0);
  open_until_ = now_ + static_cast<ticks>(static_cast<double>(in(wait)) * jitter);
  open_ = true;
}

void governor::learn(const send_ticket& ticket, const send_observation& x) {
  if (x.limit_per_second && within(*x.limit_per_second, slowest, fastest)) {
    limit_ = x.limit_per_second;
    set_rate();
  }
  // The others of the team have used up the second. If all its requests were our own, our pace is enough.
  forget_old_starts();
  auto all_ours = limit_ && static_cast<double>(recent_.size()) >= std::floor(*limit_);
  if (x.remaining && *x.remaining <= 0 && x.reset_after && !all_ours)
    hold_until(now_ + in(*x.reset_after));
  if (ticket.day != day_)
    return;
  used_ = std::max<std::int64_t>(used_ - std::max(ticket.mails - x.accepted, 0), 0);
  if (x.daily_used)
    used_ = std::max(used_, *x.daily_used);
}

void governor::forget_old_starts() {
  while (!recent_.empty() && recent_.front() <= now_ - ns_per_s)
    recent_.pop_front();
}

void governor::hold_until(ticks x) {
  if (x > now_)
    hold_until_ = std::max(hold_until_, x);
}

governor::ticks governor::full_at() const {
  // After a hold there is one request and no burst.
  return std::max({full_at_, now_, hold_until_ + tolerance_});
}

void governor::on_quota_count(std::int64_t used, timestamp counted, timestamp now) {
  advance(now);
  if (day_of(counted) == day_)
    used_ = std::max(used_, used);
}

void governor::resume(timestamp now) {
  advance(now);
  paused_.reset();
}

void governor::reconfigure(const governor_config& config, timestamp now) {
  advance(now);
  config_ = config;
  set_rate();
}

void governor::share_among(std::uint32_t senders, timestamp now) {
  advance(now);
  senders_ = std::max<double>(senders, 1);
  set_rate();
}

void governor::set_rate() {
  rate_ = std::max(config_.rate_start / senders_, slowest);
  auto limit = rate_;
  if (limit_) {
    limit = std::min(*limit_, fastest) / senders_;
    rate_ = std::clamp(limit * config_.share, slowest, std::max(config_.rate_max / senders_, slowest));
  }
  // Rounded up: never faster than the rate.
  auto interval = static_cast<ticks>(std::ceil(static_cast<double>(ns_per_s) / rate_));
  auto burst = std::clamp(limit - rate_, 1.0, config_.burst);
  tolerance_ = static_cast<ticks>(std::floor((burst - 1) * static_cast<double>(interval)));
  // What was taken from the bucket stays taken: it refills at another speed from now on.
  if (full_at_ > now_) {
    auto taken = static_cast<double>(full_at_ - now_) / static_cast<double>(interval_);
    full_at_ = now_ + static_cast<ticks>(std::ceil(taken * static_cast<double>(interval)));
  }
  interval_ = interval;
}

// -- time ---------------------------------------------------------------------------------------------------

void governor::advance(timestamp now) {
  // A clock that is set back stands still for this one step, and runs on from where it was set to.
  auto passed = now <= last_ ? duration::zero() : now - last_ > longest_leap ? longest_leap : now - last_;
  now_ += passed.count() * ns_per_ms;
  last_ = now;
  auto day = day_of(now);
  if (day > day_) {
    day_ = day;
    used_ = 0;
  } else if (day < day_ - 1) {
    // Set back far: the days that come a second time have no second quota. A little before midnight is still
    // today.
    day_ = day;
  }
}

timestamp governor::wall(ticks x, timestamp now) const {
  // Rounded up, so that who asks at that time is not too early.
  return now + duration{(x - now_ + ns_per_ms - 1) / ns_per_ms};
}

governor::ticks governor::in(duration x) const {
  return std::clamp(x, duration::zero(), longest_wait).count() * ns_per_ms;
}

} // namespace herald
