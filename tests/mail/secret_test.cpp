// A secret cannot be printed by accident, and is gone when it is.
#include <sstream>
#include <type_traits>

#include <gtest/gtest.h>

#include "messages/secret.hpp"

namespace herald::test {

namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& x) {
  out << x;
};

static_assert(printable<std::string>);
static_assert(!printable<secret>);
static_assert(!std::is_convertible_v<secret, std::string>);
static_assert(!std::is_convertible_v<secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, secret>);

} // namespace

TEST(secret, shows_itself_only_when_asked_to) {
  secret x{"hunter2"};
  EXPECT_EQ(x.reveal(), "hunter2");
  EXPECT_EQ(to_string(x), "***");
  EXPECT_TRUE(secret{}.empty());
}

TEST(secret, copies_and_moves_like_a_value) {
  for (auto& text : {std::string{"short"}, std::string(100, 'x')}) {
    secret a{text};
    auto b = a;
    EXPECT_EQ(b.reveal(), text);
    auto c = std::move(a);
    EXPECT_EQ(c.reveal(), text);
    secret d{"other"};
    d = b;
    EXPECT_EQ(d.reveal(), text);
    d = std::move(b);
    EXPECT_EQ(d.reveal(), text);
  }
}

TEST(secret, leaves_nothing_behind_when_it_is_moved_from_or_wiped) {
  secret a{"hunter2"};
  // In place: short texts live inside the object.
  auto* bytes = a.reveal().data();
  auto b = std::move(a);
  EXPECT_EQ(std::string_view(bytes, 7), std::string_view("\0\0\0\0\0\0\0", 7));
  std::string text(100, 'x');
  bytes = text.data();
  secret::wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string_view(bytes, 100), std::string(100, '\0'));
}

} // namespace herald::test
