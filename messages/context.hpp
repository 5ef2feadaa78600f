// Everything the handlers of one claimed batch may look at, loaded by the store together with the events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

template <class T> using by_uuid = std::unordered_map<uuid, T, uuid_hash>;

struct profile {
  std::string full_name; ///< empty when the column is NULL
  std::string email;
};

struct org {
  std::string name;
  /// Members with role `owner`.
  std::vector<uuid> owners;
};

struct project {
  std::string name;
  uuid owner_org_id{};
  /// Users with a project access grant.
  std::vector<uuid> grantees;
};

struct resource {
  std::string name;
  uuid org_id{};
  std::optional<uuid> project_id;
  /// Of the owners of its org, the grantees of its project and whom the event affects: those who `can_view`
  /// it.
  std::unordered_set<uuid, uuid_hash> viewers;
};

struct chat_thread {
  std::string topic; ///< empty when the column is NULL
  uuid project_id{};
  std::vector<uuid> participants;
};

struct meeting {
  std::string title;
  timestamp start_time{};
  std::string meeting_link; ///< empty when the column is NULL
  uuid organizer_id{};
  std::optional<uuid> project_id;
  std::string status; ///< scheduled, cancelled or completed
  std::vector<uuid> participants;
};

enum class preference_scope : std::uint8_t { global, project, thread };
enum class preference_status : std::uint8_t { immediate, digest, muted };

/// One row of `user_notification_preferences`.
struct preference {
  preference_scope scope = preference_scope::global;
  std::optional<uuid> scope_id; ///< nothing for the global scope
  std::string event_type;       ///< exact, or `*`
  std::string channel;          ///< in_app, email, or `*`
  preference_status status = preference_status::immediate;
};

/// A resume nudge that already stands in somebody's inbox.
struct sent_nudge {
  uuid user_id{};
  uuid project_id{};
  std::string resume_type;
  std::int64_t tier = 0;
  timestamp created_at{};
};

/// When anybody last edited the two resumes of a project.
struct resume_edits {
  std::optional<timestamp> project;
  std::optional<timestamp> borrower;
};

/// The world as the store saw it in the transaction that claimed the batch. An id that is not in a map does
/// not exist (any more). Shared by all events of the claim; nobody changes it.
struct batch_context {
  timestamp now{};
  by_uuid<profile> profiles;
  by_uuid<org> orgs;
  by_uuid<project> projects;
  by_uuid<resource> resources;
  by_uuid<chat_thread> threads;
  by_uuid<meeting> meetings;
  by_uuid<std::vector<preference>> preferences; ///< by user
  by_uuid<resume_edits> edits;                  ///< by project
  std::vector<sent_nudge> nudges;
};

} // namespace herald
