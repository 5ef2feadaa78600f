#include "config/reference.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "config/option_table.hpp"

namespace herald {

namespace {

using json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const auto& x : words)
    out.append(out.empty() ? "" : separator).append(x);
  return out;
}

json value_of(const option& x, const configuration& cfg) {
  return json(to_json(x, cfg));
}

// -- schema -------------------------------------------------------------------------------------------------

std::string environment_note(const option& x) {
  return x.environment.empty() ? "" : " Environment: " + joined(x.environment, ", ") + ".";
}

/// The description with unit and environment, for places where they have no column of their own.
std::string full_description(const option& x) {
  return x.description + (x.unit.empty() ? "" : " In " + x.unit + ".") + environment_note(x);
}

void add_constraints(json& out, const option& x) {
  switch (x.type) {
  case option_type::boolean:
    out["type"] = "boolean";
    break;
  case option_type::integer:
    out["type"] = "integer";
    out["minimum"] = static_cast<std::int64_t>(x.min);
    out["maximum"] = static_cast<std::int64_t>(x.max);
    break;
  case option_type::number:
    out["type"] = "number";
    out["minimum"] = x.min;
    out["maximum"] = x.max;
    break;
  case option_type::text:
    out["type"] = "string";
    out["minLength"] = static_cast<std::int64_t>(x.min);
    out["maxLength"] = static_cast<std::int64_t>(x.max);
    out["pattern"] = R"(^[^\u0000-\u001f\u007f]*$)";
    break;
  case option_type::choice:
    out["enum"] = x.choices;
    break;
  case option_type::id_list:
    out["type"] = "array";
    out["items"] = {
        {"type", "string"},
        {"pattern", "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"}};
    break;
  }
}

json empty_object(const std::string& description) {
  return {{"description", description},
          {"type", "object"},
          {"additionalProperties", false},
          {"properties", json::object()}};
}

/// The place of a pointer in the schema: every segment is a property of the one before.
json::json_pointer schema_place(const std::string& pointer) {
  std::string out;
  for (auto c : pointer)
    out.append(c == '/' ? "/properties/" : std::string(1, c));
  return json::json_pointer{out};
}

// -- sample -------------------------------------------------------------------------------------------------

constexpr std::size_t line_width = 110;

/// The text as `//` comments of at most line_width columns.
std::string comment(const std::string& text, const std::string& indent) {
  std::string out;
  auto line = indent + "//";
  for (std::size_t begin = 0; begin < text.size();) {
    auto end = std::min(text.find(' ', begin), text.size());
    auto word = text.substr(begin, end - begin);
    if (line.size() + 1 + word.size() > line_width) {
      out += line + "\n";
      line = indent + "//";
    }
    line += " " + word;
    begin = end + 1;
  }
  return out + line + "\n";
}

std::string allowed(const option& x) {
  auto out = expectation(x);
  out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

/// Writes objects and their comments as the pointers go by.
class sample_writer {
public:
  void write(const option& x, const json& value) {
    auto parent = x.pointer.substr(0, x.pointer.rfind('/'));
    enter(parent);
    begin_entry();
    out_ += comment(x.description + " " + allowed(x) + "." + environment_note(x), indent());
    out_ += indent() + "\"" + x.pointer.substr(parent.size() + 1) + "\": " + value.dump();
  }

  std::string finish() {
    enter("");
    return out_ + "\n}\n";
  }

private:
  void begin_entry() {
    out_ += first_ ? "\n" : ",\n";
    first_ = false;
  }

  /// Closes and opens objects until `pointer` is the open one.
  void enter(const std::string& pointer) {
    while (pointer != open_ && !pointer.starts_with(open_ + "/")) {
      auto closed = indent();
      open_.erase(open_.rfind('/'));
      out_ += "\n" + indent() + "}";
      first_ = false;
    }
    while (open_ != pointer) {
      auto end = pointer.find('/', open_.size() + 1);
      auto child = pointer.substr(0, end);
      begin_entry();
      out_ += "\n" + comment(description_of(child), indent());
      out_ += indent() + "\"" + child.substr(open_.size() + 1) + "\": {";
      open_ = child;
      first_ = true;
    }
  }

  std::string description_of(const std::string& pointer) const {
    auto i =
        std::find_if(sections_.begin(), sections_.end(), [&](const auto& x) { return x.pointer == pointer; });
    return i == sections_.end() ? pointer : i->description;
  }

  std::string indent() const {
    auto depth = std::count(open_.begin(), open_.end(), '/') + 1;
    return std::string(2 * static_cast<std::size_t>(depth), ' ');
  }

  std::vector<option_section> sections_ = option_sections();
  std::string out_ =
      "// Every option of Herald with its default. Made from the option table: a copy is the place for your "
      "values,\n// and may leave out what it does not change. The command line wins over the "
      "environment, the environment over\n// this file.\n{\n  \"$schema\": \"./herald.schema.json\"";
  std::string open_;
  bool first_ = false;
};

// -- Markdown -----------------------------------------------------------------------------------------------

std::string cell(std::string text) {
  for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2)
    text.insert(i, "\\");
  return text;
}

std::string code(const std::string& text) {
  return text.empty() ? "" : "`" + text + "`";
}

std::string dotted(const std::string& pointer) {
  auto out = pointer.substr(1);
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

} // namespace

std::string effective_json(const configuration& cfg) {
  auto out = json::object();
  for (const auto& x : option_table())
    out[json::json_pointer{x.pointer}] = value_of(x, cfg);
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string sample_json() {
  sample_writer out;
  for (const auto& x : option_table())
    out.write(x, value_of(x, configuration{}));
  return out.finish();
}

std::string schema_json() {
  auto out = json{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Herald configuration"}};
  out.update(empty_object("Configuration of Herald: domain events to notifications and e-mails."));
  out["allowComments"] = true;
  out["properties"]["$schema"] = {{"type", "string"}};
  for (const auto& x : option_sections())
    out[schema_place(x.pointer)] = empty_object(x.description);
  for (const auto& x : option_table()) {
    auto entry = json{{"description", full_description(x)}};
    add_constraints(entry, x);
    entry["default"] = value_of(x, configuration{});
    out[schema_place(x.pointer)] = std::move(entry);
  }
  return out.dump(2) + "\n";
}

std::string options_markdown() {
  auto out = std::string{
      "| Option | Default | Allowed | Environment | Meaning |\n| --- | --- | --- | --- | --- |\n"};
  for (const auto& x : option_table()) {
    std::vector<std::string> names;
    for (const auto& name : x.environment)
      names.push_back(code(name));
    out += "| " + code(dotted(x.pointer)) + " | " + cell(code(value_of(x, configuration{}).dump())) + " | "
           + cell(expectation(x)) + " | " + joined(names, ", ") + " | " + cell(x.description) + " |\n";
  }
  return out;
}

} // namespace herald
