// Feeding events: what a line or an option may say, and what the errors tell.
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "app/event_feed.hpp"

using namespace herald;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace {

constexpr auto some_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

event_feed read(const std::string& text) {
  std::istringstream in{text};
  return read_event_feed(in, "feed.jsonl");
}

/// The only error of a feed.
std::string error_of(const std::string& text) {
  auto feed = read(text);
  EXPECT_EQ(feed.errors.size(), 1U);
  EXPECT_THAT(feed.events, IsEmpty());
  return feed.errors.empty() ? "" : feed.errors.front();
}

new_event event_of(const std::string& text) {
  auto feed = read(text);
  EXPECT_THAT(feed.errors, IsEmpty());
  EXPECT_EQ(feed.events.size(), 1U);
  return feed.events.empty() ? new_event{} : feed.events.front();
}

std::string line_with(const std::string& member) {
  return R"({"event_type": "document_uploaded", )" + member + "}";
}

result<new_event> from_options(const std::vector<std::string>& fields,
                               const std::optional<std::string>& payload = std::nullopt) {
  return event_from_options("document_uploaded", fields, payload);
}

std::string problem_of(const result<new_event>& x) {
  EXPECT_FALSE(x);
  return x ? "" : x.error().reason;
}

/// A stream that breaks in the middle, as a file on a lost disk does.
class breaking_buffer : public std::streambuf {
public:
  explicit breaking_buffer(std::string text) : text_{std::move(text)} {
    setg(text_.data(), text_.data(), text_.data() + text_.size());
  }

protected:
  int_type underflow() override { throw std::ios_base::failure("the disk is gone"); }

private:
  std::string text_;
};

} // namespace

// -- one line -----------------------------------------------------------------------------------------------

TEST(event_feed, a_line_fills_every_column) {
  auto x =
      event_of(R"({"event_type": "document_uploaded", "actor_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",)"
               R"( "project_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3302",)"
               R"( "resource_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3303",)"
               R"( "thread_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3304",)"
               R"( "meeting_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3305",)"
               R"( "payload": {"fileName": "a.pdf"}, "created_at": "2026-01-20T14:30:45.123Z"})");
  EXPECT_EQ(x.type, "document_uploaded");
  EXPECT_EQ(to_string(*x.actor_id), "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  EXPECT_EQ(to_string(*x.project_id), "3f2504e0-4f89-41d3-9a0c-0305e82c3302");
  EXPECT_EQ(to_string(*x.resource_id), "3f2504e0-4f89-41d3-9a0c-0305e82c3303");
  EXPECT_EQ(to_string(*x.thread_id), "3f2504e0-4f89-41d3-9a0c-0305e82c3304");
  EXPECT_EQ(to_string(*x.meeting_id), "3f2504e0-4f89-41d3-9a0c-0305e82c3305");
  EXPECT_EQ(x.payload, R"({"fileName": "a.pdf"})");
  EXPECT_EQ(to_iso8601(*x.created_at), "2026-01-20T14:30:45.123Z");
}

TEST(event_feed, what_is_missing_or_null_stays_empty) {
  for (auto line : {R"({"event_type": "x"})",
                    R"({"event_type": "x", "actor_id": null, "payload": null, "created_at": null})"}) {
    auto x = event_of(line);
    EXPECT_FALSE(x.actor_id);
    EXPECT_FALSE(x.created_at);
    EXPECT_EQ(x.payload, "");
  }
}

TEST(event_feed, a_payload_is_kept_to_the_letter) {
  // What a JSON library would rewrite: key order, duplicates, long numbers, escapes, inner white space.
  for (std::string payload : {R"({ "b": 1,"a" :2, "b":3 })", "12345678901234567890.12345678901234567890",
                              R"(["}\"],", {"x": "\u00e9\\"} ])", R"("just text")", "1e2", "true", "{}"})
    for (std::string after : {"", " ", " , \"actor_id\" : null ", "\t"})
      EXPECT_EQ(event_of(line_with("\"payload\" : " + payload + after)).payload, payload);
}

TEST(event_feed, an_instant_may_have_an_offset) {
  auto x = event_of(line_with(R"("created_at": "2026-01-20T14:30:45+01:00")"));
  EXPECT_EQ(to_iso8601(*x.created_at), "2026-01-20T13:30:45.000Z");
}

