// A company for which every time-driven job has something to do, and a calendar provider that knows its people.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "messages/job.hpp"
#include "tests/e2e/herald.hpp"
#include "tests/e2e/prepared_store.hpp"
#include "tests/fakes/google_server.hpp"

namespace herald::testing {

inline std::string name_of(std::string_view job) {
  return std::string{job};
}

/// `args` with each of these settings behind a --set.
inline std::vector<std::string> with_settings(std::vector<std::string> args,
                                              const std::vector<std::string>& settings) {
  for (auto& x : settings)
    args.insert(args.end(), {"--set", x});
  return args;
}

/// The only column of the only row, as a number.
inline std::int64_t number_in(const std::string& path, const std::string& sql) {
  auto rows = rows_of(path, sql);
  return rows.size() == 1 ? std::stoll(*rows.begin()) : throw std::runtime_error("not one row: " + sql);
}

/// What the ledger has of a job, from old to new: `STATE attempts claim`.
inline std::vector<std::string> ledger_of(const std::string& path, std::string_view job) {
  std::vector<std::string> out;
  for (auto& row :
       rows_of(path, "SELECT printf('%08d', id) || '|' || state || ' ' || attempts || ' ' || claim_no"
                     " FROM herald_job_runs WHERE job = '"
                         + std::string{job} + "' AND state <> 'missed'"))
    out.push_back(row.substr(row.find('|') + 1));
  return out;
}

/// The leases of daemons that are dead run out.
inline void end_leases(const std::string& path) {
  change(path, "UPDATE herald_job_runs SET lease_until = 0 WHERE state = 'running'");
}

/// What the jobs that create events made of a database. Ids and the order of events depend on how the work was cut.
inline std::multiset<std::string> nudges_in(const std::string& path) {
  return rows_of(path, "SELECT event_type, actor_id, project_id, thread_id, meeting_id, payload, created_at"
                       " FROM domain_events"
                       " UNION ALL SELECT 'reminded', meeting_id, user_id, reminder_type, sent_at, '', ''"
                       " FROM meeting_reminders_sent"
                       // The log's own event, and nobody else's.
                       " UNION ALL SELECT 'nudged', l.thread_id, l.user_id, l.latest_message_at, l.sent_at,"
                       " e.event_type || e.thread_id, json_extract(e.payload, '$.user_id')"
                       " FROM unread_thread_stale_log l LEFT JOIN domain_events e ON e.id = l.event_id");
}

/// The provider of the company's calendars, and what Herald needs to reach it.
class calendar_world {
public:
  explicit calendar_world(std::string database) : database_{std::move(database)} {
    move_to(system_clock{}.now());
    for (auto& row : rows_of(database_, "SELECT provider_account_id, refresh_token FROM calendar_connections"
                                        " WHERE sync_enabled = 1")) {
      auto at = row.find('|');
      accounts_.push_back(row.substr(0, at));
      server_.google().add_account({accounts_.back(), row.substr(at + 1), {}, {}});
    }
  }

  test::google_server& server() { return server_; }
  simulated_google& google() { return server_.google(); }

  /// One for each connection that is to be watched.
  const std::vector<std::string>& accounts() const { return accounts_; }

  child_process::environment environment() const {
    return {{"BACKEND_PUBLIC_URL", "https://backend.example.com"},
            {"GOOGLE_CLIENT_ID", "the-client"},
            {"GOOGLE_CLIENT_SECRET", "the-client-secret"}};
  }

  std::vector<std::string> settings() const {
    return {"google.token_url=" + server_.token_url(), "google.api_url=" + server_.base_url()};
  }

  /// Every access token has expired, and every channel is about to, as far as Herald knows.
  void age_connections() const {
    auto end = std::to_string(to_epoch_ms(system_clock{}.now() + last_hours));
    change(database_, "UPDATE calendar_connections SET token_expires_at = 0, watch_expiration = " + end
                          + " WHERE watch_expiration IS NOT NULL");
  }

  /// For the provider it is days ago, so that the channels it makes have but hours left when it is today again.
  void begin_days_ago() { server_.time()->advance(-days); }
  void come_back_to_today() {
    server_.time()->advance(days);
    age_connections();
  }

  void let_old_channels_expire() { server_.time()->advance(last_hours); }

  /// Each calendar has just the channel that its connection names, and never was without one.
  void expect_one_channel_each() {
    for (auto& account : accounts_) {
      auto live = google().live_channels(account, account);
      ASSERT_EQ(live.size(), 1u) << account;
      EXPECT_EQ(rows_of(database_, "SELECT watch_channel_id, watch_resource_id FROM calendar_connections"
                                   " WHERE provider_account_id = '"
                                       + account + "'"),
                (std::multiset<std::string>{live.front().id + "|" + live.front().resource_id}));
      EXPECT_FALSE(google().was_unwatched(account, account)) << account;
    }
  }

  /// What must appear nowhere: every token that there ever was, and the client's secret.
  std::vector<std::string> secrets() {
    std::vector<std::string> out{"the-client-secret"};
    for (auto& row :
         rows_of(database_, "SELECT access_token FROM calendar_connections WHERE access_token <> ''"
                            " UNION SELECT refresh_token FROM calendar_connections"
                            " WHERE refresh_token <> ''"))
      out.push_back(row);
    return out;
  }

private:
  void move_to(timestamp now) { server_.time()->advance(now - server_.time()->now()); }

  static constexpr std::chrono::hours last_hours{2};
  static constexpr std::chrono::hours days = std::chrono::hours{24 * 7} - last_hours;

  std::string database_;
  test::google_server server_;
  std::vector<std::string> accounts_;
};

} // namespace herald::testing
