#include "core/doctor.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace herald {

namespace {

using enum verdict;

constexpr auto migrate = "run herald migrate";
constexpr auto migrate_again = "run herald migrate --again, as the owner of the tables";

/// Older servers lack functions that the SQL uses; those up to the tested one are expected to work.
constexpr std::int64_t oldest_server = 140'000;
constexpr std::int64_t tested_server = 150'000;

/// A claim of 500 events out of a settled history reads some thousand pages.
constexpr std::int64_t many_blocks = 50'000;
constexpr std::int64_t many_milliseconds = 500;

constexpr duration tolerable_skew{2'000};

constexpr std::size_t most_names = 6;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most_names); ++i)
    out.append(out.empty() ? "" : ", ").append(names[i]);
  if (names.size() > most_names)
    out += " and " + std::to_string(names.size() - most_names) + " more";
  return out;
}

std::string number(std::int64_t x) {
  return std::to_string(x);
}

std::string milliseconds(duration x) {
  return number(x.count()) + " ms";
}

/// Collects the checks of one run.
class judgement {
public:
  explicit judgement(const doctor_facts& facts) : facts_{facts} {
    // nop
  }

  std::vector<health_check> run() {
    connection();
    if (facts_.store == doctor_store::sqlite) {
      file();
    } else {
      session();
      database();
    }
    work();
    surroundings();
    return std::move(out_);
  }

private:
  void add(std::string name, verdict outcome, std::string reason, std::string remedy = {}) {
    out_.push_back({std::move(name), outcome, std::move(reason), std::move(remedy)});
  }

  // -- reaching the store -------------------------------------------------------------------------------------

  void connection() {
    if (facts_.unreachable.empty())
      return add("connection", ok, facts_.where + " answers");
    add("connection", failed, facts_.unreachable,
        facts_.store == doctor_store::sqlite ? "check store.sqlite.path; herald run creates the file"
                                             : "the reason says what to check");
  }

  void session() {
    if (!facts_.session)
      return add("encryption", skipped,
                 facts_.store == doctor_store::supabase
                     ? "PostgREST is called over HTTPS, certificate and name verified always"
                     : "there is no session");
    auto& x = *facts_.session;
    auto to_full =
        "put sslmode=verify-full into the URL, with sslrootcert when the server's authority is its own";
    if (x.encrypted && (x.sslmode == "verify-full" || x.local))
      add("encryption", ok, x.protocol + ", sslmode " + x.sslmode);
    else if (x.encrypted)
      add("encryption", warning,
          x.protocol + ", sslmode " + x.sslmode + ": anybody in between may pose as the server", to_full);
    else if (x.local)
      add("encryption", ok, "none, and the connection does not leave this machine");
    else
      add("encryption", warning, "none: password and data travel readable over the network", to_full);
    if (x.pooled)
      add("pooler", warning,
          "a connection pooler stands in between: no prepared statements, and LISTEN works in its session "
          "mode at best",
          "connect directly, or leave it: Herald then polls (store.look_every_ms)");
    else
      add("pooler", ok, "none: LISTEN works");
  }

  // -- a database ---------------------------------------------------------------------------------------------

  void database() {
    if (!facts_.database) {
      if (facts_.unreachable.empty())
        add("functions", failed, facts_.unanswered, migrate);
      return schema(facts_.schema_version);
    }
    auto& x = *facts_.database;
    server(x);
    schema(x.schema_version);
    functions(x);
    rights(x);
    indexes(x);
    triggers(x);
    claim(x);
    access(x);
    clock();
    max_rows();
  }

  void server(const database_facts& x) {
    auto reason = "PostgreSQL " + x.server_version_text;
    if (x.read_only)
      add("server", failed, reason + " takes no writes", "connect to the primary");
    else if (x.server_version < oldest_server)
      add("server", failed, reason + " lacks functions that Herald uses", "upgrade it to 15 or newer");
    else if (x.server_version < tested_server)
      add("server", warning, reason + ": Herald is tested with 15 and newer", "upgrade it to 15 or newer");
    else
      add("server", ok, reason);
  }

