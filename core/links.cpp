#include "core/links.hpp"

namespace herald {

namespace {

std::string workspace_or_dashboard(const std::optional<uuid>& project) {
  return project ? workspace_link(*project) : std::string{"/dashboard"};
}

} // namespace

std::string workspace_link(const uuid& project) {
  return "/project/workspace/" + to_string(project);
}

std::string document_link(const uuid& project, const std::optional<uuid>& resource) {
  auto link = workspace_link(project);
  return resource ? link + "?resourceId=" + to_string(*resource) : link;
}

std::string chat_link(const uuid& project, const uuid& thread) {
  return workspace_link(project) + "?tab=chat&thread=" + to_string(thread);
}

std::string thread_link(const std::optional<uuid>& project, const uuid& thread) {
  return workspace_or_dashboard(project) + "?threadId=" + to_string(thread);
}

std::string meetings_link(const std::optional<uuid>& project) {
  return workspace_or_dashboard(project) + "?tab=meetings";
}

std::string team_link() {
  return "/team";
}

} // namespace herald
