#include "core/preferences.hpp"

#include <algorithm>
#include <tuple>

namespace herald {

namespace {

constexpr std::string_view any = "*";

bool applies(const preference& row, const preference_query& query) {
  switch (row.scope) {
  case preference_scope::global:
    return true;
  case preference_scope::project:
    return query.project_id && row.scope_id == query.project_id;
  case preference_scope::thread:
    return query.thread_id && row.scope_id == query.thread_id;
  }
  return false;
}

bool names(const preference& row, const preference_query& query) {
  return std::ranges::find(query.event_types, row.event_type) != query.event_types.end();
}

/// How much a relevant row weighs; the heaviest decides. The enumerators of scope and status are in ascending
/// order of precision and strictness.
auto weight(const preference& row) {
  return std::tuple{row.scope, row.event_type != any, row.channel != any, row.status};
}

} // namespace

std::optional<preference_status> decide(std::span<const preference> rows, const preference_query& query,
                                        channel asked) {
  const preference* best = nullptr;
  for (auto& row : rows) {
    if (!applies(row, query))
      continue;
    if (row.event_type != any && !names(row, query))
      continue;
    if (row.channel != any && row.channel != to_string(asked))
      continue;
    if (!best || weight(row) > weight(*best))
      best = &row;
  }
  return best ? std::optional{best->status} : std::nullopt;
}

bool wants_in_app(std::span<const preference> rows, const preference_query& query) {
  return decide(rows, query, channel::in_app) != preference_status::muted;
}

email_delivery wants_email(std::span<const preference> rows, const preference_query& query,
                           email_delivery fallback) {
  if (auto status = decide(rows, query, channel::email)) {
    switch (*status) {
    case preference_status::muted:
      return email_delivery::none;
    case preference_status::immediate:
      return email_delivery::immediate;
    case preference_status::digest:
      return email_delivery::aggregated;
    }
  }
  return wants_in_app(rows, query) ? fallback : email_delivery::none;
}

} // namespace herald
