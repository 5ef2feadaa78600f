// Enums by name, in both directions. Each has one table of all its values.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "messages/context.hpp"
#include "messages/email.hpp"
#include "messages/failure.hpp"
#include "messages/fan_out.hpp"
#include "messages/job.hpp"
#include "messages/outbox.hpp"

namespace herald::remote {

template <class E> inline constexpr std::array<E, 0> values_of{};
template <>
inline constexpr std::array values_of<begin_verdict>{begin_verdict::begun, begin_verdict::settled,
                                                     begin_verdict::busy};
template <> inline constexpr std::array values_of<channel>{channel::in_app, channel::email};
template <>
inline constexpr std::array values_of<email_endpoint>{email_endpoint::single, email_endpoint::batch};
template <> inline constexpr std::array values_of<email_lane>{email_lane::immediate, email_lane::digest};
template <>
inline constexpr std::array values_of<envelope_fate>{envelope_fate::settled, envelope_fate::retry,
                                                     envelope_fate::deferred, envelope_fate::parked,
                                                     envelope_fate::split};
template <>
inline constexpr std::array values_of<failure_class>{failure_class::transient, failure_class::permanent,
                                                     failure_class::crash, failure_class::outage};
template <>
inline constexpr std::array values_of<preference_scope>{preference_scope::global, preference_scope::project,
                                                        preference_scope::thread};
template <>
inline constexpr std::array values_of<preference_status>{preference_status::immediate,
                                                         preference_status::digest, preference_status::muted};
template <> inline constexpr std::array values_of<row_ending>{row_ending::skipped, row_ending::failed};
template <>
inline constexpr std::array values_of<run_cause>{run_cause::schedule, run_cause::catch_up, run_cause::hand};
template <>
inline constexpr std::array values_of<run_state>{run_state::running, run_state::ran, run_state::late,
                                                 run_state::missed, run_state::failed};

constexpr std::string_view name_of(preference_scope x) {
  return std::array<std::string_view, 3>{"global", "project", "thread"}.at(static_cast<std::size_t>(x));
}

constexpr std::string_view name_of(preference_status x) {
  return std::array<std::string_view, 3>{"immediate", "digest", "muted"}.at(static_cast<std::size_t>(x));
}

template <class E> std::string_view name_of(E x) {
  return to_string(x);
}

/// Nothing for a name that no value has.
template <class E> std::optional<E> value_named(std::string_view name) {
  static_assert(!values_of<E>.empty(), "this enum has no table of its values");
  for (auto x : values_of<E>)
    if (name == name_of(x))
      return x;
  return std::nullopt;
}

} // namespace herald::remote
