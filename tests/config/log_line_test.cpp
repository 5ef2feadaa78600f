// One record, one line, whatever the record holds.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "actors/log_line.hpp"

namespace herald {
namespace {

// 2025-01-20T14:30:45.678Z
constexpr auto noon = std::int64_t{1'737'383'445'678};

log_record record(std::string_view message) {
  return {from_epoch_ms(noon), log_level::info, "notify-fan-out", "batch-committed", message};
}

std::string text_of(std::string_view message) {
  return text_line(record(message))
      .substr(std::string_view{"2025-01-20 14:30:45 - INFO - notify-fan-out - "}.size());
}

TEST(log_line, text_is_time_level_component_and_message) {
  EXPECT_EQ(text_line(record("Message here")), "2025-01-20 14:30:45 - INFO - notify-fan-out - Message here");
  auto x = record("Message here");
  x.level = log_level::warning;
  EXPECT_EQ(text_line(x), "2025-01-20 14:30:45 - WARNING - notify-fan-out - Message here");
}

TEST(log_line, json_has_time_level_component_event_and_message_in_this_order) {
  EXPECT_EQ(json_line(record("Message here")),
            R"({"time":"2025-01-20T14:30:45.678Z","level":"INFO","component":"notify-fan-out",)"
            R"("event":"batch-committed","message":"Message here"})");
}

TEST(log_line, a_forged_line_stays_part_of_its_message) {
  EXPECT_EQ(text_of("x\n2025-01-20 14:30:46 - ERROR - y - z"), R"(x\n2025-01-20 14:30:46 - ERROR - y - z)");
  EXPECT_EQ(text_of("a\r\nb\tc"), R"(a\r\nb\tc)");
}

TEST(log_line, characters_that_deceive_are_escaped) {
  EXPECT_EQ(text_of(std::string_view{"\0\x1b[2J\x7f", 6}), R"(\x00\x1b[2J\x7f)");
  EXPECT_EQ(text_of("\xC2\x9B"), R"(\x9b)");         // control sequence introducer in one character
  EXPECT_EQ(text_of("\xE2\x80\xA8"), R"(\u2028)");   // line separator
  EXPECT_EQ(text_of("a\xE2\x80\xAE"), R"(a\u202e)"); // right-to-left override
  EXPECT_EQ(text_of("\xE2\x81\xA6z"), R"(\u2066z)"); // isolate
}

TEST(log_line, letters_of_all_scripts_stay_as_they_are) {
  EXPECT_EQ(text_of("Käse, 東京, \xF0\x9F\x93\x81"), "Käse, 東京, \xF0\x9F\x93\x81");
}

TEST(log_line, bytes_that_are_no_utf8_are_shown_as_numbers) {
  EXPECT_EQ(text_of("\xff"), R"(\xff)");
  EXPECT_EQ(text_of("\xC3"), R"(\xc3)");                 // ends early
  EXPECT_EQ(text_of("\xC3("), R"(\xc3()");               // no continuation
  EXPECT_EQ(text_of("\xC0\x8A"), R"(\xc0\x8a)");         // a line feed in two bytes
  EXPECT_EQ(text_of("\xE0\x80\x8A"), R"(\xe0\x80\x8a)"); // and in three
  EXPECT_EQ(text_of("\xED\xA0\x80"), R"(\xed\xa0\x80)"); // surrogate
  EXPECT_EQ(text_of("\xF4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
}

TEST(log_line, component_and_event_are_escaped_like_the_message) {
  auto x = record("m");
  x.component = "a\nb";
  x.event = "c\nd\"";
  EXPECT_EQ(text_line(x), R"(2025-01-20 14:30:45 - INFO - a\nb - m)");
  auto json = nlohmann::json::parse(json_line(x));
  EXPECT_EQ(json["component"], "a\nb");
  EXPECT_EQ(json["event"], "c\nd\"");
}

TEST(log_line, a_long_message_is_cut_and_says_so) {
  EXPECT_EQ(text_of(std::string(max_log_value, 'x')), std::string(max_log_value, 'x'));
  EXPECT_EQ(text_of(std::string(max_log_value + 1, 'x')),
            std::string(max_log_value, 'x') + "... (cut, 8193 bytes in all)");
}

TEST(log_line, a_cut_leaves_whole_characters) {
  auto message = std::string(max_log_value - 2, 'x') + "\xF0\x9F\x93\x81";
  EXPECT_EQ(text_of(message), std::string(max_log_value - 2, 'x') + "... (cut, 8194 bytes in all)");
}

// -- properties ---------------------------------------------------------------------------------------------

bool is_one_clean_line(const std::string& line) {
  for (auto c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return false;
  return true;
}

RC_GTEST_PROP(log_line_property, any_bytes_make_one_clean_line, (const std::vector<std::uint8_t>& bytes)) {
  auto message = std::string(bytes.begin(), bytes.end());
  RC_ASSERT(is_one_clean_line(text_line(record(message))));
  auto line = json_line(record(message));
  RC_ASSERT(is_one_clean_line(line));
  RC_ASSERT(nlohmann::json::accept(line));
}

RC_GTEST_PROP(log_line_property, json_gives_back_every_text, ()) {
  auto points = *rc::gen::container<std::vector<std::uint16_t>>(rc::gen::inRange<std::uint16_t>(0, 0x7FF));
  std::string message;
  for (auto x : points) {
    if (x < 0x80)
      message += static_cast<char>(x);
    else
      message.append(1, static_cast<char>(0xC0 | (x >> 6))).append(1, static_cast<char>(0x80 | (x & 0x3F)));
  }
  RC_ASSERT(nlohmann::json::parse(json_line(record(message)))["message"] == message);
}

} // namespace
} // namespace herald
