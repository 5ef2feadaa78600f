#include "adapters/store/postgres/examine.hpp"

#include <exception>
#include <string>
#include <utility>

#include "adapters/store/postgres/connection.hpp"
#include "adapters/store/postgres/migration.hpp"
#include "adapters/store/remote/doctor_call.hpp"

namespace herald {

namespace {

using postgres::connection;

/// Calls over a session that somebody else owns.
class session_caller final : public function_caller {
public:
  explicit session_caller(connection& db) : db_{db} {
    // nop
  }

  result<std::string> call(std::string_view function, const std::string& request) override {
    auto name = std::string{function};
    auto answer = db_.run("SELECT public." + name + "($1::json)", {request.c_str()}, "call " + name);
    if (answer.has_error())
      return answer.error();
    return std::string{answer->size() == 1 ? answer->text(0, 0) : std::string_view{}};
  }

private:
  connection& db_;
};

/// What a migration would do; a database that cannot be migrated has other checks that say so.
void add_pending(connection& db, doctor_facts& out) {
  auto state = postgres::read_schema(db);
  if (state.has_error())
    return;
  out.schema_version = state->version;
  // The daemon need not own what the migration changes.
  state->foreign_tables.clear();
  auto plan = postgres::plan_migration(postgres::embedded_migration(), *state);
  if (plan.has_error())
    return;
  for (auto& x : plan->scripts)
    out.pending_files.push_back(x.file + " (" + x.reason + ")");
  for (auto& x : plan->records)
    out.pending_files.push_back(x.name);
}

void examine(const postgres_options& options, const clock& time, duration lease, duration max_age,
             doctor_facts& out) {
  out.where = postgres::describe_url(options.url);
  out.wanted_version = postgres::schema_version;
  auto db = connection::open(options);
  if (db.has_error()) {
    out.unreachable = db.error().reason;
    return;
  }
  out.where = db->where();
  out.session = db->facts();
  auto caller = session_caller{*db};
  ask_doctor(caller, wanted_in_database(lease, max_age), time, out);
  add_pending(*db, out);
}

} // namespace

remote::doctor_request wanted_in_database(duration lease, duration max_age) {
  auto files = postgres::embedded_migration();
  remote::doctor_request out;
  out.functions = objects_of(files, "function");
  out.tables = objects_of(files, "table");
  out.indexes = objects_of(files, "index");
  out.triggers = objects_of(files, "trigger");
  out.lease = lease;
  out.max_age = max_age;
  return out;
}

void examine_postgres(const postgres_options& options, const clock& time, duration lease, duration max_age,
                      doctor_facts& out) {
  try {
    examine(options, time, lease, max_age, out);
  } catch (const std::exception& e) {
    out.unanswered = std::string{"the database could not be looked at: "} + e.what();
  }
}

} // namespace herald
