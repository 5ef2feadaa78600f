// Markdown in mails: markup for bold type, none for anything that could harm.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/email/markdown_html.hpp"
#include "core/email/safe_text.hpp"
#include "core/markdown.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using testing::awkward_bytes;
using testing::awkward_text;

TEST(email_markdown, bold_becomes_markup_in_html_and_plain_in_text) {
  auto x = render_markdown_line("**Ben & Co** uploaded **plan.pdf**.");
  EXPECT_EQ(x.html, "<strong>Ben &amp; Co</strong> uploaded <strong>plan.pdf</strong>.");
  EXPECT_EQ(x.text, "Ben & Co uploaded plan.pdf.");
}

TEST(email_markdown, html_is_shown_as_text) {
  auto x = render_markdown("<script>alert(1)</script>\n\na <b onclick=x>c</b>");
  EXPECT_EQ(x.html,
            "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n");
  EXPECT_EQ(x.text, "<script>alert(1)</script>\n\na <b onclick=x>c</b>");
}

TEST(email_markdown, links_images_and_headings_keep_their_words_alone) {
  auto x = render_markdown("# Big\n\n[click](https://evil.example) ![pixel](https://evil.example/p.png) "
                           "<https://evil.example/auto>");
  EXPECT_EQ(x.html, "<p>Big</p>\n<p>click pixel https://evil.example/auto</p>\n");
  EXPECT_EQ(x.text, "Big\n\nclick pixel https://evil.example/auto");
}

TEST(email_markdown, blocks_read_well_as_text) {
  auto x = render_markdown("One\ntwo\n\n- a\n- b **c**\n\n> said\n\n```\ncode\n```\n");
  EXPECT_EQ(x.text, "One\ntwo\n\n- a\n- b c\n\nsaid\n\ncode");
}

TEST(email_markdown, a_line_stays_a_line) {
  auto x = render_markdown_line("a\n\n# b\n- c");
  EXPECT_EQ(x.html.find('\n'), std::string::npos);
  EXPECT_EQ(x.text, "a # b - c");
}

TEST(email_markdown, what_grows_is_bounded) {
  std::string nested;
  for (int i = 0; i < 50'000; ++i)
    nested += "> ";
  EXPECT_LT(render_markdown(nested + "x").html.size(), 30 * markdown_limit);
  EXPECT_LT(render_markdown(std::string(100'000, '[')).html.size(), 2 * markdown_limit);
  EXPECT_LT(render_markdown_line(std::string(100'000, '*')).text.size(), 2 * markdown_limit);
}

/// The names of all tags.
std::set<std::string> tags_in(std::string_view html) {
  std::set<std::string> out;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    auto name = html.substr(at + 1, html.find_first_of(" >\n", at) - at - 1);
    out.insert(std::string{name.starts_with('/') ? name.substr(1) : name});
  }
  return out;
}

RC_GTEST_PROP(email_markdown, any_text_gives_harmless_tags_and_valid_utf8, ()) {
  static const std::set<std::string> harmless{"p",   "ul", "ol", "li", "blockquote", "code",
                                              "pre", "em", "br", "hr", "strong"};
  auto x = render_markdown(*rc::gen::oneOf(awkward_bytes(), awkward_text()));
  for (const auto& tag : tags_in(x.html))
    RC_ASSERT(harmless.contains(tag));
  RC_ASSERT(!invalid_utf8_at(x.html));
  RC_ASSERT(x.html.find("href") == std::string::npos || x.text.find("href") != std::string::npos);
}

RC_GTEST_PROP(email_markdown, an_escaped_text_comes_out_as_it_was, ()) {
  auto text = one_line(*awkward_text(), 200);
  RC_ASSERT(render_markdown_line("a " + markdown_escape(text) + " z").text
            == one_line("a " + text + " z", 300));
}

} // namespace
} // namespace herald
