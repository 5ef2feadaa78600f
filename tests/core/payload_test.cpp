// Reading payloads: what counts as a value, and what hostile text is answered with.
#include <algorithm>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/payload.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using nlohmann::json;

constexpr std::size_t size_limit = 1024 * 1024;

payload parsed(std::string_view text) {
  auto x = payload::parse(text);
  EXPECT_TRUE(x.has_value()) << text << ": " << (x ? "" : x.error().reason);
  return x ? *x : payload{};
}

failure refusal(std::string_view text) {
  auto x = payload::parse(text);
  EXPECT_TRUE(x.has_error()) << text.substr(0, 100);
  return x ? failure{failure_class::outage, "accepted"} : x.error();
}

std::string nested(std::size_t levels) {
  std::string out = R"({"a":)";
  out.append(levels - 1, '[').append(levels - 1, ']');
  return levels == 1 ? "{}" : out + "}";
}

std::string of_size(std::size_t n) {
  std::string out = R"({"a":")";
  return out + std::string(n - out.size() - 2, 'x') + "\"}";
}

// -- what is a payload --------------------------------------------------------------------------------------

TEST(payload, of_empty_text_is_an_empty_object) {
  EXPECT_EQ(parsed("").json(), json::object());
  EXPECT_EQ(payload{}.json(), json::object());
}

TEST(payload, must_be_an_object) {
  for (auto text : {"null", "true", "3", "\"text\"", "[]", "[{}]"}) {
    auto x = refusal(text);
    EXPECT_EQ(x.kind, failure_class::permanent);
    EXPECT_NE(x.reason.find("must be a JSON object"), std::string::npos) << x.reason;
  }
  EXPECT_NE(refusal("[1]").reason.find("array"), std::string::npos);
}

TEST(payload, that_is_broken_json_is_refused_with_the_position_and_without_quoting_it) {
  auto x = refusal(R"({"name": "hidden" hidden})");
  EXPECT_EQ(x.kind, failure_class::permanent);
  EXPECT_NE(x.reason.find("byte 19"), std::string::npos) << x.reason;
  EXPECT_EQ(x.reason.find("hidden"), std::string::npos) << x.reason;
  for (auto text : {" ", "{", "{]", R"({"a":1,})", R"({"a":"\ud800"})", R"({"a":01})", "{} {}", "{'a':1}"})
    EXPECT_EQ(refusal(text).kind, failure_class::permanent) << text;
}

TEST(payload, with_invalid_utf8_is_refused_with_the_position) {
  auto x = refusal("{\"a\":\"b\xFF\"}");
  EXPECT_EQ(x.kind, failure_class::permanent);
  EXPECT_NE(x.reason.find("UTF-8 from byte 7"), std::string::npos) << x.reason;
}

TEST(payload, with_a_number_that_no_double_holds_is_refused) {
  auto x = refusal(R"({"a":1e999})");
  EXPECT_EQ(x.kind, failure_class::permanent);
  EXPECT_NE(x.reason.find("number"), std::string::npos) << x.reason;
}

