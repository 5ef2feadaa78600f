// Names and strangers' strings: fallbacks, one line, literal Markdown.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using testing::awkward_bytes;
using testing::awkward_text;

std::size_t characters(std::string_view text) {
  std::size_t n = 0;
  for (auto c : text)
    n += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  return n;
}

bool has_break(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    auto rest = text.substr(i);
    if (c < 0x20 || c == 0x7F || rest.starts_with("\u0085") || rest.starts_with("\u2028")
        || rest.starts_with("\u2029"))
      return true;
  }
  return false;
}

/// What a Markdown reader makes of backslashes.
std::string unescaped(std::string_view markdown) {
  std::string out;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == '\\')
      ++i;
    out += markdown[i];
  }
  return out;
}

// -- UTF-8 --------------------------------------------------------------------------------------------------

TEST(invalid_utf8_at, finds_the_first_byte_of_the_broken_sequence) {
  EXPECT_EQ(invalid_utf8_at(""), std::nullopt);
  EXPECT_EQ(invalid_utf8_at("caf\u00E9 \u4E2D \U0001F600"), std::nullopt);
  EXPECT_EQ(invalid_utf8_at("ab\xFF"), 2u);
  EXPECT_EQ(invalid_utf8_at("a\xE4\xB8"), 1u) << "cut short";
}

TEST(invalid_utf8_at, knows_the_edges_of_each_encoded_length) {
  for (auto text : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                    "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(invalid_utf8_at(text), std::nullopt) << text;
  for (auto overlong : {"\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF"})
    EXPECT_EQ(invalid_utf8_at(overlong), 0u) << overlong;
  for (auto surrogate : {"\xED\xA0\x80", "\xED\xBF\xBF"})
    EXPECT_EQ(invalid_utf8_at(surrogate), 0u) << surrogate;
  for (auto beyond : {"\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xFF"})
    EXPECT_EQ(invalid_utf8_at(beyond), 0u) << beyond;
}

RC_GTEST_PROP(invalid_utf8_at, agrees_with_the_json_library_on_any_bytes, ()) {
  auto text = *rc::gen::oneOf(awkward_bytes(), awkward_text(), rc::gen::arbitrary<std::string>());
  auto strict = [](std::string_view x) {
    try {
      return !nlohmann::json(x).dump().empty();
    } catch (const nlohmann::json::type_error&) {
      return false;
    }
  };
  auto at = invalid_utf8_at(text);
  RC_ASSERT(strict(text) == !at);
  if (at)
    RC_ASSERT(strict(text.substr(0, *at)));
}

// -- one_line -----------------------------------------------------------------------------------------------

TEST(one_line, turns_each_run_of_breaks_and_control_characters_into_one_space) {
  EXPECT_EQ(one_line("Subject\r\nBcc: everyone@example.com", 80), "Subject Bcc: everyone@example.com");
  EXPECT_EQ(one_line("a\tb\x7F"
                     "c\u0085d\u2028e\u2029f",
                     80),
            "a b c d e f");
  EXPECT_EQ(one_line(std::string_view{"a\0b", 3}, 80), "a b");
}

TEST(one_line, trims_both_ends_and_keeps_spaces_between_words) {
  EXPECT_EQ(one_line(" \n Maple  Court \t", 80), "Maple  Court");
  EXPECT_EQ(one_line(" \r\n ", 80), "");
}

TEST(one_line, cuts_only_what_is_longer_than_the_limit) {
  EXPECT_EQ(one_line("abcde", 5), "abcde");
  EXPECT_EQ(one_line("abcdef", 5), "abcd\u2026");
  EXPECT_EQ(one_line("abc def", 5), "abc\u2026") << "no space before the ellipsis";
  EXPECT_EQ(one_line("ab", 1), "\u2026");
  EXPECT_EQ(one_line("ab", 0), "");
}

TEST(one_line, never_splits_a_character) {
  EXPECT_EQ(one_line("\u4E2D\u6587\u5B57\u7B26", 3), "\u4E2D\u6587\u2026");
  EXPECT_EQ(one_line("\U0001F600\U0001F600\U0001F600", 2), "\U0001F600\u2026");
}

RC_GTEST_PROP(one_line, gives_a_valid_line_within_the_limit_that_it_would_not_change_again, ()) {
  auto text = *awkward_text();
  auto max = *rc::gen::inRange<std::size_t>(0, 40);
  auto line = one_line(text, max);
  RC_ASSERT(!has_break(line));
  RC_ASSERT(characters(line) <= max);
  RC_ASSERT(!invalid_utf8_at(line));
  RC_ASSERT((line.empty() || (line.front() != ' ' && line.back() != ' ')));
  RC_ASSERT(one_line(line, max) == line);
}

RC_GTEST_PROP(one_line, survives_bytes_that_are_no_text, ()) {
  auto line = one_line(*awkward_bytes(), *rc::gen::inRange<std::size_t>(0, 40));
  RC_ASSERT(line.find('\n') == std::string::npos);
}

// -- markdown_escape ----------------------------------------------------------------------------------------

TEST(markdown_escape, takes_the_meaning_from_every_special_character) {
  EXPECT_EQ(markdown_escape("a*b_c`d[e](f)<g>~h\\"), "a\\*b\\_c\\`d\\[e\\](f)\\<g\\>\\~h\\\\");
}

TEST(markdown_escape, leaves_ordinary_punctuation_alone) {
  EXPECT_EQ(markdown_escape("Smith & Co; unit #4, 3.5% - done!"), "Smith & Co; unit #4, 3.5% - done!");
  EXPECT_EQ(markdown_escape("caf\u00E9 \u4E2D"), "caf\u00E9 \u4E2D");
}

TEST(markdown_escape, keeps_a_name_from_starting_a_heading_or_a_list) {
  EXPECT_EQ(markdown_escape("# Plans"), "\\# Plans");
  EXPECT_EQ(markdown_escape("- Plans"), "\\- Plans");
  EXPECT_EQ(markdown_escape("+ Plans"), "\\+ Plans");
  EXPECT_EQ(markdown_escape("12. Plans"), "12\\. Plans");
  EXPECT_EQ(markdown_escape("1) Plans"), "1\\) Plans");
  EXPECT_EQ(markdown_escape("2026 Plans"), "2026 Plans");
  EXPECT_EQ(markdown_escape("2026"), "2026");
}

TEST(markdown_escape, keeps_character_references_literal) {
  EXPECT_EQ(markdown_escape("&lt;b&#62; AT&T; &;"), "\\&lt;b\\&#62; AT\\&T; &;");
}

TEST(markdown_escape, keeps_a_name_on_one_line) {
  EXPECT_EQ(markdown_escape("Plans\r\n\r\n# Click here"), "Plans # Click here");
}

RC_GTEST_PROP(markdown_escape, reads_back_as_the_text_itself, ()) {
  auto text = one_line(*awkward_text(), 1000);
  auto markdown = markdown_escape(text);
  RC_ASSERT(unescaped(markdown) == text);
  RC_ASSERT(!has_break(markdown));
}

RC_GTEST_PROP(markdown_escape, leaves_no_special_character_without_its_backslash, ()) {
  auto markdown = markdown_escape(*awkward_text());
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    if (markdown[i] == '\\')
      ++i;
    else
      RC_ASSERT(std::string_view{"`*_[]<>~"}.find(markdown[i]) == std::string_view::npos);
  }
}

