#include "bench/postgres/world.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "bench/support.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::bench {

namespace {

company_options company_for(workload what, timestamp now) {
  company_options out{.seed = 1,
                      .now = now,
                      .people = 60,
                      .people_per_project = 26,
                      .files_per_project = 60,
                      .denials_per_project = 0};
  if (what == workload::documents)
    out.people_per_project = 22;
  return out;
}

postgres_options options_of(const secret& url) {
  postgres_options out;
  out.url = url;
  return out;
}

/// Statistics as an old database has them, and nothing left to do for the autovacuum.
void settle(client& db) {
  db.run("VACUUM ANALYZE");
}

} // namespace

std::string_view name_of(workload x) {
  return x == workload::mix ? "mix" : "documents";
}

std::string server_settings() {
  return "fsync = on\n"
         "synchronous_commit = on\n"
         "full_page_writes = on\n"
         "autovacuum = on\n"
         "shared_buffers = 1GB\n"
         "max_wal_size = 4GB\n"
         "checkpoint_timeout = 15min\n"
         "max_connections = 100\n"
         "track_commit_timestamp = on\n"
         "shared_preload_libraries = 'pg_stat_statements'\n"
         // Switched on for the databases where calls are counted.
         "pg_stat_statements.track = none\n"
         "timezone = 'UTC'";
}

world::world() : server_{std::filesystem::temp_directory_path().string(), server_settings()} {
  // nop
}

std::string world::prepare(workload what, std::size_t events) {
  auto name = server_.create_database();
  auto now = system_clock{}.now();
  auto people = make_company(company_for(what, now));
  // The system account is there already.
  std::erase_if(people.rows.profiles, [](auto& x) { return x.id == nil_uuid; });
  check(test::sql_platform{options_of(url(name))}.insert_platform_rows(people.rows, now));
  auto store = open_postgres_store(options_of(url(name)));
  check(store);
  auto only_type = what == workload::documents ? std::string_view{"document_uploaded"} : std::string_view{};
  for (std::size_t first = 0; first < events; first += events_at_once) {
    auto batch = mixed_events(people, {.seed = 1, .at = now, .only_type = only_type}, first,
                              std::min(events_at_once, events - first));
    check((*store)->insert_events(batch, now));
  }
  client db{url(name)};
  db.run("CREATE EXTENSION pg_stat_statements");
  settle(db);
  return name;
}

std::string world::with_full_inboxes(const std::string& original) {
  auto name = copy(original);
  client db{url(name)};
  // 50,000 events of the weeks before, all worked on, with 20 notifications each; of these a tenth is unread, a tenth
  // counts messages of some thread, and a tenth are nudges. Ids below those of the new events, as time has it.
  db.run("CREATE TEMP TABLE waiting AS SELECT * FROM domain_events;"
         "TRUNCATE domain_events CASCADE;"
         "INSERT INTO domain_events (id, event_type, project_id, payload, created_at)"
         " SELECT n, 'document_uploaded', (SELECT array_agg(id) FROM projects)[1 + n % (SELECT count(*) FROM "
         "projects)],"
         " '{}', now() - interval '30 days' + n * interval '10 seconds' FROM generate_series(1, 50000) n;"
         "INSERT INTO notification_processing (event_id, processing_status, completed_at, herald_claim_no)"
         " SELECT id, 'completed', created_at, 1 FROM domain_events;");
  db.run("INSERT INTO notifications (user_id, event_id, title, body, link_url, read_at, created_at, payload)"
         " SELECT people.ids[1 + (e * 7 + r) % cardinality(people.ids)], e, 'Document uploaded',"
         " 'Somebody uploaded a document some time ago', '/project/workspace/x',"
         " CASE WHEN r >= 2 THEN now() END, now() - interval '30 days' + e * interval '10 seconds',"
         " CASE r WHEN 2 THEN jsonb_build_object('type', 'thread_activity', 'count', 3, 'thread_id',"
         "   threads.ids[1 + e % cardinality(threads.ids)])"
         "  WHEN 3 THEN jsonb_build_object('type', 'resume_incomplete_nudge', 'resume_type', 'project',"
         "   'nudge_tier', 1 + e % 4, 'project_id', gen_random_uuid())"
         "  ELSE jsonb_build_object('type', 'document_uploaded', 'file_name', 'Rent Roll.xlsx') END"
         " FROM generate_series(1, 50000) e, generate_series(0, 19) r,"
         " (SELECT array_agg(id) AS ids FROM profiles) people, (SELECT array_agg(id) AS ids FROM "
         "chat_threads) threads");
  db.run("SELECT setval('domain_events_id_seq', 50000);"
         "INSERT INTO domain_events (event_type, actor_id, project_id, resource_id, thread_id, meeting_id, "
         "payload,"
         " created_at) SELECT event_type, actor_id, project_id, resource_id, thread_id, meeting_id, payload, "
         "created_at"
         " FROM waiting ORDER BY id;"
         "UPDATE herald_cursor SET settled_up_to = 50000, visible_up_to = 50000, candidate = NULL, "
         "candidate_xact = NULL;");
  settle(db);
  return name;
}

std::string world::copy(const std::string& original) {
  return server_.copy_database(original);
}

} // namespace herald::bench
