// Calendar connections in memory and a provider for them, which note in one journal what they were asked, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/errors.hpp"
#include "adapters/clock.hpp"
#include "messages/actors.hpp"

namespace herald::testing {

/// The connections as a store holds them.
struct scripted_watches {
  std::map<uuid, due_watch> connections;
  std::map<uuid, watch_update::trouble> troubles;
  /// What was asked of store and provider: `plan`, `create`, `stop old`, …
  std::vector<std::string> journal;
  std::vector<due_watches_request> reads;
  /// Failures of the next calls; none: they succeed.
  std::deque<failure> read_failures;
  std::deque<failure> record_failures;
  std::vector<watch_update> updates;
  /// On whose behalf updates were recorded.
  std::vector<std::pair<run_ref, std::string>> fences;
  /// Connections are gone once they were read.
  bool forget_on_read = false;

  due_watches find(const due_watches_request& x) {
    reads.push_back(x);
    due_watches out;
    for (auto& [id, watch] : connections)
      if ((!x.after || id > *x.after) && watch.expires_at < x.now + x.within && out.watches.size() < x.limit)
        out.watches.push_back(watch);
    if (forget_on_read)
      connections.clear();
    return out;
  }

  watches_recorded record(const record_watches_request& x) {
    watches_recorded out;
    fences.emplace_back(x.run, x.worker);
    for (auto& update : x.updates)
      if (!record(update))
        out.lost.push_back(update.connection_id);
    return out;
  }

private:
  bool record(const watch_update& x) {
    updates.push_back(x);
    journal.push_back(x.token     ? "keep token"
                      : x.planned ? "plan"
                      : x.created ? "keep channel"
                                  : "note trouble");
    auto i = connections.find(x.connection_id);
    if (i == connections.end() || (x.created && i->second.channel_id != x.created->replaces)
        || (x.token && i->second.refresh_token.reveal() != x.token->used.reveal()))
      return false;
    auto& watch = i->second;
    if (x.token) {
      watch.access_token = x.token->access_token;
      watch.token_expires_at = x.token->expires_at;
      if (!x.token->refresh_token.empty())
        watch.refresh_token = x.token->refresh_token;
    }
    if (x.planned)
      watch.planned_channels.push_back(*x.planned);
    if (x.created) {
      watch.channel_id = x.created->channel_id;
      watch.resource_id = x.created->resource_id;
      watch.expires_at = x.created->expires_at;
      watch.planned_channels.clear();
      troubles.erase(x.connection_id);
    }
    if (x.failed)
      troubles[x.connection_id] = *x.failed;
    return true;
  }
};

/// The provider. Without a script every call is done.
struct calendar_script {
  std::shared_ptr<scripted_watches> watches;
  std::shared_ptr<const clock> time;
  /// Answers of the next calls, by kind of call; an error stands for a gate whose worker died.
  std::deque<std::variant<calendar_answer, failure>> refreshes, creations, stops;
  /// Decides instead, when set; by the channel or refresh token of the call.
  std::function<std::optional<calendar_verdict>(const calendar_call&)> decide;
  std::vector<calendar_call> calls;
  std::vector<timestamp> times;
  /// Calls wait until the gate is told `freed`.
  bool hold = false;
  std::deque<std::pair<calendar_call_ptr, caf::typed_response_promise<calendar_answer_ptr>>> held;
  std::size_t most_held = 0;
};

using calendar_script_ptr = std::shared_ptr<calendar_script>;

inline calendar_answer refusal(calendar_verdict verdict, std::string reason = "the provider said no") {
  calendar_answer out;
  out.verdict = verdict;
  out.why = {verdict == calendar_verdict::try_later ? failure_class::transient : failure_class::permanent,
             std::move(reason)};
  return out;
}

inline calendar_answer granted(const calendar_script& script, const calendar_call& x) {
  calendar_answer out;
  if (std::holds_alternative<token_refresh>(x)) {
    out.access_token = secret{std::string{"fresh token"}};
    out.expires_in = std::chrono::hours{1};
  } else if (auto* creation = std::get_if<watch_creation>(&x)) {
    out.resource_id = "resource of " + creation->calendar_id;
    out.expires_at = script.time->now() + creation->ttl;
  }
  return out;
}

inline caf::result<calendar_answer_ptr> answer_of(calendar_script& script, const calendar_call& x) {
  if (auto verdict = script.decide ? script.decide(x) : std::nullopt) {
    auto out = *verdict == calendar_verdict::done ? granted(script, x) : refusal(*verdict);
    return std::make_shared<const calendar_answer>(std::move(out));
  }
  auto& answers = std::holds_alternative<token_refresh>(x)    ? script.refreshes
                  : std::holds_alternative<watch_creation>(x) ? script.creations
                                                              : script.stops;
  if (answers.empty())
    return std::make_shared<const calendar_answer>(granted(script, x));
  auto next = std::move(answers.front());
  answers.pop_front();
  if (auto* why = std::get_if<failure>(&next))
    return to_error(*why);
  return std::make_shared<const calendar_answer>(std::get<calendar_answer>(std::move(next)));
}

inline std::string title_of(const calendar_call& x) {
  if (auto* stop = std::get_if<watch_stop>(&x))
    return "stop " + stop->channel_id;
  return std::holds_alternative<token_refresh>(x) ? "refresh" : "create";
}

inline calendar_gate_actor::behavior_type scripted_calendar(calendar_gate_actor::pointer self,
                                                            calendar_script_ptr script) {
  return {
      [](status_atom) {
        return stage_status{"scripted_calendar", "running", {}, {}};
      },
      [self, script](const calendar_call_ptr& x) -> caf::result<calendar_answer_ptr> {
        script->calls.push_back(*x);
        script->times.push_back(script->time->now());
        script->watches->journal.push_back(title_of(*x));
        if (!script->hold)
          return answer_of(*script, *x);
        script->held.emplace_back(x, self->make_response_promise<calendar_answer_ptr>());
        script->most_held = std::max(script->most_held, script->held.size());
        return script->held.back().second;
      },
      // Answers the oldest call that is held.
      [script](freed_atom, std::uint64_t) {
        if (script->held.empty())
          return;
        auto [x, promise] = std::move(script->held.front());
        script->held.pop_front();
        promise.deliver(std::make_shared<const calendar_answer>(granted(*script, *x)));
      },
  };
}

} // namespace herald::testing
