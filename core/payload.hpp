// Reading and writing the JSON objects of events and notifications, with hostile input in mind. Keeps the
// JSON library out of every other header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "messages/failure.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// The payload of one event: a JSON object, immutable, cheap to copy. A key that is missing, null or '' reads
/// as nothing, as does a value of another type than the one asked for.
class payload {
public:
  /// An empty object.
  payload();

  /// Parses the text of `domain_events.payload`. Empty text (a NULL column) gives an empty object. Anything
  /// but an object, broken JSON, invalid UTF-8, nesting deeper than 64 or text longer than 1 MiB is a
  /// permanent failure.
  static result<payload> parse(std::string_view text);

  /// A non-empty string.
  std::optional<std::string> text(std::string_view key) const;
  /// A string that is a canonical UUID.
  std::optional<uuid> id(std::string_view key) const;
  /// An integer, also when it was written as 3.0 or "3".
  std::optional<std::int64_t> integer(std::string_view key) const;
  /// A boolean; nothing else counts as true or false.
  std::optional<bool> flag(std::string_view key) const;
  /// The canonical UUIDs in an array; other elements are passed over.
  std::vector<uuid> ids(std::string_view key) const;
  /// The object below a key; nothing if it is none.
  std::optional<payload> object(std::string_view key) const;

  const nlohmann::json& json() const { return *object_; }

private:
  explicit payload(std::shared_ptr<const nlohmann::json> x);
  std::shared_ptr<const nlohmann::json> object_;
};

/// Builds the text of a JSON object. Keys come out sorted; strings that are not valid UTF-8 are repaired with
/// U+FFFD, never refused.
class json_object {
public:
  json_object();
  ~json_object();
  json_object(json_object&&) noexcept;
  json_object& operator=(json_object&&) noexcept;

  json_object& set(std::string_view key, std::string_view value);
  json_object& set(std::string_view key, const std::string& value);
  json_object& set(std::string_view key, const char* value);
  json_object& set(std::string_view key, std::int64_t value);
  json_object& set(std::string_view key, int value);
  json_object& set(std::string_view key, bool value);
  json_object& set(std::string_view key, const uuid& value);
  /// Writes null when there is nothing.
  json_object& set(std::string_view key, const std::optional<uuid>& value);
  json_object& set(std::string_view key, const std::optional<std::string>& value);
  /// Copies a parsed object.
  json_object& set(std::string_view key, const payload& value);
  /// An array of objects.
  json_object& set(std::string_view key, const std::vector<json_object>& value);

  std::string str() const;

private:
  std::unique_ptr<nlohmann::json> object_;
};

} // namespace herald