TEST(event_feed, a_date_that_is_no_instant_is_an_error) {
  for (auto text : {"2026-01-20", "2026-01-20T14:30:45", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
                    "yesterday", "2026-01-20T25:00:00Z", "", "2026-01-20T14:30:45Zzz"})
    EXPECT_THAT(error_of(line_with(std::string{R"("created_at": ")"} + text + "\"")),
                AllOf(StartsWith("feed.jsonl:1: created_at must be an instant such as 2026-01-20T14:30:45Z"),
                      HasSubstr(std::string{"not \""} + text + "\"")));
}

TEST(event_feed, an_event_type_is_one_word_of_the_platform) {
  for (auto type : {"", "Document_Uploaded", "a b", "a-b", "ä", "a.b"})
    EXPECT_THAT(error_of(std::string{R"({"event_type": ")"} + type + "\"}"),
                HasSubstr("event_type must be 1 to 64"));
  EXPECT_EQ(event_of(R"({"event_type": ")" + std::string(64, 'a') + "\"}").type, std::string(64, 'a'));
  EXPECT_THAT(error_of(R"({"event_type": ")" + std::string(65, 'a') + "\"}"), HasSubstr("1 to 64"));
  EXPECT_THAT(error_of(R"({"event_type": null})"), HasSubstr("event_type must be a string, not null"));
  EXPECT_THAT(error_of(R"({"actor_id": null})"), HasSubstr("event_type is missing"));
}

TEST(event_feed, an_id_that_is_no_uuid_is_an_error) {
  EXPECT_THAT(error_of(line_with(R"("project_id": "17")")),
              AllOf(HasSubstr("project_id must be a UUID such as"), HasSubstr("not \"17\"")));
  EXPECT_THAT(error_of(line_with(R"("project_id": 17)")),
              HasSubstr("project_id must be a string or null, not 17"));
}

TEST(event_feed, an_unknown_key_is_an_error_with_a_near_miss) {
  EXPECT_THAT(error_of(line_with(R"("proyect_id": null)")),
              HasSubstr(R"(unknown key "proyect_id"; did you mean "project_id"?)"));
  EXPECT_THAT(error_of(line_with(R"("severity": 1)")),
              AllOf(HasSubstr(R"(unknown key "severity"; the keys are actor_id, )"), HasSubstr("payload")));
}

TEST(event_feed, a_key_that_is_there_twice_is_an_error) {
  EXPECT_THAT(error_of(line_with(R"("payload": {}, "payload": {})")),
              HasSubstr(R"(the key "payload" is there twice)"));
}

TEST(event_feed, what_is_no_json_is_an_error_with_its_column) {
  EXPECT_THAT(
      error_of(R"({"event_type": "x",})"),
      AllOf(StartsWith("feed.jsonl:1: no valid JSON: column 20: "), HasSubstr("expected string literal")));
  EXPECT_THAT(error_of(R"({"event_type": "x"} {})"), HasSubstr("no valid JSON: column 21"));
  EXPECT_THAT(error_of("{\"event_type\": \"\xFF\"}"), HasSubstr("no valid JSON: column 17"));
  EXPECT_THAT(error_of(R"(["document_uploaded"])"),
              HasSubstr("expected a JSON object, found [\"document_uploaded\"]"));
  EXPECT_THAT(error_of(line_with(R"("payload": 1e999)")), HasSubstr("no valid JSON"));
}

