// Templates: what is wrong with one is found when it is loaded, and the finding names file, line and variable.
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/email/default_templates.hpp"
#include "core/email/kinds.hpp"
#include "core/email/render.hpp"
#include "core/email/samples.hpp"
#include "core/email/templates.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using nlohmann::json;

std::string why(const result<template_set>& x) {
  return x ? "compiled" : x.error().reason;
}

/// What is wrong with one file as the only template.
std::string why_not(const std::string& text, const std::string& name = "a.html") {
  return why(template_set::compile({{name, text}}, {name}));
}

std::string why_not_loaded(const template_files& overrides) {
  auto x = email_templates::load(overrides);
  return x ? "loaded" : x.error().reason;
}

std::string rendered(const template_files& files, const json& values, const std::string& root = "a.html") {
  auto set = template_set::compile(files, {root});
  if (!set)
    return set.error().reason;
  auto out = set->render(root, values);
  return out ? *out : out.error().reason;
}

// -- rendering --------------------------------------------------------------------------------------------------

TEST(email_template_set, values_are_escaped_by_the_kind_of_file) {
  json values{{"x", "<b>'\"& **y**"}, {"x_html", "<b>bold</b>"}};
  EXPECT_EQ(rendered({{"a.html", "{{x}} {{{x_html}}}"}}, values),
            "&lt;b&gt;&#39;&quot;&amp; **y** <b>bold</b>");
  EXPECT_EQ(rendered({{"a.txt", "{{x}}"}}, values, "a.txt"), "<b>'\"& **y**");
  EXPECT_EQ(rendered({{"a.md", "{{x}}"}}, values, "a.md"), "\\<b\\>'\"& \\*\\*y\\*\\*");
}

TEST(email_template_set, tags_in_values_stay_text) {
  EXPECT_EQ(rendered({{"a.html", "{{x}}{{#list}}{{y}}{{/list}}"}},
                     {{"x", "{{y}}"}, {"list", {{{"y", "{{{z}}} {{> b}}"}}}}}),
            "{{y}}{{{z}}} {{&gt; b}}");
}

TEST(email_template_set, empty_text_false_and_empty_lists_close_a_section) {
  template_files files{{"a.txt", "{{#x}}yes{{/x}}{{^x}}no{{/x}}"}};
  for (const json& closed : {json(""), json(false), json(nullptr), json::array()})
    EXPECT_EQ(rendered(files, {{"x", closed}}, "a.txt"), "no") << closed;
  for (const json& open : {json("0"), json(true), json(0), json{{{"y", 1}}}})
    EXPECT_EQ(rendered(files, {{"x", open}}, "a.txt"), "yes") << open;
}

TEST(email_template_set, a_missing_value_is_an_error_and_not_a_blank) {
  EXPECT_EQ(rendered({{"a.txt", "a {{x}}"}}, json::object(), "a.txt"),
            "e-mail template a.txt: {{x}} has no value");
}

TEST(email_template_set, partials_are_put_in_place_without_their_last_line_break) {
  template_files files{{"a.html", "1{{> b}}2\n{{#list}}{{> b}}{{/list}}"}, {"b.html", "<{{x}}>\n"}};
  EXPECT_EQ(rendered(files, {{"x", "o"}, {"list", {{{"x", "i"}}, {{"x", "j"}}}}}), "1<o>2\n<i><j>");
}

