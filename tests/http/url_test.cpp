// Addresses of servers: what is accepted, and that nothing doubtful is.
#include <gtest/gtest.h>

#include "adapters/http/url.hpp"

namespace herald::test {

namespace {

http_url parsed(std::string_view text) {
  auto out = parse_http_url(text);
  if (out.has_error())
    throw std::runtime_error(out.error().reason);
  return *out;
}

} // namespace

TEST(url, has_scheme_host_port_and_path) {
  auto x = parsed("https://api.resend.com");
  EXPECT_TRUE(x.tls);
  EXPECT_EQ(x.host, "api.resend.com");
  EXPECT_EQ(x.port, 443);
  EXPECT_EQ(x.path, "");
  x = parsed("http://127.0.0.1:8025/mail/v1/");
  EXPECT_FALSE(x.tls);
  EXPECT_EQ(x.host, "127.0.0.1");
  EXPECT_EQ(x.port, 8025);
  EXPECT_EQ(x.path, "/mail/v1");
  EXPECT_EQ(parsed("http://localhost").port, 80);
  EXPECT_EQ(parsed("https://API.Resend.COM/").host, "api.resend.com");
}

TEST(url, writes_the_authority_as_the_host_header_wants_it) {
  EXPECT_EQ(authority(parsed("https://a.b:443")), "a.b");
  EXPECT_EQ(authority(parsed("https://a.b:80")), "a.b:80");
  EXPECT_EQ(authority(parsed("http://[::1]:8080")), "[::1]:8080");
  EXPECT_EQ(to_string(parsed("http://a.b/c")), "http://a.b");
}

TEST(url, refuses_whatever_is_not_plainly_a_base_address) {
  for (auto* text : {"",
                     "https://",
                     "https:///path",
                     "api.resend.com",
                     "ftp://a.b",
                     "HTTPS://a.b",
                     "https://a b",
                     "https://a.b/\n",
                     "https://user@a.b",
                     "https://user:pw@a.b",
                     "https://a.b?x=1",
                     "https://a.b/c?x=1",
                     "https://a.b#c",
                     "https://a.b:",
                     "https://a.b:0",
                     "https://a.b:65536",
                     "https://a.b:80x",
                     "https://a.b:-1",
                     "https://a..b",
                     "https://.a",
                     "https://-a.b",
                     "https://a-.b",
                     "https://127.1",
                     "https://1.2.3.4.5",
                     "https://256.1.1.1",
                     "https://[::1",
                     "https://[::1]x",
                     "https://[a.b]",
                     "https://[]",
                     "https://a.b\\c",
                     "https://ä.de",
                     "https://a%41.b"})
    EXPECT_TRUE(parse_http_url(text).has_error()) << text;
}

TEST(url, does_not_show_a_password_in_its_refusal) {
  auto refused = parse_http_url("https://user:hunter2@a.b");
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().reason.find("hunter2"), std::string::npos) << refused.error().reason;
}

TEST(url, knows_this_machine_by_its_name_alone) {
  for (auto* text : {"http://localhost", "http://127.0.0.1", "http://127.8.9.10", "http://[::1]"})
    EXPECT_TRUE(is_loopback(parsed(text))) << text;
  for (auto* text :
       {"http://localhost.evil.org", "http://127.0.0.1.evil.org", "http://10.0.0.1", "http://[::2]"})
    EXPECT_FALSE(is_loopback(parsed(text))) << text;
}

} // namespace herald::test
