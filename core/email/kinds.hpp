// The kinds of mail: one per event type that mails, and one for types without their own.
//
// A new kind is a row of the table in kinds.cpp, and three templates: its sentence (.md, which digests show as
// well), its page (.html) and its text (.txt).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/payload.hpp"
#include "messages/email.hpp"

namespace herald {

/// The values of a row's `body_data`, made safe. What is missing, or of another type, has its fallback.
class row_fields {
public:
  explicit row_fields(const email_row& row);

  /// One line of at most name_limit characters.
  std::string name(std::string_view key, std::string_view fallback) const;
  std::optional<std::int64_t> number(std::string_view key) const;
  /// `link_url` as it stands there; not safe before absolute_link.
  std::string link() const;
  /// Several lines, bounded; empty when missing.
  std::string block(std::string_view key) const;

private:
  payload data_;
};

struct email_kind {
  /// Also the base name of its templates.
  std::string_view event_type;
  /// What digests call a list of them; the generic kind leaves it to event_type_words.
  std::string_view label;
  /// Sets the variables that only this kind has, all of them, whatever the row holds.
  void (*fill)(const row_fields&, nlohmann::json& view);
};

/// Sorted by event type.
std::span<const email_kind> email_kinds();

/// The kind of types that have none; its event_type is `generic`.
const email_kind& generic_email_kind();

/// The kind that mails of an event type are rendered as.
const email_kind& email_kind_for(std::string_view event_type);

/// An event type in words: `deal_closed` is "Deal closed".
std::string event_type_words(std::string_view event_type);

} // namespace herald
