// Whole mails, byte by byte, so that a change of a template shows in a review as what readers will see.
// HERALD_WRITE_GOLDEN=1 writes them anew.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "core/email/render.hpp"
#include "core/email/samples.hpp"

namespace herald {
namespace {

std::string path_of(const std::string& name) {
  return std::string{HERALD_SOURCE_DIR} + "/tests/core/email_golden/" + name;
}

std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void expect_golden(const std::string& name, const std::string& text) {
  if (std::getenv("HERALD_WRITE_GOLDEN") != nullptr)
    std::ofstream{path_of(name), std::ios::binary} << text;
  EXPECT_TRUE(content_of(path_of(name)) == text)
      << "tests/core/email_golden/" << name
      << " differs; look at the mail (herald preview), then run core_tests with "
      << "HERALD_WRITE_GOLDEN=1";
}

/// Everything but the HTML.
std::string envelope_and_text(const email_message& x) {
  auto out = "From: " + x.from + "\nTo: " + x.to + "\nSubject: " + x.subject + "\n";
  for (const auto& [name, value] : x.headers)
    out.append(name).append(": ").append(value).append("\n");
  for (const auto& [name, value] : x.tags)
    out.append("tag ").append(name).append(": ").append(value).append("\n");
  return out + "\n" + x.text;
}

void expect_golden_mail(const std::string& name, const email_mail& mail,
                        const email_settings& settings = {}) {
  auto templates = email_templates::load();
  ASSERT_TRUE(templates) << templates.error().reason;
  auto out = render_email(mail, sample_profile(), *templates, settings, sample_time());
  ASSERT_TRUE(out) << out.error().reason;
  expect_golden(name + ".html", out->html);
  expect_golden(name + ".txt", envelope_and_text(*out));
}

class email_golden : public ::testing::TestWithParam<std::string> {};

TEST_P(email_golden, the_sample_looks_as_it_did) {
  expect_golden_mail(GetParam(), sample_mail(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(samples, email_golden, ::testing::ValuesIn(sample_names()),
                         [](const auto& x) { return x.param; });

TEST(email_golden_digest, with_lists_and_projects_cut_short) {
  email_settings settings;
  settings.digest_max_items = 3;
  settings.digest_max_projects = 1;
  expect_golden_mail("digest_cut", sample_mail("digest"), settings);
}

TEST(email_golden_digest, of_a_single_item) {
  auto mail = sample_mail("thread_unread_stale");
  mail.lane = email_lane::digest;
  mail.window_at = sample_time();
  expect_golden_mail("digest_of_one", mail);
}

TEST(email_golden_hostile, values) {
  auto mail = sample_mail("document_uploaded");
  auto& row = mail.rows[0];
  row.subject = "<b>New</b>\r\nBcc: eve@example.com \u202Efdp.exe";
  row.body_data =
      R"({"file_name":"<a href=\"https://evil.example\">**plan**</a>","uploader_name":"O'Neil & \"Co\" {{url}}",)"
      R"("project_name":"<Tower> & Sons","link_url":"//evil.example"})";
  expect_golden_mail("hostile", mail);
}

} // namespace
} // namespace herald
