#include "adapters/store/sqlite/context.hpp"

#include <utility>

#include "adapters/store/sqlite/context_ids.hpp"
#include "core/access.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_threads = R"(
  SELECT t.id, t.topic, t.project_id
  FROM json_each(?1) w CROSS JOIN chat_threads t ON t.id = w.value)";

constexpr std::string_view select_thread_participants = R"(
  SELECT p.thread_id, p.user_id
  FROM json_each(?1) w CROSS JOIN chat_thread_participants p ON p.thread_id = w.value)";

constexpr std::string_view select_meetings = R"(
  SELECT m.id, m.title, m.start_time, m.meeting_link, m.organizer_id, m.project_id, m.status
  FROM json_each(?1) w CROSS JOIN meetings m ON m.id = w.value)";

constexpr std::string_view select_meeting_participants = R"(
  SELECT p.meeting_id, p.user_id
  FROM json_each(?1) w CROSS JOIN meeting_participants p ON p.meeting_id = w.value)";

// UNION drops what was seen before, so that a cycle of parents ends.
constexpr std::string_view select_resource_chains = R"(
  WITH RECURSIVE chain(id) AS (
    SELECT value FROM json_each(?1)
    UNION
    SELECT r.parent_id FROM chain c CROSS JOIN resources r ON r.id = c.id WHERE r.parent_id IS NOT NULL)
  SELECT r.id, r.parent_id, r.org_id, r.project_id, r.name
  FROM chain c CROSS JOIN resources r ON r.id = c.id)";

constexpr std::string_view select_projects = R"(
  SELECT p.id, p.name, p.owner_org_id
  FROM json_each(?1) w CROSS JOIN projects p ON p.id = w.value)";

constexpr std::string_view select_grantees = R"(
  SELECT g.project_id, g.user_id
  FROM json_each(?1) w CROSS JOIN project_access_grants g ON g.project_id = w.value)";

constexpr std::string_view select_orgs = R"(
  SELECT o.id, o.name
  FROM json_each(?1) w CROSS JOIN orgs o ON o.id = w.value)";

constexpr std::string_view select_owners = R"(
  SELECT m.org_id, m.user_id
  FROM json_each(?1) w CROSS JOIN org_members m ON m.org_id = w.value
  WHERE m.role = 'owner')";

constexpr std::string_view select_permissions = R"(
  SELECT p.resource_id, p.user_id, p.permission <> 'none'
  FROM json_each(?1) w CROSS JOIN permissions p ON p.resource_id = w.value
  WHERE p.user_id IN (SELECT value FROM json_each(?2)))";

constexpr std::string_view select_profiles = R"(
  SELECT p.id, p.full_name, p.email
  FROM json_each(?1) w CROSS JOIN profiles p ON p.id = w.value)";

constexpr std::string_view select_preferences = R"(
  SELECT p.user_id, p.scope_type, p.scope_id, p.event_type, p.channel, p.status
  FROM json_each(?1) w CROSS JOIN user_notification_preferences p ON p.user_id = w.value
  WHERE p.event_type IN (SELECT value FROM json_each(?2)))";

constexpr std::string_view select_nudges = R"(
  SELECT n.user_id, json_extract(n.payload, '$.project_id'), json_extract(n.payload, '$.resume_type'),
    json_extract(n.payload, '$.nudge_tier'), n.created_at
  FROM json_each(?1) w CROSS JOIN notifications n ON n.user_id = w.value
  WHERE json_extract(n.payload, '$.type') = 'resume_incomplete_nudge'
    AND json_extract(n.payload, '$.project_id') IN (SELECT value FROM json_each(?2)))";

constexpr std::string_view select_edits = R"(
  SELECT a.project_id, max(a.last_project_resume_edit_at), max(a.last_borrower_resume_edit_at)
  FROM json_each(?1) w CROSS JOIN project_workspace_activity a ON a.project_id = w.value
  GROUP BY a.project_id)";

preference_scope scope_from(std::string_view text) {
  if (text == "thread")
    return preference_scope::thread;
  return text == "project" ? preference_scope::project : preference_scope::global;
}

preference_status status_from(std::string_view text) {
  if (text == "muted")
    return preference_status::muted;
  return text == "digest" ? preference_status::digest : preference_status::immediate;
}

/// Loads in the order in which rows name further rows.
class context_loader {
public:
  context_loader(database& db, std::span<const claimed_event> events, timestamp now,
                 std::span<const uuid> people)
      : db_{db}, named_{ids_named_by(events)} {
    named_.people.insert(people.begin(), people.end());
    out_.now = now;
  }

  batch_context load() && {
    load_threads();
    load_meetings();
    load_resources();
    load_projects();
    load_orgs();
    load_viewers();
    load_people();
    load_nudges();
    return std::move(out_);
  }

private:
  /// No ids, no statement: the batch holds no event that could ask.
  template <class Row> void each(std::string_view sql, const id_set& ids, Row row) {
    if (ids.empty())
      return;
    auto rows = db_.query(sql, to_json_list(ids));
    while (rows.step())
      row(rows);
  }

