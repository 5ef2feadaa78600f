#include "adapters/store/sqlite/email_context.hpp"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "adapters/store/sqlite/context.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "core/payload.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_mails = R"(
  SELECT m.id, m.lane, m.user_id, m.window_at, m.claim_no, m.generation
  FROM json_each(?1) w CROSS JOIN herald_mails m ON m.id = w.value
  ORDER BY m.id)";

constexpr std::string_view select_rows = R"(
  SELECT r.mail_id, e.id, e.event_id, e.event_type, e.project_id, e.project_name, e.subject, e.body_data,
    e.created_at
  FROM json_each(?1) w
  CROSS JOIN herald_mail_rows r ON r.mail_id = w.value AND r.state = 'member'
  CROSS JOIN pending_emails e ON e.id = r.email_id
  ORDER BY r.mail_id, e.id)";

constexpr std::string_view select_events = R"(
  SELECT e.id, e.event_type, e.actor_id, e.project_id, e.resource_id, e.thread_id, e.meeting_id, e.payload,
    e.created_at
  FROM json_each(?1) w CROSS JOIN domain_events e ON e.id = w.value)";

constexpr std::string_view select_unread = R"(
  SELECT p.thread_id, p.user_id,
    (SELECT count(*) FROM project_messages m
     WHERE m.thread_id = p.thread_id AND m.created_at > p.last_read_at AND m.user_id <> p.user_id)
  FROM json_each(?1) w
  CROSS JOIN chat_thread_participants p ON p.thread_id = w.value
  WHERE p.user_id IN (SELECT value FROM json_each(?2)))";

// The version that the resume's resource points to, else the latest, else nothing written yet.
constexpr std::string_view select_completeness = R"(
  SELECT w.value,
    coalesce(
      (SELECT v.completeness_percent
       FROM resources r JOIN project_resumes v ON v.id = r.current_version_id
       WHERE r.project_id = w.value AND r.resource_type = 'PROJECT_RESUME'
       ORDER BY r.created_at DESC, r.id LIMIT 1),
      (SELECT v.completeness_percent FROM project_resumes v WHERE v.project_id = w.value
       ORDER BY v.version_number DESC LIMIT 1), 0),
    coalesce(
      (SELECT v.completeness_percent
       FROM resources r JOIN borrower_resumes v ON v.id = r.current_version_id
       WHERE r.project_id = w.value AND r.resource_type = 'BORROWER_RESUME'
       ORDER BY r.created_at DESC, r.id LIMIT 1),
      (SELECT v.completeness_percent FROM borrower_resumes v WHERE v.project_id = w.value
       ORDER BY v.version_number DESC LIMIT 1), 0)
  FROM json_each(?1) w)";

class context_builder {
public:
  context_builder(database& db, std::span<const claimed_mail> mails) : db_{db}, mails_{mails} {}

  email_context build(timestamp now) && {
    load_events();
    std::vector<claimed_event> events;
    for (auto& [id, x] : out_.events)
      events.push_back({x, 0, 0, 0});
    std::vector<uuid> people;
    for (auto& x : mails_)
      people.push_back(x.mail.user_id);
    out_.world = load_context(db_, events, now, people);
    out_.world.nudges.clear();
    load_unread();
    load_completeness();
    return std::move(out_);
  }

private:
  void load_events() {
    std::set<std::int64_t> ids;
    for (auto& x : mails_)
      for (auto& row : x.mail.rows)
        ids.insert(row.event_id);
    auto rows = db_.query(select_events, to_json_list(ids));
    while (rows.step())
      out_.events[rows.integer(0)] = {rows.integer(0),     rows.text(1),        rows.optional_id(2),
                                      rows.optional_id(3), rows.optional_id(4), rows.optional_id(5),
                                      rows.optional_id(6), rows.text(7),        rows.time(8)};
  }

  /// The row's own column, else the payload's.
  static std::optional<uuid> id_of(const domain_event& event, const std::optional<uuid>& column,
                                   std::string_view key) {
    if (column)
      return column;
    auto data = payload::parse(event.payload);
    return data ? data->id(key) : std::nullopt;
  }

  void load_unread() {
    id_set threads;
    id_set users;
    for_each_row("thread_unread_stale", [&](const domain_event& event, const uuid& user) {
      if (auto thread = id_of(event, event.thread_id, "thread_id"))
        threads.insert(*thread);
      users.insert(user);
    });
    if (threads.empty())
      return;
    auto rows = db_.query(select_unread, to_json_list(threads), to_json_list(users));
    while (rows.step())
      out_.unread[{rows.id(0), rows.id(1)}] = rows.count(2);
  }

  void load_completeness() {
    id_set projects;
    for_each_row("resume_incomplete_nudge", [&](const domain_event& event, const uuid&) {
      if (auto project = id_of(event, event.project_id, "project_id"))
        projects.insert(*project);
    });
    if (projects.empty())
      return;
    auto rows = db_.query(select_completeness, to_json_list(projects));
    while (rows.step()) {
      out_.completeness[{rows.id(0), "project"}] = rows.integer(1);
      out_.completeness[{rows.id(0), "borrower"}] = rows.integer(2);
    }
  }

  template <class F> void for_each_row(std::string_view event_type, F f) {
    for (auto& x : mails_)
      for (auto& row : x.mail.rows)
        if (auto event = out_.events.find(row.event_id);
            row.event_type == event_type && event != out_.events.end())
          f(event->second, x.mail.user_id);
  }

  database& db_;
  std::span<const claimed_mail> mails_;
  email_context out_;
};

} // namespace

email_row read_email_row(const statement& row, int first) {
  return {row.integer(first),  row.integer(first + 1), row.text(first + 2), row.optional_id(first + 3),
          row.text(first + 4), row.text(first + 5),    row.text(first + 6), row.time(first + 7)};
}

std::vector<claimed_mail> load_mails(database& db, std::span<const std::int64_t> mail_ids) {
  std::vector<claimed_mail> out;
  std::map<std::int64_t, std::size_t> index;
  auto ids = to_json_list(mail_ids);
  for (auto x = db.query(select_mails, ids); x.step();) {
    index[x.integer(0)] = out.size();
    out.push_back({{x.integer(0),
                    x.text(1) == "digest" ? email_lane::digest : email_lane::immediate,
                    x.id(2),
                    x.optional_time(3),
                    {}},
                   x.small_integer(4),
                   x.small_integer(5)});
  }
  for (auto x = db.query(select_rows, ids); x.step();)
    out[index.at(x.integer(0))].mail.rows.push_back(read_email_row(x, 1));
  return out;
}

std::shared_ptr<const email_context> load_email_context(database& db, std::span<const claimed_mail> mails,
                                                        timestamp now) {
  return std::make_shared<const email_context>(context_builder{db, mails}.build(now));
}

} // namespace herald::sqlite
