// Writing JSON objects: sorted keys, every kind of value, and output that always parses.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/payload.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using nlohmann::json;

TEST(json_object, of_nothing_is_an_empty_object) {
  EXPECT_EQ(json_object{}.str(), "{}");
}

TEST(json_object, writes_every_kind_of_value_under_sorted_keys) {
  const std::string owned = "owned";
  json_object x;
  x.set("view", std::string_view{"view"})
      .set("text", "text")
      .set("owned", owned)
      .set("number", std::int64_t{-3});
  x.set("int", 3)
      .set("yes", true)
      .set("id", testing::nth_uuid(1))
      .set("some_id", std::optional{testing::nth_uuid(2)});
  x.set("no_id", std::optional<uuid>{}).set("some_text", std::optional<std::string>{"a"});
  x.set("no_text", std::optional<std::string>{});
  EXPECT_EQ(x.str(),
            R"({"id":"a0000000-0000-0000-0000-000000000001","int":3,"no_id":null,"no_text":null,"number":-3,)"
            R"("owned":"owned","some_id":"a0000000-0000-0000-0000-000000000002","some_text":"a",)"
            R"("text":"text","view":"view","yes":true})");
}

TEST(json_object, takes_over_parsed_objects_and_lists_of_objects) {
  std::vector<json_object> items(2);
  items[0].set("name", "a");
  items[1].set("name", "b");
  json_object x;
  x.set("changes", *payload::parse(R"({"timeChanged":true})")).set("items", items);
  EXPECT_EQ(x.str(), R"({"changes":{"timeChanged":true},"items":[{"name":"a"},{"name":"b"}]})");
  EXPECT_EQ(json_object{}.set("items", std::vector<json_object>{}).str(), R"({"items":[]})");
}

TEST(json_object, keeps_the_last_value_of_a_key) {
  EXPECT_EQ(json_object{}.set("a", 1).set("a", "two").str(), R"({"a":"two"})");
}

TEST(json_object, repairs_invalid_utf8_instead_of_refusing_it) {
  EXPECT_EQ(json_object{}.set("a", "b\xFF").str(), "{\"a\":\"b\uFFFD\"}");
}

RC_GTEST_PROP(json_object, always_gives_text_that_parses, ()) {
  auto bytes = rc::gen::oneOf(testing::awkward_bytes(), testing::awkward_text());
  auto key = *bytes;
  auto value = *bytes;
  std::vector<json_object> items(1);
  items[0].set(*bytes, *bytes);
  auto text = json_object{}.set(key, value).set("items", items).str();
  RC_ASSERT(!invalid_utf8_at(text));
  RC_ASSERT(json::accept(text));
}

RC_GTEST_PROP(json_object, gives_back_valid_text_unchanged, ()) {
  auto value = *testing::awkward_text();
  auto x = payload::parse(json_object{}.set("a", value).str());
  RC_ASSERT(x.has_value());
  RC_ASSERT(x->text("a").value_or("") == value);
}

} // namespace
} // namespace herald
