// Site-relative links into the web application, as notifications and e-mails carry them. The paths are an
// interface with that application.
#pragma once

#include <optional>
#include <string>

#include "messages/uuid.hpp"

namespace herald {

/// `/project/workspace/{project}`
std::string workspace_link(const uuid& project);

/// The workspace with one of its documents open; the workspace alone without one.
std::string document_link(const uuid& project, const std::optional<uuid>& resource);

/// The chat of a workspace, at one of its threads.
std::string chat_link(const uuid& project, const uuid& thread);

/// A thread in its workspace, or in the dashboard without a project.
std::string thread_link(const std::optional<uuid>& project, const uuid& thread);

/// The meetings of a workspace, or of the dashboard without a project.
std::string meetings_link(const std::optional<uuid>& project);

/// `/team`: the members of the reader's org.
std::string team_link();

} // namespace herald
