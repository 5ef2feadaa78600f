// Mailboxes and links: what is one, and what only looks like one.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/addresses.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

TEST(email_addresses, ordinary_addresses_pass) {
  for (auto x : {"cleo@example.com", "cleo.cho+tower@mail.example.co.uk", "o'neil@example.com", "x@1-2.io"})
    EXPECT_EQ(why_no_address(x), std::nullopt) << x;
}

TEST(email_addresses, a_reason_says_what_is_wrong_with_an_address) {
  EXPECT_EQ(why_no_address(""), "is empty");
  EXPECT_EQ(why_no_address("cleo"), "has no @");
  EXPECT_EQ(why_no_address("cleo@example.com\r\nBcc: eve@example.com"),
            "holds a control character or line break");
  EXPECT_EQ(why_no_address("a@example.com,b@example.com"), "has more than one @");
  EXPECT_EQ(why_no_address("Cleo Cho <cleo@example.com>"),
            "has characters before its @ that cannot stand there");
  EXPECT_EQ(why_no_address("cleo@localhost"), "has no domain name behind its @");
  EXPECT_EQ(why_no_address(std::string(250, 'x') + "@example.com"), "is longer than 254 characters");
}

TEST(email_addresses, almost_addresses_are_refused) {
  for (auto x : {"@example.com", "cleo@", "cleo@.com", "cleo@example.", "cleo@-a.com", "cleo@exa mple.com",
                 ".a@example.com", "a..b@example.com", "a.@example.com", "cleo@example.com;",
                 "cl\xC3\xA9o@example.com"})
    EXPECT_NE(why_no_address(x), std::nullopt) << x;
}

TEST(email_addresses, a_sender_may_have_a_name) {
  EXPECT_EQ(why_no_mailbox("notifications@capmatch.com"), std::nullopt);
  EXPECT_EQ(why_no_mailbox("CapMatch <notifications@capmatch.com>"), std::nullopt);
  for (auto x :
       {"CapMatch <notifications@capmatch.com> x", "CapMatch <>", "Cap\nMatch <a@capmatch.com>", "CapMatch"})
    EXPECT_NE(why_no_mailbox(x), std::nullopt) << x;
}

TEST(email_addresses, a_base_url_is_an_http_url_of_a_host) {
  for (auto x :
       {"https://capmatch.com", "https://capmatch.com/", "http://localhost:3000", "https://x.example/app"})
    EXPECT_EQ(why_no_base_url(x), std::nullopt) << x;
  for (auto x :
       {"", "capmatch.com", "ftp://capmatch.com", "https://", "https://a b.com", "https://user@capmatch.com",
        "https://capmatch.com:", "https://capmatch.com:x", "https://capmatch.com?x",
        "https://capmatch.com/?x", "https://capmatch.com/\"x", "javascript:alert(1)"})
    EXPECT_NE(why_no_base_url(x), std::nullopt) << x;
}

TEST(email_addresses, a_site_relative_link_is_joined_to_the_base_url) {
  EXPECT_EQ(absolute_link("https://capmatch.com", "/team"), "https://capmatch.com/team");
  EXPECT_EQ(absolute_link("https://capmatch.com/", "/project/workspace/1?tab=chat&thread=2"),
            "https://capmatch.com/project/workspace/1?tab=chat&thread=2");
}

TEST(email_addresses, a_link_to_anywhere_else_falls_back_to_the_base_url) {
  for (auto x : {"", "team", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
                 "javascript:alert(1)", " /team", "/te am", "/team\r\nX: y", "/\t/evil.example",
                 "/team\"onclick=", "/<script>", "/t\xC3\xA9"})
    EXPECT_EQ(absolute_link("https://capmatch.com", x), "https://capmatch.com") << x;
  EXPECT_EQ(absolute_link("https://capmatch.com", "/" + std::string(100'000, 'x')), "https://capmatch.com");
}

RC_GTEST_PROP(email_addresses, a_link_never_leaves_the_site, ()) {
  auto link = *rc::gen::container<std::string>(
      rc::gen::element('/', '\\', ':', '@', '.', 'a', '?', '#', '%', '\n', ' ', '"', '<', '\xC3'));
  auto out = absolute_link("https://capmatch.com", link);
  RC_ASSERT(out == "https://capmatch.com" || out.starts_with("https://capmatch.com/"));
  RC_ASSERT(!out.starts_with("https://capmatch.com//"));
  RC_ASSERT(out.find_first_of("\\\n \"<") == std::string::npos);
}

} // namespace
} // namespace herald
