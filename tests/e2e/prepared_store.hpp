// A database full of work for end-to-end tests, and what a run made of it in a form that can be compared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"

namespace herald::testing {

inline std::unique_ptr<sqlite_store> open_store(const std::string& path) {
  sqlite_options options;
  options.path = path;
  auto store = open_sqlite_store(options);
  if (!store)
    throw std::runtime_error(store.error().reason);
  return std::move(*store);
}

/// Puts a company and `count` events of every type into a new database.
inline void prepare_store(const std::string& path, std::size_t count) {
  auto store = open_store(path);
  auto now = system_clock{}.now();
  auto people = make_company({.seed = 7, .now = now});
  if (!store->insert_platform_rows(people.rows, now))
    throw std::runtime_error("cannot insert the company");
  auto events = mixed_events(people, {.seed = 7, .at = now, .only_type = {}}, 0, count);
  if (!store->insert_events(events, now))
    throw std::runtime_error("cannot insert the events");
}

/// Rows of a query, each as one string with its columns joined by `|`.
inline std::multiset<std::string> rows_of(const std::string& path, const std::string& sql) {
  sqlite3* raw = nullptr;
  if (sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK)
    throw std::runtime_error("cannot read " + path);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db{raw, sqlite3_close};
  sqlite3_busy_timeout(raw, 5'000);
  sqlite3_stmt* stmt = nullptr;
  if (sqlite3_prepare_v2(raw, sql.c_str(), -1, &stmt, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(raw));
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> guard{stmt, sqlite3_finalize};
  std::multiset<std::string> out;
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(stmt); ++i) {
      auto* text = reinterpret_cast<const char*>(sqlite3_column_text(stmt, i));
      row.append(i > 0 ? "|" : "").append(text ? text : "(null)");
    }
    out.insert(row);
  }
  return out;
}

/// Changes the database behind the program's back.
inline void change(const std::string& path, const std::string& sql) {
  sqlite3* raw = nullptr;
  auto opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db{raw, sqlite3_close};
  sqlite3_busy_timeout(raw, 5'000);
  if (opened != SQLITE_OK || sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(raw));
}

/// What a run left, without what legitimately depends on which events happened to be claimed together.
struct store_image {
  /// Rows of all types that write one row per event and recipient.
  std::multiset<std::string> notifications;
  std::multiset<std::string> emails;
  /// Nudges by user, project, resume and tier: once, whichever of two equal events came first.
  std::multiset<std::string> nudges;
  /// Unread messages counted, by user and thread.
  std::multiset<std::string> roll_ups;
  /// (event, channel, recipient) → told or kept back: a burst's or a roll-up's member counts as told.
  std::multiset<std::string> recipients;
  std::multiset<std::string> events;
};

/// Says which rows one of two images has and the other has not, a few of each kind; empty when they are
/// equal.
inline std::string difference(const store_image& expected, const store_image& got) {
  std::string out;
  auto compare = [&](const char* what, const std::multiset<std::string>& x,
                     const std::multiset<std::string>& y, const char* verdict) {
    std::vector<std::string> rows;
    std::ranges::set_difference(x, y, std::back_inserter(rows));
    if (!rows.empty())
      out += std::to_string(rows.size()) + " " + what + " " + verdict + ":\n";
    for (std::size_t i = 0; i < rows.size() && i < 5; ++i)
      out += "  " + rows[i].substr(0, 200) + "\n";
  };
  auto both = [&](const char* what, const std::multiset<std::string>& x,
                  const std::multiset<std::string>& y) {
    compare(what, x, y, "lost");
    compare(what, y, x, "too many");
  };
  both("events", expected.events, got.events);
  both("recipients", expected.recipients, got.recipients);
  both("roll-ups", expected.roll_ups, got.roll_ups);
  both("e-mails", expected.emails, got.emails);
  both("nudges", expected.nudges, got.nudges);
  both("notifications", expected.notifications, got.notifications);
  return out;
}

inline store_image image_of(const std::string& path) {
  store_image out;
  out.notifications =
      rows_of(path, "SELECT n.event_id, n.user_id, n.title, n.body, n.link_url, n.payload"
                    " FROM notifications n JOIN domain_events e ON e.id = n.event_id"
                    " WHERE json_extract(n.payload, '$.type') <> 'thread_activity'"
                    " AND e.event_type NOT IN ('document_permission_granted',"
                    " 'resume_permission_granted', 'resume_incomplete_nudge', 'meeting_reminder')");
  out.emails =
      rows_of(path, "SELECT event_id, user_id, event_type, delivery_type, project_id, subject, body_data"
                    " FROM pending_emails WHERE event_type <> 'resume_incomplete_nudge'");
  out.nudges =
      rows_of(path, "SELECT 'in_app', user_id, json_extract(payload, '$.project_id'),"
                    " json_extract(payload, '$.resume_type'), json_extract(payload, '$.nudge_tier')"
                    " FROM notifications WHERE json_extract(payload, '$.type') = 'resume_incomplete_nudge'"
                    " UNION ALL SELECT 'email', user_id, json_extract(body_data, '$.project_id'),"
                    " json_extract(body_data, '$.resume_type'), json_extract(body_data, '$.nudge_tier')"
                    " FROM pending_emails WHERE event_type = 'resume_incomplete_nudge'");
  out.roll_ups = rows_of(path, "SELECT user_id, json_extract(payload, '$.thread_id'), COUNT(*),"
                               " SUM(json_extract(payload, '$.count')) FROM notifications"
                               " WHERE json_extract(payload, '$.type') = 'thread_activity' GROUP BY 1, 2");
  out.recipients =
      rows_of(path, "SELECT o.event_id, o.channel,"
                    " CASE WHEN o.state IN ('notified', 'rolled_up') THEN 'told' ELSE o.state END,"
                    " o.reason, r.value FROM herald_outcomes o, json_each(o.recipients) r"
                    " JOIN domain_events e ON e.id = o.event_id"
                    " WHERE e.event_type <> 'resume_incomplete_nudge'");
  out.events = rows_of(path, "SELECT event_id, processing_status, retry_count FROM notification_processing");
  return out;
}

} // namespace herald::testing
