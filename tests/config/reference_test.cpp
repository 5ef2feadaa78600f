// What is checked in and printed about the configuration agrees with the option table.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/loader.hpp"
#include "config/option_table.hpp"
#include "config/reference.hpp"

namespace herald {
namespace {

using nlohmann::json;

std::string path_of(const std::string& name) {
  return std::string{HERALD_SOURCE_DIR} + "/config/" + name;
}

std::string text_of(const std::string& path) {
  auto in = std::ifstream{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The checked-in file is what the table makes of it; with HERALD_WRITE_GENERATED set, it is written anew
/// first.
void expect_generated(const std::string& name, const std::string& text) {
  if (std::getenv("HERALD_WRITE_GENERATED") != nullptr)
    std::ofstream{path_of(name), std::ios::binary} << text;
  EXPECT_TRUE(text_of(path_of(name)) == text)
      << "config/" << name
      << " differs from the option table; run config_tests with HERALD_WRITE_GENERATED=1";
}

configuration loaded(const config_sources& sources) {
  auto out = load_configuration(sources);
  EXPECT_TRUE(out.has_value()) << to_string(out.error());
  return out ? *out : configuration{};
}

// -- files --------------------------------------------------------------------------------------------------

TEST(reference, the_checked_in_schema_is_current) {
  expect_generated("herald.schema.json", schema_json());
}

TEST(reference, the_checked_in_sample_is_current) {
  expect_generated("herald.json", sample_json());
}

TEST(reference, the_sample_has_every_option_at_its_default) {
  auto sample = json::parse(text_of(path_of("herald.json")), nullptr, true, true);
  for (const auto& x : option_table()) {
    ASSERT_TRUE(sample.contains(json::json_pointer{x.pointer})) << x.pointer;
    EXPECT_EQ(sample.at(json::json_pointer{x.pointer}), to_json(x, configuration{})) << x.pointer;
  }
  EXPECT_EQ(effective_json(loaded({.file = path_of("herald.json")})), effective_json(loaded({})));
}

/// How many options of the file have no comment right above them.
std::size_t uncommented(const std::string& text) {
  std::size_t out = 0;
  std::istringstream in{text};
  std::string above;
  for (std::string line; std::getline(in, line); above = line) {
    auto start = line.find_first_not_of(' ');
    bool is_option = start != std::string::npos && line[start] == '"' && !line.ends_with('{')
                     && line.find("$schema") == std::string::npos;
    auto comment = above.find_first_not_of(' ');
    if (is_option && (comment == std::string::npos || !above.substr(comment).starts_with("//")))
      ++out;
  }
  return out;
}

TEST(reference, every_option_in_the_files_is_commented) {
  EXPECT_EQ(uncommented("{\n  // why\n  \"a\": 1,\n  \"b\": 2\n}"), 1U);
  EXPECT_EQ(uncommented(text_of(path_of("herald.json"))), 0U);
  EXPECT_EQ(uncommented(text_of(path_of("demo.json"))), 0U);
}

TEST(reference, the_demo_file_loads_and_is_quicker_than_the_defaults) {
  auto demo = loaded({.file = path_of("demo.json")});
  EXPECT_LT(demo.poller.poll_min, event_poller_config{}.poll_min);
  EXPECT_LT(demo.poller.lease, event_poller_config{}.lease);
  EXPECT_LT(demo.writer.retries.backoff_max, retry_policy{}.backoff_min);
  EXPECT_FALSE(demo.dry_run);
}

// -- texts --------------------------------------------------------------------------------------------------

TEST(reference, the_configuration_in_effect_can_be_loaded_again) {
  config_texts texts;
  texts.overrides = {{"/poller/batch_size", "77"},
                     {"/log/level", "error"},
                     {"/writer/retries/jitter", "0.125"},
                     {"/handlers/system_accounts", "6f9619ff-8b86-d011-b42d-00c04fc964ff"}};
  auto first = read_configuration(texts);
  ASSERT_TRUE(first.has_value()) << to_string(first.error());
  auto text = effective_json(*first);
  config_texts again;
  again.file = config_text{"effective", text};
  auto second = read_configuration(again);
  ASSERT_TRUE(second.has_value()) << to_string(second.error());
  EXPECT_EQ(effective_json(*second), text);
  EXPECT_EQ(json::parse(text)["poller"]["batch_size"], 77);
  EXPECT_EQ(json::parse(text)["log"]["level"], "ERROR");
}

/// The schema of the option or section at `pointer`.
json schema_at(const json& schema, const std::string& pointer) {
  auto out = schema;
  std::istringstream segments{pointer.substr(1)};
  for (std::string name; std::getline(segments, name, '/');)
    out = json(out.at("properties").at(name));
  return out;
}

TEST(reference, the_schema_describes_every_option_and_admits_no_other) {
  auto schema = json::parse(schema_json());
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const auto& x : option_sections()) {
    auto entry = schema_at(schema, x.pointer);
    EXPECT_EQ(entry.at("additionalProperties"), false) << x.pointer;
    EXPECT_EQ(entry.at("description"), x.description);
  }
  for (const auto& x : option_table()) {
    auto entry = schema_at(schema, x.pointer);
    EXPECT_EQ(entry.at("default"), to_json(x, configuration{})) << x.pointer;
  }
}

TEST(reference, the_schema_bounds_values_as_the_loader_does) {
  auto poller = json::parse(schema_json())["properties"]["poller"]["properties"];
  EXPECT_EQ(poller["batch_size"]["type"], "integer");
  EXPECT_EQ(poller["batch_size"]["minimum"], 1);
  EXPECT_EQ(poller["batch_size"]["maximum"], 10'000);
  EXPECT_EQ(poller["batch_size"]["default"], event_poller_config{}.batch_size);
  auto log = json::parse(schema_json())["properties"]["log"]["properties"];
  EXPECT_EQ(log["level"]["enum"], (json{"DEBUG", "INFO", "WARNING", "ERROR"}));
}

TEST(reference, the_table_has_a_row_per_option_and_five_cells_per_row) {
  std::istringstream in{options_markdown()};
  std::size_t rows = 0;
  for (std::string line; std::getline(in, line); ++rows) {
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      if (line[i] == '|' && (i == 0 || line[i - 1] != '\\'))
        ++bars;
    EXPECT_EQ(bars, 6U) << line;
  }
  EXPECT_EQ(rows, option_table().size() + 2);
  EXPECT_NE(options_markdown().find("| `poller.batch_size` | `500` | an integer from 1 to 10000 | "
                                    "`NOTIFY_FANOUT_BATCH_SIZE` | Events per claim. |"),
            std::string::npos);
}

/// Where the table of options stands in the README: from its head to the first line that is none of it.
std::pair<std::size_t, std::size_t> table_in(const std::string& text) {
  auto from = text.find("| Option |");
  if (from == std::string::npos)
    return {0, 0};
  auto to = text.find("\n\n", from);
  return {from, to == std::string::npos ? text.size() : to + 1};
}

TEST(reference, the_readme_shows_the_option_table_as_it_is) {
  auto path = std::string{HERALD_SOURCE_DIR} + "/README.md";
  auto readme = text_of(path);
  auto [from, to] = table_in(readme);
  ASSERT_LT(from, to);
  if (std::getenv("HERALD_WRITE_GENERATED") != nullptr) {
    readme.replace(from, to - from, options_markdown());
    std::ofstream{path, std::ios::binary} << readme;
    std::tie(from, to) = table_in(readme);
  }
  EXPECT_TRUE(readme.substr(from, to - from) == options_markdown())
      << "the table in README.md differs; run config_tests with HERALD_WRITE_GENERATED=1";
}

} // namespace
} // namespace herald
