// The text of "new messages" rows: counting, one hash, strangers' names.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/roll_up.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using nlohmann::json;

roll_up_draft draft(std::string label, std::string project_name = "Maple Court") {
  return {testing::nth_uuid(9), std::move(label), std::move(project_name), "/link", {}};
}

TEST(a_roll_up, says_how_many_messages_are_new_and_where) {
  auto one = render_roll_up(draft("#pricing"), 1);
  EXPECT_EQ(one.title, "New messages in Maple Court");
  EXPECT_EQ(one.body, "1 new message in **#pricing**");
  EXPECT_EQ(render_roll_up(draft("#pricing"), 3).body, "3 new messages in **#pricing**");
}

TEST(a_roll_up, carries_what_the_web_application_looks_for) {
  EXPECT_EQ(
      json::parse(render_roll_up(draft("#pricing"), 3).payload),
      json::parse(R"({"type":"thread_activity","count":3,"thread_id":"a0000000-0000-0000-0000-000000000009",
                            "thread_name":"#pricing","project_name":"Maple Court"})"));
}

TEST(a_roll_up, names_what_has_no_name) {
  auto x = render_roll_up(draft("", ""), 2);
  EXPECT_EQ(x.title, "New messages in your project");
  EXPECT_EQ(x.body, "2 new messages in **#general**");
}

TEST(a_roll_up, keeps_strangers_markdown_literal) {
  EXPECT_EQ(render_roll_up(draft("#a**b [x](y)"), 1).body, "1 new message in **#a\\*\\*b \\[x\\](y)**");
}

RC_GTEST_PROP(a_roll_up, is_well_formed_whatever_the_names_are, ()) {
  auto count = *rc::gen::inRange<std::int64_t>(1, 100'000);
  auto x = render_roll_up(draft(*testing::awkward_text(), *testing::awkward_text()), count);
  auto head = std::to_string(count) + (count == 1 ? " new message in **#" : " new messages in **#");
  RC_ASSERT(x.body.starts_with(head));
  RC_ASSERT(x.body.ends_with("**"));
  // Between the two pairs of stars nothing ends the bold text.
  auto inner = x.body.substr(head.size(), x.body.size() - head.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    RC_ASSERT(inner[i] != '*');
    RC_ASSERT(inner[i] != '\n');
    if (inner[i] == '\\')
      RC_ASSERT(++i < inner.size());
  }
  RC_ASSERT(x.title.find_first_of("\r\n") == std::string::npos);
  RC_ASSERT(json::parse(x.payload)["count"] == count);
}

RC_GTEST_PROP(a_roll_up, shows_the_same_label_in_body_and_payload, ()) {
  auto topic = *testing::awkward_text();
  auto x = render_roll_up(draft(topic), 2);
  auto name = json::parse(x.payload)["thread_name"].get<std::string>();
  RC_ASSERT(name == thread_label(topic));
  RC_ASSERT(x.body == "2 new messages in **#" + markdown_escape(std::string_view{name}.substr(1)) + "**");
}

} // namespace
} // namespace herald
