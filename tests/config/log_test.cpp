// The log as its users see it: a file, levels, several threads.
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "actors/log.hpp"

namespace herald {
namespace {

class fixed_clock final : public clock {
public:
  timestamp now() const override { return from_epoch_ms(1'737'383'445'678); }
};

class log_test : public testing::Test {
protected:
  log_test() {
    auto name = std::string{"herald-log-XXXXXX"};
    auto pattern = (std::filesystem::temp_directory_path() / name).string();
    directory_ = ::mkdtemp(pattern.data());
    options_.file = (directory_ / "herald.log").string();
  }

  ~log_test() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  logger open() {
    auto out = open_log(options_, std::make_shared<fixed_clock>());
    EXPECT_TRUE(out.has_value());
    return *out;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    auto in = std::ifstream{options_.file};
    for (std::string line; std::getline(in, line);)
      out.push_back(line);
    return out;
  }

  std::filesystem::path directory_;
  log_options options_;
};

using strings = std::vector<std::string>;

TEST_F(log_test, a_line_is_in_the_file_as_soon_as_it_is_logged) {
  auto log = open();
  log.info("notify-fan-out", "started", "Message {}", "here");
  EXPECT_EQ(lines(), (strings{"2025-01-20 14:30:45 - INFO - notify-fan-out - Message here"}));
}

TEST_F(log_test, braces_and_percent_signs_of_a_value_are_text) {
  auto log = open();
  log.info("c", "e", "{}", "{} %v {0} %");
  EXPECT_EQ(lines(), (strings{"2025-01-20 14:30:45 - INFO - c - {} %v {0} %"}));
}

TEST_F(log_test, lines_below_the_level_are_dropped) {
  options_.level = log_level::warning;
  auto log = open();
  log.debug("c", "e", "debug");
  log.info("c", "e", "info");
  log.warning("c", "e", "warning");
  log.error("c", "e", "error");
  EXPECT_EQ(lines(), (strings{"2025-01-20 14:30:45 - WARNING - c - warning",
                              "2025-01-20 14:30:45 - ERROR - c - error"}));
  EXPECT_FALSE(log.enabled(log_level::info));
  EXPECT_TRUE(log.enabled(log_level::error));
}

TEST_F(log_test, a_new_level_holds_for_every_copy) {
  auto log = open();
  auto copy = log;
  copy.set_level(log_level::debug);
  log.debug("c", "e", "visible");
  log.set_level(log_level::error);
  copy.warning("c", "e", "hidden");
  EXPECT_EQ(lines(), (strings{"2025-01-20 14:30:45 - DEBUG - c - visible"}));
}

TEST_F(log_test, an_existing_file_is_appended_to) {
  open().info("c", "e", "first");
  open().info("c", "e", "second");
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(log_test, the_json_format_carries_the_event_id) {
  options_.format = log_format::json;
  open().error("c", "batch-failed", "why");
  EXPECT_EQ(lines(), (strings{R"({"time":"2025-01-20T14:30:45.678Z","level":"ERROR","component":"c",)"
                              R"("event":"batch-failed","message":"why"})"}));
}

TEST_F(log_test, lines_of_several_threads_do_not_mix) {
  auto log = open();
  constexpr std::size_t per_thread = 200;
  std::vector<std::thread> threads;
  for (char letter : {'a', 'b', 'c', 'd'})
    threads.emplace_back([log, letter] {
      for (std::size_t i = 0; i < per_thread; ++i)
        log.info("c", "e", "{}", std::string(100, letter));
    });
  for (auto& x : threads)
    x.join();
  auto all = lines();
  EXPECT_EQ(all.size(), 4 * per_thread);
  for (const auto& line : all) {
    auto message = line.substr(std::string_view{"2025-01-20 14:30:45 - INFO - c - "}.size());
    EXPECT_EQ(message, std::string(100, message.empty() ? '?' : message.front()));
  }
}

TEST_F(log_test, a_file_that_cannot_be_opened_is_a_permanent_failure_that_names_it) {
  options_.file = directory_.string();
  auto out = open_log(options_, std::make_shared<fixed_clock>());
  ASSERT_TRUE(out.has_error());
  EXPECT_EQ(out.error().kind, failure_class::permanent);
  EXPECT_NE(out.error().reason.find(options_.file), std::string::npos) << out.error().reason;
}

TEST(logger_test, a_default_constructed_logger_drops_everything) {
  logger log;
  log.set_level(log_level::debug);
  log.error("c", "e", "nobody hears this");
  EXPECT_FALSE(log.enabled(log_level::error));
}

TEST(log_level_test, names_are_read_in_either_case) {
  EXPECT_EQ(parse_log_level("DEBUG"), log_level::debug);
  EXPECT_EQ(parse_log_level("info"), log_level::info);
  EXPECT_EQ(parse_log_level("Warning"), log_level::warning);
  EXPECT_EQ(parse_log_level("WARN"), log_level::warning);
  EXPECT_EQ(parse_log_level("error"), log_level::error);
  for (auto unknown : {"", "TRACE", "ERRORS", "INF"})
    EXPECT_EQ(parse_log_level(unknown), std::nullopt) << unknown;
}

TEST(log_level_test, every_level_has_the_name_it_is_read_from) {
  for (auto x : {log_level::debug, log_level::info, log_level::warning, log_level::error})
    EXPECT_EQ(parse_log_level(to_string(x)), x);
}

} // namespace
} // namespace herald
