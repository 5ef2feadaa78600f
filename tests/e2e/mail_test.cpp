// E-mail as its users meet it on the command line: jobs, previews, captured mail, mails that need a person.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/email/samples.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/e2e/prepared_store.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using json = nlohmann::json;

/// A company whose e-mails are queued and not sent.
class mail : public ::testing::Test {
protected:
  mail() {
    prepare_store(place_.database(), 150);
    auto queued = place_.run({"once", "notify-fan-out"});
    if (queued.status != 0)
      throw std::runtime_error(queued.err);
  }

  json run_job(const char* job, child_process::environment env = {}) {
    auto done = place_.run({"once", job, "--json"}, std::move(env));
    EXPECT_EQ(done.status, 0) << done.err;
    return json::parse(last_line(done.out), nullptr, false);
  }

  std::size_t count(const std::string& sql) const { return rows_of(place_.database(), sql).size(); }

  std::size_t eml_files() const {
    std::error_code none;
    auto files = std::filesystem::directory_iterator{place_.file("captured-mail"), none};
    return none ? 0 : static_cast<std::size_t>(std::count_if(begin(files), end(files), [](auto& x) {
      return x.path().extension() == ".eml";
    }));
  }

  workplace place_;
};

TEST_F(mail, the_instant_job_sends_immediate_mail_once_and_leaves_digests_alone) {
  auto immediate = count("SELECT id FROM pending_emails WHERE delivery_type = 'immediate'");
  ASSERT_GT(immediate, 5u);
  auto first = run_job("email-instant");
  EXPECT_EQ(first["immediate"].get<std::size_t>() + first["skipped"].get<std::size_t>(), immediate);
  EXPECT_EQ(first["digests"], 0);
  EXPECT_EQ(eml_files(), first["immediate"].get<std::size_t>());
  EXPECT_EQ(count("SELECT id FROM herald_captured_mails"), eml_files());
  EXPECT_EQ(count("SELECT id FROM pending_emails WHERE status = 'pending'"),
            count("SELECT id FROM pending_emails WHERE delivery_type = 'aggregated'"));
  auto second = run_job("email-instant");
  EXPECT_EQ(second["immediate"], 0);
}

TEST_F(mail, the_digest_job_sends_one_mail_per_person_and_leaves_immediate_mail_alone) {
  // What is older than the newest window; the rows were queued a moment ago.
  change(place_.database(), "UPDATE pending_emails SET created_at = created_at - 86400000");
  auto people = count("SELECT DISTINCT user_id FROM pending_emails WHERE delivery_type = 'aggregated'");
  auto first = run_job("email-digest");
  EXPECT_EQ(first["immediate"], 0);
  EXPECT_LE(first["digests"].get<std::size_t>(), people);
  EXPECT_GT(first["merged"].get<std::size_t>(), people);
  EXPECT_EQ(run_job("email-digest")["digests"], 0);
}

TEST_F(mail, a_dry_run_says_what_it_would_send_and_sends_nothing) {
  auto would = run_job("email-instant", {{"EMAIL_NOTIFICATIONS_DRY_RUN", "true"}});
  EXPECT_EQ(would["dry_run"], true);
  EXPECT_GT(would["mails"].get<std::size_t>(), 0u);
  EXPECT_EQ(eml_files(), 0u);
  EXPECT_EQ(count("SELECT id FROM pending_emails WHERE status <> 'pending'"), 0u);
  EXPECT_EQ(count("SELECT id FROM herald_mails"), 0u);
}

TEST_F(mail, the_test_switches_redirect_every_mail) {
  run_job("email-instant", {{"RESEND_FORCE_TO_EMAIL", "qa@capmatch.io"}});
  EXPECT_EQ(rows_of(place_.database(), "SELECT DISTINCT recipient FROM herald_captured_mails"),
            std::multiset<std::string>{"qa@capmatch.io"});
  auto refused = place_.run({"once", "email-instant"}, {{"RESEND_TEST_MODE", "true"}});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("RESEND_TEST_RECIPIENT"));
}

