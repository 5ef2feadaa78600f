#include "app/event_feed.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/strict_json.hpp"
#include "app/terminal_text.hpp"
#include "config/near_miss.hpp"
#include "core/iso8601.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

using nlohmann::json;

constexpr std::size_t max_type_length = 64;

/// Longest piece of a feed that an error repeats, in characters.
constexpr std::size_t max_quoted = 60;

struct id_column {
  std::string_view name;
  std::optional<uuid> new_event::*member;
};

constexpr std::array id_columns{
    id_column{"actor_id", &new_event::actor_id},     id_column{"meeting_id", &new_event::meeting_id},
    id_column{"project_id", &new_event::project_id}, id_column{"resource_id", &new_event::resource_id},
    id_column{"thread_id", &new_event::thread_id},
};

constexpr std::array<std::string_view, 8> feed_keys{"actor_id", "created_at", "event_type",  "meeting_id",
                                                    "payload",  "project_id", "resource_id", "thread_id"};

constexpr std::array<std::string_view, 6> option_keys{"actor_id",   "created_at",  "meeting_id",
                                                      "project_id", "resource_id", "thread_id"};

std::string in_quotes(std::string_view text) {
  return "\"" + printable(text, max_quoted) + "\"";
}

bool is_event_type(std::string_view text) {
  return !text.empty() && text.size() <= max_type_length && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
  auto out = "unknown key " + in_quotes(key);
  if (auto meant = near_miss(key, {known.begin(), known.end()}))
    return out + "; did you mean " + in_quotes(*meant) + "?";
  out += "; the keys are ";
  for (auto name : known)
    out.append(name == known.front() ? "" : ", ").append(name);
  return out;
}

// -- columns: set from text, or say what was expected -------------------------------------------------------

using problem = std::optional<std::string>;

problem set_event_type(new_event& event, std::string_view text) {
  if (!is_event_type(text))
    return "event_type must be 1 to 64 lower-case letters, digits or underscores, e.g. "
           "\"document_uploaded\", not "
           + in_quotes(text);
  event.type = text;
  return std::nullopt;
}

problem set_id(new_event& event, const id_column& column, std::string_view text) {
  event.*column.member = parse_uuid(text);
  if (event.*column.member)
    return std::nullopt;
  return std::string{column.name} + " must be a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301, not "
         + in_quotes(text);
}

problem set_created_at(new_event& event, std::string_view text) {
  event.created_at = from_iso8601(text);
  if (event.created_at)
    return std::nullopt;
  return "created_at must be an instant such as 2026-01-20T14:30:45Z or 2026-01-20T14:30:45.123+01:00, not "
         + in_quotes(text);
}

problem set_payload(new_event& event, std::string_view text) {
  if (text.size() > max_payload_size)
    return "payload has " + std::to_string(text.size()) + " bytes; at most "
           + std::to_string(max_payload_size) + " are accepted";
  event.payload = text == "null" ? "" : text;
  return std::nullopt;
}

/// Sets any column but event_type and payload.
problem set_column(new_event& event, std::string_view key, std::string_view text) {
  if (key == "created_at")
    return set_created_at(event, text);
  for (auto& column : id_columns)
    if (column.name == key)
      return set_id(event, column, text);
  return unknown_key(key, option_keys);
}

// -- one line of a feed -------------------------------------------------------------------------------------

problem set_member(new_event& event, const json_member& member) {
  auto& [key, text] = member;
  if (key == "payload")
    return set_payload(event, text);
  auto is_type = key == "event_type";
  if (text == "null" && !is_type)
    return std::nullopt;
  if (!text.starts_with('"'))
    return key + (is_type ? " must be a string, not " : " must be a string or null, not ")
           + printable(text, max_quoted);
  auto value = json::parse(text).get<std::string>();
  return is_type ? set_event_type(event, value) : set_column(event, key, value);
}

/// All that is wrong with one line, or the event in it.
std::vector<std::string> read_line(std::string_view line, new_event& event) {
  auto members = object_members(line);
  if (!members)
    return {members.error().reason};
  std::vector<std::string> problems;
  std::vector<std::string_view> seen;
  for (auto& member : *members) {
    if (std::find(feed_keys.begin(), feed_keys.end(), member.key) == feed_keys.end())
      problems.push_back(unknown_key(member.key, feed_keys));
    else if (std::find(seen.begin(), seen.end(), member.key) != seen.end())
      problems.push_back("the key " + in_quotes(member.key) + " is there twice");
    else if (seen.push_back(member.key); auto wrong = set_member(event, member))
      problems.push_back(std::move(*wrong));
  }
  if (std::find(seen.begin(), seen.end(), "event_type") == seen.end())
    problems.emplace_back("event_type is missing; it says what happened, e.g. \"document_uploaded\"");
  return problems;
}

// -- the feed -----------------------------------------------------------------------------------------------