TEST(payload, may_be_nested_64_levels_deep_and_no_deeper) {
  parsed(nested(64));
  auto x = refusal(nested(65));
  EXPECT_EQ(x.kind, failure_class::permanent);
  EXPECT_NE(x.reason.find("deeper than 64"), std::string::npos) << x.reason;
  EXPECT_NE(refusal(std::string(500'000, '[')).reason.find("deeper than 64"), std::string::npos);
}

TEST(payload, counts_levels_and_not_brackets) {
  parsed(R"({"a":")" + std::string(100, '[') + "\"}");
  parsed(R"({"a":"\"[[)" + std::string(100, '{') + "\"}");
  std::string siblings = R"({"a":[)";
  for (int i = 0; i < 100; ++i)
    siblings += "[],{},";
  parsed(siblings + "[]]}");
}

TEST(payload, may_be_one_mebibyte_long_and_no_longer) {
  parsed(of_size(size_limit));
  auto x = refusal(of_size(size_limit + 1));
  EXPECT_EQ(x.kind, failure_class::permanent);
  EXPECT_NE(x.reason.find("1048577 bytes"), std::string::npos) << x.reason;
}

TEST(payload, keeps_the_last_of_two_equal_keys) {
  EXPECT_EQ(parsed(R"({"a":"first","a":"last"})").text("a"), "last");
}

// -- reading values -----------------------------------------------------------------------------------------

TEST(payload, has_no_text_where_it_is_missing_null_empty_or_of_another_type) {
  auto x = parsed(R"({"text":"hello","null":null,"empty":"","number":3,"object":{},"array":["a"]})");
  EXPECT_EQ(x.text("text"), "hello");
  for (auto key : {"missing", "null", "empty", "number", "object", "array"})
    EXPECT_EQ(x.text(key), std::nullopt) << key;
}

TEST(payload, reads_canonical_ids_alone) {
  auto x = parsed(R"({"id":"A0000000-0000-0000-0000-000000000001","bare":"a0000000000000000000000000000001",
                      "empty":"","null":null,"number":1})");
  EXPECT_EQ(x.id("id"), testing::nth_uuid(1));
  for (auto key : {"bare", "empty", "null", "number", "missing"})
    EXPECT_EQ(x.id(key), std::nullopt) << key;
}

TEST(payload, reads_an_integer_however_it_was_written) {
  auto x = parsed(R"({"a":3,"b":3.0,"c":"3","d":-3,"e":"-3","f":3e2,"g":0,"h":-0.0,
                      "max":9223372036854775807,"max_text":"9223372036854775807",
                      "min":-9223372036854775808,"min_float":-9223372036854775808.0})");
  EXPECT_EQ(x.integer("a"), 3);
  EXPECT_EQ(x.integer("b"), 3);
  EXPECT_EQ(x.integer("c"), 3);
  EXPECT_EQ(x.integer("d"), -3);
  EXPECT_EQ(x.integer("e"), -3);
  EXPECT_EQ(x.integer("f"), 300);
  EXPECT_EQ(x.integer("g"), 0);
  EXPECT_EQ(x.integer("h"), 0);
  EXPECT_EQ(x.integer("max"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(x.integer("max_text"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(x.integer("min"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(x.integer("min_float"), std::numeric_limits<std::int64_t>::min());
}

TEST(payload, has_no_integer_where_another_value_stands) {
  auto x =
      parsed(R"({"fraction":3.5,"empty":"","words":"three","tail":"3x","space":" 3","plus":"+3","dot":"3.0",
                      "flag":true,"null":null,"array":[3],"object":{"a":3},"tiny":1e-300,
                      "unsigned":9223372036854775808,"huge":1e300,"edge":9223372036854775808.0,
                      "below":-9223372036854777856.0,"long":"9223372036854775808"})");
  for (auto& [key, value] : x.json().items())
    EXPECT_EQ(x.integer(key), std::nullopt) << key << " = " << value;
  EXPECT_EQ(x.integer("missing"), std::nullopt);
}

TEST(payload, takes_booleans_alone_for_flags) {
  auto x = parsed(R"({"yes":true,"no":false,"one":1,"text":"true","null":null})");
  EXPECT_EQ(x.flag("yes"), true);
  EXPECT_EQ(x.flag("no"), false);
  for (auto key : {"one", "text", "null", "missing"})
    EXPECT_EQ(x.flag(key), std::nullopt) << key;
}

TEST(payload, passes_over_what_is_no_id_in_a_list_of_ids) {
  auto x = parsed(R"({"ids":["a0000000-0000-0000-0000-000000000002",7,null,"","x",["a"],
                             "a0000000-0000-0000-0000-000000000001"],
                      "text":"a0000000-0000-0000-0000-000000000001",
                      "object":{"a":"a0000000-0000-0000-0000-000000000001"}})");
  EXPECT_EQ(x.ids("ids"), (std::vector{testing::nth_uuid(2), testing::nth_uuid(1)}));
  for (auto key : {"text", "object", "missing"})
    EXPECT_TRUE(x.ids(key).empty()) << key;
}

TEST(payload, hands_out_objects_that_outlive_it) {
  std::optional<payload> inner;
  {
    auto outer = parsed(R"({"changes":{"timeChanged":true},"text":"a","array":[]})");
    inner = outer.object("changes");
    for (auto key : {"text", "array", "missing"})
      EXPECT_FALSE(outer.object(key)) << key;
  }
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->flag("timeChanged"), true);
}

// -- properties ---------------------------------------------------------------------------------------------

std::size_t depth(const json& x) {
  if (!x.is_structured())
    return 0;
  std::size_t deepest = 0;
  for (auto& element : x)
    deepest = std::max(deepest, depth(element));
  return deepest + 1;
}

void read_everything(const payload& x) {
  for (auto& [key, value] : x.json().items()) {
    x.text(key);
    x.id(key);
    x.integer(key);
    x.flag(key);
    x.ids(key);
    x.object(key);
  }
}

RC_GTEST_PROP(payload, never_throws_on_any_bytes, ()) {
  auto text =
      *rc::gen::oneOf(testing::awkward_bytes(), testing::awkward_text(), rc::gen::arbitrary<std::string>());
  if (auto x = payload::parse(text))
    read_everything(*x);
  else
    RC_ASSERT(x.error().kind == failure_class::permanent);
}

RC_GTEST_PROP(payload, accepts_exactly_the_objects_among_strings_that_look_like_json, ()) {
  auto token =
      rc::gen::elementOf(std::vector<std::string>{"{", "}", "[", "]", ":", ",", "\"a\"", "\"", "\\", "1", "-",
                                                  "2.5", "true", "null", " ", "\"[{\"", "\"\\\"\""});
  std::string text = "{\"a\":";
  for (auto& x : *rc::gen::container<std::vector<std::string>>(token))
    text += x;
  text += "}";
  auto reference = json::parse(text, nullptr, false);
  auto x = payload::parse(text);
  RC_ASSERT(x.has_value() == (reference.is_object() && depth(reference) <= 64));
  if (x)
    RC_ASSERT(x->json() == reference);
}

RC_GTEST_PROP(payload, refuses_deep_nesting_wherever_it_stands, ()) {
  auto opened = *rc::gen::inRange<std::size_t>(50, 80);
  std::string text;
  std::string closing;
  for (std::size_t i = 0; i < opened; ++i) {
    auto array = *rc::gen::arbitrary<bool>();
    text += array ? R"(["]}",[],)" : R"({"x":"\"}","a":)";
    closing.insert(0, array ? "]" : "}");
  }
  text = R"({"a":)" + text + "1" + closing + "}";
  auto levels = depth(json::parse(text));
  RC_ASSERT(payload::parse(text).has_value() == (levels <= 64));
}

} // namespace
} // namespace herald