  void schema(std::optional<std::int64_t> version) {
    auto wanted = number(facts_.wanted_version);
    if (!facts_.unreachable.empty())
      return add("schema", skipped, "the database cannot be reached");
    if (!version)
      return add("schema", failed,
                 "Herald's schema cannot be read, or is not there; version " + wanted + " is wanted",
                 migrate);
    if (*version > facts_.wanted_version)
      return add("schema", failed, "version " + number(*version) + ", and this program knows up to " + wanted,
                 "use the newer program");
    if (*version < facts_.wanted_version)
      return add("schema", failed, "version " + number(*version) + ", and this program needs " + wanted,
                 migrate);
    if (!facts_.pending_files.empty())
      return add("schema", warning,
                 "version " + wanted + ", but these files have changed, are not recorded or lack something: "
                     + joined(facts_.pending_files),
                 migrate);
    add("schema", ok, "version " + wanted);
  }

  void functions(const database_facts& x) {
    if (!x.missing_functions.empty())
      return add("functions", failed, "missing: " + joined(x.missing_functions), migrate);
    if (!x.closed_functions.empty())
      return add("functions", failed, "role " + x.role + " may not execute " + joined(x.closed_functions),
                 "grant service_role to " + x.role + ", or grant it EXECUTE on them");
    if (!x.open_functions.empty())
      return add("functions", failed, "others may execute " + joined(x.open_functions),
                 std::string{migrate_again} + "; it takes the right back");
    add("functions", ok, "all there, for role " + x.role + " and not for anon, authenticated or public");
  }

  void rights(const database_facts& x) {
    if (!x.missing_tables.empty())
      add("rights", failed, "missing tables: " + joined(x.missing_tables), migrate);
    else if (!x.missing_rights.empty())
      add("rights", failed, "role " + x.role + " lacks " + joined(x.missing_rights),
          "grant service_role to " + x.role + ", or grant it what is named");
    else if (!x.open_tables.empty())
      add("rights", failed, "Herald's own tables are open: " + joined(x.open_tables),
          std::string{migrate_again} + "; it closes them");
    else
      add("rights", ok, "role " + x.role + " may do what it has to, and anon and authenticated may not");
    if (x.bypasses_row_security)
      add("row-security", ok, "role " + x.role + " bypasses it");
    else
      add("row-security", failed,
          "role " + x.role + " does not bypass row-level security: it sees no events and no e-mails",
          "ALTER ROLE " + x.role + " BYPASSRLS, or use the role service_role");
  }

  void indexes(const database_facts& x) {
    if (!x.missing_indexes.empty() || !x.invalid_indexes.empty()) {
      std::string reason;
      if (!x.missing_indexes.empty())
        reason = "missing: " + joined(x.missing_indexes);
      if (!x.invalid_indexes.empty())
        reason += (reason.empty() ? "" : "; ") + std::string{"invalid: "} + joined(x.invalid_indexes);
      return add("indexes", failed, reason, "run herald migrate; nobody has to wait while it builds them");
    }
    add("indexes", ok, "all there and valid");
  }

  void triggers(const database_facts& x) {
    // Herald polls as well, so this costs time only.
    if (!x.missing_triggers.empty())
      add("triggers", warning,
          "missing: " + joined(x.missing_triggers) + "; events and e-mails wait for the next poll", migrate);
    else if (!x.disabled_triggers.empty())
      add("triggers", warning,
          "disabled: " + joined(x.disabled_triggers) + "; events and e-mails wait for the next poll",
          "ALTER TABLE … ENABLE TRIGGER, on domain_events and pending_emails");
    else
      add("triggers", ok, "new events and e-mails ring");
  }

