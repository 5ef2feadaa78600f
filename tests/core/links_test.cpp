// Links are an interface with the web application: to the letter.
#include <gtest/gtest.h>

#include "core/links.hpp"

namespace herald {
namespace {

const uuid project = parse_uuid("cccccccc-0000-4000-8000-000000000001").value();
const uuid thing = parse_uuid("dddddddd-0000-4000-8000-000000000001").value();
const std::string workspace = "/project/workspace/cccccccc-0000-4000-8000-000000000001";
const std::string thing_id = "dddddddd-0000-4000-8000-000000000001";

TEST(links, lead_into_the_workspace) {
  EXPECT_EQ(workspace_link(project), workspace);
  EXPECT_EQ(document_link(project, thing), workspace + "?resourceId=" + thing_id);
  EXPECT_EQ(document_link(project, std::nullopt), workspace);
  EXPECT_EQ(chat_link(project, thing), workspace + "?tab=chat&thread=" + thing_id);
  EXPECT_EQ(thread_link(project, thing), workspace + "?threadId=" + thing_id);
  EXPECT_EQ(meetings_link(project), workspace + "?tab=meetings");
}

TEST(links, lead_to_the_dashboard_without_a_project) {
  EXPECT_EQ(thread_link(std::nullopt, thing), "/dashboard?threadId=" + thing_id);
  EXPECT_EQ(meetings_link(std::nullopt), "/dashboard?tab=meetings");
}

TEST(links, lead_to_the_team) {
  EXPECT_EQ(team_link(), "/team");
}

} // namespace
} // namespace herald
