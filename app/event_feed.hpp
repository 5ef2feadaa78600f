// Events from people and scripts: JSON lines, or options on the command line, strictly read into events for
// the log.
//
// A feed has one JSON object per line:
//   {"event_type": "document_uploaded", "project_id": "…", "payload": {"fileName": "Rent Roll.xlsx"}}
// Keys: event_type (required); actor_id, project_id, resource_id, thread_id, meeting_id (UUID or null);
// payload (any JSON, kept to the letter; null for none); created_at (ISO 8601 with a zone, null or missing
// for now).
// Empty lines and lines that start with # are passed over. Anything else is an error: an event that was not
// understood must not be half taken.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"
#include "messages/store.hpp"

namespace herald {

/// Longest payload an event may bring along, in bytes of JSON text.
inline constexpr std::size_t max_payload_size = std::size_t{1024} * 1024;

/// Longest line of a feed, in bytes: a payload of full size and room for everything else.
inline constexpr std::size_t max_feed_line_size = max_payload_size + std::size_t{64} * 1024;

/// How many errors of one feed are kept; further ones are only counted.
inline constexpr std::size_t max_feed_errors = 20;

struct event_feed {
  /// In the order of the lines. Use them only when there are no errors: a feed is taken whole or not at all.
  std::vector<new_event> events;
  /// `file:line: what is wrong and what was expected`, safe to print; at most max_feed_errors.
  std::vector<std::string> errors;
  /// How many more errors there were.
  std::size_t errors_left_out = 0;
};

/// Reads a whole feed; `source` is the name that errors carry. Never throws; a stream that cannot be read to
/// its end is an error like any other.
event_feed read_event_feed(std::istream& in, std::string_view source);

/// One event from the command line. Each of `fields` is
///  - `column=value` for a column of the event, e.g. `project_id=…` or `created_at=…`;
///  - `payload.key=text` for a string in the payload;
///  - `payload.key:=json` for any other JSON value in it.
/// `payload_text` is the whole payload as JSON and excludes fields in it. A permanent failure names
/// everything that is wrong, one problem per line.
result<new_event> event_from_options(std::string_view type, std::span<const std::string> fields,
                                     const std::optional<std::string>& payload_text);

} // namespace herald
