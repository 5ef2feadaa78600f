#include "adapters/store/sqlite/roll_up_ledger.hpp"

#include "core/roll_up.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_unread = R"(
  SELECT id, event_id, coalesce(json_extract(payload, '$.count'), 1)
  FROM notifications
  WHERE user_id = ?1 AND json_extract(payload, '$.thread_id') = ?2
    AND read_at IS NULL AND json_extract(payload, '$.type') = 'thread_activity'
  ORDER BY id DESC LIMIT 1)";

constexpr std::string_view rewrite = R"(
  UPDATE notifications SET title = ?2, body = ?3, link_url = ?4, created_at = ?5, payload = ?6 WHERE id = ?1)";

constexpr std::string_view start = R"(
  INSERT INTO notifications (title, body, link_url, created_at, payload, user_id, event_id)
  VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8))";

} // namespace

roll_up_ledger::entry roll_up_ledger::find_unread(const uuid& user, const uuid& thread) {
  auto row = db_.query(select_unread, user, thread);
  if (!row.step())
    return {};
  return {row.integer(0), row.integer(1), row.integer(2), nullptr};
}

roll_up_ledger::place roll_up_ledger::count(const uuid& user, const roll_up_draft& draft,
                                            std::int64_t event_id) {
  auto [found, fresh] = entries_.try_emplace({draft.thread_id, user});
  auto& x = found->second;
  if (fresh)
    x = find_unread(user, draft.thread_id);
  auto started = !x.row_id && x.count == 0;
  if (started)
    x.event_id = event_id;
  ++x.count;
  x.latest = &draft;
  return {x.event_id, started};
}

void roll_up_ledger::write(timestamp now) {
  auto update = db_.prepare(rewrite);
  auto insert = db_.prepare(start);
  for (auto& [key, x] : entries_) {
    auto text = render_roll_up(*x.latest, x.count);
    auto& row = x.row_id ? update : insert;
    row.set(2, text.title).set(3, text.body).set(4, x.latest->link_url).set(5, now).set(6, text.payload);
    if (x.row_id)
      row.set(1, *x.row_id);
    else
      row.set(7, key.second).set(8, x.event_id);
    row.run();
  }
}

} // namespace herald::sqlite
