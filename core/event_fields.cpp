#include "core/event_fields.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace herald {

namespace {

std::optional<uuid> column(const domain_event& row, std::string_view field) {
  if (field == "project_id")
    return row.project_id;
  if (field == "resource_id")
    return row.resource_id;
  if (field == "thread_id")
    return row.thread_id;
  if (field == "meeting_id")
    return row.meeting_id;
  return std::nullopt;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (auto word : words)
    out.append(out.empty() ? "" : " or ").append(word);
  return out;
}

} // namespace

std::optional<uuid> find_id(const event& x, std::string_view field) {
  auto id = column(x.row, field);
  return id ? id : x.data.id(field);
}

std::optional<std::string> find_name(const event& x, std::string_view key) {
  auto text = x.data.text(key);
  if (!text)
    return std::nullopt;
  auto name = one_line(*text, name_limit);
  return name.empty() ? std::nullopt : std::optional{std::move(name)};
}

uuid required_fields::id(std::string_view field) {
  auto found = find_id(event_, field);
  if (!found)
    report(field, "a UUID");
  return found.value_or(nil_uuid);
}

std::string required_fields::name(std::string_view key) {
  auto found = find_name(event_, key);
  if (!found)
    report(key, "a non-empty string");
  return found.value_or("");
}

std::int64_t required_fields::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  auto found = event_.data.integer(key);
  if (found && *found >= min && *found <= max)
    return *found;
  report(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  return min;
}

std::string required_fields::one_of(std::string_view key, const std::vector<std::string_view>& words) {
  auto found = event_.data.text(key);
  if (found && std::ranges::find(words, *found) != words.end())
    return *found;
  report(key, joined(words));
  return {};
}

failure required_fields::why_not() const {
  return {failure_class::permanent, event_.row.type + " event " + std::to_string(event_.row.id)
                                        + " cannot be handled: it needs " + problems_
                                        + "; correct whoever writes the event, a retry cannot help"};
}

void required_fields::report(std::string_view field, std::string_view expected) {
  problems_.append(problems_.empty() ? "'" : ", '").append(field).append("' (").append(expected).append(")");
}

} // namespace herald
