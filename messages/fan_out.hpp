// What a handler decides: the plan of one event (or of a burst), and the batches of plans the writer commits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/event.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

enum class channel : std::uint8_t { in_app, email };

std::string_view to_string(channel x);

/// One notification text and everybody who gets it: one `notifications` row per user.
struct notification_draft {
  std::string title;
  std::string body;     ///< Markdown; may hold the literal placeholder `{{meeting_time}}`
  std::string link_url; ///< site-relative
  std::string payload;  ///< JSON object text, always with `type`
  std::vector<uuid> users;
  /// When not empty: for each user only the first draft with this key is ever written, in whatever commit;
  /// later ones end as skipped (duplicate).
  std::string unique_key;
};

/// "n new messages in this thread": one unread row per user and thread that is counted up. Whether it is
/// counted up or starts at 1 is decided by the commit, in its transaction (core/roll_up.hpp has the text).
struct roll_up_draft {
  uuid thread_id{};
  std::string thread_label; ///< with its leading #
  std::string project_name;
  std::string link_url;
  std::vector<uuid> users;
};

/// One e-mail for the outbox and everybody who gets it: one `pending_emails` row per user.
struct email_draft {
  std::optional<uuid> project_id;
  std::string project_name; ///< empty for none
  std::string subject;      ///< one line
  std::string body_data;    ///< JSON object text
  std::vector<uuid> immediate;
  std::vector<uuid> aggregated;
  /// As in notification_draft. On its own, because a user who muted the inbox may still get the e-mail.
  std::string unique_key{};
};

/// Recipients that a rule kept from a channel. `reason` is one of the constants in core/reasons.hpp.
struct skipped {
  herald::channel channel = herald::channel::in_app;
  std::string reason;
  std::vector<uuid> users;
};

/// Everything one event causes; commits together with the mark that the event is done, or not at all.
struct fan_out_plan {
  /// The events this plan settles. More than one for a coalesced burst: then rows refer to the first, and the
  /// recipients of the others end as rolled up into it.
  std::vector<claim_ref> claims;
  std::string event_type;
  std::vector<notification_draft> notifications;
  std::vector<roll_up_draft> roll_ups;
  std::vector<email_draft> emails;
  std::vector<skipped> skips;
  /// Not empty when the event completes although nobody knew what to do with it; kept with the event.
  std::string warning;
};

/// An event that could not be planned or committed, before the retry policy has spoken.
struct event_failure {
  claim_ref claim;
  std::string event_type;
  std::int32_t attempts = 0; ///< counted before this failure
  std::int32_t crashes = 0;  ///< counted before this failure
  failure why;
};

/// What a handler made of one event_batch. Every event of it is in exactly one of the two lists.
struct plan_batch {
  std::vector<fan_out_plan> plans;
  std::vector<event_failure> failures;

  /// Events settled by this batch.
  std::size_t events() const;
};

using plan_batch_ptr = std::shared_ptr<const plan_batch>;

/// For traces, e.g. `plan_batch(meeting_invited: 7 8, failed: 9)`.
std::string to_string(const plan_batch_ptr& x);

} // namespace herald