  void load_threads() {
    each(select_threads, named_.threads, [this](statement& x) {
      out_.threads[x.id(0)] = {x.text(1), x.id(2), {}};
      named_.projects.insert(x.id(2));
    });
    each(select_thread_participants, named_.threads, [this](statement& x) {
      out_.threads[x.id(0)].participants.push_back(x.id(1));
      named_.people.insert(x.id(1));
    });
  }

  void load_meetings() {
    each(select_meetings, named_.meetings, [this](statement& x) {
      out_.meetings[x.id(0)] = {x.text(1), x.time(2), x.text(3), x.id(4), x.optional_id(5), x.text(6), {}};
      named_.people.insert(x.id(4));
      if (auto project = x.optional_id(5))
        named_.projects.insert(*project);
    });
    each(select_meeting_participants, named_.meetings, [this](statement& x) {
      out_.meetings[x.id(0)].participants.push_back(x.id(1));
      named_.people.insert(x.id(1));
    });
  }

  void load_resources() {
    each(select_resource_chains, named_.resources, [this](statement& x) {
      auto id = x.id(0);
      tree_.nodes[id] = {x.optional_id(1), x.id(2), {}};
      if (!named_.resources.contains(id))
        return;
      out_.resources[id] = {x.text(4), x.id(2), x.optional_id(3), {}};
      named_.orgs.insert(x.id(2));
      if (auto project = x.optional_id(3)) {
        named_.projects.insert(*project);
        named_.seen_through[id].insert(*project);
      }
    });
  }

  void load_projects() {
    each(select_projects, named_.projects, [this](statement& x) {
      out_.projects[x.id(0)] = {x.text(1), x.id(2), {}};
      named_.orgs.insert(x.id(2));
    });
    each(select_grantees, named_.projects, [this](statement& x) {
      out_.projects[x.id(0)].grantees.push_back(x.id(1));
      named_.people.insert(x.id(1));
    });
  }

  void load_orgs() {
    each(select_orgs, named_.orgs, [this](statement& x) { out_.orgs[x.id(0)] = {x.text(1), {}}; });
    each(select_owners, named_.orgs, [this](statement& x) {
      out_.orgs[x.id(0)].owners.push_back(x.id(1));
      tree_.owners[x.id(0)].insert(x.id(1));
      named_.people.insert(x.id(1));
    });
  }

  id_set candidates(const uuid& id, const resource& x) {
    auto out = named_.asked_about[id];
    for (auto& project : named_.seen_through[id])
      if (auto found = out_.projects.find(project); found != out_.projects.end())
        out.insert(found->second.grantees.begin(), found->second.grantees.end());
    if (auto found = out_.orgs.find(x.org_id); found != out_.orgs.end())
      out.insert(found->second.owners.begin(), found->second.owners.end());
    return out;
  }

  void load_viewers() {
    by_uuid<id_set> by_resource;
    id_set everybody;
    for (auto& [id, x] : out_.resources) {
      by_resource[id] = candidates(id, x);
      everybody.insert(by_resource[id].begin(), by_resource[id].end());
    }
    if (everybody.empty())
      return;
    json_list nodes;
    for (auto& [id, node] : tree_.nodes)
      nodes.add(id);
    auto rows = db_.query(select_permissions, std::move(nodes).str(), to_json_list(everybody));
    while (rows.step())
      tree_.nodes[rows.id(0)].permissions[rows.id(1)] = rows.integer(2) != 0;
    for (auto& [id, users] : by_resource)
      for (auto& user : users)
        if (can_view(tree_, user, id))
          out_.resources[id].viewers.insert(user);
  }

  void load_people() {
    each(select_profiles, named_.people, [this](statement& x) {
      out_.profiles[x.id(0)] = {x.text(1), x.text(2)};
    });
    if (named_.people.empty())
      return;
    auto rows =
        db_.query(select_preferences, to_json_list(named_.people), to_json_list(named_.preference_types));
    while (rows.step())
      out_.preferences[rows.id(0)].push_back({scope_from(rows.text(1)), rows.optional_id(2), rows.text(3),
                                              rows.text(4), status_from(rows.text(5))});
  }

  void load_nudges() {
    if (named_.nudged.empty() || named_.nudge_projects.empty())
      return;
    auto rows = db_.query(select_nudges, to_json_list(named_.nudged), to_json_list(named_.nudge_projects));
    while (rows.step())
      out_.nudges.push_back({rows.id(0), rows.id(1), rows.text(2), rows.integer(3), rows.time(4)});
    each(select_edits, named_.nudge_projects, [this](statement& x) {
      out_.edits[x.id(0)] = {x.optional_time(1), x.optional_time(2)};
    });
  }

  database& db_;
  named_ids named_;
  access_tree tree_;
  batch_context out_;
};

} // namespace

batch_context load_context(database& db, std::span<const claimed_event> events, timestamp now,
                           std::span<const uuid> people) {
  return context_loader{db, events, now, people}.load();
}

} // namespace herald::sqlite