  void claim(const database_facts& x) {
    if (!x.claim)
      return add("claim", skipped, "the search for due events could not be tried; see the checks above");
    auto& y = *x.claim;
    auto reason = y.blocks ? "finding 500 due events reads " + number(*y.blocks) + " pages and takes "
                                 + number(y.milliseconds.value_or(0)) + " ms"
                           : "not tried: the search would look at " + number(y.events_ahead) + " events";
    if (!y.scans.empty())
      add("claim", failed, "tables are read from end to end: " + joined(y.scans), migrate);
    else if (!y.blocks || *y.blocks > many_blocks || y.milliseconds.value_or(0) > many_milliseconds)
      add("claim", warning, reason,
          y.events_ahead > 100'000
              ? "nothing to do on a new installation: each claim brings the search closer to the "
                "newest event"
              : "VACUUM (ANALYZE) domain_events and notification_processing");
    else
      add("claim", ok, reason);
  }

  void access(const database_facts& x) {
    if (!x.access)
      add("access-rule", skipped, "the platform's access functions could not be read");
    else if (x.access->known)
      add("access-rule", ok, "the platform's definition is a known one: applied to all pairs at once");
    else
      add("access-rule", warning,
          "the platform's access functions are not a known version (" + x.access->fingerprint
              + "): can_view is asked for every pair, which is right but slower",
          "compare them with deploy/sql/base/003_functions.sql; only if they decide the same, insert the "
          "fingerprint "
          "into herald_access_rules");
  }

  void clock() {
    if (!facts_.clock_skew)
      return add("clock", skipped, "the clocks could not be compared");
    // What the way there and back may explain is nobody's fault.
    auto error = facts_.round_trip / 2;
    auto skew = *facts_.clock_skew;
    auto surely = std::max(std::chrono::abs(skew) - error, duration{0});
    auto reason = "the database's clock is " + milliseconds(std::chrono::abs(skew))
                  + (skew.count() < 0 ? " behind" : " ahead") + " (give or take " + milliseconds(error) + ")";
    if (surely > facts_.lease / 2)
      add("clock", failed, reason + ": leases and the ages of events are wrong",
          "synchronise both clocks (NTP)");
    else if (surely > tolerable_skew)
      add("clock", warning, reason, "synchronise both clocks (NTP)");
    else
      add("clock", ok, reason);
  }

  void max_rows() {
    if (facts_.store == doctor_store::supabase)
      add("max-rows", ok, "PostgREST's limit (db-max-rows) does not matter: each answer is one JSON value");
    else
      add("max-rows", skipped, "there is no PostgREST in between");
  }

  // -- the embedded store -------------------------------------------------------------------------------------

  void file() {
    if (!facts_.file)
      return;
    auto& x = *facts_.file;
    if (x.integrity == "ok")
      add("integrity", ok, "the quick check finds nothing");
    else
      add("integrity", failed, "the file is damaged: " + x.integrity,
          "stop Herald, keep a copy, and restore a backup or save what sqlite3's .recover finds");
    if (x.schema_version == facts_.wanted_version)
      add("schema", ok, "version " + number(x.schema_version));
    else
      add("schema", failed,
          "version " + number(x.schema_version) + ", and this program needs " + number(facts_.wanted_version),
          "use the program that made the file, or start with a new one");
    if (x.not_writable.empty())
      add("writable", ok, "the file can be written");
    else
      add("writable", failed, x.not_writable, "check the owner and the rights of the file and its directory");
  }

  // -- work ---------------------------------------------------------------------------------------------------

  void work() {
    auto& found = facts_.database ? facts_.database->work : facts_.work;
    if (!found) {
      if (facts_.unreachable.empty())
        for (auto name : {"left-behind", "dead-letters", "mails"})
          add(name, skipped, "the role may not read this, or the schema is not there");
      return;
    }
    left_behind(*found);
    other_programs(*found);
    if (found->dead_letters > 0)
      add("dead-letters", warning, number(found->dead_letters) + " events are dead letters",
          "herald dead list, then retry or drop");
    else
      add("dead-letters", ok, "none");
    if (found->parked_mails > 0 || found->failed_mails > 0)
      add("mails", warning,
          number(found->parked_mails) + " mails are parked, because they may have been sent already, and "
              + number(found->failed_mails) + " have failed",
          "herald mail list, then resend or drop");
    else
      add("mails", ok, "none waits for a person");
  }

