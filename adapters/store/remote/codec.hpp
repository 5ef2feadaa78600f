// Requests and answers of the store as JSON text: how C++ and the database's functions speak to each other.
// A struct is an object with its members' names as keys; times and spans are whole milliseconds; enums go by
// name; what is optional may be null. Texts that hold JSON (payloads, bodies) stay texts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/doctor.hpp"
#include "messages/calendar.hpp"
#include "messages/failure.hpp"
#include "messages/job.hpp"
#include "messages/outbox.hpp"
#include "messages/store.hpp"

namespace herald::remote {

// -- the parameters of calls that have no request struct ----------------------------------------------------

struct insert_events_request {
  std::span<const new_event> events;
  timestamp now{};
};

struct status_request {
  timestamp now{};
  duration max_age{};
};

struct explain_request {
  std::int64_t event_id = 0;
};

struct list_request {
  std::uint32_t limit = 0;
};

/// What should be in the database, by name, and by which measures its work is judged.
struct doctor_request {
  std::vector<std::string> functions;
  std::vector<std::string> tables;
  std::vector<std::string> indexes;
  std::vector<std::string> triggers;
  timestamp now{};
  duration lease{};
  duration max_age{};
};

struct events_request {
  std::span<const std::int64_t> event_ids;
  timestamp now{};
};

struct mails_request {
  std::span<const std::int64_t> mail_ids;
  timestamp now{};
};

struct read_mail_request {
  std::int64_t row_id = 0;
  timestamp now{};
};

struct supervision_request {
  std::span<const supervision_note> notes;
};

struct summarize_watches_request {
  timestamp now{};
};

struct empty_request {};

/// An answer that is no struct of its own: a list, a number, or something that may be missing.
template <class T> struct wrapped { T result{}; };

// -- both directions ----------------------------------------------------------------------------------------

/// Defined for every request and, so that a test can play the database, every answer. Bytes that are no UTF-8
/// become U+FFFD, as do zero bytes, which the database cannot keep.
template <class T> std::string encode(const T& x);

/// Defined for every answer. Every key has to be there and of its type, whole numbers within their range;
/// keys that are not known are passed over. Else the failure (transient) names the function and the field.
template <class T> result<T> decode(std::string_view function, std::string_view answer);

} // namespace herald::remote
