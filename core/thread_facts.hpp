// What the three chat event types say about their thread.
#pragma once

#include <optional>
#include <string>

#include "core/handlers.hpp"
#include "core/preferences.hpp"
#include "messages/context.hpp"
#include "messages/uuid.hpp"

namespace herald {

struct thread_facts {
  uuid id{};
  /// The row; nullptr when the thread was deleted.
  const chat_thread* row = nullptr;
  std::string label; ///< with its leading #
  std::optional<uuid> project_id;
  std::string project_name;
};

/// Reads the thread's row; what it leaves open comes from the payload.
thread_facts read_thread(const event&, const context&, const uuid& thread_id);

/// The query that asks thread, project and global preferences.
preference_query thread_preferences(const thread_facts&, std::vector<std::string_view> event_types);

/// Whether the user still takes part. Nobody takes part in a thread that is gone.
bool still_participates(const thread_facts&, const uuid& user);

/// The chat of the thread's workspace, or the dashboard's threads for a thread without a project.
std::string chat_link_of(const thread_facts&);

} // namespace herald
