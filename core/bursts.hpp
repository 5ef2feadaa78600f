// Bursts: one click of somebody may write one event per file. What they would tell the same user about the
// same project is told once.
#pragma once

#include <cstddef>
#include <vector>

#include "messages/fan_out.hpp"

namespace herald {

/// Longest list that a coalesced notification carries in payload.items.
inline constexpr std::size_t burst_item_limit = 50;

/// Merges the plans of one event type that notify one and the same user about one and the same project
/// (payload keys project_id, project_name, resource_id, resource_name, new_permission). The merged plan
/// stands where the first of its group stood, settles all their events, and has one notification: how many
/// different resources, in payload.count, and the first of them in payload.items, each with the permission
/// that was given last. `new_permission` itself is there when all agree. A group about one single resource
/// keeps the notification of its last event. Plans that do anything else besides (skips, e-mails, several
/// users) are left alone.
void coalesce_bursts(std::vector<fan_out_plan>&);

} // namespace herald
