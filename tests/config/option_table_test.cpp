// The option table against itself, the defaults, and the stages that use the values.
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/loader.hpp"
#include "config/option_table.hpp"
#include "config/rules.hpp"

namespace herald {
namespace {

std::string parent_of(const std::string& pointer) {
  return pointer.substr(0, pointer.rfind('/'));
}

TEST(option_table, pointers_and_environment_names_are_unique) {
  std::set<std::string> pointers;
  std::set<std::string> names;
  for (const auto& x : option_table()) {
    EXPECT_TRUE(pointers.insert(x.pointer).second) << x.pointer;
    for (const auto& name : x.environment)
      EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(option_table, only_switches_have_several_environment_names) {
  for (const auto& x : option_table())
    EXPECT_TRUE(x.environment.size() <= 1 || x.type == option_type::boolean) << x.pointer;
}

TEST(option_table, every_row_is_described_in_one_sentence) {
  for (const auto& x : option_table()) {
    EXPECT_GT(x.description.size(), 10U) << x.pointer;
    EXPECT_TRUE(x.description.ends_with('.')) << x.pointer;
    EXPECT_EQ(x.description.find(". "), std::string::npos) << x.pointer;
  }
}

TEST(option_table, sections_are_the_parents_of_the_options_and_no_others) {
  std::set<std::string> wanted;
  for (const auto& x : option_table())
    for (auto parent = parent_of(x.pointer); !parent.empty(); parent = parent_of(parent))
      wanted.insert(parent);
  std::set<std::string> listed;
  for (const auto& x : option_sections()) {
    EXPECT_TRUE(parent_of(x.pointer).empty() || listed.contains(parent_of(x.pointer))) << x.pointer;
    EXPECT_TRUE(listed.insert(x.pointer).second) << x.pointer;
  }
  EXPECT_EQ(listed, wanted);
}

TEST(option_table, the_unit_is_part_of_the_name) {
  for (const auto& x : option_table()) {
    EXPECT_EQ(x.pointer.ends_with("_ms"), x.unit == "milliseconds") << x.pointer;
    EXPECT_EQ(x.pointer.ends_with("_minutes"), x.unit == "minutes") << x.pointer;
    EXPECT_EQ(x.pointer.ends_with("_hours"), x.unit == "hours") << x.pointer;
    EXPECT_EQ(x.pointer.ends_with("_days"), x.unit == "days") << x.pointer;
  }
}

TEST(option_table, every_default_is_an_allowed_value) {
  for (const auto& x : option_table()) {
    configuration cfg;
    auto before = to_json(x, cfg);
    auto bad = assign(x, cfg, before);
    EXPECT_FALSE(bad) << x.pointer << ": expected " << bad->expected << ", found " << bad->found;
    EXPECT_EQ(to_json(x, cfg), before) << x.pointer;
  }
}

TEST(option_table, the_defaults_keep_every_rule) {
  for (const auto& rule : config_rules())
    EXPECT_TRUE(rule.holds(configuration{})) << rule.options.front();
}

TEST(option_table, rules_relate_options_of_the_table) {
  std::set<std::string> pointers;
  for (const auto& x : option_table())
    pointers.insert(x.pointer);
  for (const auto& rule : config_rules())
    for (const auto& pointer : rule.options)
      EXPECT_TRUE(pointers.contains(pointer)) << pointer;
}

/// A value that differs from the default and is allowed.
nlohmann::json other_value(const option& x, const nlohmann::json& now) {
  switch (x.type) {
  case option_type::boolean:
    return !now.get<bool>();
  case option_type::integer:
    return now.get<double>() == x.max ? static_cast<std::int64_t>(x.min) : static_cast<std::int64_t>(x.max);
  case option_type::number:
    return now.get<double>() == x.max ? x.min : x.max;
  case option_type::text:
    return "another";
  case option_type::choice:
    return x.choices.back();
  case option_type::id_list:
    return nlohmann::json::array({"6f9619ff-8b86-d011-b42d-00c04fc964ff"});
  }
  return nullptr;
}

TEST(option_table, each_row_sets_its_own_value_and_no_other) {
  auto table = option_table();
  for (const auto& x : table) {
    configuration cfg;
    auto value = other_value(x, to_json(x, cfg));
    ASSERT_FALSE(assign(x, cfg, value)) << x.pointer;
    for (const auto& y : table)
      EXPECT_EQ(to_json(y, cfg), y.pointer != x.pointer ? to_json(y, configuration{})
                                 : x.hidden             ? "***"
                                                        : value)
          << x.pointer;
  }
}

/// Every integer and number at its least, or at its greatest, where no rule between options forbids it.
configuration extreme(bool greatest) {
  configuration cfg;
  for (const auto& x : option_table()) {
    auto keep = cfg;
    auto bound = greatest ? x.max : x.min;
    std::optional<mismatch> bad;
    if (x.type == option_type::integer)
      bad = assign(x, cfg, static_cast<std::int64_t>(bound));
    else if (x.type == option_type::number)
      bad = assign(x, cfg, bound);
    EXPECT_FALSE(bad) << x.pointer;
    for (const auto& rule : config_rules())
      if (!rule.holds(cfg))
        cfg = keep;
  }
  return cfg;
}

TEST(option_table, a_hidden_value_is_neither_shown_nor_quoted) {
  configuration cfg;
  for (const auto& x : option_table()) {
    if (!x.hidden)
      continue;
    EXPECT_FALSE(assign_text(x, cfg, "re_very_secret"));
    EXPECT_EQ(to_json(x, cfg), "***");
    auto refused = assign_text(x, cfg, "re_very\nsecret");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->found.find("secret"), std::string::npos);
  }
}

TEST(option_table, what_the_loader_accepts_the_stages_accept) {
  for (auto greatest : {false, true}) {
    auto cfg = extreme(greatest);
    EXPECT_FALSE(validate(cfg.poller)) << greatest;
    EXPECT_FALSE(validate(cfg.writer)) << greatest;
    EXPECT_FALSE(validate(cfg.gate)) << greatest;
    EXPECT_FALSE(validate(cfg.supervision.root)) << greatest;
    EXPECT_FALSE(validate(cfg.supervision.pipeline)) << greatest;
    EXPECT_FALSE(validate(cfg.supervision.handlers)) << greatest;
    EXPECT_FALSE(validate(cfg.supervision.email)) << greatest;
    EXPECT_FALSE(validate(cfg.email.batcher)) << greatest;
    EXPECT_FALSE(validate(cfg.sender)) << greatest;
  }
}

TEST(option_table, enumerations_are_read_and_written_by_all_their_names) {
  for (const auto& x : option_table()) {
    for (const auto& name : x.choices) {
      configuration cfg;
      EXPECT_FALSE(assign(x, cfg, name)) << x.pointer << " " << name;
      EXPECT_EQ(to_json(x, cfg), name) << x.pointer;
    }
  }
}

} // namespace
} // namespace herald