TEST_F(mail, an_address_that_is_none_fails_with_a_reason_and_can_be_sent_again_once_it_is_mended) {
  change(place_.database(), "UPDATE profiles SET email = 'nobody-' || substr(id, 1, 8)");
  auto first = run_job("email-instant");
  EXPECT_EQ(first["immediate"], 0);
  EXPECT_EQ(eml_files(), 0u);
  auto listed = place_.run({"mail", "list", "--json"});
  ASSERT_EQ(listed.status, 0) << listed.err;
  auto mails = json::parse(listed.out);
  ASSERT_GT(mails.size(), 0u);
  EXPECT_EQ(mails[0]["state"], "failed");
  EXPECT_THAT(mails[0]["reason"].get<std::string>(), HasSubstr("correct the profile"));

  EXPECT_EQ(place_.run({"mail", "resend"}).status, 2);
  change(place_.database(), "UPDATE profiles SET email = email || '@harborview.io'");
  EXPECT_EQ(place_.run({"mail", "resend", "--all-failed"}).status, 0);
  EXPECT_EQ(run_job("email-instant")["immediate"].get<std::size_t>(), mails.size());
}

TEST_F(mail, explain_follows_a_mail_to_its_end) {
  run_job("email-instant");
  auto row = *rows_of(place_.database(), "SELECT event_id FROM pending_emails WHERE status = 'sent' LIMIT 1")
                  .begin();
  auto explained = place_.run({"explain", row});
  EXPECT_THAT(explained.out, HasSubstr("sent"));
  EXPECT_THAT(explained.out, HasSubstr("provider id"));
}

TEST_F(mail, a_preview_shows_every_kind_and_a_queued_row_as_it_will_go_out) {
  for (auto& name : sample_names()) {
    auto shown = place_.run({"preview", name});
    EXPECT_EQ(shown.status, 0) << name << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("</html>")) << name;
    EXPECT_THAT(place_.run({"preview", name, "--text"}).out, Not(HasSubstr("<html"))) << name;
  }
  auto row = *rows_of(place_.database(), "SELECT min(id) FROM pending_emails").begin();
  auto message = place_.run({"preview", "--row", row, "--json"});
  ASSERT_EQ(message.status, 0) << message.err;
  EXPECT_FALSE(json::parse(message.out)["subject"].get<std::string>().empty());
  EXPECT_EQ(place_.run({"preview", "digest", "--out", "digest.html"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(place_.file("digest.html")));
  EXPECT_EQ(place_.run({"preview", "--row", "999999"}).status, 1);
  EXPECT_EQ(place_.run({"preview"}).status, 2);
}

TEST_F(mail, a_template_that_cannot_work_is_refused_before_anything_starts) {
  std::filesystem::create_directory(place_.file("templates"));
  std::ofstream{place_.file("templates/invite_accepted.txt")} << "{{url}} {{greeting_of_somebody}}";
  for (auto& command : {std::vector<std::string>{"check-config"}, {"once", "email-instant"}}) {
    auto args = command;
    args.insert(args.end(), {"--set", "email.templates_dir=templates"});
    auto refused = place_.run(args);
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("invite_accepted.txt"));
    EXPECT_THAT(refused.err, HasSubstr("greeting_of_somebody"));
  }
}

TEST_F(mail, the_api_key_is_never_shown) {
  auto shown = place_.run({"check-config"}, {{"RESEND_API_KEY", "re_very_secret"}});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("***"));
  EXPECT_THAT(shown.out + shown.err, Not(HasSubstr("very_secret")));
  // Nor by a job that cannot reach the provider.
  auto failed =
      place_.run({"once", "email-instant", "--log-level", "DEBUG", "--set", "resend.max_in_flight=0"},
                 {{"RESEND_API_KEY", "re_very_secret"}});
  EXPECT_EQ(failed.status, 2);
  EXPECT_THAT(failed.out + failed.err, Not(HasSubstr("very_secret")));
}

} // namespace
} // namespace herald::testing
