// Rows become mails: who gets them, where their links lead, what a digest holds, and that nothing a stranger
// wrote does any harm.
#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "core/email/kinds.hpp"
#include "core/email/render.hpp"
#include "core/email/safe_text.hpp"
#include "core/email/samples.hpp"
#include "core/links.hpp"
#include "core/text.hpp"
#include "tests/support/generators.hpp"

namespace herald {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::awkward_bytes;
using testing::awkward_text;
using testing::nth_uuid;

const email_templates& templates() {
  static const auto out = email_templates::load();
  return *out;
}

email_message rendered(const email_mail& mail, const profile& to = sample_profile(),
                       const email_settings& settings = {}) {
  auto out = render_email(mail, to, templates(), settings, sample_time());
  EXPECT_TRUE(out) << out.error().reason;
  return out ? *out : email_message{};
}

failure refused(const email_mail& mail, const profile& to, const email_settings& settings = {}) {
  auto out = render_email(mail, to, templates(), settings, sample_time());
  EXPECT_FALSE(out);
  return out ? failure{} : out.error();
}

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size()))
    ++out;
  return out;
}

email_row document(std::int64_t id, const std::optional<uuid>& project, const std::string& project_name,
                   const std::string& file) {
  email_row out;
  out.id = id;
  out.event_type = "document_uploaded";
  out.project_id = project;
  out.project_name = project_name;
  out.subject = "New document in " + project_name + ": " + file;
  out.body_data =
      json{{"file_name", file}, {"uploader_name", "Ben"}, {"link_url", "/project/workspace/x"}}.dump();
  out.created_at = sample_time();
  return out;
}

email_mail digest_of(std::vector<email_row> rows) {
  email_mail out;
  out.id = 9;
  out.lane = email_lane::digest;
  out.window_at = sample_time();
  out.rows = std::move(rows);
  return out;
}

/// Tags and the names of their attributes, in order. Bold type is left out: Markdown gives it only to words
/// that it takes for words.
std::vector<std::string> skeleton(std::string_view html) {
  std::vector<std::string> out;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    std::string tag;
    char quote = 0;
    for (; at < html.size() && (quote != 0 || html[at] != '>'); ++at) {
      auto c = html[at];
      if (quote == 0 || c == quote)
        tag += c;
      if (c == '"')
        quote = quote == 0 ? '"' : '\0';
    }
    if (tag != "<strong" && tag != "</strong")
      out.push_back(tag);
  }
  return out;
}

std::vector<std::string> links(std::string_view html) {
  std::vector<std::string> out;
  for (auto at = html.find("href=\""); at != std::string_view::npos; at = html.find("href=\"", at + 1))
    out.emplace_back(html.substr(at + 6, html.find('"', at + 6) - at - 6));
  return out;
}

// -- recipient and headers --------------------------------------------------------------------------------------

TEST(render_email, goes_to_the_profiles_address_from_the_configured_sender) {
  email_settings settings;
  settings.from = "CapMatch <hello@capmatch.com>";
  settings.reply_to = "help@capmatch.com";
  auto mail = rendered(sample_mail("document_uploaded"), {"Cleo", " cleo@example.com "}, settings);
  EXPECT_EQ(mail.to, "cleo@example.com");
  EXPECT_EQ(mail.from, "CapMatch <hello@capmatch.com>");
  EXPECT_EQ(mail.headers, (std::vector<std::pair<std::string, std::string>>{
                              {"List-Unsubscribe", "<https://capmatch.com/settings/notifications>"}}));
  EXPECT_EQ(mail.reply_to, "help@capmatch.com");
}

