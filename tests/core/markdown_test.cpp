// Markdown pieces: names in bold type, and chat messages as bodies.
#include <chrono>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/markdown.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

TEST(bold, escapes_the_name) {
  EXPECT_EQ(bold("plan.pdf"), "**plan.pdf**");
  EXPECT_EQ(bold("a*b_<c>"), "**a\\*b\\_\\<c\\>**");
}

TEST(bold, leaves_the_mark_of_a_label_bare) {
  EXPECT_EQ(bold_label("#general"), "**#general**");
  EXPECT_EQ(bold_label("#a*b"), "**#a\\*b**");
}

TEST(message_body, reads_mentions_as_names) {
  EXPECT_EQ(message_body("@[Ben Berg](user:aaaaaaaa-0000-4000-8000-000000000002), look"), "@Ben Berg, look");
  EXPECT_EQ(message_body("@[A](user:1)@[B](user:2)"), "@A@B");
}

TEST(message_body, leaves_other_brackets_to_the_escape) {
  EXPECT_EQ(message_body("@[Ben"), "@\\[Ben");
  EXPECT_EQ(message_body("@[Ben](user:1"), "@\\[Ben\\](user:1");
  EXPECT_EQ(message_body("[x](http://evil.example)"), "\\[x\\](http://evil.example)");
}

TEST(message_body, escapes_the_names_of_mentions) {
  EXPECT_EQ(message_body("@[<b>](user:1)"), "@\\<b\\>");
}

TEST(message_body, is_cut_by_characters_not_bytes) {
  std::string smileys, expected;
  for (int i = 0; i < 600; ++i)
    smileys += "\U0001F600";
  for (int i = 0; i < 499; ++i)
    expected += "\U0001F600";
  EXPECT_EQ(message_body(smileys), expected + "\u2026");
}

TEST(message_body, may_be_empty) {
  EXPECT_EQ(message_body(""), "");
  EXPECT_EQ(message_body(" \n "), "");
}

RC_GTEST_PROP(message_body, is_bounded_and_on_one_line, ()) {
  auto body = message_body(*herald::testing::awkward_text());
  // At worst every character takes four bytes or a backslash.
  RC_ASSERT(body.size() <= message_limit * 4 + 4);
  RC_ASSERT(body.find('\n') == std::string::npos);
}

} // namespace
} // namespace herald
