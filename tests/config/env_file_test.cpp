// `.env` files as operators write them.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/env_file.hpp"

namespace herald {
namespace {

struct parsed {
  std::map<std::string, std::string> values;
  config_errors errors;
};

parsed parse(std::string_view text) {
  parsed out;
  for (auto& x : parse_env_file(text, "test.env", out.errors))
    out.values[x.name] = x.value;
  return out;
}

/// The value of the only variable in a file without errors.
std::string value_of(std::string_view text) {
  auto x = parse(text);
  EXPECT_EQ(to_string(x.errors), "");
  return x.values.size() == 1 ? x.values.begin()->second : "not exactly one variable";
}

TEST(env_file, a_trailing_comment_is_no_part_of_the_value) {
  EXPECT_EQ(value_of("LOG_LEVEL=INFO  # DEBUG, INFO, WARNING or ERROR"), "INFO");
  EXPECT_EQ(value_of("DRY_RUN=true\t# writes nothing"), "true");
  EXPECT_EQ(value_of("KEY= # nothing"), "");
}

TEST(env_file, a_hash_inside_a_value_is_no_comment) {
  EXPECT_EQ(value_of("COLOUR=#ff0000"), "#ff0000");
  EXPECT_EQ(value_of("URL=https://example.org/#top"), "https://example.org/#top");
}

TEST(env_file, blank_lines_and_comment_lines_are_skipped) {
  auto x = parse("\n   \n# A=1\n  # B=2\nC=3\n");
  EXPECT_EQ(to_string(x.errors), "");
  EXPECT_EQ(x.values, (std::map<std::string, std::string>{{"C", "3"}}));
}

TEST(env_file, export_and_blanks_around_the_name_are_accepted) {
  EXPECT_EQ(parse("export A=1").values.at("A"), "1");
  EXPECT_EQ(parse("  export\tA = 1 ").values.at("A"), "1");
  EXPECT_EQ(parse("export=1").values.at("export"), "1");
  EXPECT_EQ(parse("exported=1").values.at("exported"), "1");
}

TEST(env_file, windows_line_ends_and_a_byte_order_mark_are_accepted) {
  auto x = parse("\xEF\xBB\xBF"
                 "A=1\r\nB=\"2\"\r\n");
  EXPECT_EQ(to_string(x.errors), "");
  EXPECT_EQ(x.values, (std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}}));
}

TEST(env_file, the_value_may_hold_equals_signs_and_quotes) {
  EXPECT_EQ(value_of("A=b=c=="), "b=c==");
  EXPECT_EQ(value_of("A=O'Brien \"jr\""), "O'Brien \"jr\"");
}

TEST(env_file, single_quotes_keep_everything) {
  EXPECT_EQ(value_of(R"(A=' a # b \n ')"), R"( a # b \n )");
  EXPECT_EQ(value_of("A='x'   # comment"), "x");
}

TEST(env_file, double_quotes_know_escapes) {
  EXPECT_EQ(value_of(R"(A="a\n\t\"b\"\\ \$c # d")"), "a\n\t\"b\"\\ $c # d");
}

TEST(env_file, the_last_of_equal_names_counts) {
  EXPECT_EQ(parse("A=1\nA=2").values.at("A"), "2");
}

TEST(env_file, each_bad_line_is_reported_with_its_number) {
  auto x = parse(
      "GOOD=1\nNONSENSE\n2ND=x\nA B=1\n=1\nQUOTED=\"open\nESCAPE=\"\\q\"\nMORE='x' y\nGLUED=\"x\"#c\nLAST=2");
  std::map<std::size_t, std::string> by_line;
  for (const auto& e : x.errors)
    by_line[e.line] = e.variable;
  EXPECT_EQ(
      by_line,
      (std::map<std::size_t, std::string>{
          {2, ""}, {3, ""}, {4, ""}, {5, ""}, {6, "QUOTED"}, {7, "ESCAPE"}, {8, "MORE"}, {9, "GLUED"}}));
  EXPECT_EQ(x.values, (std::map<std::string, std::string>{{"GOOD", "1"}, {"LAST", "2"}}));
}

TEST(env_file, an_error_never_shows_the_value) {
  auto x =
      parse("RESEND_API_KEY=\"re_secret\nre_secret RESEND_API_KEY\nA=\"re_secret\\x\"\nB='a' re_secret\n");
  ASSERT_EQ(x.errors.size(), 4U);
  EXPECT_EQ(to_string(x.errors).find("re_secret"), std::string::npos);
}

TEST(env_file, a_nul_character_is_refused) {
  auto x = parse(std::string_view{"A=b\0c", 5});
  ASSERT_EQ(x.errors.size(), 1U);
  EXPECT_EQ(x.errors[0].variable, "A");
}

RC_GTEST_PROP(env_file_property, any_bytes_are_entries_or_errors, (const std::vector<std::uint8_t>& bytes)) {
  auto text = std::string(bytes.begin(), bytes.end());
  auto x = parse(text);
  for (const auto& e : x.errors)
    RC_ASSERT(e.line >= 1U);
}

RC_GTEST_PROP(env_file_property, lines_of_hostile_punctuation_are_entries_or_errors, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"A=\"'\\# \t\n\r$"}));
  auto x = parse(text);
  auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  RC_ASSERT(x.errors.size() + x.values.size() <= lines);
}

RC_GTEST_PROP(env_file_property, what_is_quoted_is_read_back, (const std::string& value)) {
  RC_PRE(value.find('\0') == std::string::npos);
  std::string line = "A=\"";
  for (auto c : value) {
    if (c == '\n')
      line += "\\n";
    else if (c == '"' || c == '\\')
      line.append("\\").append(1, c);
    else
      line += c;
  }
  auto x = parse(line + "\"");
  RC_ASSERT(x.errors.empty());
  RC_ASSERT(x.values.at("A") == value);
}

} // namespace
} // namespace herald