TEST(render_email, a_recipient_without_one_valid_address_is_a_permanent_failure_with_a_reason) {
  for (auto address : {"", "cleo", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"}) {
    auto x = refused(sample_mail("document_uploaded"), {"Cleo", address});
    EXPECT_EQ(x.kind, failure_class::permanent) << address;
    EXPECT_TRUE(contains(x.reason, "profiles.email of user cccccccc-0000-4000-8000-00000000000f "))
        << x.reason;
    EXPECT_TRUE(contains(x.reason, "correct the profile")) << x.reason;
  }
}

TEST(render_email, a_reason_does_not_spread_the_address) {
  EXPECT_FALSE(contains(refused(sample_mail("digest"), {"Cleo", "cleo@secret"}).reason, "secret"));
}

TEST(render_email, settings_that_cannot_work_cost_no_mail) {
  email_settings settings;
  settings.time_zone = "Mars/Olympus";
  EXPECT_EQ(refused(sample_mail("digest"), sample_profile(), settings).kind, failure_class::outage);
}

TEST(render_email, a_mail_without_rows_is_a_permanent_failure) {
  EXPECT_EQ(refused(digest_of({}), sample_profile()).kind, failure_class::permanent);
}

TEST(render_email, tags_name_type_and_mail) {
  using tags = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(rendered(sample_mail("document_uploaded")).tags,
            (tags{{"email_type", "document_uploaded"}, {"mail_id", "4711"}}));
  EXPECT_EQ(rendered(sample_mail("digest")).tags, (tags{{"email_type", "digest"}, {"mail_id", "4711"}}));
  EXPECT_EQ(rendered(sample_mail("deal.closed!\r\n")).tags.at(0).second, "deal_closed___");
}

TEST(render_email, subjects_are_single_lines_of_bounded_length) {
  auto mail = sample_mail("document_uploaded");
  mail.rows[0].subject = "New\r\nBcc: eve@example.com\x01 \u202Etxt.exe" + std::string(100'000, 'x');
  auto subject = rendered(mail).subject;
  EXPECT_TRUE(subject.starts_with("New Bcc: eve@example.com  txt.exe")
              || subject.starts_with("New Bcc: eve@example.com txt.exe"))
      << subject;
  EXPECT_LE(subject.size(), 210u);
}

TEST(render_email, a_row_without_a_subject_gets_one) {
  auto mail = sample_mail("document_uploaded");
  mail.rows[0].subject = " \n";
  EXPECT_EQ(rendered(mail).subject, "Ben Berg uploaded rent-roll-2026.pdf to Tower & Sons.");
  mail = sample_mail("deal_closed");
  mail.rows[0].subject.clear();
  EXPECT_EQ(rendered(mail).subject, "Deal closed");
}

// -- every kind -------------------------------------------------------------------------------------------------

TEST(render_email, every_mail_greets_its_reader_and_leads_to_the_preferences) {
  for (const auto& name : sample_names()) {
    auto mail = rendered(sample_mail(name), {"Cleo <Cho>", "cleo@example.com"});
    EXPECT_TRUE(contains(mail.html, "Hi Cleo &lt;Cho&gt;,")) << name;
    EXPECT_TRUE(contains(mail.text, "Hi Cleo <Cho>,")) << name;
    EXPECT_TRUE(contains(mail.html, "href=\"https://capmatch.com/settings/notifications\"")) << name;
    EXPECT_TRUE(contains(mail.text, "https://capmatch.com/settings/notifications")) << name;
    EXPECT_TRUE(contains(rendered(sample_mail(name), {"", "cleo@example.com"}).text, "Hi,")) << name;
  }
}

TEST(render_email, every_link_leads_to_the_web_application_under_its_url) {
  email_settings settings;
  settings.app_base_url = "https://app.capmatch.example/";
  for (const auto& name : sample_names()) {
    auto mail = rendered(sample_mail(name), sample_profile(), settings);
    EXPECT_GE(links(mail.html).size(), 4u) << name;
    for (const auto& link : links(mail.html))
      EXPECT_TRUE(link == "https://app.capmatch.example" || link.starts_with("https://app.capmatch.example/"))
          << link;
    EXPECT_FALSE(contains(mail.text, "capmatch.com")) << name;
  }
  EXPECT_TRUE(contains(rendered(sample_mail("invite_accepted"), sample_profile(), settings).text,
                       "https://app.capmatch.example/team"))
      << "joined to the origin, not to a dashboard";
}

TEST(render_email, a_link_to_another_site_becomes_the_applications) {
  for (auto link : {"//evil.example", "javascript:alert(1)", "https://evil.example/x", "/\\evil.example",
                    "\" onclick=\"x"}) {
    auto mail = sample_mail("document_uploaded");
    mail.rows[0].body_data = json{{"link_url", link}}.dump();
    auto out = rendered(mail);
    for (const auto& x : links(out.html))
      EXPECT_TRUE(x == "https://capmatch.com" || x == "https://capmatch.com/settings/notifications") << x;
    EXPECT_FALSE(contains(out.text, "evil")) << out.text;
  }
}

TEST(render_email, html_is_made_for_dark_mode_small_screens_and_no_images) {
  for (const auto& name : sample_names()) {
    auto html = rendered(sample_mail(name)).html;
    for (auto part :
         {"<!DOCTYPE html>", "<meta name=\"color-scheme\" content=\"light dark\">",
          "prefers-color-scheme: dark", "max-width: 620px", "role=\"presentation\"", "lang=\"en\""})
      EXPECT_TRUE(contains(html, part)) << name << " " << part;
    for (auto part : {"<img", "url(", "<link", "<script"})
      EXPECT_FALSE(contains(html, part)) << name << " " << part;
  }
}

TEST(render_email, times_are_shown_in_the_configured_zone) {
  auto mail = sample_mail("document_uploaded");
  mail.rows[0].created_at = std::chrono::sys_days{std::chrono::year{2026} / 7 / 4} + 6h + 5min;
  EXPECT_TRUE(contains(rendered(mail).text, "Jul 3, 2026, 11:05 PM PDT")) << rendered(mail).text;
  email_settings settings;
  settings.time_zone = "Europe/Berlin";
  EXPECT_TRUE(contains(rendered(mail, sample_profile(), settings).text, "Jul 4, 2026, 8:05 AM CEST"));
}

TEST(render_email, a_digest_without_a_window_shows_the_time_of_now) {
  auto mail = sample_mail("digest");
  mail.window_at.reset();
  EXPECT_TRUE(contains(rendered(mail).text, "up to Tue, Jan 20, 12:00 PM PST")) << rendered(mail).text;
}

TEST(render_email, the_same_input_gives_the_same_mail) {
  for (const auto& name : sample_names()) {
    auto one = rendered(sample_mail(name)), two = rendered(sample_mail(name));
    EXPECT_EQ(one.html, two.html);
    EXPECT_EQ(one.text, two.text);
  }
}

TEST(render_email, rows_that_say_nothing_still_read_well) {
  for (auto body : {"", "null", "[]", "7", "\"x\"", "{", "{}",
                    "{\"file_name\":null,\"uploader_name\":\"\",\"unread_count\":\"x\"}"}) {
    auto mail = sample_mail("document_uploaded");
    mail.rows[0].project_name.clear();
    mail.rows[0].body_data = body;
    EXPECT_TRUE(contains(rendered(mail).text, "Someone uploaded a document to your project.")) << body;
    for (const auto& kind : email_kinds()) {
      mail.rows[0].event_type = kind.event_type;
      auto out = rendered(mail);
      EXPECT_FALSE(contains(out.html, "<strong></strong>")) << kind.event_type;
      EXPECT_FALSE(contains(out.text, "**")) << out.text;
      EXPECT_FALSE(contains(out.text, "null")) << out.text;
    }
  }
}

TEST(render_email, counts_read_well_in_singular_and_plural) {
  auto mail = sample_mail("thread_unread_stale");
  EXPECT_TRUE(contains(rendered(mail).text, "3 unread messages in #term-sheet"));
  mail.rows[0].body_data = R"({"unread_count":1,"thread_topic":"#x"})";
  EXPECT_TRUE(contains(rendered(mail).text, "1 unread message in #x"));
}

TEST(render_email, a_percentage_that_is_none_is_not_shown) {
  for (auto percent : {"-1", "101", "\"x\"", "null", "1e300"}) {
    auto mail = sample_mail("resume_incomplete_nudge");
    mail.rows[0].body_data =
        std::string{R"({"resume_type_label":"project resume","completion_percent":)"} + percent + "}";
    EXPECT_TRUE(contains(rendered(mail).text, "is not complete yet.")) << percent;
  }
  auto mail = sample_mail("resume_incomplete_nudge");
  mail.rows[0].body_data = R"({"completion_percent":0})";
  EXPECT_TRUE(contains(rendered(mail).text, "is 0% complete.")) << "zero is a percentage";
}

TEST(render_email, a_type_without_its_own_kind_shows_subject_and_body) {
  auto mail = rendered(sample_mail("deal_closed"));
  EXPECT_EQ(mail.subject, "Deal closed: Tower & Sons");
  EXPECT_TRUE(contains(mail.html, "The financing of <strong>Tower &amp; Sons</strong> is complete."));
  EXPECT_TRUE(contains(mail.text, "The financing of Tower & Sons is complete."));
}

// -- digests ----------------------------------------------------------------------------------------------------

TEST(render_email_digest, has_a_section_per_project_and_a_count_per_event_type) {
  auto mail = rendered(sample_mail("digest"));
  EXPECT_EQ(mail.subject, "17 updates in 2 projects");
  for (auto part : {"== Tower & Sons ==", "New documents (13)", "Unread messages (1)",
                    "== Harbor View Residences ==", "== Your account ==", "New members (1)"})
    EXPECT_EQ(count(mail.text, part), 1u) << part << "\n" << mail.text;
  EXPECT_LT(mail.text.find("== Tower"), mail.text.find("== Harbor"));
  EXPECT_LT(mail.text.find("== Harbor"), mail.text.find("== Your account =="))
      << "what has no project comes last";
}

TEST(render_email_digest, one_row_alone_is_its_own_mail_with_its_own_subject) {
  auto mail = sample_mail("document_uploaded");
  auto alone = mail;
  alone.lane = email_lane::digest;
  alone.window_at = sample_time();
  EXPECT_EQ(rendered(alone).subject, "New document in Tower & Sons: rent-roll-2026.pdf");
  EXPECT_EQ(rendered(alone).html, rendered(mail).html);
  EXPECT_EQ(rendered(alone).tags, rendered(mail).tags);
}

TEST(render_email_digest, lists_are_cut_at_the_configured_length_and_say_what_is_left) {
  std::vector<email_row> rows;
  for (int i = 1; i <= 5; ++i)
    rows.push_back(document(i, nth_uuid(1), "Tower", "file-" + std::to_string(i)));
  auto text_for = [&](std::uint32_t items) {
    email_settings settings;
    settings.digest_max_items = items;
    return rendered(digest_of(rows), sample_profile(), settings);
  };
  EXPECT_EQ(count(text_for(3).text, "Ben uploaded file-"), 3u);
  EXPECT_TRUE(contains(text_for(3).text, "and 2 more: https://capmatch.com" + workspace_link(nth_uuid(1))));
  EXPECT_TRUE(contains(text_for(3).html, "and 2 more"));
  EXPECT_TRUE(contains(text_for(3).text, "New documents (5)")) << "the count is that of all";
  EXPECT_TRUE(contains(text_for(4).text, "and 1 more"));
  EXPECT_FALSE(contains(text_for(5).text, "more")) << "nothing is left";
}

TEST(render_email_digest, many_projects_are_cut_as_well) {
  std::vector<email_row> rows;
  for (std::uint8_t i = 1; i <= 5; ++i)
    for (int j = 0; j < 2; ++j)
      rows.push_back(document(2 * i + j, nth_uuid(i), "P" + std::to_string(i), "f"));
  email_settings settings;
  settings.digest_max_projects = 3;
  auto mail = rendered(digest_of(rows), sample_profile(), settings);
  EXPECT_EQ(mail.subject, "10 updates in 5 projects");
  EXPECT_TRUE(contains(mail.text, "== P3 =="));
  EXPECT_FALSE(contains(mail.text, "== P4 =="));
  EXPECT_TRUE(contains(mail.text, "and 4 more, in 2 other projects")) << mail.text;
}

TEST(render_email_digest, the_subject_says_where) {
  auto subject = [](std::vector<email_row> rows) { return rendered(digest_of(std::move(rows))).subject; };
  auto a = document(1, nth_uuid(1), "Tower", "a"), b = document(2, std::nullopt, "", "b");
  EXPECT_EQ(subject({a, a}), "2 updates in Tower");
  EXPECT_EQ(subject({b, b}), "2 updates in your account");
  EXPECT_EQ(subject({b, a}), "2 updates in Tower and your account");
  auto nameless = document(1, nth_uuid(2), " \n", "a");
  EXPECT_EQ(subject({nameless, nameless}), "2 updates in Your project");
}

TEST(render_email_digest, drops_no_type_and_no_row) {
  std::vector<email_row> rows;
  const std::vector<std::string> types{
      "document_uploaded",       "deal_closed",    "thread_unread_stale", "", "digest",
      "resume_incomplete_nudge", "invite_accepted"};
  for (std::size_t i = 0; i < types.size(); ++i) {
    auto row = document(static_cast<std::int64_t>(i), nth_uuid(1), "Tower", "f");
    row.event_type = types[i];
    row.subject = "Subject " + std::to_string(i);
    row.body_data = json{{"link_url", "/row/" + std::to_string(i)}}.dump();
    rows.push_back(row);
  }
  auto mail = rendered(digest_of(rows));
  for (std::size_t i = 0; i < types.size(); ++i)
    EXPECT_TRUE(contains(mail.text, "https://capmatch.com/row/" + std::to_string(i) + "\n"))
        << types[i] << mail.text;
  EXPECT_TRUE(contains(mail.text, "Deal closed (1)"));
  EXPECT_TRUE(contains(mail.text, "* Subject 1"));
}

RC_GTEST_PROP(render_email_digest, counts_agree_with_the_rows, ()) {
  auto projects = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6));
  RC_PRE(projects.size() > 1);
  email_settings settings;
  settings.digest_max_items = *rc::gen::inRange<std::uint32_t>(1, 4);
  settings.digest_max_projects = *rc::gen::inRange<std::uint32_t>(1, 4);
  std::vector<email_row> rows;
  for (auto x : projects)
    rows.push_back(document(1, nth_uuid(static_cast<std::uint8_t>(x + 1)), "P" + std::to_string(x), "f"));
  auto text = rendered(digest_of(rows), sample_profile(), settings).text;
  auto left = std::size_t{0};
  for (auto at = text.find("and "); at != std::string::npos; at = text.find("and ", at + 1))
    if (auto n = std::strtoul(text.c_str() + at + 4, nullptr, 10); n > 0)
      left += n;
  RC_ASSERT(count(text, "  * ") + left == rows.size());
}

