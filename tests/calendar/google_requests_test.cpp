// Text from rows as one segment of a path, or one value of a form.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "adapters/calendar/google_requests.hpp"

namespace herald::test {

namespace {

int value_of(char c) {
  return static_cast<int>(std::string_view{"0123456789ABCDEF"}.find(c));
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%') {
      out += static_cast<char>(16 * value_of(text.at(i + 1)) + value_of(text.at(i + 2)));
      i += 2;
    } else {
      out += text[i];
    }
  return out;
}

} // namespace

TEST(percent_encoding, leaves_the_unreserved_alone_and_no_other) {
  EXPECT_EQ(percent_encoded("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encoded("en.usa#holiday@group.v.calendar.google.com"),
            "en.usa%23holiday%40group.v.calendar.google.com");
  EXPECT_EQ(percent_encoded("a/b?c&d=e+f g%h\xC3\xBC"), "a%2Fb%3Fc%26d%3De%2Bf%20g%25h%C3%BC");
  EXPECT_EQ(percent_encoded(std::string{"\0\r\n\x7f", 4}), "%00%0D%0A%7F");
}

RC_GTEST_PROP(percent_encoding, keeps_every_byte_and_uses_no_character_with_a_meaning, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  auto encoded = percent_encoded(text);
  RC_ASSERT(decoded(encoded) == text);
  RC_ASSERT(encoded.find_first_of("/?#&=+ @:;,\r\n") == std::string::npos);
}

} // namespace herald::test
