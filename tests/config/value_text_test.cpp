// Values as people write them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/near_miss.hpp"
#include "config/value_text.hpp"

namespace herald {
namespace {

TEST(value_text, a_switch_is_read_in_each_of_its_spellings) {
  for (auto on : {"true", "TRUE", "True", "1", "yes", "YES", " yes\t"})
    EXPECT_EQ(parse_switch(on), true) << on;
  for (auto off : {"false", "FALSE", "0", "no", "No "})
    EXPECT_EQ(parse_switch(off), false) << off;
  for (auto neither : {"", "on", "2", "truee", "y", "true # comment"})
    EXPECT_EQ(parse_switch(neither), std::nullopt) << neither;
}

TEST(value_text, an_excerpt_is_quoted_and_cut) {
  EXPECT_EQ(quoted_excerpt("a\nb\"c"), R"("a\nb\"c")");
  EXPECT_EQ(quoted_excerpt(std::string(60, 'x')), '"' + std::string(60, 'x') + '"');
  EXPECT_EQ(quoted_excerpt(std::string(61, 'x')), '"' + std::string(60, 'x') + "\"...");
}

TEST(value_text, an_excerpt_survives_bytes_that_are_no_text) {
  EXPECT_EQ(quoted_excerpt("\xff"), "\"\xEF\xBF\xBD\"");
}

TEST(value_text, an_excerpt_of_json_names_what_it_does_not_show) {
  EXPECT_EQ(excerpt(nlohmann::json::object()), "an object");
  EXPECT_EQ(excerpt(nlohmann::json::array({1})), "a list");
  EXPECT_EQ(excerpt(nlohmann::json(nullptr)), "null");
  EXPECT_EQ(excerpt(nlohmann::json("x")), "\"x\"");
  EXPECT_EQ(excerpt(nlohmann::json(1.5)), "1.5");
}

// -- did you mean -------------------------------------------------------------------------------------------

TEST(near_miss, the_distance_counts_insertions_removals_replacements_and_swaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("abc", "axc"), 1U);
  EXPECT_EQ(edit_distance("abc", "abxc"), 1U);
  EXPECT_EQ(edit_distance("abcd", "abdc"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(near_miss, the_closest_name_is_meant) {
  EXPECT_EQ(near_miss("bath_size", {"lease_ms", "batch_size", "bath_sizes_of_all"}), "batch_size");
  EXPECT_EQ(near_miss("poll_mni_ms", {"poll_min_ms", "poll_max_ms"}), "poll_min_ms");
}

TEST(near_miss, a_beginning_is_as_good_as_one_slip) {
  EXPECT_EQ(near_miss("poll_min", {"poll_min_ms", "poll_max_ms"}), "poll_min_ms");
}

TEST(near_miss, a_stranger_is_not_explained_away) {
  EXPECT_EQ(near_miss("colour", {"batch_size", "lease_ms"}), std::nullopt);
  EXPECT_EQ(near_miss("ab", {"cd"}), std::nullopt);
  EXPECT_EQ(near_miss("", {"a"}), std::nullopt);
  EXPECT_EQ(near_miss(std::string(100'000, 'x'), {"xx"}), std::nullopt);
}

} // namespace
} // namespace herald