// -- hostile values ---------------------------------------------------------------------------------------------

/// A mail of the kind in which every text is `value`.
email_mail filled(std::string_view kind, const std::string& value) {
  auto mail = sample_mail(kind);
  for (auto& row : mail.rows) {
    row.subject = value;
    row.project_name = value;
    auto body = json::parse(row.body_data);
    for (auto& [key, x] : body.items())
      if (x.is_string() && key != "link_url" && key != "new_permission")
        x = value;
    row.body_data = body.dump(-1, ' ', false, json::error_handler_t::ignore);
  }
  return mail;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; });
}

void expect_clean(const email_message& mail) {
  for (const auto* text : {&mail.html, &mail.text, &mail.subject})
    EXPECT_EQ(invalid_utf8_at(*text), std::nullopt);
  EXPECT_FALSE(has_control(mail.html));
  EXPECT_FALSE(has_control(mail.text));
  EXPECT_EQ(safe_line(mail.subject, 200), mail.subject);
}

TEST(render_email_hostile, markup_in_values_stays_text) {
  for (const auto& name : sample_names()) {
    auto plain = skeleton(rendered(filled(name, "x")).html);
    for (auto value : {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x",
                       "</td></table>", "<!-- ", "-->", "]]>", "&lt;b&gt;", "{{url}}", "{{{content_html}}}",
                       "<a href=\"https://evil.example\">x</a>"}) {
      auto mail = rendered(filled(name, value), {value, "cleo@example.com"});
      EXPECT_EQ(skeleton(mail.html), plain) << name << " " << value;
      for (const auto& link : links(mail.html))
        EXPECT_TRUE(link.starts_with("https://capmatch.com")) << link;
      expect_clean(mail);
    }
  }
}

