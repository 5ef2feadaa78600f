// The text of the one unread "new messages" notification per user and thread. Stores use it inside the
// commit, where the count is known.
#pragma once

#include <cstdint>
#include <string>

#include "messages/fan_out.hpp"

namespace herald {

struct roll_up_text {
  std::string title;
  std::string body;
  std::string payload; ///< JSON object: count, thread_id, thread_name, project_name, type = thread_activity
};

/// @pre count ≥ 1
roll_up_text render_roll_up(const roll_up_draft&, std::int64_t count);

} // namespace herald