TEST(event_feed, nesting_has_no_limit_of_its_own) {
  // The rules refuse such a payload later, with a dead letter that people see; here it must only do no harm.
  auto deep = std::string(20'000, '[') + std::string(20'000, ']');
  EXPECT_EQ(event_of(line_with("\"payload\": " + deep)).payload, deep);
  deep.pop_back();
  EXPECT_THAT(error_of(line_with("\"payload\": " + deep)), HasSubstr("no valid JSON"));
}

TEST(event_feed, errors_are_safe_to_print) {
  auto error = error_of(line_with(R"("project_id": "\u001b[31mred\u001b[0m")"));
  EXPECT_THAT(error, HasSubstr(R"(\u{1b}[31mred)"));
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
}

TEST(event_feed, a_payload_beyond_the_limit_is_an_error) {
  std::string fits = "\"" + std::string(max_payload_size - 2, 'x') + "\"";
  EXPECT_EQ(event_of(line_with("\"payload\": " + fits)).payload.size(), max_payload_size);
  fits.insert(1, "x");
  EXPECT_THAT(error_of(line_with("\"payload\": " + fits)),
              HasSubstr("payload has 1048577 bytes; at most 1048576"));
}

// -- the feed -----------------------------------------------------------------------------------------------

TEST(event_feed, comments_and_empty_lines_are_passed_over_but_counted) {
  auto feed = read(
      "# first\n\n  \r\n{\"event_type\": \"a\"}\r\n  # second\n{\"event_type\": \"b\"}\n{\"event_type\": 3}");
  EXPECT_THAT(feed.errors, ElementsAre(StartsWith("feed.jsonl:7: ")));
  feed = read("# first\n\n  \r\n{\"event_type\": \"a\"}\r\n  # second\n{\"event_type\": \"b\"}\n");
  ASSERT_EQ(feed.events.size(), 2U);
  EXPECT_EQ(feed.events[0].type, "a");
  EXPECT_EQ(feed.events[1].type, "b");
}

TEST(event_feed, the_last_line_needs_no_line_break) {
  auto feed = read("{\"event_type\": \"a\"}\n{\"event_type\": \"b\"}");
  EXPECT_THAT(feed.errors, IsEmpty());
  EXPECT_EQ(feed.events.size(), 2U);
}

TEST(event_feed, nothing_is_an_empty_feed) {
  auto feed = read("");
  EXPECT_THAT(feed.errors, IsEmpty());
  EXPECT_THAT(feed.events, IsEmpty());
}

TEST(event_feed, a_byte_order_mark_is_passed_over_at_the_beginning_alone) {
  EXPECT_EQ(event_of("\xEF\xBB\xBF{\"event_type\": \"a\"}").type, "a");
  EXPECT_THAT(error_of("\n\xEF\xBB\xBF{\"event_type\": \"a\"}"), HasSubstr("feed.jsonl:2: no valid JSON"));
}

TEST(event_feed, every_error_of_a_line_and_of_all_lines_is_collected) {
  auto feed = read("{\"event_type\": \"A\", \"actor_id\": 1, \"nope\": 2}\n{\"event_type\": \"ok\"}\n{}\n");
  EXPECT_THAT(feed.errors, ElementsAre(StartsWith("feed.jsonl:1: event_type must be"),
                                       StartsWith("feed.jsonl:1: actor_id must be"),
                                       StartsWith("feed.jsonl:1: unknown key"),
                                       StartsWith("feed.jsonl:3: event_type is missing")));
  EXPECT_THAT(feed.events, IsEmpty());
}

TEST(event_feed, one_error_refuses_the_events_before_and_after_it) {
  auto feed = read("{\"event_type\": \"a\"}\n{}\n{\"event_type\": \"b\"}\n");
  EXPECT_EQ(feed.errors.size(), 1U);
  EXPECT_THAT(feed.events, IsEmpty());
}

TEST(event_feed, errors_beyond_the_limit_are_counted) {
  std::string text;
  for (std::size_t i = 0; i < max_feed_errors + 7; ++i)
    text += "{}\n";
  auto feed = read(text);
  EXPECT_EQ(feed.errors.size(), max_feed_errors);
  EXPECT_EQ(feed.errors_left_out, 7U);
}

TEST(event_feed, a_line_that_does_not_end_costs_one_error_and_no_memory) {
  auto feed = read(std::string(3 * max_feed_line_size, 'x') + "\n{}\n");
  EXPECT_THAT(feed.errors, ElementsAre(StartsWith("feed.jsonl:1: the line is longer than"),
                                       StartsWith("feed.jsonl:2: event_type is missing")));
}

TEST(event_feed, the_longest_line_that_fits_is_read) {
  std::string line = "{\"event_type\": \"a\"";
  line += std::string(max_feed_line_size - line.size() - 1, ' ') + "}";
  ASSERT_EQ(line.size(), max_feed_line_size);
  EXPECT_EQ(event_of(line).type, "a");
  EXPECT_EQ(event_of(line + "\n").type, "a");
  EXPECT_THAT(error_of(" " + line), HasSubstr("longer than"));
}

TEST(event_feed, a_stream_that_breaks_is_an_error) {
  breaking_buffer buffer{"{\"event_type\": \"a\"}\n"};
  std::istream in{&buffer};
  auto feed = read_event_feed(in, "feed.jsonl");
  EXPECT_THAT(feed.errors, ElementsAre(HasSubstr("feed.jsonl: cannot be read to its end")));
  EXPECT_THAT(feed.events, IsEmpty());
}

TEST(event_feed, no_bytes_whatsoever_make_it_throw) {
  ASSERT_TRUE(rc::check([](const std::string& bytes) {
    std::istringstream in{bytes};
    auto feed = read_event_feed(in, "feed");
    RC_ASSERT((feed.events.empty() || feed.errors.empty()));
  }));
}

TEST(event_feed, broken_objects_never_make_it_throw) {
  // Fragments of JSON in random order reach far deeper than random bytes do.
  static const std::vector<std::string> pieces{
      "{",           "}",    "[", "]", "\"",    "\\",   ":", ",", "\"event_type\"",
      "\"payload\"", "null", "1", " ", "\"a\"", "\xC3", "\n"};
  ASSERT_TRUE(rc::check([] {
    auto chosen = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces));
    std::string text;
    for (auto& piece : chosen)
      text += piece;
    std::istringstream in{text};
    auto feed = read_event_feed(in, "feed");
    RC_ASSERT((feed.events.empty() || feed.errors.empty()));
  }));
}

// -- options ------------------------------------------------------------------------------------------------

TEST(event_options, columns_are_set_by_name) {
  auto x = from_options({std::string{"project_id="} + some_id, "created_at=2026-01-20T14:30:45Z"});
  ASSERT_TRUE(x) << problem_of(x);
  EXPECT_EQ(x->type, "document_uploaded");
  EXPECT_EQ(to_string(*x->project_id), some_id);
  EXPECT_EQ(to_iso8601(*x->created_at), "2026-01-20T14:30:45.000Z");
  EXPECT_EQ(x->payload, "");
}

TEST(event_options, payload_fields_are_strings_unless_marked_as_json) {
  auto x = from_options(
      {"payload.fileName=a=\"b\".pdf", "payload.size=12", "payload.count:=12", "payload.list:=[1, 2]"});
  ASSERT_TRUE(x) << problem_of(x);
  EXPECT_EQ(x->payload, R"({"fileName":"a=\"b\".pdf","size":"12","count":12,"list":[1, 2]})");
}

