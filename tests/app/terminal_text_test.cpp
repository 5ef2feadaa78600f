// What a stranger's text may do to a terminal: nothing.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "app/terminal_text.hpp"
#include "core/text.hpp"

using namespace herald;

TEST(printable, ordinary_text_stays_as_it_is) {
  for (auto text : {"", "Rent Roll.xlsx", "Zoë & 李 \U0001F3E0 – “quoted”", "a\\b"})
    EXPECT_EQ(printable(text), text);
}

TEST(printable, control_sequences_are_made_visible) {
  EXPECT_EQ(printable("\x1b[2J"), "\\u{1b}[2J");
  EXPECT_EQ(printable("a\nb\rc\td"), "a\\nb\\rc\\td");
  EXPECT_EQ(printable(std::string_view{"\0\x7f", 2}), "\\u{0}\\u{7f}");
  // C1 controls: U+009B is a control sequence introducer of its own.
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\u{9b}31m");
}

TEST(printable, text_cannot_turn_the_reading_direction_or_hide) {
  EXPECT_EQ(printable("a\u202Eb"), "a\\u{202e}b");
  EXPECT_EQ(printable("a\u2066b\u200Bc\u2028d\uFEFF"), "a\\u{2066}b\\u{200b}c\\u{2028}d\\u{feff}");
}

TEST(printable, bytes_that_are_no_text_are_shown_as_such) {
  EXPECT_EQ(printable("a\xFF"
                      "b\xC3"),
            "a\\xffb\\xc3");
  // A bare C1 byte is no valid UTF-8, yet some terminals obey it.
  EXPECT_EQ(printable("\x9B"
                      "31m"),
            "\\x9b31m");
}

TEST(printable, a_long_text_is_cut_between_characters) {
  EXPECT_EQ(printable("Zoë", 3), "Zoë");
  EXPECT_EQ(printable("Zoë!", 3), "Zo…");
  EXPECT_EQ(printable("ëëëë", 3), "ëë…");
  EXPECT_EQ(printable("abc", 1), "…");
}

TEST(printable, whatever_comes_in_what_comes_out_is_harmless) {
  ASSERT_TRUE(rc::check([](const std::string& bytes) {
    auto out = printable(bytes);
    RC_ASSERT(!invalid_utf8_at(out));
    for (auto c : out)
      RC_ASSERT(static_cast<unsigned char>(c) >= 0x20U && c != '\x7f');
    RC_ASSERT(printable(out) == out);
    auto cut = printable(bytes, 5);
    RC_ASSERT(characters(cut) <= 5U);
    RC_ASSERT(!invalid_utf8_at(cut));
  }));
}

TEST(padding, counts_characters_and_not_bytes) {
  EXPECT_EQ(pad_right("Zoë", 5), "Zoë  ");
  EXPECT_EQ(pad_left("Zoë", 5), "  Zoë");
  EXPECT_EQ(pad_left("too long", 3), "too long");
}
