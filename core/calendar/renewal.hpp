// The renewal of one calendar watch, step by step: what to ask the provider or the store next, given what came before.
// A state machine without I/O.
//
//   refresh the token ─► keep it ─► plan a channel ─► create it ─► keep it ─► stop the old one
//
// Whatever happens, the old channel is stopped only after the new one was kept.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "messages/calendar.hpp"
#include "messages/time.hpp"

namespace herald {

struct renewal_settings {
  /// Where the platform takes in notices of changes; https.
  std::string address;
  /// An access token with less than this left is refreshed first.
  duration token_margin{5 * 60'000};
  /// How long the new channel is to live; the provider may grant less.
  duration channel_life{std::chrono::hours{24 * 7}};
  /// Tries of one step that the provider answers with "later" (≥ 1).
  std::uint32_t max_tries = 3;
  /// Pause before the second try; doubles with each further one, up to backoff_max.
  duration backoff_min{1'000};
  duration backoff_max{30'000};
  /// For one connection as a whole; after it no further try is begun.
  duration deadline{120'000};
};

enum class renewal_ending : std::uint8_t {
  renewed,
  needs_reconnect, ///< its owner has to connect the calendar anew
  not_watchable,   ///< the calendar is gone, or has no push channels
  failed,          ///< worth another run
  misconfigured,   ///< no other connection will fare better
  lost,            ///< the connection was removed or changed meanwhile
};

std::string_view to_string(renewal_ending x);

/// Wait, then go on.
struct renewal_pause {
  duration length{};
};

struct renewal_end {
  renewal_ending how = renewal_ending::renewed;
  /// Unless renewed or lost.
  failure why;
};

using renewal_step = std::variant<calendar_call, watch_update, renewal_pause, renewal_end>;

class renewal {
public:
  /// `settings` outlives the object.
  renewal(due_watch watch, const renewal_settings& settings, timestamp now);

  /// The first step.
  renewal_step begin(timestamp now);

  /// The provider has answered the call. `random` is uniform in [0, 1).
  renewal_step on_answer(const calendar_answer& x, timestamp now, double random);

  /// The update was written, or the store says that the connection is no longer what it was.
  renewal_step on_kept(bool lost, timestamp now);

  /// The pause is over.
  renewal_step on_pause_over(timestamp now);

  const uuid& connection() const { return watch_.connection_id; }

  bool token_refreshed() const { return refreshed_; }

  /// Whether an earlier run has found out that the owner has to connect anew.
  bool was_refused_before() const { return !watch_.refused_token.empty(); }

  /// Channels that could not be stopped; they live on until they expire.
  std::uint64_t failed_stops() const { return failed_stops_; }

private:
  enum class phase : std::uint8_t {
    refreshing,
    keeping_token,
    planning,
    creating,
    keeping_channel,
    stopping,
    ending
  };

  renewal_step refresh();
  renewal_step plan(timestamp now);
  renewal_step create();
  renewal_step stop_next();

  renewal_step on_refreshed(const calendar_answer& x, timestamp now);
  renewal_step on_created(const calendar_answer& x);
  renewal_step on_stopped(const calendar_answer& x);

  /// Another try after a pause, or the end.
  renewal_step later(const calendar_answer& x, timestamp now, double random);
  /// Notes the trouble with the connection, then ends.
  renewal_step give_up(renewal_ending how, failure why, std::string refused_token = {});

  due_watch watch_;
  const renewal_settings* settings_;
  timestamp started_;
  phase phase_ = phase::refreshing;
  /// Tries of the present step.
  std::uint32_t tries_ = 0;
  bool refreshed_ = false;
  std::uint64_t last_channel_ms_ = 0;
  std::string channel_;
  std::optional<watch_update::channel> created_;
  struct leftover {
    std::string channel_id;
    std::string resource_id;
  };
  /// To be stopped once the new channel was kept.
  std::deque<leftover> leftovers_;
  renewal_end end_;
  std::uint64_t failed_stops_ = 0;
};

/// The calendar to watch: the primary one of the list, else the first that is selected, else `primary`. The list comes
/// from the database as text; one that makes no sense counts as empty.
std::string choose_calendar(std::string_view calendar_list);

} // namespace herald
