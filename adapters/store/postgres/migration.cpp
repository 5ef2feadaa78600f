#include "adapters/store/postgres/migration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>
#include <utility>

namespace herald::postgres {

namespace {

// What 001_tables.sql and 011_jobs.sql refer to. Behind each other table of the platform stands a function that says so when called.
constexpr std::array platform_tables{"borrower_resumes",
                                     "calendar_connections",
                                     "chat_thread_participants",
                                     "chat_threads",
                                     "domain_events",
                                     "meeting_participants",
                                     "meeting_reminders_sent",
                                     "meetings",
                                     "notification_processing",
                                     "notifications",
                                     "org_members",
                                     "orgs",
                                     "pending_emails",
                                     "permissions",
                                     "profiles",
                                     "project_access_grants",
                                     "project_messages",
                                     "project_resumes",
                                     "project_workspace_activity",
                                     "projects",
                                     "resources",
                                     "unread_thread_stale_log",
                                     "user_notification_preferences"};
constexpr std::array platform_roles{"anon", "authenticated", "service_role"};
// Changed or referred to by the migration, which only an owner may.
constexpr auto owned_tables = "'calendar_connections','domain_events','notification_processing',"
                              "'notifications','pending_emails','profiles','project_messages'";
constexpr auto records_table = "herald_schema_files";
// Any two numbers that others are unlikely to lock.
constexpr auto lock_arguments = "(1212502636, 1)";

failure refused(std::string what) {
  return {failure_class::permanent, std::move(what)};
}

// -- text ---------------------------------------------------------------------------------------------------

std::string_view trimmed(std::string_view x) {
  auto begin = x.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view{}
                                         : x.substr(begin, x.find_last_not_of(" \t\r") - begin + 1);
}

template <class F> void each_line(std::string_view text, F f) {
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    f(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string name_at(std::string_view text) {
  take(text, "public.");
  return std::string{text.substr(0, text.find_first_of(" (,;\n"))};
}

/// `KIND NAME`, or nothing when the line makes nothing.
std::string object_of(std::string_view line) {
  line = trimmed(line);
  if (take(line, "add column if not exists "))
    return "column " + name_at(line);
  if (!take(line, "create "))
    return {};
  take(line, "or replace ");
  take(line, "unique ");
  auto kind = std::string{line.substr(0, line.find(' '))};
  if (kind != "function" && kind != "table" && kind != "trigger" && kind != "index")
    return {};
  take(line, kind + " ");
  take(line, "concurrently ");
  take(line, "if not exists ");
  return kind + " " + name_at(line);
}

bool is_concurrent(const sql_file& x) {
  return x.name.ends_with("_concurrently.sql");
}

/// The file for a transaction that others begin and end.
std::string body_of(std::string_view text) {
  std::string out;
  each_line(text, [&](std::string_view line) {
    if (line != "begin;" && line != "commit;" && !line.starts_with("set local lock_timeout"))
      out.append(line).append("\n");
  });
  return out;
}

/// Without comments; each ends with a semicolon at the end of a line.
std::vector<std::string> statements_of(std::string_view text) {
  std::vector<std::string> out;
  std::string open;
  each_line(text, [&](std::string_view line) {
    auto words = trimmed(line);
    if (words.empty() || words.starts_with("--"))
      return;
    open.append(open.empty() ? "" : "\n").append(open.empty() ? words : line);
    if (words.ends_with(';'))
      out.push_back(std::exchange(open, {}));
  });
  return out;
}

std::vector<std::string> locks_of(std::string_view text) {
  std::vector<std::string> out;
  each_line(text, [&](std::string_view line) {
    if (take(line, "-- Locks: "))
      out.emplace_back(line);
  });
  return out;
}

template <class List> std::string joined(const List& names) {
  std::string out;
  for (auto& x : names)
    out.append(out.empty() ? "" : ", ").append(x);
  return out;
}

std::string number(std::int64_t x) {
  return std::to_string(x);
}

// -- planning -----------------------------------------------------------------------------------------------

/// What speaks against a migration; nothing when nothing does.
result<void> check_version(const migration_files& files, const schema_state& state) {
  if (state.version && *state.version > files.version)
    return refused("the database has version " + number(*state.version)
                   + " of Herald's schema, and this program knows up to " + number(files.version)
                   + "; use the newer program, or take the schema back with its downgrade.sql first");
  return {};
}

std::vector<std::string> missing(const schema_state& state, std::string_view kind, auto& names) {
  std::vector<std::string> out;
  for (auto* x : names)
    if (!state.objects.contains(std::string{kind} + " " + x))
      out.emplace_back(x);
  return out;
}

result<void> check_platform(const schema_state& state) {
  if (auto tables = missing(state, "table", platform_tables); !tables.empty())
    return refused(
        "the database lacks tables of the platform (" + joined(tables)
        + "); check that the URL names the platform's database. To set up an empty one for tests or "
          "self-hosting: herald migrate --with-base");
  if (auto roles = missing(state, "role", platform_roles); !roles.empty())
    return refused("the server lacks roles of the platform (" + joined(roles)
                   + "); create them as deploy/sql/base/001_roles.sql does");
  if (!state.foreign_tables.empty())
    return refused("this role does not own the platform's tables (" + joined(state.foreign_tables)
                   + "); connect as their owner, on Supabase the role postgres");
  return {};
}

/// Whether the platform's tables have to be made first.
result<bool> needs_base(const migration_files& files, const schema_state& state) {
  std::vector<std::string> there;
  std::vector<std::string> absent;
  for (auto& file : files.base)
    for (auto& object : objects_of(file))
      if (object.starts_with("table ") && !object.starts_with("table auth."))
        (state.objects.contains(object) ? there : absent).push_back(object.substr(6));
  if (!there.empty() && !absent.empty())
    return refused(
        "the database has some of the platform's tables (" + joined(there) + ") but not all ("
        + joined(absent)
        + "): this may be somebody's data, so nothing was done. For a database of the platform leave "
          "out --with-base; otherwise use an empty database");
  return there.empty();
}

/// Its checksum; nothing when it is not recorded.
std::optional<std::string> recorded(const schema_state& state, std::string_view name) {
  auto found = std::ranges::find(state.files, name, &recorded_file::name);
  return found == state.files.end() ? std::nullopt : std::optional{found->checksum};
}

/// Why a file has to be applied; empty when it need not be.
std::string reason_for(const sql_file& file, const schema_state& state, const migration_options& options) {
  auto record = recorded(state, file.name);
  if (!record)
    return state.version ? "not recorded" : "new";
  if (*record != checksum(file.text))
    return "changed";
  for (auto& object : objects_of(file))
    if (!state.objects.contains(object))
      return "lacks " + object;
  return options.again ? "again" : "";
}

/// The statements of a file outside transactions whose index is not there, not whole, or another than recorded. One that
/// nobody has recorded is taken for right.
void plan_indexes(const sql_file& file, const schema_state& state, migration_plan& out) {
  auto locks = locks_of(file.text);
  for (auto& sql : statements_of(file.text)) {
    auto object = object_of(sql);
    auto index = object.substr(std::min(object.find(' '), object.size() - 1) + 1);
    auto record = recorded_file{std::string{file.name} + ": " + index, checksum(sql), {}};
    auto known = recorded(state, record.name);
    auto there = state.objects.contains(object);
    std::string why;
    if (!there)
      why = "lacks " + object;
    else if (state.invalid_indexes.contains(index))
      why = object + " is invalid";
    else if (known && *known != record.checksum)
      why = object + " has changed";
    if (known != record.checksum)
      out.records.push_back(std::move(record));
    if (why.empty())
      continue;
    if (there)
      out.statements.push_back(
          {std::string{file.name}, why, "drop index concurrently if exists public." + index + ";", locks});
    out.statements.push_back({std::string{file.name}, why, sql, locks});
  }
}

} // namespace

std::string checksum(std::string_view text) {
  // FNV-1a, 64 bits.
  auto hash = std::uint64_t{0xcbf29ce484222325};
  for (auto c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(16, '0');
  for (auto i = out.rbegin(); i != out.rend(); ++i, hash >>= 4)
    *i = digits[hash & 15];
  return out;
}

std::vector<std::string> objects_of(const sql_file& x) {
  std::vector<std::string> out;
  each_line(x.text, [&](std::string_view line) {
    if (auto object = object_of(line); !object.empty())
      out.push_back(std::move(object));
  });
  return out;
}

std::vector<std::string> objects_of(const migration_files& x, std::string_view kind) {
  std::vector<std::string> out;
  for (auto& file : x.herald)
    for (auto& object : objects_of(file))
      if (auto rest = std::string_view{object}; take(rest, kind) && take(rest, " "))
        out.emplace_back(rest);
  std::ranges::sort(out);
  return out;
}

result<migration_plan> plan_migration(const migration_files& files, const schema_state& state,
                                      const migration_options& options) {
  if (auto fits = check_version(files, state); fits.has_error())
    return fits.error();
  migration_plan out;
  if (options.with_base) {
    auto base = needs_base(files, state);
    if (base.has_error())
      return base.error();
    for (auto& file : *base ? files.base : std::vector<sql_file>{})
      out.scripts.push_back({"base/" + std::string{file.name}, "new", body_of(file.text), {}});
  }
  if (out.scripts.empty())
    if (auto usable = check_platform(state); usable.has_error())
      return usable.error();
  for (auto& file : files.herald) {
    auto why = reason_for(file, state, options);
    if (!is_concurrent(file)) {
      if (!why.empty())
        out.scripts.push_back({std::string{file.name}, why, body_of(file.text), locks_of(file.text)});
      continue;
    }
    plan_indexes(file, state, out);
    // Also without a statement to run: somebody may have built the indexes by hand.
    if (!why.empty())
      out.records.push_back({std::string{file.name}, checksum(file.text), {}});
  }
  return out;
}

// -- looking ------------------------------------------------------------------------------------------------

result<schema_state> read_schema(connection& db) {
  schema_state out;
  auto found = db.run(
      std::string{"SELECT 'table ' || relname, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                  " AND relkind IN ('r', 'p')"
                  " UNION ALL SELECT 'index ' || relname, CASE WHEN indisvalid THEN '' ELSE relname END"
                  " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = "
                  "'public'::regnamespace"
                  " UNION ALL SELECT 'function ' || proname, '' FROM pg_proc WHERE pronamespace = "
                  "'public'::regnamespace"
                  " UNION ALL SELECT 'trigger ' || tgname, '' FROM pg_trigger WHERE NOT tgisinternal"
                  " UNION ALL SELECT 'column ' || attname, '' FROM pg_attribute"
                  " WHERE attrelid = to_regclass('public.notification_processing') AND NOT attisdropped"
                  " UNION ALL SELECT 'role ' || rolname, '' FROM pg_roles"
                  " UNION ALL SELECT '', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                  "AND relname IN ("}
          + owned_tables + ") AND relkind = 'r' AND NOT pg_has_role(relowner, 'USAGE')",
      {}, "look at the schema");
  if (found.has_error())
    return found.error();
  for (auto i = 0; i < found->size(); ++i) {
    auto object = std::string{found->text(i, 0)};
    auto remark = std::string{found->text(i, 1)};
    if (object.empty())
      out.foreign_tables.push_back(remark);
    else if (!remark.empty())
      out.invalid_indexes.insert(remark);
    if (!object.empty())
      out.objects.insert(std::move(object));
  }
  if (out.objects.contains("table herald_schema")) {
    auto version = db.run("SELECT max(version) FROM public.herald_schema", {}, "read the schema's version");
    if (version.has_error())
      return version.error();
    auto text = version->text(0, 0);
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{})
      out.version = value;
  }
  if (out.objects.contains(std::string{"table "} + records_table)) {
    auto files = db.run(std::string{"SELECT name, checksum, to_char(applied_at AT TIME ZONE 'UTC',"
                                    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM public."}
                            + records_table + " ORDER BY name",
                        {}, "read which files were applied");
    if (files.has_error())
      return files.error();
    for (auto i = 0; i < files->size(); ++i)
      out.files.push_back(
          {std::string{files->text(i, 0)}, std::string{files->text(i, 1)}, std::string{files->text(i, 2)}});
  }
  return out;
}

// -- doing it -----------------------------------------------------------------------------------------------

namespace {

/// One run on one session, which holds the lock that keeps others out.
class migrator {
public:
  migrator(connection& db, const migration_files& files, const migration_run& run)
      : db_{db}, files_{files}, run_{run} {
    // nop
  }

  result<migration_report> run() {
    if (db_.pooled() && !run_.through_pooler)
      return refused(db_.where()
                     + " is behind a connection pooler. A migration needs one session from its beginning to "
                       "its end, which a "
                       "pooler in transaction mode does not give: connect to the database directly (on "
                       "Supabase: the direct "
                       "connection, db.PROJECT.supabase.co:5432). If the pooler is in session mode, say "
                       "--session-pooler");
    if (auto ready = db_.run("SET statement_timeout = 0", {}, "set up the session"); ready.has_error())
      return ready.error();
    if (auto alone = take_lock(); alone.has_error())
      return alone.error();
    auto out = run_alone();
    // A broken session has given it back already.
    (void)db_.run(std::string{"SELECT pg_advisory_unlock"} + lock_arguments);
    return out;
  }

private:
  // Asked again and again, never waited for: a statement that waits is a transaction, and the build of an index in the
  // other run would wait for its end.
  result<void> take_lock() {
    auto pause = run_.min_pause;
    auto waited = duration{};
    while (true) {
      auto got = db_.run(std::string{"SELECT pg_try_advisory_lock"} + lock_arguments, {},
                         "keep other migrations out");
      if (got.has_error())
        return got.error();
      if (got->text(0, 0) == "t")
        return {};
      if (waited >= run_.index_patience)
        return failure{failure_class::outage,
                       db_.where()
                           + ": another migration is still running; wait for it, or find its "
                             "session in pg_locks (locktype advisory)"};
      if (waited.count() == 0)
        say("another migration is running; waiting for it");
      sleep(pause);
      waited += pause;
      pause = longer(pause);
    }
  }

  result<migration_report> run_alone() {
    auto state = read_schema(db_);
    if (state.has_error())
      return state.error();
    auto plan = plan_migration(files_, *state, run_.what);
    if (plan.has_error())
      return failure{plan.error().kind, db_.where() + ": " + plan.error().reason};
    report_.from = state->version;
    if (!plan->scripts.empty())
      if (auto done = run_scripts(*plan); done.has_error())
        return done.error();
    for (auto& step : plan->statements)
      if (auto done = run_statement(step); done.has_error())
        return done.error();
    for (auto& x : plan->records)
      if (auto done = record(x.name, x.checksum); done.has_error())
        return done.error();
    report_.to = files_.version;
    return report_;
  }

  result<void> run_scripts(const migration_plan& plan) {
    auto pause = run_.min_pause;
    for (auto attempt = 1U;; ++attempt) {
      auto done = try_scripts(plan);
      if (!done.has_error()) {
        report_.scripts += plan.scripts.size();
        return {};
      }
      auto state = db_.sqlstate();
      (void)db_.run("ROLLBACK");
      if (state != "55P03" && state != "40P01")
        return refusal(done.error(), state);
      if (attempt >= run_.lock_tries)
        return in_the_way(done.error());
      ++report_.retries;
      say("somebody holds a lock that is needed; nothing was changed, trying again in "
          + number(pause.count()) + " ms");
      sleep(pause);
      pause = longer(pause);
    }
  }

  result<void> try_scripts(const migration_plan& plan) {
    auto begun = db_.run_script("BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = "
                                    + number(run_.lock_timeout.count()),
                                "begin a transaction");
    if (begun.has_error())
      return begun.error();
    for (auto& step : plan.scripts) {
      say("applying " + step.file + " (" + step.reason + ")");
      if (auto done = db_.run_script(step.sql, "apply " + step.file); done.has_error())
        return done.error();
      if (step.file.starts_with("base/"))
        continue;
      auto file = std::ranges::find(files_.herald, std::string_view{step.file}, &sql_file::name);
      if (auto noted = record(step.file, checksum(file->text)); noted.has_error())
        return noted.error();
    }
    auto done = db_.run("COMMIT", {}, "commit the migration");
    if (done.has_error())
      return done.error();
    return {};
  }

  result<void> run_statement(const migration_step& step) {
    say(step.sql.substr(0, step.sql.find('\n')));
    auto ready =
        db_.run("SET lock_timeout = " + number(run_.index_patience.count()), {}, "set up the session");
    if (ready.has_error())
      return ready.error();
    auto done = db_.run(step.sql, {}, "run a statement of " + step.file);
    auto state = db_.sqlstate();
    (void)db_.run("SET lock_timeout = 0");
    if (done.has_error())
      return state == "55P03" || state == "40P01" ? in_the_way(done.error()) : refusal(done.error(), state);
    ++report_.statements;
    return {};
  }

  result<void> record(const std::string& name, const std::string& sum) {
    auto done = db_.run(std::string{"INSERT INTO public."} + records_table
                            + " (name, checksum) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE"
                              " SET checksum = excluded.checksum, applied_at = now()",
                        {name.c_str(), sum.c_str()}, "note that " + name + " was applied");
    if (done.has_error())
      return done.error();
    return {};
  }

  /// The general advice for what a database lacks is to migrate, which is what just failed.
  static failure refusal(failure why, const std::string& state) {
    auto end = why.reason.find(')', why.reason.find("(SQLSTATE 42"));
    if (!state.starts_with("42") || state == "42501" || end == std::string::npos)
      return why;
    why.kind = failure_class::permanent;
    why.reason.resize(end + 1);
    why.reason +=
        "; the file is undone as a whole, and the database is not what this program expects: compare it with "
        "deploy/sql/base";
    return why;
  }

  /// Adds whom to look for.
  failure in_the_way(failure why) {
    why.kind = failure_class::outage;
    why.reason += "; what was done so far is kept or undone as a whole, run herald migrate again later";
    auto oldest =
        db_.run("SELECT 'process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed')"
                " || ', ' || coalesce(state, 'unknown state') || ', for '"
                " || extract(epoch FROM clock_timestamp() - xact_start)::bigint || ' s)'"
                " FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
                " AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1");
    if (!oldest.has_error() && oldest->size() == 1)
      why.reason += ". The oldest open transaction is that of " + std::string{oldest->text(0, 0)};
    return why;
  }

  void say(const std::string& what) const {
    if (run_.progress)
      run_.progress(what);
  }

  void sleep(duration x) const {
    if (run_.pause)
      run_.pause(x);
    else
      std::this_thread::sleep_for(x);
  }

  duration longer(duration x) const { return std::min(x * 2, run_.max_pause); }

  connection& db_;
  const migration_files& files_;
  const migration_run& run_;
  migration_report report_;
};

} // namespace

result<connection> connect_for_migration(postgres_options options) {
  options.statement_timeout = duration{0};
  // An index of a large table takes its time.
  options.answer_timeout = std::chrono::hours{24};
  return connection::open(options);
}

result<migration_report> migrate(connection& db, const migration_files& files, const migration_run& run) {
  try {
    return migrator{db, files, run}.run();
  } catch (const std::exception& e) {
    return failure{failure_class::outage, db.where() + ": the migration stopped: " + e.what()};
  }
}

} // namespace herald::postgres
