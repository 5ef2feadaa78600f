// The fields of an event as the rules read them: a column of the row first, then the payload; '' is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/handlers.hpp"
#include "messages/failure.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// An id that may be missing. `field` names a column (project_id, resource_id, thread_id, meeting_id), a
/// payload key, or both.
std::optional<uuid> find_id(const event&, std::string_view field);

/// A name from the payload that may be missing: on one line, at most name_limit characters, never empty.
std::optional<std::string> find_name(const event&, std::string_view key);

/// Reads the fields an event cannot do without, and reports all that are missing at once:
///
///     auto fields = required_fields{x};
///     auto thread = fields.id("thread_id");
///     auto user = fields.id("user_id");
///     if (!fields.complete())
///       return fields.why_not();
class required_fields {
public:
  explicit required_fields(const event& x) : event_{x} {}

  /// As find_id; the nil UUID when it is missing.
  uuid id(std::string_view field);
  /// As find_name; empty when it is missing.
  std::string name(std::string_view key);
  /// An integer in [min, max]; `min` when it is missing or lies outside.
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max);
  /// One of a few words; empty when it is missing or another one.
  std::string one_of(std::string_view key, const std::vector<std::string_view>& words);

  bool complete() const { return problems_.empty(); }

  /// The permanent failure that names the event and every field that cannot be used.
  /// @pre not complete()
  failure why_not() const;

private:
  void report(std::string_view field, std::string_view expected);

  const event& event_;
  std::string problems_;
};

} // namespace herald
