// Whatever the sources hold, the loader answers with a configuration or with errors.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "config/loader.hpp"
#include "config/option_table.hpp"
#include "config/reference.hpp"
#include "config/rules.hpp"

namespace herald {
namespace {

using nlohmann::json;

/// Keys of the table, so that documents reach the options, and strangers.
rc::Gen<std::string> any_key() {
  std::vector<std::string> names = {"", "a", "/", "~", "$schema", "batch_sise"};
  for (const auto& x : option_table())
    names.push_back(x.pointer.substr(x.pointer.rfind('/') + 1));
  for (const auto& x : option_sections())
    names.push_back(x.pointer.substr(x.pointer.rfind('/') + 1));
  return rc::gen::elementOf(names);
}

json any_document(int depth) {
  auto kind = *rc::gen::inRange(0, depth > 0 ? 8 : 6);
  switch (kind) {
  case 0:
    return nullptr;
  case 1:
    return *rc::gen::arbitrary<bool>();
  case 2:
    return *rc::gen::arbitrary<std::int64_t>();
  case 3:
    return *rc::gen::arbitrary<double>();
  case 4:
    return *any_key();
  case 5:
    return *rc::gen::inRange(-3, 20'000);
  case 6: {
    auto out = json::array();
    for (auto n = *rc::gen::inRange(0, 3); n > 0; --n)
      out.push_back(any_document(depth - 1));
    return out;
  }
  default: {
    auto out = json::object();
    for (auto n = *rc::gen::inRange(0, 5); n > 0; --n)
      out[*any_key()] = any_document(depth - 1);
    return out;
  }
  }
}

config_result<configuration> read_file_text(std::string text) {
  config_texts texts;
  texts.file = config_text{"herald.json", std::move(text)};
  return read_configuration(texts);
}

/// A configuration that was accepted keeps every bound and rule.
bool is_sound(const configuration& cfg) {
  for (const auto& rule : config_rules())
    if (!rule.holds(cfg))
      return false;
  for (const auto& x : option_table()) {
    auto copy = cfg;
    if (assign(x, copy, to_json(x, cfg)))
      return false;
  }
  return true;
}

void check(const config_result<configuration>& out) {
  if (out) {
    RC_ASSERT(is_sound(*out));
    return;
  }
  RC_ASSERT(!out.error().empty());
  for (const auto& x : out.error())
    RC_ASSERT((!x.expected.empty() && to_string(x).find('\n') == std::string::npos));
}

RC_GTEST_PROP(loader_property, any_document_is_a_configuration_or_errors, ()) {
  auto document = json::object();
  for (auto n = *rc::gen::inRange(0, 6); n > 0; --n)
    document[*any_key()] = any_document(3);
  check(read_file_text(document.dump()));
}

RC_GTEST_PROP(loader_property, a_damaged_sample_is_a_configuration_or_errors, ()) {
  auto text = sample_json();
  for (auto n = *rc::gen::inRange(1, 4); n > 0; --n) {
    auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = static_cast<char>(*rc::gen::inRange(0, 256));
  }
  check(read_file_text(text));
}

RC_GTEST_PROP(loader_property, any_bytes_are_errors_or_a_configuration,
              (const std::vector<std::uint8_t>& bytes)) {
  check(read_file_text(std::string(bytes.begin(), bytes.end())));
}

RC_GTEST_PROP(loader_property, any_environment_and_command_line_are_errors_or_a_configuration, ()) {
  config_texts texts;
  for (const auto& x : option_table())
    for (const auto& name : x.environment)
      if (*rc::gen::arbitrary<bool>())
        texts.environment[name] = *rc::gen::arbitrary<std::string>();
  for (auto n = *rc::gen::inRange(0, 4); n > 0; --n)
    texts.overrides.push_back({*any_key() + "." + *any_key(), *rc::gen::arbitrary<std::string>()});
  check(read_configuration(texts));
}

RC_GTEST_PROP(loader_property, a_configuration_in_effect_is_read_back_unchanged, ()) {
  configuration cfg;
  for (const auto& x : option_table()) {
    auto keep = cfg;
    if (x.type == option_type::integer)
      RC_ASSERT(!assign(
          x, cfg, *rc::gen::inRange(static_cast<std::int64_t>(x.min), static_cast<std::int64_t>(x.max))));
    else if (x.type == option_type::number)
      RC_ASSERT(!assign(x, cfg, x.min + (x.max - x.min) * *rc::gen::inRange(0, 1'000) / 1'000.0));
    for (const auto& rule : config_rules())
      if (!rule.holds(cfg))
        cfg = keep;
  }
  auto text = effective_json(cfg);
  auto out = read_file_text(text);
  RC_ASSERT(out.has_value());
  RC_ASSERT(effective_json(*out) == text);
}

} // namespace
} // namespace herald
