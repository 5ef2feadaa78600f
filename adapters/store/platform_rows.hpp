// Rows of the platform's own tables, for those who have to put them there: the demo, tests, self-hosting.
// Herald's pipeline never writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/failure.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

struct platform_rows {
  struct profile_row {
    uuid id{};
    std::optional<std::string> full_name;
    std::string email;
    std::string app_role = "borrower";
  };
  struct org_row {
    uuid id{};
    std::string name;
    std::string entity_type = "borrower";
  };
  struct org_member_row {
    uuid org_id{};
    uuid user_id{};
    std::string role = "member";
  };
  struct project_row {
    uuid id{};
    std::string name;
    uuid owner_org_id{};
    std::optional<timestamp> created_at; ///< nothing: the time of the insert
  };
  struct grant_row {
    uuid id{};
    uuid project_id{};
    uuid org_id{};
    uuid user_id{};
    uuid granted_by{};
  };
  struct resource_row {
    uuid id{};
    uuid org_id{};
    std::optional<uuid> project_id;
    std::optional<uuid> parent_id;
    std::string resource_type = "FILE";
    std::string name;
    std::optional<uuid> current_version_id = std::nullopt;
  };
  struct permission_row {
    uuid resource_id{};
    uuid user_id{};
    std::string permission = "view";
    uuid granted_by{};
  };
  struct thread_row {
    uuid id{};
    uuid project_id{};
    std::optional<std::string> topic;
  };
  struct participant_row {
    uuid thread_id{};
    uuid user_id{};
    timestamp last_read_at{};
  };
  struct message_row {
    uuid thread_id{};
    uuid user_id{};
    std::string content;
    timestamp created_at{};
  };
  struct meeting_row {
    uuid id{};
    std::string title;
    timestamp start_time{};
    std::int32_t duration_minutes = 60;
    std::optional<std::string> meeting_link;
    uuid organizer_id{};
    std::optional<uuid> project_id;
    std::string status = "scheduled";
  };
  struct meeting_participant_row {
    uuid id{};
    uuid meeting_id{};
    uuid user_id{};
    std::string response_status = "pending";
    bool is_organizer = false;
  };
  struct activity_row {
    uuid user_id{};
    uuid project_id{};
    std::optional<timestamp> last_project_resume_edit_at;
    std::optional<timestamp> last_borrower_resume_edit_at;
  };
  /// A version of either resume.
  struct resume_row {
    uuid id{};
    uuid project_id{};
    std::int32_t version_number = 1;
    std::int32_t completeness_percent = 0;
  };
  struct preference_row {
    uuid id{};
    uuid user_id{};
    std::string scope_type = "global";
    std::optional<uuid> scope_id;
    std::string event_type = "*";
    std::string channel = "*";
    std::string status = "muted";
  };
  struct calendar_connection_row {
    uuid id{};
    uuid user_id{};
    std::string provider = "google";
    std::string provider_account_id;
    std::optional<std::string> access_token;
    std::optional<std::string> refresh_token;
    std::optional<timestamp> token_expires_at;
    /// JSON array of {id, name, primary, selected}.
    std::string calendar_list = "[]";
    bool sync_enabled = true;
    std::optional<std::string> watch_channel_id;
    std::optional<std::string> watch_resource_id;
    std::optional<timestamp> watch_expiration;
  };

  std::vector<profile_row> profiles;
  std::vector<org_row> orgs;
  std::vector<org_member_row> org_members;
  std::vector<project_row> projects;
  std::vector<grant_row> grants;
  std::vector<resource_row> resources; ///< parents before children
  std::vector<permission_row> permissions;
  std::vector<thread_row> threads;
  std::vector<participant_row> participants;
  std::vector<message_row> messages;
  std::vector<meeting_row> meetings;
  std::vector<meeting_participant_row> meeting_participants;
  std::vector<activity_row> activity;
  std::vector<resume_row> project_resumes;
  std::vector<resume_row> borrower_resumes;
  std::vector<preference_row> preferences;
  std::vector<calendar_connection_row> calendar_connections;
};

class platform_writer {
public:
  virtual ~platform_writer() = default;

  /// Inserts all rows in one transaction, or none.
  virtual result<void> insert_platform_rows(const platform_rows&, timestamp now) = 0;
};

} // namespace herald
