// Events as the demo company's people would cause them: every type Herald knows, in the shape in which the
// platform writes them, and on request the troublesome kind as well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "app/demo/company.hpp"
#include "core/random.hpp"
#include "messages/store.hpp"
#include "messages/time.hpp"

namespace herald {

/// Every event type that the generators below can make, sorted by name: those of Herald's handler table,
/// without the demo's own.
std::span<const std::string_view> demo_event_types();

/// One well-formed event of `type` that the people of the company might cause at `at`; actor, project and
/// recipients are drawn from `random`.
/// @pre type is one of demo_event_types()
new_event make_demo_event(const company&, std::string_view type, random_source& random, timestamp at);

// -- the demo -----------------------------------------------------------------------------------------------

struct demo_event_options {
  /// Ordinary events: every type at least once (≥ 14), the rest in the mix of a busy platform.
  std::size_t count = 300;
  std::uint64_t seed = 1;
  /// The events happened in the hour before.
  timestamp now{};
};

/// `count` ordinary events, and among them:
///  - one click on the data room: a document_permission_granted per file in it, all to the newcomer;
///  - a lively thread: ten messages within a minute, two of which mention somebody;
///  - an event of a type nobody knows, `lender_quote_received`;
///  - three events that cannot be understood: a payload that is an array, and two that miss a required field;
///  - an event that is older than a day;
///  - four events of the type `demo_crash`, one of which kills its handler (app/demo/crash_handler.hpp).
/// In the order in which they happened.
std::vector<new_event> demo_events(const company&, const demo_event_options&);

// -- streams for benchmarks ---------------------------------------------------------------------------------

struct mixed_event_options {
  std::uint64_t seed = 1;
  /// created_at of all events; keep it within the age that Herald still picks up.
  timestamp at{};
  /// Nothing but events of this type; empty for the mix of a busy platform.
  std::string_view only_type;
};

/// The event at `index` of an endless stream of well-formed events; the same index gives the same event
/// whatever was asked before, so that a stream of any length needs no memory.
new_event mixed_event(const company&, const mixed_event_options&, std::uint64_t index);

/// Events `first` to `first + count - 1` of that stream.
std::vector<new_event> mixed_events(const company&, const mixed_event_options&, std::uint64_t first,
                                    std::size_t count);

} // namespace herald
