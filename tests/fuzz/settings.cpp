// The configuration: whatever file, `.env` and overrides hold, they give a configuration that can be written down and read
// again, or errors that are lines and tell no secret.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/document.hpp"
#include "config/env_file.hpp"
#include "config/loader.hpp"
#include "config/option_table.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::require;

const std::vector<option>& options() {
  static const auto out = option_table();
  return out;
}

/// `pointer=value` lines.
std::vector<config_override> overrides_in(fuzz::input in) {
  std::vector<config_override> out;
  while (!in.empty()) {
    auto line = in.line();
    auto equals = std::min(line.find('='), line.size());
    out.push_back(
        {std::string{line.substr(0, equals)}, std::string{line.substr(std::min(equals + 1, line.size()))}});
  }
  return out;
}

/// A text that every hidden option is given, and that no error may repeat. Nothing takes it for a key by chance.
constexpr std::string_view hidden_text = "q7q7q7q7-q7q7q7q7";

std::map<std::string, std::string> environment(bool with_secrets) {
  std::map<std::string, std::string> out;
  for (auto& x : options())
    if (with_secrets && x.hidden)
      for (auto& name : x.environment)
        out[name] = hidden_text;
  return out;
}

void expect_sound(const config_errors& errors, std::string_view input) {
  require(!errors.empty(), "a refused configuration has errors");
  for (auto& x : errors) {
    auto text = to_string(x);
    require(!text.empty() && !fuzz::has_control_character(text), "an error is a line", text);
    require(input.find("q7") != std::string_view::npos || text.find(hidden_text) == std::string::npos,
            "an error tells no secret", text);
  }
}

/// Every option as it would be written down is a value that the option takes.
void expect_sound(const configuration& config) {
  for (auto& x : options()) {
    if (x.hidden)
      continue;
    configuration copy;
    auto written = to_json(x, config);
    require(!assign(x, copy, written), "what was taken is taken again", x.pointer);
    require(to_json(x, copy) == written, "what was taken stays what it is", x.pointer);
  }
}

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  auto overrides = [&] {
    auto text = in.next();
    return overrides_in({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  config_texts texts;
  texts.environment = environment(pick.flag());
  texts.file = config_text{"herald.json", std::string{in.next()}};
  texts.env_file = config_text{".env", std::string{in.next()}};
  texts.overrides = overrides();
  if (pick.flag())
    texts.file.reset();
  auto out = read_configuration(texts);
  if (out.has_error())
    expect_sound(out.error(), {reinterpret_cast<const char*>(data), size});
  else
    expect_sound(*out);
  return 0;
}
