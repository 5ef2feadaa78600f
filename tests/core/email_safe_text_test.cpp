// Strangers' text made safe for mails.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/safe_text.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using testing::awkward_bytes;
using testing::awkward_text;

TEST(email_safe_text, broken_utf8_is_replaced_and_the_rest_kept) {
  EXPECT_EQ(repair_utf8("caf\u00E9"), "caf\u00E9");
  EXPECT_EQ(repair_utf8("a\xFF"
                        "b\xE4\xB8"),
            "a\uFFFDb\uFFFD\uFFFD");
}

TEST(email_safe_text, a_line_has_no_direction_overrides) {
  // Without its override, the name shows its true ending.
  EXPECT_EQ(safe_line("invoice\u202Efdp.exe", 100), "invoicefdp.exe");
  for (auto mark : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202B", "\u202C", "\u202D", "\u202E", "\u2066",
                    "\u2067", "\u2068", "\u2069"})
    EXPECT_EQ(safe_line(std::string{"a"} + mark + "b", 100), "ab") << mark;
  EXPECT_EQ(safe_line("\u2013\u2065\u2070\u0628", 100), "\u2013\u2065\u2070\u0628") << "neighbours stay";
}

TEST(email_safe_text, a_line_is_one_line_of_bounded_length) {
  EXPECT_EQ(safe_line(" a\r\nBcc: b@example.com ", 100), "a Bcc: b@example.com");
  EXPECT_EQ(safe_line(std::string(100'000, 'x'), 5), "xxxx\u2026");
}

TEST(email_safe_text, a_block_keeps_its_line_breaks_and_its_bound) {
  EXPECT_EQ(safe_block("a\tb\r\n\nc\u202E", 100), "a b\n\nc");
  EXPECT_EQ(safe_block("ab\ncdef", 5), "ab\nc\u2026");
  EXPECT_EQ(safe_block(std::string(100'000, '\n'), 3), "\n\n\n");
}

TEST(email_safe_text, tags_hold_nothing_but_letters_digits_underscores_and_hyphens) {
  EXPECT_EQ(tag_text("document_uploaded"), "document_uploaded");
  EXPECT_EQ(tag_text("a b\r\n<\u00E9>-Z9"), "a_b______-Z9") << "one mark a byte";
  EXPECT_EQ(tag_text(""), "unknown");
  EXPECT_EQ(tag_text(std::string(1000, 'x')), std::string(256, 'x'));
}

TEST(email_safe_text, html_is_escaped_in_text_and_attributes) {
  EXPECT_EQ(html_escape("<a href=\"x\" id='y'>&amp;"),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
}

RC_GTEST_PROP(email_safe_text, any_bytes_become_a_valid_line_of_at_most_max_characters, ()) {
  auto text = *rc::gen::oneOf(awkward_bytes(), awkward_text());
  auto max = *rc::gen::inRange<std::size_t>(1, 30);
  auto line = safe_line(text, max);
  RC_ASSERT(!invalid_utf8_at(line));
  RC_ASSERT(one_line(line, max) == line);
  RC_ASSERT(!invalid_utf8_at(safe_block(text, max)));
}

RC_GTEST_PROP(email_safe_text, harmless_lines_pass_unchanged, ()) {
  auto text = one_line(*awkward_text(), 1000);
  RC_PRE(text.find('\xE2') == std::string::npos);
  RC_ASSERT(safe_line(text, 1000) == text);
}

} // namespace
} // namespace herald
