// From the sources to one configuration, or to everything that is wrong at once.
#include <filesystem>
#include <fstream>
#include <tuple>

#include <gtest/gtest.h>
#include <unistd.h>

#include "config/loader.hpp"

namespace herald {
namespace {

config_texts with_file(std::string text) {
  config_texts out;
  out.file = config_text{"herald.json", std::move(text)};
  return out;
}

config_texts with_environment(std::map<std::string, std::string> environment) {
  config_texts out;
  out.environment = std::move(environment);
  return out;
}

config_texts with_env_file(std::string text) {
  config_texts out;
  out.env_file = config_text{".env", std::move(text)};
  return out;
}

config_texts with_overrides(std::vector<config_override> overrides) {
  config_texts out;
  out.overrides = std::move(overrides);
  return out;
}

configuration loaded(const config_texts& texts) {
  auto out = read_configuration(texts);
  EXPECT_TRUE(out.has_value()) << to_string(out.error());
  return out ? *out : configuration{};
}

/// All errors, one per line.
std::string errors_of(const config_texts& texts) {
  auto out = read_configuration(texts);
  return out ? "none" : to_string(out.error());
}

// -- sources ------------------------------------------------------------------------------------------------

TEST(loader, nothing_at_all_gives_the_defaults) {
  auto x = loaded({});
  EXPECT_FALSE(x.dry_run);
  EXPECT_EQ(x.poller.batch_size, event_poller_config{}.batch_size);
  EXPECT_EQ(x.store.sqlite.path, sqlite_options{}.path);
  EXPECT_EQ(x.supervision.handlers.max_restarts, 50U);
}

TEST(loader, the_file_sets_values_of_every_type) {
  auto x = loaded(with_file(R"({
    "$schema": "./herald.schema.json",
    "daemon": {"worker_id": "north-1"},
    "store": {"sqlite": {"durability": "normal", "create": false}},
    "poller": {"batch_size": 7, "lease_ms": 2500, "max_event_age_hours": 48},
    "writer": {"retries": {"jitter": 0.5, "max_attempts": 3}},
    "handlers": {"system_accounts": ["6F9619FF-8B86-D011-B42D-00C04FC964FF"]},
    "supervision": {"pipeline": {"max_restarts": 9}},
    "log": {"level": "DEBUG", "format": "json", "file": "/var/log/herald.log"}
  })"));
  EXPECT_EQ(x.daemon.worker_id, "north-1");
  EXPECT_EQ(x.store.sqlite.durability, sqlite_durability::normal);
  EXPECT_FALSE(x.store.sqlite.create);
  EXPECT_EQ(x.poller.batch_size, 7U);
  EXPECT_EQ(x.poller.lease, duration{2500});
  EXPECT_EQ(x.poller.max_event_age, std::chrono::hours{48});
  EXPECT_EQ(x.writer.retries.jitter, 0.5);
  EXPECT_EQ(x.writer.retries.max_attempts, 3);
  EXPECT_EQ(x.handlers.system_accounts.size(), 1U);
  EXPECT_TRUE(x.handlers.system_accounts.contains(*parse_uuid("6f9619ff-8b86-d011-b42d-00c04fc964ff")));
  EXPECT_EQ(x.supervision.pipeline.max_restarts, 9U);
  EXPECT_EQ(x.supervision.root.max_restarts, supervisor_options{}.max_restarts);
  EXPECT_EQ(x.log.level, log_level::debug);
  EXPECT_EQ(x.log.format, log_format::json);
  EXPECT_EQ(x.log.file, "/var/log/herald.log");
}

TEST(loader, a_number_option_takes_whole_numbers_too) {
  EXPECT_EQ(loaded(with_file(R"({"writer": {"retries": {"jitter": 1}}})")).writer.retries.jitter, 1.0);
}

TEST(loader, known_environment_variables_are_read_and_others_are_not_ours) {
  auto x = loaded(with_environment({{"LOG_LEVEL", "warning"},
                                    {"NOTIFY_FANOUT_BATCH_SIZE", " 250 "},
                                    {"NOTIFY_FANOUT_MAX_EVENT_AGE_HOURS", "72"},
                                    {"HERALD_DATABASE", "/srv/herald.db"},
                                    {"HERALD_LOG_FORMAT", "JSON"},
                                    {"SUPABASE_URL", "https://example.org"}}));
  EXPECT_EQ(x.log.level, log_level::warning);
  EXPECT_EQ(x.poller.batch_size, 250U);
  EXPECT_EQ(x.poller.max_event_age, std::chrono::hours{72});
  EXPECT_EQ(x.store.sqlite.path, "/srv/herald.db");
  EXPECT_EQ(x.log.format, log_format::json);
}

TEST(loader, the_command_line_takes_pointers_and_dotted_names) {
  auto x = loaded(
      with_overrides({{"/poller/batch_size", "7"},
                      {"writer.retries.jitter", "0.25"},
                      {"dry_run", "yes"},
                      {"handlers.system_accounts",
                       "6f9619ff-8b86-d011-b42d-00c04fc964ff, 6f9619ff-8b86-d011-b42d-00c04fc964fe"}}));
  EXPECT_EQ(x.poller.batch_size, 7U);
  EXPECT_EQ(x.writer.retries.jitter, 0.25);
  EXPECT_TRUE(x.dry_run);
  EXPECT_EQ(x.handlers.system_accounts.size(), 2U);
}

TEST(loader, command_line_beats_environment_beats_env_file_beats_file_beats_default) {
  auto texts = with_file(R"({"poller": {"batch_size": 11}})");
  EXPECT_EQ(loaded(texts).poller.batch_size, 11U);
  texts.env_file = config_text{".env", "NOTIFY_FANOUT_BATCH_SIZE=12"};
  EXPECT_EQ(loaded(texts).poller.batch_size, 12U);
  texts.environment["NOTIFY_FANOUT_BATCH_SIZE"] = "13";
  EXPECT_EQ(loaded(texts).poller.batch_size, 13U);
  texts.overrides.push_back({"/poller/batch_size", "14"});
  EXPECT_EQ(loaded(texts).poller.batch_size, 14U);
  texts.overrides.push_back({"/poller/batch_size", "15"});
  EXPECT_EQ(loaded(texts).poller.batch_size, 15U);
}

TEST(loader, a_variable_that_is_set_to_nothing_counts_as_not_set) {
  auto texts = with_env_file("NOTIFY_FANOUT_BATCH_SIZE=12\nLOG_LEVEL=\n");
  texts.environment = {{"NOTIFY_FANOUT_BATCH_SIZE", ""}, {"LOG_LEVEL", " "}};
  auto x = loaded(texts);
  EXPECT_EQ(x.poller.batch_size, 12U);
  EXPECT_EQ(x.log.level, log_level::info);
}

TEST(loader, the_old_env_file_with_trailing_comments_is_understood) {
  auto x = loaded(with_env_file("LOG_LEVEL=ERROR  # DEBUG, INFO, WARNING, ERROR\r\n"
                                "NOTIFY_FANOUT_DRY_RUN=true  # set to false in production\r\n"));
  EXPECT_EQ(x.log.level, log_level::error);
  EXPECT_TRUE(x.poller.dry_run);
}

// -- dry run ------------------------------------------------------------------------------------------------

TEST(loader, each_dry_run_variable_switches_its_own_part_and_dry_run_all) {
  auto parts = [](const config_texts& texts) {
    auto x = loaded(texts);
    return std::tuple{x.dry_run, x.poller.dry_run, x.writer.dry_run, x.email.batcher.dry_run};
  };
  EXPECT_EQ(parts({}), (std::tuple{false, false, false, false}));
  EXPECT_EQ(parts(with_environment({{"DRY_RUN", "true"}})), (std::tuple{true, true, true, true}));
  EXPECT_EQ(parts(with_environment({{"NOTIFY_FANOUT_DRY_RUN", "1"}})),
            (std::tuple{false, true, true, false}));
  EXPECT_EQ(parts(with_environment({{"EMAIL_NOTIFICATIONS_DRY_RUN", "YES"}})),
            (std::tuple{false, false, false, true}));
  // The switch for all is not taken back by one for a part.
  EXPECT_EQ(parts(with_environment({{"DRY_RUN", "true"}, {"NOTIFY_FANOUT_DRY_RUN", "false"}})),
            (std::tuple{true, true, true, true}));
}

TEST(loader, dry_run_follows_the_precedence_of_its_sources) {
  auto texts = with_file(R"({"dry_run": true})");
  EXPECT_TRUE(loaded(texts).dry_run);
  texts.environment = {{"DRY_RUN", "false"}};
  EXPECT_FALSE(loaded(texts).dry_run);
  texts.overrides = {{"/dry_run", "true"}};
  EXPECT_TRUE(loaded(texts).dry_run);
}

TEST(loader, a_dry_run_variable_that_is_neither_on_nor_off_is_an_error) {
  EXPECT_EQ(
      errors_of(with_environment({{"DRY_RUN", "true"}, {"NOTIFY_FANOUT_DRY_RUN", "maybe"}})),
      "environment variable NOTIFY_FANOUT_DRY_RUN: /poller/dry_run: expected true or false, found \"maybe\"");
}

TEST(loader, poller_and_writer_learn_of_a_dry_run) {
  auto x = loaded(with_file(R"({"dry_run": true})"));
  EXPECT_TRUE(x.poller.dry_run);
  EXPECT_TRUE(x.writer.dry_run);
}

TEST(loader, every_source_of_jitter_has_a_seed_of_its_own) {
  auto x = loaded(with_file(R"({"daemon": {"seed": 40}})"));
  auto seeds = std::set<std::uint64_t>{x.writer.seed, x.supervision.root.seed, x.supervision.pipeline.seed,
                                       x.supervision.handlers.seed};
  EXPECT_EQ(seeds.size(), 4U);
  EXPECT_NE(loaded({}).writer.seed, x.writer.seed);
}

// -- errors -------------------------------------------------------------------------------------------------

TEST(loader, every_error_of_every_source_is_reported_at_once) {
  auto texts = with_file(R"({"poler": {}, "poller": {"batch_size": "many", "lease_ms": 1}, "log": 3})");
  texts.env_file = config_text{".env", "nonsense\nLOG_LEVEL=LOUD # really\n"};
  texts.environment = {{"HERALD_LOG_FORMAT", "xml"}};
  texts.overrides = {{"gate.workers", "-1"}, {"gate.wokers", "1"}};
  EXPECT_EQ(
      errors_of(texts),
      "herald.json: /log: expected an object, found 3\n"
      "herald.json: /poler: expected a known key, found an unknown one; did you mean \"poller\"?\n"
      "herald.json: /poller/batch_size: expected an integer from 1 to 10000, found \"many\"\n"
      "herald.json: /poller/lease_ms: expected a whole number of milliseconds from 1000 to 86400000, found "
      "1\n"
      ".env:1: expected NAME=VALUE with a name of letters, digits and underscores, found no equals sign\n"
      "environment variable LOG_LEVEL (.env:2): /log/level: expected one of DEBUG, INFO, WARNING, ERROR, "
      "found "
      "\"LOUD\"\n"
      "environment variable HERALD_LOG_FORMAT: /log/format: expected one of text, json, found \"xml\"\n"
      "command line: /gate/workers: expected an integer from 1 to 64, found \"-1\"\n"
      "command line: /gate/wokers: expected an option, found an unknown one; did you mean "
      "\"/gate/workers\"?");
}

TEST(loader, a_syntax_error_does_not_hide_the_errors_of_other_sources) {
  auto texts = with_file("{\n  \"poller\": {\"batch_size\": 1,}\n}");
  texts.environment = {{"NOTIFY_FANOUT_BATCH_SIZE", "0"}};
  EXPECT_EQ(errors_of(texts), "herald.json:2:29: expected no comma after the last entry of an object or "
                              "list, found a trailing comma\n"
                              "environment variable NOTIFY_FANOUT_BATCH_SIZE: /poller/batch_size: expected "
                              "an integer from 1 to 10000, "
                              "found \"0\"");
}

TEST(loader, a_value_that_a_stronger_source_outvotes_must_be_good_all_the_same) {
  auto texts = with_file(R"({"poller": {"batch_size": 0}})");
  texts.overrides = {{"/poller/batch_size", "5"}};
  EXPECT_EQ(errors_of(texts),
            "herald.json: /poller/batch_size: expected an integer from 1 to 10000, found 0");
}

TEST(loader, a_key_that_stands_twice_is_an_error) {
  EXPECT_EQ(errors_of(with_file(R"({"poller": {"batch_size": 1, "batch_size": 2}})")),
            "herald.json: /poller/batch_size: expected each key once, found it twice");
}

TEST(loader, a_key_at_the_wrong_place_is_told_where_it_belongs) {
  EXPECT_EQ(errors_of(with_file(R"({"batch_size": 1})")),
            "herald.json: /batch_size: expected a known key, found an unknown one; it belongs at "
            "/poller/batch_size");
}

TEST(loader, an_unknown_key_without_a_likeness_lists_what_is_known) {
  EXPECT_EQ(errors_of(with_file(R"({"gate": {"colour": 1}})")),
            "herald.json: /gate/colour: expected a known key, found an unknown one; known here: workers, "
            "max_queue, "
            "call_timeout_ms");
}

TEST(loader, the_schema_key_is_known_at_the_top_alone) {
  EXPECT_NE(errors_of(with_file(R"({"gate": {"$schema": "x"}})")), "none");
}

TEST(loader, wrong_types_are_refused) {
  for (auto bad :
       {R"({"dry_run": "true"})", R"({"dry_run": 1})", R"({"dry_run": null})",
        R"({"poller": {"batch_size": 1.5}})", R"({"poller": {"batch_size": true}})",
        R"({"poller": {"batch_size": [1]}})", R"({"poller": {"batch_size": 18446744073709551615}})",
        R"({"poller": {"batch_size": 99999999999999999999999}})", R"({"log": {"file": 1}})",
        R"({"log": {"level": 1}})", R"({"log": {"level": {}}})", R"({"poller": []})",
        R"({"writer": {"retries": {"jitter": "0.5"}}})", R"({"handlers": {"system_accounts": "x"}})",
        R"({"handlers": {"system_accounts": [1]}})"}) {
    auto out = read_configuration(with_file(bad));
    ASSERT_TRUE(out.has_error()) << bad;
    EXPECT_EQ(out.error().size(), 1U) << bad;
  }
}

TEST(loader, bounds_hold_from_both_sides_and_include_their_ends) {
  for (auto good : {"1", "10000"})
    EXPECT_EQ(errors_of(with_overrides({{"/poller/batch_size", good}})), "none") << good;
  for (auto bad :
       {"0", "10001", "-1", "9223372036854775807", "9223372036854775808", "1e3", "1.0", "0x10", "7 8", "٣"})
    EXPECT_NE(errors_of(with_overrides({{"/poller/batch_size", bad}})), "none") << bad;
  for (auto bad : {"nan", "inf", "-0.1", "1.1", "0,5"})
    EXPECT_NE(errors_of(with_overrides({{"/writer/retries/jitter", bad}})), "none") << bad;
}

TEST(loader, a_path_must_have_characters_and_none_that_control) {
  EXPECT_NE(errors_of(with_overrides({{"/store/sqlite/path", ""}})), "none");
  EXPECT_NE(errors_of(with_file("{\"log\": {\"file\": \"a\\u0000b\"}}")), "none");
  EXPECT_NE(errors_of(with_file("{\"log\": {\"file\": \"a\\nb\"}}")), "none");
}

TEST(loader, a_list_entry_that_is_no_uuid_is_named_by_its_index) {
  EXPECT_EQ(errors_of(with_file(
                R"({"handlers": {"system_accounts": ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "robot"]}})")),
            "herald.json: /handlers/system_accounts/1: expected a UUID, found \"robot\"");
}

TEST(loader, a_section_on_the_command_line_is_no_option) {
  EXPECT_NE(errors_of(with_overrides({{"/poller", "1"}})).find("found a section"), std::string::npos);
}

TEST(loader, an_error_stays_one_line_whatever_the_key_holds) {
  auto text = errors_of(with_file("{\"a\\nb\\u001b\": 1}"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

// -- rules between options ----------------------------------------------------------------------------------

TEST(loader, options_that_contradict_each_other_are_reported_where_they_were_set) {
  auto texts = with_file(R"({"poller": {"poll_max_ms": 100}})");
  EXPECT_EQ(errors_of(texts),
            "herald.json: /poller/poll_min_ms: expected at most /poller/poll_max_ms, found 1000 and "
            "/poller/poll_max_ms 100");
  texts.overrides = {{"/poller/poll_min_ms", "200"}};
  EXPECT_EQ(errors_of(texts),
            "command line: /poller/poll_min_ms: expected at most /poller/poll_max_ms, found 200 and "
            "/poller/poll_max_ms 100");
  texts.overrides = {{"/poller/poll_min_ms", "100"}};
  EXPECT_EQ(errors_of(texts), "none");
}

TEST(loader, a_refused_value_is_not_blamed_for_a_contradiction_as_well) {
  auto out = read_configuration(with_file(R"({"poller": {"poll_max_ms": -5, "poll_min_ms": 40000}})"));
  ASSERT_TRUE(out.has_error());
  EXPECT_EQ(out.error().size(), 1U) << to_string(out.error());
}

TEST(loader, a_postgres_store_needs_its_url) {
  EXPECT_NE(errors_of(with_overrides({{"store.kind", "postgres"}})), "none");
  EXPECT_EQ(errors_of(with_overrides({{"store.kind", "postgres"}, {"store.postgres.url", "dbname=x"}})),
            "none");
}

TEST(loader, a_supabase_store_needs_address_and_key) {
  auto texts = with_overrides({{"store.kind", "supabase"}, {"store.supabase.url", "https://x.supabase.co"}});
  EXPECT_NE(errors_of(texts), "none");
  texts.environment = {{"SUPABASE_SERVICE_ROLE_KEY", "sb_secret_x"}};
  EXPECT_EQ(errors_of(texts), "none");
}

TEST(loader, each_rule_has_a_configuration_that_breaks_it) {
  auto broken = std::vector<std::pair<std::string, std::string>>{
      {"/writer/commit_batch", "2001"},
      {"/writer/outage_backoff_min_ms", "30001"},
      {"/writer/retries/backoff_min_ms", "900001"},
      {"/writer/commit_delay_ms", "30001"},
      {"/store/sqlite/busy_timeout_ms", "30001"},
      {"/store/postgres/statement_timeout_ms", "25001"},
      {"/store/postgres/answer_timeout_ms", "30001"},
      {"/store/supabase/answer_timeout_ms", "30001"},
      {"/supervision/root/backoff_min_ms", "10001"},
      {"/supervision/pipeline/backoff_min_ms", "10001"},
      {"/supervision/handlers/backoff_min_ms", "10001"},
  };
  for (const auto& [pointer, value] : broken) {
    auto out = read_configuration(with_overrides({{pointer, value}}));
    ASSERT_TRUE(out.has_error()) << pointer;
    EXPECT_EQ(out.error().front().pointer, pointer);
    auto one_less = std::to_string(std::stoi(value) - 1);
    EXPECT_EQ(errors_of(with_overrides({{pointer, one_less}})), "none") << pointer;
  }
}

// -- files --------------------------------------------------------------------------------------------------

class loader_files : public testing::Test {
protected:
  loader_files() {
    auto pattern = (std::filesystem::temp_directory_path() / "herald-config-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }

  ~loader_files() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string write(const std::string& name, const std::string& text) {
    auto path = (directory_ / name).string();
    std::ofstream{path, std::ios::binary} << text;
    return path;
  }

  static std::string errors_of(const config_sources& sources) {
    auto out = load_configuration(sources);
    return out ? "none" : to_string(out.error());
  }

  std::filesystem::path directory_;
};

TEST_F(loader_files, files_are_read_by_name) {
  auto sources = config_sources{.file = write("h.json", R"({"poller": {"batch_size": 3}})"),
                                .env_file = write(".env", "LOG_LEVEL=DEBUG\n")};
  auto x = load_configuration(sources);
  ASSERT_TRUE(x.has_value()) << to_string(x.error());
  EXPECT_EQ(x->poller.batch_size, 3U);
  EXPECT_EQ(x->log.level, log_level::debug);
}

TEST_F(loader_files, a_file_that_is_named_must_be_there) {
  auto missing = (directory_ / "missing.json").string();
  EXPECT_EQ(errors_of({.file = missing, .env_file = missing}),
            missing + ": expected a readable file, found \"No such file or directory\"\n" + missing
                + ": expected a readable file, found \"No such file or directory\"");
  EXPECT_EQ(errors_of({.file = directory_.string()}),
            directory_.string() + ": expected a readable file, found a directory");
}

TEST_F(loader_files, a_missing_file_does_not_hide_other_errors) {
  auto sources =
      config_sources{.file = (directory_ / "missing.json").string(), .environment = {{"DRY_RUN", "x"}}};
  auto out = load_configuration(sources);
  ASSERT_TRUE(out.has_error());
  EXPECT_EQ(out.error().size(), 2U);
}

TEST_F(loader_files, a_file_beyond_the_limit_is_refused) {
  auto fitting = write("a.json", "{}" + std::string(max_config_bytes - 2, ' '));
  EXPECT_EQ(errors_of({.file = fitting}), "none");
  auto large = write("b.json", "{}" + std::string(max_config_bytes - 1, ' '));
  EXPECT_EQ(errors_of({.file = large}), large + ": expected at most 1048576 bytes, found more");
}

} // namespace
} // namespace herald