  void left_behind(const work_facts& x) {
    if (x.left_behind == 0 && x.left_behind_expired == 0 && x.emails_left_behind == 0)
      return add("left-behind", ok, "no event or e-mail is stuck in processing");
    std::string reason;
    auto add_part = [&](std::int64_t n, const std::string& what) {
      if (n > 0)
        reason += (reason.empty() ? "" : "; ") + number(n) + what;
    };
    add_part(x.left_behind, " events without a lease are in processing, and Herald takes them over");
    add_part(x.left_behind_expired, " are too old for that, and will be set aside as expired");
    add_part(x.emails_left_behind, " e-mails are in processing for another program, and may have been sent");
    if (x.oldest_left_behind)
      reason += "; the oldest since " + to_iso8601(*x.oldest_left_behind);
    add("left-behind", warning, reason,
        x.emails_left_behind > 0
            ? "when the old jobs are stopped, set the e-mails to pending or failed in pending_emails"
            : "nothing, once Herald runs");
  }

  void other_programs(const work_facts& x) {
    if (facts_.store == doctor_store::sqlite)
      return;
    if (x.foreign_claims > 0)
      add("other-programs", warning,
          number(x.foreign_claims) + " events were claimed by another program in the last ten minutes",
          "stop the old fan-out job: two programs share the events, and only one keeps its promises");
    else
      add("other-programs", ok, "no other program claims events");
  }

  // -- surroundings -------------------------------------------------------------------------------------------

  void surroundings() {
    for (auto& x : facts_.keys)
      if (x.present)
        add("key:" + x.name, ok, "present");
      else
        add("key:" + x.name, x.needed ? failed : skipped, "not set; " + x.purpose,
            x.needed ? "set " + x.name : "");
    sender();
    if (facts_.mail_error.empty())
      add("mail-setup", ok, "every kind of mail renders with sample data");
    else
      add("mail-setup", failed, facts_.mail_error,
          "the reason says what to change; herald check-config checks it again");
  }

  void sender() {
    auto& x = facts_.sender;
    using answer = sender_facts::answer;
    switch (x.outcome) {
    case answer::not_asked:
      return add("sender", skipped, x.why);
    case answer::restricted:
      return add("sender", skipped,
                 "the key may only send, which is enough for Herald but not for this check",
                 "look up " + x.domain + " at https://resend.com/domains");
    case answer::refused:
      return add("sender", failed, "the provider refuses the key: " + x.why,
                 "create one with sending access at https://resend.com/api-keys");
    case answer::unreachable:
      return add("sender", warning, x.why,
                 "check the network; Herald keeps mails until the provider answers");
    case answer::listed:
      break;
    }
    if (x.status == "verified")
      add("sender", ok, x.domain + " is verified");
    else if (x.status.empty())
      add("sender", failed, x.domain + " is not among the domains of this key",
          "add it at https://resend.com/domains, or change email.from");
    else
      add("sender", failed, x.domain + " is not verified (" + x.status + ")",
          "put the records that https://resend.com/domains shows into its DNS");
  }

  const doctor_facts& facts_;
  std::vector<health_check> out_;
};

} // namespace

std::string_view to_string(verdict x) {
  constexpr std::array<std::string_view, 4> names{"ok", "warning", "failed", "skipped"};
  return names[static_cast<std::size_t>(x)];
}

std::vector<health_check> judge(const doctor_facts& facts) {
  return judgement{facts}.run();
}

verdict overall(const std::vector<health_check>& checks) {
  auto any = [&](verdict x) { return std::ranges::find(checks, x, &health_check::outcome) != checks.end(); };
  return any(failed) ? failed : any(warning) ? warning : ok;
}

} // namespace herald
