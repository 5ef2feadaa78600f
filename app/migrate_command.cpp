// herald migrate: what would be done, what is there, and doing it.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "adapters/store/postgres/migration.hpp"
#include "app/command_output.hpp"
#include "app/commands.hpp"
#include "app/terminal_text.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

using postgres::connection;
using postgres::migration_options;
using postgres::migration_plan;
using postgres::migration_step;
using postgres::schema_state;

/// Everything that --status and --dry-run show.
struct survey {
  std::string where;
  schema_state state;
  migration_plan plan;
  /// Why the database cannot be migrated; empty when it can.
  std::string obstacle;
};

result<survey> look(connection& db, const migration_options& options) {
  survey out;
  out.where = db.where();
  auto state = postgres::read_schema(db);
  if (!state)
    return state.error();
  out.state = std::move(*state);
  auto plan = postgres::plan_migration(postgres::embedded_migration(), out.state, options);
  if (plan)
    out.plan = std::move(*plan);
  else
    out.obstacle = plan.error().reason;
  return out;
}

std::string version_text(const std::optional<std::int64_t>& x) {
  return x ? std::to_string(*x) : "none";
}

// -- text ---------------------------------------------------------------------------------------------------

std::string heading(const survey& x) {
  auto out = fmt::format("{}\nschema version {}, this program's is {}\n", printable(x.where),
                         version_text(x.state.version), postgres::schema_version);
  return x.obstacle.empty() ? out : out + "cannot be migrated: " + printable(x.obstacle) + "\n";
}

std::string locks_text(const migration_step& x) {
  if (x.locks.empty())
    return "      locks nothing of the platform's\n";
  std::string out;
  for (auto& lock : x.locks)
    out += "      " + lock + "\n";
  return out;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  auto end = std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; });
  text.erase(end, text.end());
  return text;
}

std::string status_text(const survey& x) {
  auto out = heading(x);
  out += x.state.files.empty() ? "applied files: none are recorded\n" : "applied files:\n";
  std::size_t widest = 0;
  for (auto& file : x.state.files)
    widest = std::max(widest, characters(file.name));
  for (auto& file : x.state.files)
    out += fmt::format("  {}  {}  {}\n", pad_right(printable(file.name), widest), printable(file.checksum),
                       file.applied_at);
  if (!x.obstacle.empty())
    return out;
  if (x.plan.empty())
    return out + "nothing is pending\n";
  out += "pending:\n";
  for (auto& step : x.plan.scripts)
    out += fmt::format("  {}  {}\n", pad_right(step.file, 28), printable(step.reason));
  for (auto& step : x.plan.statements)
    out += fmt::format("  {}  {}\n", pad_right(step.file, 28), printable(step.reason));
  if (x.plan.scripts.empty() && x.plan.statements.empty())
    out += "  a record of what is there\n";
  return out;
}

std::string dry_run_text(const survey& x) {
  auto out = heading(x);
  if (!x.obstacle.empty())
    return out;
  if (x.plan.empty())
    return out + "dry run: nothing would be done\n";
  if (!x.plan.scripts.empty())
    out += "would apply, in one transaction:\n";
  for (auto& step : x.plan.scripts)
    out += fmt::format("  {}  {}\n", pad_right(step.file, 28), printable(step.reason)) + locks_text(step);
  if (x.plan.scripts.empty() && x.plan.statements.empty())
    out += "would record what is there\n";
  if (!x.plan.statements.empty())
    out += "would then run, one by one and without a transaction:\n";
  for (auto& step : x.plan.statements) {
    out += "  " + one_line(step.sql) + "\n" + locks_text(step);
  }
  return out + "dry run: nothing was done\n";
}

// -- JSON ---------------------------------------------------------------------------------------------------

json_object step_json(const migration_step& x, bool in_transaction, bool with_sql) {
  json_object out;
  std::string locks;
  for (auto& lock : x.locks)
    locks.append(locks.empty() ? "" : "; ").append(lock);
  out.set("file", x.file).set("reason", x.reason).set("in_transaction", in_transaction).set("locks", locks);
  if (with_sql)
    out.set("sql", x.sql);
  return out;
}

