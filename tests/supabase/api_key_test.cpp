// Which keys the store takes, and that a key for browsers is refused before anything is sent.
#include <string>

#include <gtest/gtest.h>

#include "adapters/store/supabase/api_key.hpp"
#include "tests/fakes/supabase_gateway.hpp"

namespace herald::test {

namespace {

using supabase::inspect_key;
using supabase::key_kind;

key_kind kind_of(const std::string& key) {
  auto out = inspect_key(secret{key});
  if (out.has_error())
    throw std::runtime_error(to_string(out.error()));
  return *out;
}

void expect_refused(const std::string& key, const std::string& words) {
  auto out = inspect_key(secret{key});
  ASSERT_TRUE(out.has_error()) << key;
  EXPECT_EQ(out.error().kind, failure_class::permanent);
  EXPECT_NE(out.error().reason.find(words), std::string::npos) << out.error().reason;
  EXPECT_TRUE(key.empty() || out.error().reason.find(key) == std::string::npos) << out.error().reason;
}

TEST(supabase_api_key, of_the_service_role_is_a_token) {
  EXPECT_EQ(kind_of(supabase_gateway::token("service_role")), key_kind::token);
  EXPECT_EQ(kind_of(supabase_gateway::token("a_role_of_ones_own")), key_kind::token);
}

TEST(supabase_api_key, that_is_secret_is_opaque) {
  EXPECT_EQ(kind_of(supabase_gateway::secret_key()), key_kind::opaque);
}

TEST(supabase_api_key, for_browsers_is_refused) {
  expect_refused(supabase_gateway::publishable_key(), "publishable");
  expect_refused(supabase_gateway::token("anon"), "for the role anon");
  expect_refused(supabase_gateway::token("authenticated"), "for the role authenticated");
}

TEST(supabase_api_key, that_is_missing_is_refused) {
  expect_refused("", "is missing");
}

TEST(supabase_api_key, that_only_looks_like_a_token_is_opaque) {
  for (auto key : {"a.b", "a.b.c.d", "..", "eyJ.!!!.x", "x.bm8ganNvbg.y", "x.WzFd.y", "x.bnVsbA.y"})
    EXPECT_EQ(kind_of(key), key_kind::opaque) << key;
}

TEST(supabase_api_key, whose_role_is_no_text_is_a_token_all_the_same) {
  // {"role":7}
  EXPECT_EQ(kind_of("x.eyJyb2xlIjo3fQ.y"), key_kind::token);
}

} // namespace

} // namespace herald::test
