// Ids: one accepted form, one printed form, a hash that tells close ids apart.
#include <unordered_set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "messages/uuid.hpp"

namespace herald {
namespace {

constexpr std::string_view canonical = "0123abcd-4567-89ef-0123-456789abcdef";

uuid any() {
  uuid out{};
  for (auto& byte : out.data)
    byte = *rc::gen::arbitrary<std::uint8_t>();
  return out;
}

TEST(uuid, is_read_in_either_case_and_printed_in_lower_case) {
  auto x = parse_uuid(canonical);
  ASSERT_TRUE(x);
  EXPECT_EQ(x->data[0], 0x01);
  EXPECT_EQ(x->data[3], 0xcd);
  EXPECT_EQ(x->data[15], 0xef);
  EXPECT_EQ(to_string(*x), canonical);
  EXPECT_EQ(parse_uuid("0123ABCD-4567-89EF-0123-456789ABCDEF"), x);
}

TEST(uuid, of_zeros_is_the_nil_uuid) {
  EXPECT_EQ(parse_uuid("00000000-0000-0000-0000-000000000000"), nil_uuid);
}

TEST(uuid, has_no_other_form) {
  for (std::string_view text :
       {"", "x", "{0123abcd-4567-89ef-0123-456789abcdef}", "0123abcd456789ef0123456789abcdef",
        "0123abcd-4567-89ef-0123-456789abcde", "0123abcd-4567-89ef-0123-456789abcdef0",
        "0123abcd-4567-89ef-0123-456789abcdef01", " 123abcd-4567-89ef-0123-456789abcdef",
        "0123abcd-4567-89ef-0123-456789abcde\n", "0123abcd4-567-89ef-0123-456789abcdef",
        "0123abcd-4567-89ef-01234-56789abcdef"})
    EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
}

TEST(uuid, with_one_wrong_character_is_none) {
  for (std::size_t i = 0; i < canonical.size(); ++i)
    for (char wrong : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xFF', canonical[i] == '-' ? '0' : '-'}) {
      std::string text{canonical};
      text[i] = wrong;
      EXPECT_EQ(parse_uuid(text), std::nullopt) << text;
    }
}

RC_GTEST_PROP(uuid, reads_back_what_it_printed, ()) {
  auto x = any();
  RC_ASSERT(parse_uuid(to_string(x)) == std::optional{x});
}

RC_GTEST_PROP(uuid, is_never_read_from_arbitrary_text_unless_it_prints_the_same, (const std::string& text)) {
  if (auto x = parse_uuid(text))
    RC_ASSERT(to_string(*x).size() == text.size());
}

TEST(name_based_uuid, is_version_5_of_the_standard) {
  auto dns = *parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  EXPECT_EQ(to_string(name_based_uuid(dns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(uuid_hash, tells_ids_apart_that_differ_in_one_byte) {
  for (std::size_t byte = 0; byte < 16; ++byte) {
    std::unordered_set<std::size_t> hashes;
    for (int value = 0; value < 256; ++value) {
      auto x = *parse_uuid(canonical);
      x.data[byte] = static_cast<std::uint8_t>(value);
      hashes.insert(uuid_hash{}(x));
    }
    EXPECT_EQ(hashes.size(), 256u) << "byte " << byte;
  }
}

RC_GTEST_PROP(uuid_hash, is_the_same_for_equal_ids, ()) {
  auto x = any();
  auto y = *parse_uuid(to_string(x));
  RC_ASSERT(uuid_hash{}(x) == uuid_hash{}(y));
}

} // namespace
} // namespace herald