// -- names --------------------------------------------------------------------------------------------------

TEST(thread_label, has_exactly_one_leading_hash) {
  EXPECT_EQ(thread_label("pricing"), "#pricing");
  EXPECT_EQ(thread_label("#pricing"), "#pricing");
  EXPECT_EQ(thread_label("  #pricing\n"), "#pricing");
}

TEST(thread_label, of_an_empty_topic_is_general) {
  EXPECT_EQ(thread_label(""), "#general");
  EXPECT_EQ(thread_label(" \t"), "#general");
  EXPECT_EQ(thread_label("#"), "#general");
}

RC_GTEST_PROP(thread_label, is_one_bounded_line_and_a_label_of_itself, ()) {
  auto topic = *awkward_text() + *rc::gen::element(std::string{}, std::string(name_limit, 'x'));
  auto label = thread_label(topic);
  RC_ASSERT(label.starts_with('#'));
  RC_ASSERT(label.size() > 1);
  RC_ASSERT(characters(label) <= name_limit);
  RC_ASSERT(!has_break(label));
  RC_ASSERT(thread_label(label) == label);
}

TEST(person_name, is_the_full_name_then_the_address_then_someone) {
  profile both{"Ada Lovelace", "ada@example.com"};
  profile address{"", "ada@example.com"};
  profile blank{"  ", " "};
  EXPECT_EQ(person_name(&both), "Ada Lovelace");
  EXPECT_EQ(person_name(&address), "ada@example.com");
  EXPECT_EQ(person_name(&blank), "Someone");
  EXPECT_EQ(person_name(nullptr), "Someone");
}

TEST(project_name, falls_back_to_your_project) {
  project named{"Maple\nCourt", {}, {}};
  project unnamed{"", {}, {}};
  EXPECT_EQ(project_name(&named), "Maple Court");
  EXPECT_EQ(project_name(&unnamed), "your project");
  EXPECT_EQ(project_name(nullptr), "your project");
}

TEST(names, are_cut_at_the_limit) {
  profile x{std::string(name_limit + 1, 'x'), ""};
  project y{std::string(name_limit + 1, 'y'), {}, {}};
  EXPECT_EQ(characters(person_name(&x)), name_limit);
  EXPECT_EQ(characters(project_name(&y)), name_limit);
}

} // namespace
} // namespace herald