TEST(render_email_hostile, markdown_in_values_stays_text) {
  auto mail = rendered(filled("document_uploaded", "[x](https://evil.example) **y** `z` # &copy;"));
  EXPECT_TRUE(contains(mail.text, "[x](https://evil.example) **y** `z` # &copy; uploaded")) << mail.text;
  EXPECT_TRUE(
      contains(mail.html, "<strong>[x](https://evil.example) **y** `z` # &amp;copy;</strong> uploaded"));
}

TEST(render_email_hostile, line_breaks_and_direction_overrides_vanish) {
  auto mail = rendered(filled("document_uploaded", "a\r\n.\r\nBcc: x\u202E\u2066\u2028\x7F\x1B[31m"));
  expect_clean(mail);
  for (auto gone : {"\u202E", "\u2066", "\u2028", "\r", "\x1B", "\x7F"})
    EXPECT_FALSE(contains(mail.html + mail.text + mail.subject, gone));
}

TEST(render_email_hostile, invalid_utf8_costs_no_more_than_itself) {
  auto mail = sample_mail("document_uploaded");
  mail.rows[0].body_data = "{\"file_name\":\"pl\xFF"
                           "an.pdf\",\"uploader_name\":\"\xED\xA0\x80\"}";
  auto out = rendered(mail, {"Cl\xC3", "cleo@example.com"});
  EXPECT_TRUE(contains(out.text, "pl\uFFFDan.pdf")) << out.text;
  EXPECT_TRUE(contains(out.text, "Hi Cl\uFFFD,"));
  expect_clean(out);
}

