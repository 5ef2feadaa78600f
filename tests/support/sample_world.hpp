// One sample event per event type, with the small world it happens in: tests/core/events/<event_type>.json.
// All samples tell of the same people, org and project.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/handlers.hpp"
#include "messages/context.hpp"
#include "messages/event.hpp"
#include "messages/fan_out.hpp"

namespace herald::testing {

/// The cast of the samples. Ana works for the platform and causes most events; Ben and Cleo own Harbor
/// Capital, to which the project Tower belongs; Dan and Eve were let into the project; Zoe is unknown to it.
namespace cast {
extern const uuid ana, ben, cleo, dan, eve, zoe;
extern const uuid harbor_capital, tower, plan_pdf, general, kick_off;
} // namespace cast

struct sample {
  domain_event event;
  batch_context world;
  /// The channels that the event type has.
  std::vector<channel> channels;
  /// Everybody whom the rules of the type look at, whether they get anything or not.
  std::vector<uuid> candidates;
  handler_settings settings;

  context as_context() const { return {world, settings}; }
};

/// Reads a sample. Throws std::runtime_error with the file's name when it cannot be used.
sample load_sample(std::string_view event_type);

/// The event types that have a sample, sorted.
std::vector<std::string> sample_types();

/// Changes one key of the event's payload.
void set_payload(sample&, std::string_view key, const nlohmann::json& value);
void remove_payload(sample&, std::string_view key);

/// Adds a preference of a user.
void prefer(sample&, const uuid& user, preference);

/// A preference row for all scopes, muted.
preference muted_everywhere(std::string_view event_type = "*", std::string_view channel = "*");

/// Sends the sample through the handler of its type.
result<fan_out_plan> handle(const sample&);

} // namespace herald::testing
