// A queued e-mail is checked again when it is its turn.
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/email/still_true.hpp"
#include "core/reasons.hpp"
#include "tests/support/sample_world.hpp"

namespace herald {
namespace {

using namespace herald::testing;

/// A queued row of a sample's event, for whom the handler would mail today.
struct queued {
  sample from;
  email_row row;
  uuid user{};

  explicit queued(std::string_view type) : from{load_sample(type)} {
    auto plan = handle(from);
    auto& draft = plan->emails.at(0);
    user = draft.immediate.empty() ? draft.aggregated.at(0) : draft.immediate.at(0);
    row.id = 1;
    row.event_id = from.event.id;
    row.event_type = from.event.type;
  }

  email_context facts() const {
    email_context out;
    out.world = from.world;
    out.world.nudges.clear();
    out.events[from.event.id] = from.event;
    return out;
  }

  std::string objection(const email_context& x) const {
    auto out = objection_to(row, user, x, handlers(), from.settings);
    return out ? std::string{to_string(out->ending)} + ":" + out->reason : std::string{};
  }

  std::string objection() const { return objection(facts()); }
};

const std::vector<std::string> mailing_types{"chat_thread_participant_added",
                                             "document_uploaded",
                                             "invite_accepted",
                                             "project_access_changed",
                                             "project_access_granted",
                                             "resume_incomplete_nudge",
                                             "thread_unread_stale"};

std::string skipped_for(std::string_view reason) {
  return "skipped:" + std::string{reason};
}

TEST(still_true, nothing_is_objected_to_while_the_world_stays_as_it_was) {
  for (auto& type : mailing_types)
    EXPECT_EQ(queued{type}.objection(), "") << type;
}

TEST(still_true, whoever_mutes_everything_meanwhile_gets_no_mail_of_any_type) {
  for (auto& type : mailing_types) {
    auto x = queued{type};
    prefer(x.from, x.user, muted_everywhere());
    EXPECT_EQ(x.objection(), skipped_for(reasons::muted)) << type;
  }
}

TEST(still_true, whoever_has_lost_access_gets_no_mail) {
  for (auto& type : {"document_uploaded", "project_access_granted", "project_access_changed"}) {
    auto x = queued{type};
    for (auto& [id, project] : x.from.world.projects)
      project.grantees.clear();
    for (auto& [id, org] : x.from.world.orgs)
      org.owners.clear();
    for (auto& [id, resource] : x.from.world.resources)
      resource.viewers.clear();
    EXPECT_EQ(x.objection(), skipped_for(reasons::no_access)) << type;
  }
}

TEST(still_true, whoever_has_left_the_thread_gets_no_mail) {
  for (auto& type : {"chat_thread_participant_added", "thread_unread_stale"}) {
    auto x = queued{type};
    for (auto& [id, thread] : x.from.world.threads)
      thread.participants.clear();
    EXPECT_EQ(x.objection(), skipped_for(reasons::no_access)) << type;
  }
}

TEST(still_true, whoever_is_no_owner_any_more_gets_no_nudge_about_the_resume) {
  auto x = queued{"resume_incomplete_nudge"};
  for (auto& [id, org] : x.from.world.orgs)
    org.owners.clear();
  EXPECT_EQ(x.objection(), skipped_for(reasons::not_an_owner));
}

TEST(still_true, a_thread_that_was_read_meanwhile_needs_no_mail) {
  auto x = queued{"thread_unread_stale"};
  auto facts = x.facts();
  auto unread = std::pair{*x.from.event.thread_id, x.user};
  facts.unread[unread] = 1;
  EXPECT_EQ(x.objection(facts), "");
  facts.unread[unread] = 0;
  EXPECT_EQ(x.objection(facts), skipped_for(reasons::already_read));
}

TEST(still_true, a_resume_that_was_finished_meanwhile_needs_no_mail) {
  auto x = queued{"resume_incomplete_nudge"};
  auto facts = x.facts();
  auto payload = nlohmann::json::parse(x.from.event.payload);
  auto resume = std::pair{*x.from.event.project_id, payload.at("resume_type").get<std::string>()};
  facts.completeness[resume] = 99;
  EXPECT_EQ(x.objection(facts), "");
  facts.completeness[resume] = 100;
  EXPECT_EQ(x.objection(facts), skipped_for(reasons::resume_complete));
}

TEST(still_true, without_a_profile_there_is_nobody_to_mail) {
  auto x = queued{"invite_accepted"};
  auto facts = x.facts();
  facts.world.profiles.erase(x.user);
  EXPECT_EQ(x.objection(facts), skipped_for(reasons::no_profile));
}

TEST(still_true, an_event_that_is_gone_needs_no_mail) {
  auto x = queued{"invite_accepted"};
  auto facts = x.facts();
  facts.events.clear();
  EXPECT_EQ(x.objection(facts), skipped_for(reasons::withdrawn));
}

TEST(still_true, a_type_without_a_handler_is_asked_about_preferences_alone) {
  auto x = queued{"invite_accepted"};
  x.row.event_type = "deal_closed";
  EXPECT_EQ(x.objection(), "");
  prefer(x.from, x.user, muted_everywhere("deal_closed", "email"));
  EXPECT_EQ(x.objection(), skipped_for(reasons::muted));
}

TEST(still_true, a_handler_that_crashes_fails_its_own_row) {
  auto x = queued{"invite_accepted"};
  auto table =
      std::vector<handler_row>{{"invite_accepted", [](const event&, const context&) -> result<fan_out_plan> {
                                  throw std::runtime_error("boom");
                                }}};
  auto out = objection_to(x.row, x.user, x.facts(), table, x.from.settings);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->ending, row_ending::failed);
  EXPECT_NE(out->reason.find("boom"), std::string::npos);
}

} // namespace
} // namespace herald
