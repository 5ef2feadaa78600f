#include "adapters/store/sqlite/calendar_watches.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "adapters/store/sqlite/job_ledger.hpp"
#include "adapters/store/sqlite/json_list.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_due = R"(
  SELECT c.id, c.access_token, c.refresh_token, c.token_expires_at, c.calendar_list, c.watch_channel_id,
    c.watch_resource_id, c.watch_expiration, w.planned_channel, w.refused_token
  FROM calendar_connections c LEFT JOIN herald_calendar_watches w ON w.connection_id = c.id
  WHERE c.provider = 'google' AND c.sync_enabled AND c.watch_channel_id <> '' AND c.watch_expiration < ?1
    AND c.id > ?2
  ORDER BY c.id LIMIT ?3)";

// A channel or a token that stands there already was recorded before. A token is of use to nobody once the grant that it
// came of has been replaced.
constexpr std::string_view select_fitting = R"(
  SELECT c.id
  FROM json_each(?1) u CROSS JOIN calendar_connections c ON c.id = u.value ->> 'id'
  WHERE (u.value ->> 'channel_id' IS NULL
      OR coalesce(c.watch_channel_id, '') IN (u.value ->> 'replaces', u.value ->> 'channel_id'))
    AND (u.value ->> 'access_token' IS NULL
      OR coalesce(c.refresh_token, '') IN (u.value ->> 'used', nullif(u.value ->> 'refresh_token', ''))))";

constexpr std::string_view write_tokens = R"(
  UPDATE calendar_connections AS c
  SET access_token = u.value ->> 'access_token',
    refresh_token = coalesce(nullif(u.value ->> 'refresh_token', ''), c.refresh_token),
    token_expires_at = u.value ->> 'token_expires_at', updated_at = ?2
  FROM json_each(?1) u
  WHERE c.id = u.value ->> 'id' AND u.value ->> 'access_token' IS NOT NULL)";

constexpr std::string_view write_channels = R"(
  UPDATE calendar_connections AS c
  SET watch_channel_id = u.value ->> 'channel_id', watch_resource_id = u.value ->> 'resource_id',
    watch_expiration = u.value ->> 'expires_at', updated_at = ?2
  FROM json_each(?1) u
  WHERE c.id = u.value ->> 'id' AND u.value ->> 'channel_id' IS NOT NULL)";

// The newest five are kept: every try that fails may leave a channel behind.
constexpr std::string_view note_plans = R"(
  INSERT INTO herald_calendar_watches (connection_id, planned_channel, updated_at)
  SELECT u.value ->> 'id', u.value ->> 'planned', ?2
  FROM json_each(?1) u WHERE u.value ->> 'planned' IS NOT NULL
  ON CONFLICT DO UPDATE SET updated_at = excluded.updated_at, planned_channel = coalesce((
    SELECT group_concat(id, ',') FROM (
      SELECT id FROM (
        SELECT p.key AS n, p.value AS id
        FROM json_each('[' || replace(json_quote(planned_channel), ',', '","') || ']') p
        WHERE p.value NOT IN ('', excluded.planned_channel)
        ORDER BY n DESC LIMIT 4)
      ORDER BY n)) || ',', '') || excluded.planned_channel)";

constexpr std::string_view forget_plans_and_troubles = R"(
  UPDATE herald_calendar_watches
  SET planned_channel = '', refused_token = '', error_class = '', error = '', updated_at = ?2
  WHERE connection_id IN (
    SELECT u.value ->> 'id' FROM json_each(?1) u WHERE u.value ->> 'channel_id' IS NOT NULL))";

constexpr std::string_view note_troubles = R"(
  INSERT INTO herald_calendar_watches (connection_id, refused_token, error_class, error, updated_at)
  SELECT u.value ->> 'id', u.value ->> 'refused_token', u.value ->> 'error_class',
    substr(u.value ->> 'error', 1, 500), ?2
  FROM json_each(?1) u WHERE u.value ->> 'error_class' IS NOT NULL
  ON CONFLICT DO UPDATE SET refused_token = excluded.refused_token, error_class = excluded.error_class,
    error = excluded.error, updated_at = excluded.updated_at)";