TEST(event_options, a_whole_payload_is_kept_to_the_letter) {
  auto x = from_options({}, R"({ "b":1, "a":2 })");
  ASSERT_TRUE(x) << problem_of(x);
  EXPECT_EQ(x->payload, R"({ "b":1, "a":2 })");
  EXPECT_EQ(from_options({}, "null")->payload, "");
}

TEST(event_options, every_problem_is_named) {
  auto x = event_from_options(
      "Upload", std::vector<std::string>{"project_id=1", "nonsense", "proyect_id=2", "payload.=x"},
      std::nullopt);
  auto problem = problem_of(x);
  EXPECT_EQ(x.error().kind, failure_class::permanent);
  EXPECT_THAT(problem,
              AllOf(HasSubstr("event_type must be"), HasSubstr("\nproject_id must be a UUID"),
                    HasSubstr("\nexpected column=value or payload.key=text, not \"nonsense\""),
                    HasSubstr("did you mean \"project_id\"?"), HasSubstr("\na payload field needs a name")));
}

TEST(event_options, what_contradicts_itself_is_refused) {
  EXPECT_THAT(problem_of(from_options({"payload.a=1"}, "{}")),
              HasSubstr("cannot be combined with a whole payload"));
  EXPECT_THAT(problem_of(from_options({"payload.a=1", "payload.a=2"})), HasSubstr("is given twice"));
  EXPECT_THAT(problem_of(from_options({"payload.a=1", "payload.a:=2"})),
              HasSubstr("payload.a is given twice"));
  auto id = std::string{"project_id="} + some_id;
  EXPECT_THAT(problem_of(from_options({id, id})), HasSubstr("\"project_id\" is given twice"));
}

TEST(event_options, json_is_checked_wherever_it_is_expected) {
  EXPECT_THAT(problem_of(from_options({}, "{")), HasSubstr("payload is no JSON: column 2"));
  EXPECT_THAT(problem_of(from_options({}, "")), HasSubstr("payload is no JSON"));
  EXPECT_THAT(problem_of(from_options({"payload.a:=nope"})), HasSubstr("payload.a is no JSON: column 2"));
  EXPECT_THAT(problem_of(from_options({"payload.a=\xFF"})), HasSubstr("must be valid UTF-8"));
  EXPECT_THAT(problem_of(from_options({"payload.a=" + std::string(max_payload_size, 'x')})),
              HasSubstr("payload has 1048584 bytes; at most 1048576"));
}
