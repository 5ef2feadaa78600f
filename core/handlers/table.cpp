// The list of every event type that Herald knows. A new one: write core/handlers/<event_type>.cpp, then add
// one line to each of the two lists below, in alphabetical order.
#include "core/handlers.hpp"
#include "core/text.hpp"

namespace herald {

result<fan_out_plan> handle_chat_message_sent(const event&, const context&);
result<fan_out_plan> handle_chat_thread_participant_added(const event&, const context&);
result<fan_out_plan> handle_document_permission_changed(const event&, const context&);
result<fan_out_plan> handle_document_permission_granted(const event&, const context&);
result<fan_out_plan> handle_document_uploaded(const event&, const context&);
result<fan_out_plan> handle_invite_accepted(const event&, const context&);
result<fan_out_plan> handle_meeting_invited(const event&, const context&);
result<fan_out_plan> handle_meeting_reminder(const event&, const context&);
result<fan_out_plan> handle_meeting_updated(const event&, const context&);
result<fan_out_plan> handle_project_access_changed(const event&, const context&);
result<fan_out_plan> handle_project_access_granted(const event&, const context&);
result<fan_out_plan> handle_resume_incomplete_nudge(const event&, const context&);
result<fan_out_plan> handle_resume_permission_granted(const event&, const context&);
result<fan_out_plan> handle_thread_unread_stale(const event&, const context&);

namespace {

constexpr handler_row table[] = {
    {"chat_message_sent", handle_chat_message_sent},
    {"chat_thread_participant_added", handle_chat_thread_participant_added},
    {"document_permission_changed", handle_document_permission_changed},
    {"document_permission_granted", handle_document_permission_granted, burst_rule::coalesce},
    {"document_uploaded", handle_document_uploaded},
    {"invite_accepted", handle_invite_accepted},
    {"meeting_invited", handle_meeting_invited},
    {"meeting_reminder", handle_meeting_reminder},
    {"meeting_updated", handle_meeting_updated},
    {"project_access_changed", handle_project_access_changed},
    {"project_access_granted", handle_project_access_granted},
    {"resume_incomplete_nudge", handle_resume_incomplete_nudge},
    {"resume_permission_granted", handle_resume_permission_granted, burst_rule::coalesce},
    {"thread_unread_stale", handle_thread_unread_stale},
};

/// An event that nobody handles is settled, but not silently: the warning stays with it and is counted.
result<fan_out_plan> handle_unknown_type(const event& x, const context&) {
  fan_out_plan out;
  out.warning = "no handler for event type '" + one_line(x.row.type, name_limit)
                + "': nobody was notified; upgrade Herald or add a handler if somebody should be";
  return out;
}

constexpr handler_row unknown_type = {"", handle_unknown_type};

} // namespace

std::span<const handler_row> handlers() {
  return table;
}

const handler_row& unknown_type_handler() {
  return unknown_type;
}

} // namespace herald