/// {"database", "version", "wanted_version", "current", "obstacle", "applied": [{"file", "checksum", "applied_at"}],
///  "pending": [{"file", "reason", "in_transaction", "locks", "sql"}]}; `sql` with a dry run only.
std::string survey_json(const survey& x, bool with_sql) {
  std::vector<json_object> applied;
  for (auto& file : x.state.files) {
    json_object entry;
    entry.set("file", file.name).set("checksum", file.checksum).set("applied_at", file.applied_at);
    applied.push_back(std::move(entry));
  }
  std::vector<json_object> pending;
  for (auto& step : x.plan.scripts)
    pending.push_back(step_json(step, true, with_sql));
  for (auto& step : x.plan.statements)
    pending.push_back(step_json(step, false, with_sql));
  json_object out;
  out.set("database", x.where).set("wanted_version", postgres::schema_version);
  // Numbers are never optional here: zero stands for no schema.
  out.set("version", x.state.version.value_or(0));
  out.set("current", x.obstacle.empty() && x.plan.empty()).set("obstacle", x.obstacle);
  out.set("applied", applied).set("pending", pending);
  return out.str();
}

std::string report_json(const connection& db, const postgres::migration_report& x) {
  json_object out;
  out.set("database", db.where()).set("from", x.from.value_or(0)).set("to", x.to);
  out.set("files", static_cast<std::int64_t>(x.scripts));
  out.set("statements", static_cast<std::int64_t>(x.statements));
  out.set("retries", static_cast<std::int64_t>(x.retries));
  return out.str();
}

// -- doing it -----------------------------------------------------------------------------------------------

int survey_database(connection& db, const migration_options& options, bool dry_run, bool json) {
  auto found = look(db, options);
  if (!found)
    return fail(found.error().reason);
  if (json)
    print_line(survey_json(*found, dry_run));
  else
    print_line(dry_run ? dry_run_text(*found) : status_text(*found));
  return found->obstacle.empty() ? exit_code::ok : exit_code::failed;
}

int apply(connection& db, const migration_options& options, bool session_pooler, bool json) {
  postgres::migration_run run;
  run.what = options;
  run.through_pooler = session_pooler;
  run.progress = [](const std::string& what) { fmt::print(stderr, "{}\n", printable(what)); };
  auto done = postgres::migrate(db, postgres::embedded_migration(), run);
  if (!done)
    return fail(done.error().reason);
  if (json)
    print_line(report_json(db, *done));
  else if (done->scripts == 0 && done->statements == 0)
    print_line(fmt::format("{} has version {} of Herald's schema already; nothing was done",
                           printable(db.where()), done->to));
  else
    print_line(fmt::format(
        "{} has version {} of Herald's schema now (it had {}): {} files, {} statements for indexes",
        printable(db.where()), done->to, version_text(done->from), done->scripts, done->statements));
  return exit_code::ok;
}

} // namespace

int migrate_database(const configuration& cfg, const migrate_arguments& args, bool json) {
  if (cfg.store.postgres.url.empty())
    return fail("herald migrate needs the URL of the PostgreSQL database: set DATABASE_URL "
                "(store.postgres.url), also "
                "when Herald itself goes through Supabase's REST API, which cannot change a schema. On "
                "Supabase it is "
                "under Connect, direct connection: "
                "postgresql://postgres:PASSWORD@db.PROJECT.supabase.co:5432/postgres",
                exit_code::usage);
  auto db = postgres::connect_for_migration(cfg.store.postgres);
  if (!db)
    return fail(db.error().reason);
  auto options = migration_options{args.with_base, args.again};
  if (args.status || cfg.dry_run)
    return survey_database(*db, options, !args.status, json);
  return apply(*db, options, args.session_pooler, json);
}

} // namespace herald