constexpr std::string_view sum_up = R"(
  SELECT count(*), count(*) FILTER (WHERE watched AND watch_expiration > ?1),
    count(*) FILTER (WHERE watched AND watch_expiration <= ?1),
    count(*) FILTER (WHERE w.refused_token <> ''),
    count(*) FILTER (WHERE w.refused_token = '' AND w.error_class <> ''),
    min(watch_expiration) FILTER (WHERE watched AND watch_expiration > ?1)
  FROM (
    SELECT id, watch_expiration, coalesce(watch_channel_id, '') <> '' AS watched
    FROM calendar_connections WHERE provider = 'google' AND sync_enabled) c
    LEFT JOIN herald_calendar_watches w ON w.connection_id = c.id)";

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    auto& part = out.emplace_back(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
  }
  return out;
}

due_watch watch_in(const statement& row) {
  due_watch out;
  out.connection_id = row.id(0);
  out.access_token = secret{row.text(1)};
  out.refresh_token = secret{row.text(2)};
  out.token_expires_at = row.optional_time(3);
  out.calendar_list = row.text(4);
  out.channel_id = row.text(5);
  out.resource_id = row.text(6);
  out.expires_at = row.time(7);
  out.planned_channels = parts_of(row.text(8));
  out.refused_token = row.text(9);
  return out;
}

// -- updates as JSON ----------------------------------------------------------------------------------------

/// What is not set has no key.
nlohmann::json to_json(const watch_update& x) {
  auto out = nlohmann::json{{"id", to_string(x.connection_id)}};
  if (x.token) {
    out["access_token"] = x.token->access_token.reveal();
    out["refresh_token"] = x.token->refresh_token.reveal();
    out["used"] = x.token->used.reveal();
    out["token_expires_at"] = to_epoch_ms(x.token->expires_at);
  }
  if (x.planned)
    out["planned"] = *x.planned;
  if (x.created) {
    out["channel_id"] = x.created->channel_id;
    out["resource_id"] = x.created->resource_id;
    out["expires_at"] = to_epoch_ms(x.created->expires_at);
    out["replaces"] = x.created->replaces;
  }
  if (x.failed) {
    out["error_class"] = to_string(x.failed->why.kind);
    out["error"] = x.failed->why.reason;
    out["refused_token"] = x.failed->refused_token;
  }
  return out;
}

/// As the text of an array, which holds tokens: kept no longer than needed.
secret to_json_list(std::span<const watch_update* const> updates) {
  auto out = nlohmann::json::array();
  for (auto x : updates)
    out.push_back(to_json(*x));
  return secret{out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

/// Carries one request out, in as many statements as there are kinds of news.
class watch_recorder {
public:
  watch_recorder(database& db, const record_watches_request& request)
      : db_{db}, request_{request}, tx_{db, transaction::mode::write} {}

  watches_recorded run() {
    if (holds_run(db_, request_.run, request_.worker))
      write(fitting());
    else
      lose_all();
    tx_.commit();
    return std::move(report_);
  }

private:
  void lose_all() {
    for (auto& x : request_.updates)
      report_.lost.push_back(x.connection_id);
  }

  /// Of the updates, those that may be written; the others are lost.
  std::vector<const watch_update*> fitting() {
    std::vector<const watch_update*> all;
    for (auto& x : request_.updates)
      all.push_back(&x);
    id_set fits;
    for (auto row = db_.query(select_fitting, to_json_list(all).reveal()); row.step();)
      fits.insert(row.id(0));
    std::vector<const watch_update*> out;
    for (auto x : all)
      if (fits.contains(x->connection_id))
        out.push_back(x);
      else
        report_.lost.push_back(x->connection_id);
    return out;
  }

  void write(const std::vector<const watch_update*>& updates) {
    auto list = to_json_list(updates);
    for (auto sql : {write_tokens, write_channels, note_plans, forget_plans_and_troubles, note_troubles})
      db_.run(sql, list.reveal(), request_.now);
  }

  database& db_;
  const record_watches_request& request_;
  transaction tx_;
  watches_recorded report_;
};

} // namespace

due_watches find_due_watches(database& db, const due_watches_request& request) {
  due_watches out;
  auto after = request.after ? to_string(*request.after) : std::string{};
  for (auto row = db.query(select_due, request.now + request.within, after, request.limit); row.step();)
    out.watches.push_back(watch_in(row));
  return out;
}

watches_recorded record_watches(database& db, const record_watches_request& request) {
  return watch_recorder{db, request}.run();
}

watch_summary summarize_watches(database& db, timestamp now) {
  auto row = db.query(sum_up, now);
  row.step();
  return {row.count(0), row.count(1), row.count(2), row.count(3), row.count(4), row.optional_time(5)};
}

} // namespace herald::sqlite
