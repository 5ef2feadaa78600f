// Stores mail instead of sending it, for development and staging: one file per mail that any mail program
// opens, and an answer in the provider's form.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/clock.hpp"
#include "adapters/mail/mail_transport.hpp"
#include "messages/failure.hpp"

namespace herald {

/// A mail as its recipient would have got it.
struct captured_mail {
  /// Derived from key and position: the same mail has the same id always.
  std::string id;
  std::string idempotency_key;
  std::string from;
  /// All recipients, separated by `, `.
  std::string to;
  std::string subject;
  std::string html;
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Where else captured mails go, e.g. into a table that a page shows.
class captured_mail_sink {
public:
  virtual ~captured_mail_sink() = default;

  /// Called on the transport's thread, again with the same id whenever a request is repeated: a known id
  /// changes nothing. After a failure the provider's place is taken to be down, and the request comes again.
  virtual result<void> store(const captured_mail& mail) = 0;
};

struct capture_options {
  /// Made when missing; the files in it also are the memory of idempotency keys.
  std::string directory = "captured-mail";
};

/// Fails (outage) when the directory cannot be made or written. `time` and `sink` (null for none) have to
/// outlive the transport.
///
/// The transport keeps the provider's rules that a caller can run into: a key that came with other bytes is
/// answered 409, broken requests 400 and 422, and a batch is taken in permissive mode. When a file or the sink
/// fails, there is no answer but an error; the repeated request then completes what is missing.
result<std::unique_ptr<mail_transport>>
open_capture_transport(const capture_options& options, const clock& time, captured_mail_sink* sink = nullptr);

} // namespace herald
