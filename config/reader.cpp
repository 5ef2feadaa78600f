#include "config/reader.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "config/document.hpp"
#include "config/env_file.hpp"
#include "config/near_miss.hpp"
#include "config/option_table.hpp"
#include "config/rules.hpp"
#include "config/value_text.hpp"

namespace herald {

namespace {

/// Lets editors find the schema; the daemon has no use for it.
constexpr std::string_view schema_key = "$schema";

std::string last_segment(const std::string& pointer) {
  return pointer.substr(pointer.rfind('/') + 1);
}

} // namespace

configuration_reader::configuration_reader() : options_{option_table()} {
  // nop
}

// -- the file -----------------------------------------------------------------------------------------------

void configuration_reader::read_file(const config_text& file) {
  if (auto document = parse_document(file.text, file.name, errors_))
    read_object(*document, "", file.name);
}

void configuration_reader::read_object(const nlohmann::json& object, const std::string& pointer,
                                       const std::string& source) {
  for (const auto& [key, value] : object.items())
    read_entry(key, value, pointer, source);
}

void configuration_reader::read_entry(const std::string& key, const nlohmann::json& value,
                                      const std::string& parent, const std::string& source) {
  if (parent.empty() && key == schema_key)
    return;
  auto pointer = parent + "/" + pointer_segment(key);
  if (const auto* x = find(pointer)) {
    settle(*x, {.source = source}, assign(*x, config_, value));
  } else if (names_in(pointer).empty()) {
    auto error = unknown_key(key, parent);
    error.source = source;
    errors_.push_back(std::move(error));
  } else if (value.is_object()) {
    read_object(value, pointer, source); // no deeper than the option table
  } else {
    errors_.push_back(
        {.source = source, .pointer = pointer, .expected = "an object", .found = excerpt(value)});
  }
}

// -- the environment ----------------------------------------------------------------------------------------

void configuration_reader::read_environment(const std::map<std::string, std::string>& environment,
                                            const std::optional<config_text>& env_file) {
  std::map<std::string, variable> set;
  if (env_file)
    for (auto& x : parse_env_file(env_file->text, env_file->name, errors_))
      set[x.name] = {x.name, std::move(x.value), env_file->name, x.line};
  for (const auto& [name, value] : environment)
    if (!trimmed(value).empty())
      set[name] = {.name = name, .value = value};
  for (const auto& x : options_) {
    std::vector<variable> variables;
    for (const auto& name : x.environment)
      if (auto i = set.find(name); i != set.end() && !trimmed(i->second.value).empty())
        variables.push_back(i->second);
    read_variables(x, variables);
  }
}

void configuration_reader::read_variables(const option& x, const std::vector<variable>& variables) {
  bool any_on = std::any_of(variables.begin(), variables.end(),
                            [](const variable& v) { return parse_switch(v.value).value_or(false); });
  for (const auto& v : variables) {
    // Switches of one option are joined by "or": one that is off must not undo another that is on.
    if (x.type == option_type::boolean && any_on && parse_switch(v.value) == false)
      continue;
    settle(x, {.source = v.file, .line = v.line, .variable = v.name}, assign_text(x, config_, v.value));
  }
}

// -- the command line ---------------------------------------------------------------------------------------

void configuration_reader::read_overrides(const std::vector<config_override>& overrides) {
  for (const auto& x : overrides)
    read_override(x);
}

void configuration_reader::read_override(const config_override& x) {
  auto pointer = x.pointer;
  if (!pointer.starts_with('/')) {
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    pointer.insert(0, "/");
  }
  auto origin = config_error{.source = "command line"};
  if (const auto* found = find(pointer)) {
    settle(*found, origin, assign_text(*found, config_, x.value));
    return;
  }
  std::vector<std::string> pointers;
  for (const auto& known : options_)
    pointers.push_back(known.pointer);
  origin.pointer = pointer;
  origin.expected = "an option";
  origin.found = names_in(pointer).empty() ? "an unknown one" : "a section";
  if (auto meant = near_miss(pointer, pointers))
    origin.hint = "did you mean " + quoted_excerpt(*meant) + "?";
  errors_.push_back(std::move(origin));
}

// -- the whole ----------------------------------------------------------------------------------------------

namespace {

/// What the jobs ask the store for, and where calendars report to.
void derive_jobs(configuration& x) {
  auto& excluded = x.jobs.reminders.excluded;
  excluded.assign(x.handlers.system_accounts.begin(), x.handlers.system_accounts.end());
  excluded.push_back(uuid{});
  std::ranges::sort(excluded);
  x.jobs.unread.excluded = excluded;
  x.jobs.resumes.excluded = excluded;
  if (x.jobs.backend_url.empty())
    return;
  auto base = std::string_view{x.jobs.backend_url};
  while (base.ends_with('/'))
    base.remove_suffix(1);
  x.jobs.watches.renewal.address = std::string{base} + "/api/v1/webhooks/google-calendar";
}

} // namespace

config_result<configuration> configuration_reader::finish() {
  check_rules();
  if (!errors_.empty())
    return std::move(errors_);
  auto& x = config_;
  x.poller.dry_run = x.poller.dry_run || x.dry_run;
  x.writer.dry_run = x.poller.dry_run;
  x.email.batcher.dry_run = x.email.batcher.dry_run || x.dry_run;
  x.sender.lease_margin = x.email.batcher.lease / 2;
  x.sender.purge = x.email.batcher.body_retention.count() == 0;
  // A worker per request that may be under way.
  x.mail_gate.workers = static_cast<std::uint32_t>(x.sender.governor.max_in_flight);
  // Distinct, so that stages that fail together do not come back together.
  x.writer.seed = x.daemon.seed + 1;
  x.supervision.root.seed = x.daemon.seed + 2;
  x.supervision.pipeline.seed = x.daemon.seed + 3;
  x.supervision.handlers.seed = x.daemon.seed + 4;
  x.supervision.email.seed = x.daemon.seed + 5;
  x.sender.seed = x.daemon.seed + 6;
  x.supervision.jobs.seed = x.daemon.seed + 7;
  x.jobs.watches.seed = x.daemon.seed + 8;
  derive_jobs(x);
  return std::move(config_);
}

void configuration_reader::check_rules() {
  for (const auto& rule : config_rules()) {
    bool unusable = std::any_of(rule.options.begin(), rule.options.end(),
                                [&](const std::string& pointer) { return refused_.contains(pointer); });
    if (unusable || rule.holds(config_))
      continue;
    // The place to mend is where one of the values was set: not the default, and the first for choice.
    auto error = config_error{.source = "default"};
    for (auto i = rule.options.rbegin(); i != rule.options.rend(); ++i)
      if (auto origin = origins_.find(*i); origin != origins_.end())
        error = origin->second;
    error.pointer = rule.options.front();
    error.expected = rule.expected;
    for (const auto& pointer : rule.options)
      if (const auto* x = find(pointer))
        error.found += (error.found.empty() ? "" : " and " + pointer + " ") + excerpt(to_json(*x, config_));
    errors_.push_back(std::move(error));
  }
}

void configuration_reader::settle(const option& x, config_error origin, std::optional<mismatch> bad) {
  if (!bad) {
    origins_[x.pointer] = std::move(origin);
    return;
  }
  refused_.insert(x.pointer);
  origin.pointer = std::move(bad->pointer);
  origin.expected = std::move(bad->expected);
  origin.found = std::move(bad->found);
  errors_.push_back(std::move(origin));
}

config_error configuration_reader::unknown_key(std::string_view key, const std::string& parent) const {
  config_error out{
      .pointer = parent + "/" + pointer_segment(key), .expected = "a known key", .found = "an unknown one"};
  auto siblings = names_in(parent);
  if (auto meant = near_miss(key, siblings)) {
    out.hint = "did you mean " + quoted_excerpt(*meant) + "?";
    return out;
  }
  // A right key at the wrong place.
  for (const auto& x : options_)
    if (last_segment(x.pointer) == key)
      out.hint.append(out.hint.empty() ? "it belongs at " : " or ").append(x.pointer);
  if (!out.hint.empty())
    return out;
  for (const auto& name : siblings)
    out.hint.append(out.hint.empty() ? "known here: " : ", ").append(name);
  return out;
}

const option* configuration_reader::find(std::string_view pointer) const {
  auto i =
      std::find_if(options_.begin(), options_.end(), [&](const option& x) { return x.pointer == pointer; });
  return i == options_.end() ? nullptr : &*i;
}

std::vector<std::string> configuration_reader::names_in(const std::string& pointer) const {
  std::vector<std::string> out;
  auto prefix = pointer + "/";
  for (const auto& x : options_) {
    if (!x.pointer.starts_with(prefix))
      continue;
    auto rest = x.pointer.substr(prefix.size());
    auto name = rest.substr(0, rest.find('/'));
    if (std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(std::move(name));
  }
  return out;
}

} // namespace herald