TEST(email_template_set, may_be_shared_between_threads) {
  auto set =
      template_set::compile({{"a.html", "{{#list}}{{> b}}{{/list}}"}, {"b.html", "<{{x}}>"}}, {"a.html"});
  ASSERT_TRUE(set);
  json values{{"list", {{{"x", "&"}}, {{"x", "j"}}}}};
  auto render = [&] {
    for (int i = 0; i < 200; ++i)
      EXPECT_EQ(*set->render("a.html", values), "<&amp;><j>");
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back(render);
  for (auto& x : threads)
    x.join();
}

// -- syntax -----------------------------------------------------------------------------------------------------

TEST(email_template_syntax, broken_tags_are_refused_with_file_and_line) {
  EXPECT_EQ(why_not("a\nb {{x"), "e-mail template a.html, line 2: a tag is never closed");
  EXPECT_EQ(why_not("{{"), "e-mail template a.html, line 1: a tag is never closed");
  EXPECT_EQ(why_not("{{#x}}\n{{#y}}"), "e-mail template a.html, line 2: {{#y}} is never closed");
  EXPECT_EQ(why_not("\n\n{{/x}}"), "e-mail template a.html, line 3: {{/x}} closes nothing");
  EXPECT_EQ(why_not("{{#x}}{{^y}}{{/x}}"),
            "e-mail template a.html, line 1: {{/x}} stands where {{^y}} has to be closed first");
}

TEST(email_template_syntax, only_the_plain_part_of_mustache_is_taken) {
  for (auto tag : {"{{}}", "{{.}}", "{{a.b}}", "{{A}}", "{{1a}}", "{{a b}}", "{{&x_html}}", "{{=<% %>=}}",
                   "{{> ../x}}", "{{{}}}", "{{{{x_html}}}}", "{{\xC3\xA9}}"})
    EXPECT_NE(why_not(tag).find("is no tag that a template may hold"), std::string::npos)
        << tag << ": " << why_not(tag);
  EXPECT_EQ(why_not("{{! anything ' <% \xC3\xA9 }}{{ x }}"), "compiled");
}

TEST(email_template_syntax, three_braces_are_kept_for_html_that_herald_made) {
  EXPECT_NE(why_not("{{{file_name}}}").find("would not be escaped"), std::string::npos);
  EXPECT_NE(why_not("{{{lead_html}}}", "a.txt").find("would not be escaped"), std::string::npos);
  EXPECT_NE(why_not("{{{lead_html}}}", "a.md").find("would not be escaped"), std::string::npos);
  EXPECT_EQ(why_not("{{{lead_html}}}"), "compiled");
}

TEST(email_template_syntax, files_are_bounded_valid_text_of_a_known_kind) {
  EXPECT_EQ(why_not(std::string(max_template_size, 'x')), "compiled");
  EXPECT_EQ(why_not(std::string(max_template_size + 1, 'x')),
            "e-mail template a.html: is larger than 256 KiB");
  EXPECT_EQ(why_not("\xFF"), "e-mail template a.html: is not valid UTF-8 text");
  EXPECT_EQ(why_not("x", "a.mustache"),
            "e-mail template a.mustache: its name has to end in .html, .txt or .md");
  EXPECT_EQ(rendered({{"a.txt", "{{#x}}\r\ny\r\n{{/x}}\r\n"}}, {{"x", true}}, "a.txt"), "y\n");
}

TEST(email_template_syntax, nesting_is_bounded) {
  auto nested = [](std::size_t depth) {
    std::string out;
    for (std::size_t i = 0; i < depth; ++i)
      out += "{{#x}}";
    for (std::size_t i = 0; i < depth; ++i)
      out += "{{/x}}";
    return out;
  };
  EXPECT_EQ(why_not(nested(max_template_depth)), "compiled");
  EXPECT_EQ(why_not(nested(20'000)), "e-mail template a.html, line 1: sections are nested more than 16 deep");
}

TEST(email_template_syntax, partials_that_do_not_end_are_refused) {
  EXPECT_EQ(why_not("{{> a}}"), "e-mail template a.html, line 1: the partial a.html includes itself");
  EXPECT_EQ(why_not("{{> b}}"), "e-mail template a.html, line 1: the partial b.html does not exist");
  EXPECT_EQ(
      why(template_set::compile({{"a.html", "{{> b}}"}, {"b.html", "\n{{#x}}{{> a}}{{/x}}"}}, {"a.html"})),
      "e-mail template b.html, line 2: the partial a.html includes itself");
  template_files chain;
  for (int i = 0; i < 100; ++i)
    chain["p" + std::to_string(i) + ".html"] = "{{> p" + std::to_string(i + 1) + "}}";
  chain["p100.html"] = "end";
  EXPECT_NE(why(template_set::compile(chain, {"p0.html"})).find("partials are nested more than 16 deep"),
            std::string::npos);
}

TEST(email_template_syntax, braces_on_both_sides_of_a_seam_are_refused) {
  auto seam = [](const std::string& root, const std::string& partial) {
    return why(template_set::compile({{"a.html", root}, {"b.html", partial}}, {"a.html"}));
  };
  const auto refused = "e-mail template a.html, line 2: a brace stands next to a brace of a partial";
  EXPECT_EQ(seam("\n{{> b}}{{x}}}", "{"), refused) << "three braces would not escape";
  EXPECT_EQ(seam("\n{{> b}}{x}}", "{\n"), refused);
  EXPECT_EQ(seam("{\n{ {{> b}}", ""), "compiled");
  EXPECT_EQ(seam("\n{{> b}}{x}}", ""), "compiled");
  EXPECT_EQ(seam("\n{ {{> b}}{{x}}", "{{x}}"), "compiled");
}

TEST(email_template_syntax, partials_that_multiply_are_refused) {
  template_files files;
  for (auto x : {'a', 'b', 'c', 'd'})
    for (int i = 0; i < 40; ++i)
      files[std::string{x} + ".html"] += std::string{"{{> "} + static_cast<char>(x + 1) + "}}";
  files["e.html"] = "";
  EXPECT_NE(why(template_set::compile(files, {"a.html"})).find("more than 1000 partials"), std::string::npos);
  files = {{"b.html", std::string(10'000, 'x')}};
  for (int i = 0; i < 40; ++i)
    files["a.html"] += "{{> b}}";
  EXPECT_NE(why(template_set::compile(files, {"a.html"})).find("larger than 256 KiB with its partials"),
            std::string::npos);
}

RC_GTEST_PROP(email_template_syntax, no_text_makes_the_library_throw, ()) {
  auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("{{", "}}", "{{{", "}}}", "#", "/", "^", "=", "&", ">", "!", "x",
                                    "x_html", " ", "\n", "\r", "{{#x}}", "{{/x}}", "{{x}}", "{", "}"));
  std::string text;
  for (const auto& x : pieces)
    text += x;
  if (auto set = template_set::compile({{"a.html", text}}, {"a.html"}))
    RC_ASSERT(set->render("a.html", {{"x", "1"}, {"x_html", "<i>"}}).has_value());
}

// -- names ------------------------------------------------------------------------------------------------------

std::string why_names(const template_files& files, const json& sample) {
  auto set = template_set::compile(files, {"a.html"});
  if (!set)
    return set.error().reason;
  auto done = set->check("a.html", sample);
  return done ? "fits" : done.error().reason;
}

TEST(email_template_names, an_unknown_name_is_found_wherever_it_stands) {
  json sample{{"x", ""}, {"list", {{{"y", ""}}}}};
  EXPECT_EQ(why_names({{"a.html", "{{x}}{{#list}}{{x}}{{y}}{{/list}}{{^list}}{{x}}{{/list}}"}}, sample),
            "fits");
  EXPECT_EQ(why_names({{"a.html", "\n{{z}}"}}, sample),
            "e-mail template a.html, line 2: {{z}} is unknown here; there are: list, x");
  EXPECT_EQ(why_names({{"a.html", "{{#bold}}x{{/bold}}"}}, sample),
            "e-mail template a.html, line 1: {{#bold}} is unknown here; there are: list, x")
      << "a lambda of other programs";
  EXPECT_EQ(why_names({{"a.html", "{{y}}"}}, sample).find("fits"), std::string::npos) << "out of its list";
  EXPECT_NE(why_names({{"a.html", "{{^x}}{{z}}{{/x}}"}}, sample), "fits") << "in a branch not taken";
  EXPECT_EQ(why_names({{"a.html", "{{#list}}{{> b}}{{/list}}"}, {"b.html", "{{w}}"}}, sample),
            "e-mail template b.html, line 1: {{w}} is unknown here; there are: list, x, y")
      << "the partial is named";
}

TEST(email_template_names, a_name_is_used_for_what_it_is) {
  json sample{{"x_html", ""}, {"list", {{{"y", ""}}}}};
  EXPECT_NE(why_names({{"a.html", "{{x_html}}"}}, sample).find("is HTML"), std::string::npos);
  EXPECT_NE(why_names({{"a.html", "{{list}}"}}, sample).find("is a list"), std::string::npos);
}

// -- the templates of mails -------------------------------------------------------------------------------------

TEST(email_templates, the_built_in_ones_load_and_render) {
  auto templates = email_templates::load();
  ASSERT_TRUE(templates) << templates.error().reason;
  auto checked = check_templates(*templates, {});
  EXPECT_TRUE(checked) << checked.error().reason;
}

TEST(email_templates, every_built_in_file_is_used) {
  for (auto& [name, text] : default_templates()) {
    auto renamed = "unused_" + name;
    EXPECT_NE(why_not_loaded({{renamed, text}}).find(renamed + ": no mail uses it"), std::string::npos);
  }
  template_files all = default_templates();
  EXPECT_EQ(why_not_loaded(all), "loaded") << "a copy of the directory is a valid directory";
}

TEST(email_templates, an_override_takes_the_place_of_the_built_in_file) {
  auto templates = email_templates::load(
      {{"document_uploaded.txt", "{{> note}}\n{{url}}\n"}, {"note.txt", "See {{file_name}}"}});
  ASSERT_TRUE(templates) << templates.error().reason;
  auto mail = render_email(sample_mail("document_uploaded"), sample_profile(), *templates, {}, sample_time());
  ASSERT_TRUE(mail);
  EXPECT_NE(mail->text.find("See rent-roll-2026.pdf"), std::string::npos);
}

TEST(email_templates, an_unknown_variable_names_file_and_variable) {
  EXPECT_NE(
      why_not_loaded({{"document_uploaded.html", "{{url}}\n{{file_nam}}"}})
          .find(
              "document_uploaded.html, line 2: {{file_nam}} is unknown here; there are: app_url, file_name"),
      std::string::npos);
  EXPECT_NE(why_not_loaded({{"document_uploaded.md", "{{lead}}"}}), "loaded")
      << "a sentence cannot hold itself";
  EXPECT_NE(why_not_loaded({{"digest.txt", "{{#sections}}{{#items}}{{lead}}{{/items}}{{/sections}}"}}),
            "loaded");
  EXPECT_NE(why_not_loaded({{"thread_unread_stale.txt", "{{url}} {{file_name}}"}}), "loaded")
      << "of another kind";
}

TEST(email_templates, a_variable_that_a_mail_has_to_show_must_not_be_missing) {
  EXPECT_EQ(why_not_loaded({{"layout.html", "{{{content_html}}}"}}),
            "e-mail template layout.html: {{preferences_url}} is missing: every such mail has to show it");
  for (auto name : {"layout.txt", "digest.html", "digest.txt", "generic.txt", "invite_accepted.html"})
    EXPECT_NE(why_not_loaded({{name, ""}}).find("is missing"), std::string::npos) << name;
}

TEST(email_templates, lambdas_and_endless_partials_are_refused) {
  EXPECT_NE(
      why_not_loaded({{"generic.html", "{{url}}{{#lambda}}x{{/lambda}}"}}).find("{{#lambda}} is unknown"),
      std::string::npos);
  EXPECT_NE(why_not_loaded({{"lead.html", "{{> lead}}"}}).find("lead.html includes itself"),
            std::string::npos);
}

TEST(email_templates, every_kind_has_a_sample_of_its_own_type) {
  for (const auto& kind : email_kinds()) {
    EXPECT_EQ(sample_mail(kind.event_type).rows.at(0).event_type, kind.event_type);
    EXPECT_EQ(email_kind_for(kind.event_type).event_type, kind.event_type);
  }
  EXPECT_EQ(sample_mail("deal_closed").rows.at(0).event_type, "deal_closed");
  for (auto other : {"", "digest", "layout", "generic", "deal_closed", "zzz"})
    EXPECT_EQ(email_kind_for(other).event_type, "generic") << other;
}

TEST(email_templates, settings_that_cannot_work_are_named) {
  auto templates = email_templates::load();
  ASSERT_TRUE(templates);
  auto why_settings = [&](auto change) {
    email_settings x;
    change(x);
    auto done = check_templates(*templates, x);
    return done ? "fine" : done.error().reason;
  };
  EXPECT_EQ(why_settings([](auto& x) { x.from = "CapMatch"; }),
            "e-mail setting from: the sender's address has no @");
  EXPECT_EQ(why_settings([](auto& x) { x.app_base_url = "capmatch.com"; }),
            "e-mail setting app_base_url: the URL does not start with https:// or http://");
  EXPECT_NE(why_settings([](auto& x) { x.time_zone = "Pacific"; }).find("time_zone: unknown time zone"),
            std::string::npos);
  EXPECT_NE(why_settings([](auto& x) { x.preferences_path = "//evil.example"; }), "fine");
  EXPECT_NE(why_settings([](auto& x) { x.reply_to = "x"; }), "fine");
  EXPECT_NE(why_settings([](auto& x) { x.digest_max_items = 0; }), "fine");
  EXPECT_NE(why_settings([](auto& x) { x.product = "Cap\nMatch"; }), "fine");
}

} // namespace
} // namespace herald