TEST(render_email_hostile, huge_values_make_no_huge_mail) {
  const std::vector<std::string> values{std::string(100'000, '<'), std::string(100'000, '*'),
                                        std::string(100'000, '\n') + "x"};
  const std::vector<std::string> names{"document_uploaded", "invite_accepted", "deal_closed", "digest"};
  for (const auto& name : names)
    for (const auto& value : values) {
      auto mail = filled(name, value);
      if (mail.rows.size() > 3)
        mail.rows.erase(mail.rows.begin(), mail.rows.end() - 3);
      auto out = rendered(mail, {value, "cleo@example.com"});
      EXPECT_LT(out.html.size(), 60'000u) << name;
      expect_clean(out);
    }
}

TEST(render_email_hostile, deep_and_huge_bodies_are_read_as_nothing) {
  auto mail = sample_mail("document_uploaded");
  for (const auto& body :
       {std::string(200'000, '['), R"({"file_name":")" + std::string(2'000'000, 'x') + "\"}"}) {
    mail.rows[0].body_data = body;
    EXPECT_TRUE(contains(rendered(mail).text, "a document"));
  }
}

TEST(render_email_hostile, a_body_with_markdown_plants_no_link_and_no_markup) {
  auto mail = sample_mail("deal_closed");
  mail.rows[0].body_data =
      json{{"body", "<script>x</script>\n\n[a](javascript:x) ![i](https://evil.example/i.png)\n\n**ok**"}}
          .dump();
  auto out = rendered(mail);
  EXPECT_TRUE(contains(out.html, "&lt;script&gt;x&lt;/script&gt;"));
  EXPECT_FALSE(contains(out.html, "javascript:"));
  EXPECT_FALSE(contains(out.html, "evil.example"));
  EXPECT_TRUE(contains(out.html, "<strong>ok</strong>"));
}

RC_GTEST_PROP(render_email_hostile, any_values_give_the_same_markup, ()) {
  auto name = *rc::gen::elementOf(sample_names());
  RC_PRE(name != "generic");
  auto value = *rc::gen::oneOf(awkward_bytes(), awkward_text());
  auto mail = rendered(filled(name, value), {value, "cleo@example.com"});
  RC_ASSERT(skeleton(mail.html) == skeleton(rendered(filled(name, "x")).html));
  RC_ASSERT(!invalid_utf8_at(mail.html) && !invalid_utf8_at(mail.text));
  RC_ASSERT(safe_line(mail.subject, 200) == mail.subject);
}

RC_GTEST_PROP(render_email_hostile, any_row_is_rendered, ()) {
  auto mail = sample_mail(*rc::gen::elementOf(sample_names()));
  for (auto& row : mail.rows) {
    row.event_type =
        *rc::gen::oneOf(awkward_bytes(), rc::gen::element<std::string>("document_uploaded", "invite_accepted",
                                                                       row.event_type));
    row.body_data = *rc::gen::oneOf(awkward_bytes(), rc::gen::just(row.body_data));
    row.created_at = timestamp{duration{*rc::gen::arbitrary<std::int64_t>()}};
  }
  RC_ASSERT(render_email(mail, sample_profile(), templates(), {}, sample_time()).has_value());
}

} // namespace
} // namespace herald
