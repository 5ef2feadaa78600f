// The text of a configuration file, and where it is wrong.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/document.hpp"

namespace herald {
namespace {

config_errors errors_of(std::string_view text) {
  config_errors out;
  parse_document(text, "herald.json", out);
  return out;
}

/// The only error of the text.
config_error error_of(std::string_view text) {
  auto all = errors_of(text);
  EXPECT_EQ(all.size(), 1U) << to_string(all);
  return all.empty() ? config_error{} : all.front();
}

TEST(document, comments_of_both_kinds_are_skipped) {
  config_errors errors;
  auto x = parse_document("// one\n{ /* two */ \"a\": 1 // three\n}", "herald.json", errors);
  EXPECT_EQ(to_string(errors), "");
  ASSERT_TRUE(x);
  EXPECT_EQ(*x, (nlohmann::json{{"a", 1}}));
}

TEST(document, a_syntax_error_is_reported_with_line_and_column) {
  auto e = error_of("{\n  \"a\": 1,\n  \"b\": x\n}");
  EXPECT_EQ(e.source, "herald.json");
  EXPECT_EQ(e.line, 3U);
  EXPECT_EQ(e.column, 8U);
  EXPECT_NE(e.found.find("invalid literal"), std::string::npos) << e.found;
}

TEST(document, a_file_that_ends_too_early_is_a_syntax_error) {
  EXPECT_EQ(error_of("").line, 1U);
  EXPECT_EQ(error_of("{\n").line, 2U);
  EXPECT_EQ(error_of("{\"a\": \"").line, 1U);
  EXPECT_EQ(error_of("{} /* open").line, 1U);
}

TEST(document, a_trailing_comma_is_called_so_and_found_at_the_comma) {
  for (auto text : {"{\"a\": 1,\n}", "{\"a\": 1, // why\n  /* , */ }", "{\"a\": [1,] }"}) {
    auto e = error_of(text);
    EXPECT_EQ(e.found, "a trailing comma") << text;
    EXPECT_EQ(text[e.column - 1], ',') << text;
    EXPECT_EQ(e.line, 1U) << text;
  }
}

TEST(document, another_misplaced_bracket_is_no_trailing_comma) {
  EXPECT_NE(error_of("{\"a\": }").found, "a trailing comma");
  EXPECT_NE(error_of("{\"a,\" }").found, "a trailing comma");
  EXPECT_NE(error_of("{\"a\": \",\" ]").found, "a trailing comma");
}

TEST(document, a_key_that_stands_twice_is_found_at_every_depth) {
  auto all = errors_of(R"({"a": 1, "b": {"c": 1, "d": {}, "c": 2}, "a": 2, "l": [0, {"x": 1, "x": 2}]})");
  ASSERT_EQ(all.size(), 3U) << to_string(all);
  EXPECT_EQ(all[0].pointer, "/b/c");
  EXPECT_EQ(all[1].pointer, "/a");
  EXPECT_EQ(all[2].pointer, "/l/1/x");
}

TEST(document, equal_keys_of_different_objects_are_no_duplicates) {
  EXPECT_EQ(to_string(errors_of(R"({"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}]})")), "");
}

TEST(document, a_pointer_escapes_what_would_change_its_meaning) {
  EXPECT_EQ(pointer_segment("a/b~c"), "a~1b~0c");
  EXPECT_EQ(error_of(R"({"a/b": 1, "a/b": 2})").pointer, "/a~1b");
}

TEST(document, only_an_object_is_a_configuration) {
  EXPECT_EQ(error_of("[1]").found, "a list");
  EXPECT_EQ(error_of("null").found, "null");
  EXPECT_EQ(error_of("\"text\"").found, "\"text\"");
}

TEST(document, numbers_beyond_all_range_and_bytes_that_are_no_text_are_errors) {
  EXPECT_EQ(errors_of("{\"a\": 1e999}").size(), 1U);
  EXPECT_EQ(errors_of("{\"a\": \"\xff\"}").size(), 1U);
  EXPECT_EQ(errors_of(std::string_view{"{\"a\": \0}", 8}).size(), 1U);
}

TEST(document, deep_nesting_is_survived) {
  auto deep = std::string(200'000, '[');
  EXPECT_EQ(errors_of("{\"a\": " + deep).size(), 1U);
  EXPECT_EQ(errors_of("{\"a\": " + deep + std::string(200'000, ']') + "}").size(), 0U);
}

} // namespace
} // namespace herald
