#include "core/calendar/renewal.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/half_jitter.hpp"

namespace herald {

namespace {

/// Longer ids are none of Google's.
constexpr std::size_t max_calendar_id = 1'024;

constexpr std::string_view no_refresh_token = "the connection has no refresh token, so its access cannot be "
                                              "prolonged; its owner has to connect the calendar anew";

/// No token has it.
constexpr std::string_view no_fingerprint = "none";

std::string id_of(const nlohmann::json& calendar) {
  auto id = calendar.find("id");
  if (id == calendar.end() || !id->is_string())
    return {};
  auto text = id->get<std::string>();
  return text.size() <= max_calendar_id ? text : std::string{};
}

bool is_set(const nlohmann::json& calendar, const char* flag) {
  auto value = calendar.find(flag);
  return value != calendar.end() && value->is_boolean() && value->get<bool>();
}

} // namespace

std::string_view to_string(renewal_ending x) {
  switch (x) {
  case renewal_ending::renewed:
    return "renewed";
  case renewal_ending::needs_reconnect:
    return "needs_reconnect";
  case renewal_ending::not_watchable:
    return "not_watchable";
  case renewal_ending::failed:
    return "failed";
  case renewal_ending::misconfigured:
    return "misconfigured";
  case renewal_ending::lost:
    return "lost";
  }
  return "unknown";
}

std::string choose_calendar(std::string_view calendar_list) {
  auto list = nlohmann::json::parse(calendar_list, nullptr, false);
  if (list.is_array())
    for (auto* flag : {"primary", "selected"})
      for (auto& calendar : list)
        if (calendar.is_object() && is_set(calendar, flag))
          if (auto id = id_of(calendar); !id.empty())
            return id;
  return "primary";
}

// -- the way ------------------------------------------------------------------------------------------------

renewal::renewal(due_watch watch, const renewal_settings& settings, timestamp now)
    : watch_{std::move(watch)}, settings_{&settings}, started_{now} {
  // Earlier tries may have come as far as creating channels that nobody has kept. They are of the same calendar, so they
  // have the resource of whatever channel is created now.
  for (auto& orphan : watch_.planned_channels)
    leftovers_.push_back({orphan, {}});
}

renewal_step renewal::begin(timestamp now) {
  auto usable = !watch_.access_token.empty() && watch_.token_expires_at
                && *watch_.token_expires_at - now >= settings_->token_margin;
  return usable ? plan(now) : refresh();
}

renewal_step renewal::on_answer(const calendar_answer& x, timestamp now, double random) {
  if (phase_ == phase::stopping)
    return on_stopped(x);
  switch (x.verdict) {
  case calendar_verdict::done:
    tries_ = 0;
    return phase_ == phase::refreshing ? on_refreshed(x, now) : on_created(x);
  case calendar_verdict::try_later:
    return later(x, now, random);
  case calendar_verdict::stale_token:
    if (phase_ == phase::creating && !refreshed_)
      return refresh();
    return give_up(renewal_ending::needs_reconnect, x.why);
  case calendar_verdict::needs_reconnect:
    return give_up(renewal_ending::needs_reconnect, x.why, x.refused_token);
  case calendar_verdict::channel_taken:
    if (++tries_ >= settings_->max_tries)
      return give_up(renewal_ending::failed, x.why);
    return plan(now);
  case calendar_verdict::not_watchable:
    return give_up(renewal_ending::not_watchable, x.why);
  case calendar_verdict::misconfigured:
    return give_up(renewal_ending::misconfigured, x.why);
  }
  return give_up(renewal_ending::failed, x.why);
}

renewal_step renewal::on_kept(bool lost, timestamp now) {
  switch (phase_) {
  case phase::planning:
    return lost ? renewal_end{renewal_ending::lost, {}} : create();
  case phase::keeping_channel:
    if (lost) {
      // Somebody disconnected the calendar, or gave it another channel: ours is the one too many.
      end_ = {renewal_ending::lost, {}};
      leftovers_ = {{created_->channel_id, created_->resource_id}};
    }
    return stop_next();
  case phase::ending:
    return end_;
  default:
    return lost ? renewal_end{renewal_ending::lost, {}} : plan(now);
  }
}

renewal_step renewal::on_pause_over(timestamp now) {
  return phase_ == phase::refreshing ? refresh() : plan(now);
}

// -- steps --------------------------------------------------------------------------------------------------

renewal_step renewal::refresh() {
  if (watch_.refresh_token.empty())
    return give_up(renewal_ending::needs_reconnect,
                   {failure_class::permanent, std::string{no_refresh_token}});
  phase_ = phase::refreshing;
  return calendar_call{token_refresh{watch_.refresh_token, watch_.refused_token}};
}

renewal_step renewal::plan(timestamp now) {
  phase_ = phase::planning;
  // An id is used once, also when two tries fall into the same millisecond.
  last_channel_ms_ = std::max(last_channel_ms_ + 1, static_cast<std::uint64_t>(to_epoch_ms(now)));
  channel_ = "capmatch-" + to_string(watch_.connection_id) + "-" + std::to_string(last_channel_ms_);
  watch_update out;
  out.connection_id = watch_.connection_id;
  out.planned = channel_;
  return out;
}

renewal_step renewal::create() {
  phase_ = phase::creating;
  return calendar_call{watch_creation{watch_.access_token, choose_calendar(watch_.calendar_list), channel_,
                                      settings_->address, settings_->channel_life}};
}

renewal_step renewal::stop_next() {
  phase_ = phase::stopping;
  if (leftovers_.empty())
    return end_;
  auto next = std::move(leftovers_.front());
  leftovers_.pop_front();
  return calendar_call{watch_stop{watch_.access_token, next.channel_id, next.resource_id}};
}

// -- answers ------------------------------------------------------------------------------------------------

renewal_step renewal::on_refreshed(const calendar_answer& x, timestamp now) {
  refreshed_ = true;
  auto used = watch_.refresh_token;
  watch_.access_token = x.access_token;
  watch_.token_expires_at = now + x.expires_in;
  if (!x.refresh_token.empty())
    watch_.refresh_token = x.refresh_token;
  phase_ = phase::keeping_token;
  watch_update out;
  out.connection_id = watch_.connection_id;
  out.token =
      watch_update::tokens{x.access_token, x.refresh_token, *watch_.token_expires_at, std::move(used)};
  return out;
}

renewal_step renewal::on_created(const calendar_answer& x) {
  created_ = watch_update::channel{channel_, x.resource_id, x.expires_at, watch_.channel_id};
  for (auto& orphan : leftovers_)
    orphan.resource_id = x.resource_id;
  if (!watch_.channel_id.empty() && !watch_.resource_id.empty())
    leftovers_.push_front({watch_.channel_id, watch_.resource_id});
  phase_ = phase::keeping_channel;
  watch_update out;
  out.connection_id = watch_.connection_id;
  out.created = created_;
  return out;
}

renewal_step renewal::on_stopped(const calendar_answer& x) {
  if (x.verdict != calendar_verdict::done)
    ++failed_stops_;
  return stop_next();
}

renewal_step renewal::later(const calendar_answer& x, timestamp now, double random) {
  // The answer may have been lost after the channel was made.
  if (phase_ == phase::creating)
    leftovers_.push_back({channel_, {}});
  ++tries_;
  auto pause = half_jittered_pause(settings_->backoff_min, settings_->backoff_max, tries_, random);
  pause = std::max(pause, x.retry_after.value_or(duration{0}));
  if (tries_ >= settings_->max_tries || pause > settings_->deadline - (now - started_))
    return give_up(renewal_ending::failed, x.why);
  return renewal_pause{pause};
}

renewal_step renewal::give_up(renewal_ending how, failure why, std::string refused_token) {
  end_ = {how, why};
  phase_ = phase::ending;
  // Whoever counts the connections that wait for their owner goes by the fingerprint, also where none is known.
  if (how == renewal_ending::needs_reconnect && refused_token.empty())
    refused_token = no_fingerprint;
  watch_update out;
  out.connection_id = watch_.connection_id;
  out.failed = watch_update::trouble{std::move(why), std::move(refused_token)};
  return out;
}

} // namespace herald