class feed_reader {
public:
  feed_reader(std::istream& in, std::string_view source)
      : in_{in}, source_{printable(source)}, buffer_(max_feed_line_size + 1) {
    // nop
  }

  event_feed read() && {
    while (in_ && !in_.eof()) {
      in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
      if (in_.bad())
        break;
      ++line_;
      on_line();
    }
    if (in_.bad() || (in_.fail() && !in_.eof()))
      report(source_, "cannot be read to its end; is it a readable file?");
    return std::move(feed_);
  }

private:
  void on_line() {
    auto size = static_cast<std::size_t>(in_.gcount());
    if (in_.fail() && !in_.eof()) { // the buffer is full and the line goes on
      in_.clear(in_.rdstate() & ~std::ios::failbit);
      in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
      return report_line("the line is longer than " + std::to_string(max_feed_line_size) + " bytes");
    }
    // Unless the stream ended first, what was extracted last is the line break.
    std::string_view line{buffer_.data(), size - (in_.eof() || size == 0 ? 0 : 1)};
    if (line_ == 1 && line.starts_with("\xEF\xBB\xBF"))
      line.remove_prefix(3);
    auto first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#')
      return;
    new_event event;
    auto problems = read_line(line, event);
    for (auto& what : problems)
      report_line(what);
    if (problems.empty() && feed_.errors.empty())
      feed_.events.push_back(std::move(event));
  }

  void report_line(const std::string& what) { report(source_ + ":" + std::to_string(line_), what); }

  void report(const std::string& where, const std::string& what) {
    if (feed_.errors.size() < max_feed_errors)
      feed_.errors.push_back(where + ": " + what);
    else
      ++feed_.errors_left_out;
    // A feed with errors is refused as a whole; its events need no memory.
    feed_.events.clear();
  }

  std::istream& in_;
  std::string source_;
  std::vector<char> buffer_;
  std::size_t line_ = 0;
  event_feed feed_;
};

// -- options ------------------------------------------------------------------------------------------------

class option_reader {
public:
  explicit option_reader(bool whole_payload) : whole_payload_{whole_payload} {
    // nop
  }

  void on_type(std::string_view type) { report(set_event_type(event_, type)); }

  void on_payload(const std::string& text) {
    if (auto why = json_problem(text))
      return report("payload is no JSON: " + *why);
    report(set_payload(event_, text));
  }

  void on_field(std::string_view field) {
    auto equals = field.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return report("expected column=value or payload.key=text, not " + in_quotes(field));
    auto key = field.substr(0, equals);
    auto value = field.substr(equals + 1);
    if (std::find(seen_.begin(), seen_.end(), key) != seen_.end())
      return report(in_quotes(key) + " is given twice");
    seen_.push_back(key);
    if (key.starts_with("payload."))
      on_payload_field(key.substr(8), value);
    else
      report(set_column(event_, key, value));
  }

  result<new_event> finish() && {
    if (!members_.empty())
      report(set_payload(event_, "{" + members_ + "}"));
    if (problems_.empty())
      return std::move(event_);
    return failure{failure_class::permanent, std::move(problems_)};
  }

private:
  void on_payload_field(std::string_view key, std::string_view value) {
    auto is_json = key.ends_with(':');
    if (is_json)
      key.remove_suffix(1);
    auto name = "payload." + printable(key, max_quoted);
    if (whole_payload_)
      return report(name + " cannot be combined with a whole payload");
    if (key.empty() || invalid_utf8_at(key) || invalid_utf8_at(value))
      return report("a payload field needs a name, and name and value must be valid UTF-8: " + name);
    if (std::find(payload_keys_.begin(), payload_keys_.end(), key) != payload_keys_.end())
      return report(name + " is given twice");
    payload_keys_.push_back(key);
    if (auto why = is_json ? json_problem(value) : std::nullopt)
      return report(name + " is no JSON: " + *why);
    members_ += (members_.empty() ? "" : ",") + json(key).dump() + ":";
    members_ += is_json ? std::string{value} : json(value).dump();
  }

  void report(const problem& what) {
    if (what)
      problems_.append(problems_.empty() ? "" : "\n").append(*what);
  }

  bool whole_payload_;
  new_event event_;
  std::vector<std::string_view> seen_;
  std::vector<std::string_view> payload_keys_;
  /// What stands between the braces of a payload that is put together from fields.
  std::string members_;
  std::string problems_;
};

} // namespace

event_feed read_event_feed(std::istream& in, std::string_view source) {
  return feed_reader{in, source}.read();
}

result<new_event> event_from_options(std::string_view type, std::span<const std::string> fields,
                                     const std::optional<std::string>& payload_text) {
  option_reader reader{payload_text.has_value()};
  reader.on_type(type);
  if (payload_text)
    reader.on_payload(*payload_text);
  for (auto& field : fields)
    reader.on_field(field);
  return std::move(reader).finish();
}

} // namespace herald
