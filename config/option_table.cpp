#include "config/option_table.hpp"

#include <algorithm>
#include <type_traits>

#include "config/configuration.hpp"
#include "messages/uuid.hpp"

namespace herald {

namespace {

// -- kinds of rows
// -------------------------------------------------------------------------------------------- `field` takes
// a configuration, const or not, and returns a reference to the member.

constexpr double day_ms = 24.0 * 60 * 60 * 1000;

/// The greatest whole number that every JSON reader keeps exactly.
constexpr double max_exact = 9'007'199'254'740'991;

template <class Field>
option boolean(std::string pointer, Field field, std::string description,
               std::vector<std::string> environment = {}) {
  option out{
      .pointer = std::move(pointer), .type = option_type::boolean, .description = std::move(description)};
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<bool>(x);
    return true;
  };
  return out;
}

template <class Field>
option integer(std::string pointer, Field field, double min, double max, std::string description,
               std::vector<std::string> environment = {}) {
  using type = std::remove_reference_t<decltype(field(std::declval<configuration&>()))>;
  option out{.pointer = std::move(pointer), .type = option_type::integer, .min = min, .max = max};
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value {
    return static_cast<std::int64_t>(field(cfg));
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = static_cast<type>(std::get<std::int64_t>(x));
    return true;
  };
  return out;
}

template <class Unit, class Field>
option span(std::string pointer, Field field, double min, double max, std::string description,
            std::vector<std::string> environment = {}) {
  option out{.pointer = std::move(pointer), .type = option_type::integer, .min = min, .max = max};
  out.unit = std::is_same_v<Unit, std::chrono::hours> ? "hours" : "milliseconds";
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value {
    return std::int64_t{std::chrono::duration_cast<Unit>(field(cfg)).count()};
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = Unit{std::get<std::int64_t>(x)};
    return true;
  };
  return out;
}

template <class Field>
option milliseconds(std::string pointer, Field field, double min, double max, std::string description) {
  return span<duration>(std::move(pointer), field, min, max, std::move(description));
}

template <class Field>
option number(std::string pointer, Field field, double min, double max, std::string description) {
  option out{.pointer = std::move(pointer), .type = option_type::number, .min = min, .max = max};
  out.description = std::move(description);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<double>(x);
    return true;
  };
  return out;
}

template <class Field>
option text(std::string pointer, Field field, double min, double max, std::string description,
            std::vector<std::string> environment = {}) {
  option out{.pointer = std::move(pointer), .type = option_type::text, .min = min, .max = max};
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<std::string>(x);
    return true;
  };
  return out;
}

/// The names of an enumeration's values.
template <class Enum> using names_of = std::vector<std::pair<Enum, std::string>>;

bool equal_ignoring_case(const std::string& x, const std::string& y) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

template <class Enum, class Field>
option choice(std::string pointer, Field field, names_of<Enum> names, std::string description,
              std::vector<std::string> environment = {}) {
  option out{
      .pointer = std::move(pointer), .type = option_type::choice, .description = std::move(description)};
  out.environment = std::move(environment);
  for (const auto& [value, name] : names)
    out.choices.push_back(name);
  out.get = [field, names](const configuration& cfg) -> option_value {
    auto row = std::find_if(names.begin(), names.end(), [&](const auto& x) { return x.first == field(cfg); });
    return row == names.end() ? std::string{} : row->second;
  };
  out.set = [field, names](configuration& cfg, const option_value& x) {
    const auto& wanted = std::get<std::string>(x);
    auto row = std::find_if(names.begin(), names.end(),
                            [&](const auto& n) { return equal_ignoring_case(n.second, wanted); });
    if (row == names.end())
      return false;
    field(cfg) = row->first;
    return true;
  };
  return out;
}

template <class Field> option id_list(std::string pointer, Field field, std::string description) {
  option out{
      .pointer = std::move(pointer), .type = option_type::id_list, .description = std::move(description)};
  out.get = [field](const configuration& cfg) -> option_value {
    std::vector<std::string> ids;
    for (const auto& id : field(cfg))
      ids.push_back(to_string(id));
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    std::remove_reference_t<decltype(field(cfg))> ids;
    for (const auto& entry : std::get<std::vector<std::string>>(x)) {
      auto id = parse_uuid(entry);
      if (!id)
        return false;
      ids.insert(*id);
    }
    field(cfg) = std::move(ids);
    return true;
  };
  return out;
}

// -- the rows
// -------------------------------------------------------------------------------------------------

using rows = std::vector<option>;

void add_daemon(rows& out) {
  out.push_back(boolean("/dry_run", [](auto& c) -> auto& { return c.dry_run; },
                        "Read and plan, write nothing, and say what would have been done.",
                        {"DRY_RUN", "NOTIFY_FANOUT_DRY_RUN"}));
  out.push_back(text(
      "/daemon/worker_id", [](auto& c) -> auto& { return c.daemon.worker_id; }, 0, 200,
      "Names this daemon in claims, unique among all replicas; empty for host name and process id."));
  out.push_back(milliseconds(
      "/daemon/drain_deadline_ms", [](auto& c) -> auto& { return c.daemon.drain_deadline; }, 0, 3'600'000,
      "How long a shutdown may take to finish or release what is in flight."));
  out.push_back(integer(
      "/daemon/scheduler_threads", [](auto& c) -> auto& { return c.daemon.scheduler_threads; }, 1, 64,
      "Threads of the actor scheduler."));
  out.push_back(integer(
      "/daemon/seed", [](auto& c) -> auto& { return c.daemon.seed; }, 0, max_exact,
      "Where the jitter of back-offs starts from; the same seed gives the same delays."));
}

void add_store(rows& out) {
  out.push_back(choice<store_kind>(
      "/store/kind", [](auto& c) -> auto& { return c.store.kind; }, {{store_kind::sqlite, "sqlite"}},
      "Where events, notifications and queued e-mails live."));
  out.push_back(text("/store/sqlite/path", [](auto& c) -> auto& { return c.store.sqlite.path; }, 1, 4'096,
                     "The database file, or `:memory:` for a database that ends with the daemon.",
                     {"HERALD_DATABASE"}));
  out.push_back(milliseconds(
      "/store/sqlite/busy_timeout_ms", [](auto& c) -> auto& { return c.store.sqlite.busy_timeout; }, 0,
      600'000, "How long to wait for another process's lock before the call fails as an outage."));
  out.push_back(choice<sqlite_durability>(
      "/store/sqlite/durability", [](auto& c) -> auto& { return c.store.sqlite.durability; },
      {{sqlite_durability::full, "full"}, {sqlite_durability::normal, "normal"}},
      "`full`: every commit survives a power cut; `normal`: the last ones may be undone by one, never "
      "torn."));
  out.push_back(boolean(
      "/store/sqlite/create", [](auto& c) -> auto& { return c.store.sqlite.create; },
      "Create the file and its schema when there is none."));
}

void add_poller(rows& out) {
  out.push_back(integer("/poller/batch_size", [](auto& c) -> auto& { return c.poller.batch_size; }, 1, 10'000,
                        "Events per claim.", {"NOTIFY_FANOUT_BATCH_SIZE"}));
  out.push_back(milliseconds(
      "/poller/poll_min_ms", [](auto& c) -> auto& { return c.poller.poll_min; }, 1, 3'600'000,
      "Pause after the first empty claim; doubles with each further one."));
  out.push_back(milliseconds(
      "/poller/poll_max_ms", [](auto& c) -> auto& { return c.poller.poll_max; }, 1, 3'600'000,
      "Longest pause of an idle poller; a wake-up ends it at once."));
  out.push_back(milliseconds(
      "/poller/lease_ms", [](auto& c) -> auto& { return c.poller.lease; }, 1'000, day_ms,
      "How long a claim holds without renewal; a crashed worker's events are claimable again after this."));
  out.push_back(span<std::chrono::hours>("/poller/max_event_age_hours",
                                         [](auto& c) -> auto& { return c.poller.max_event_age; }, 1, 87'600,
                                         "Events older than this are set aside as expired, and counted.",
                                         {"NOTIFY_FANOUT_MAX_EVENT_AGE_HOURS"}));
}

void add_writer(rows& out) {
  out.push_back(integer(
      "/writer/max_in_flight", [](auto& c) -> auto& { return c.writer.max_in_flight; }, 1, 100'000,
      "Events that may be claimed and not yet settled: the bound on Herald's memory."));
  out.push_back(integer(
      "/writer/commit_batch", [](auto& c) -> auto& { return c.writer.commit_batch; }, 1, 100'000,
      "Events after which the buffer is committed at once."));
  out.push_back(milliseconds(
      "/writer/commit_delay_ms", [](auto& c) -> auto& { return c.writer.commit_delay; }, 0, 60'000,
      "How long the first plan in the buffer may wait for company."));
  out.push_back(milliseconds(
      "/writer/outage_backoff_min_ms", [](auto& c) -> auto& { return c.writer.outage_backoff_min; }, 1,
      3'600'000, "Pause before a commit that met an outage is tried again; doubles with each further one."));
  out.push_back(milliseconds(
      "/writer/outage_backoff_max_ms", [](auto& c) -> auto& { return c.writer.outage_backoff_max; }, 1,
      3'600'000, "Longest pause between two tries of a commit."));
}

void add_retries(rows& out) {
  out.push_back(integer(
      "/writer/retries/max_attempts", [](auto& c) -> auto& { return c.writer.retries.max_attempts; }, 1,
      1'000, "Counted failures after which an event is dead."));
  out.push_back(integer(
      "/writer/retries/max_crashes", [](auto& c) -> auto& { return c.writer.retries.max_crashes; }, 1, 1'000,
      "Crashes of its handler after which an event is quarantined."));
  out.push_back(milliseconds(
      "/writer/retries/backoff_min_ms", [](auto& c) -> auto& { return c.writer.retries.backoff_min; }, 1,
      7 * day_ms, "Delay after the first failure; doubles with each further one."));
  out.push_back(milliseconds(
      "/writer/retries/backoff_max_ms", [](auto& c) -> auto& { return c.writer.retries.backoff_max; }, 1,
      7 * day_ms, "Longest delay, before jitter."));
  out.push_back(number(
      "/writer/retries/jitter", [](auto& c) -> auto& { return c.writer.retries.jitter; }, 0, 1,
      "Share of the delay that is random, so that many failures do not come back at once."));
}

void add_gate(rows& out) {
  out.push_back(integer(
      "/gate/workers", [](auto& c) -> auto& { return c.gate.workers; }, 1, 64,
      "Threads with a store connection each; SQLite has one writer, so more than 1 gains nothing there."));
  out.push_back(integer(
      "/gate/max_queue", [](auto& c) -> auto& { return c.gate.max_queue; }, 1, 1'000'000,
      "Requests that may wait for a worker; beyond that callers are told to come back."));
  out.push_back(milliseconds(
      "/gate/call_timeout_ms", [](auto& c) -> auto& { return c.gate.call_timeout; }, 1, 3'600'000,
      "How long one store call may take before its caller hears of an outage."));
}

void add_handlers(rows& out) {
  out.push_back(id_list(
      "/handlers/system_accounts", [](auto& c) -> auto& { return c.handlers.system_accounts; },
      "Accounts that are never notified, besides the nil UUID."));
}

/// The budget of one supervisor; `of` takes a configuration and returns its supervisor_options.
template <class Supervisor> void add_supervisor(rows& out, const std::string& pointer, Supervisor of) {
  out.push_back(integer(
      pointer + "/max_restarts", [of](auto& c) -> auto& { return of(c).max_restarts; }, 0, 100'000,
      "Restarts within the window after which the supervisor gives up and its parent takes over."));
  out.push_back(milliseconds(
      pointer + "/window_ms", [of](auto& c) -> auto& { return of(c).window; }, 1'000, day_ms,
      "The span in which restarts are counted."));
  out.push_back(milliseconds(
      pointer + "/backoff_min_ms", [of](auto& c) -> auto& { return of(c).backoff_min; }, 1, 3'600'000,
      "Delay before the first restart; doubles with each further one."));
  out.push_back(milliseconds(
      pointer + "/backoff_max_ms", [of](auto& c) -> auto& { return of(c).backoff_max; }, 1, 3'600'000,
      "Longest delay before a restart, before jitter."));
  out.push_back(number(
      pointer + "/jitter", [of](auto& c) -> auto& { return of(c).jitter; }, 0, 1,
      "Share of the delay that is random."));
  out.push_back(milliseconds(
      pointer + "/stable_after_ms", [of](auto& c) -> auto& { return of(c).stable_after; }, 0, day_ms,
      "How long a stage has to run for its next crash to count as its first."));
}

void add_log(rows& out) {
  auto levels = names_of<log_level>{};
  for (auto x : {log_level::debug, log_level::info, log_level::warning, log_level::error})
    levels.emplace_back(x, to_string(x));
  auto level = choice<log_level>("/log/level", [](auto& c) -> auto& { return c.log.level; }, levels,
                                 "The least severe level that is logged.", {"LOG_LEVEL"});
  // Knows WARN as well, which is common elsewhere.
  level.set = [](configuration& cfg, const option_value& x) {
    auto parsed = parse_log_level(std::get<std::string>(x));
    cfg.log.level = parsed.value_or(cfg.log.level);
    return parsed.has_value();
  };
  out.push_back(std::move(level));
  out.push_back(
      choice<log_format>("/log/format", [](auto& c) -> auto& { return c.log.format; },
                         {{log_format::text, "text"}, {log_format::json, "json"}},
                         "`text`: one line for people; `json`: one object per line with a stable event id.",
                         {"HERALD_LOG_FORMAT"}));
  out.push_back(text(
      "/log/file", [](auto& c) -> auto& { return c.log.file; }, 0, 4'096,
      "The file to append to; empty for standard error."));
}

} // namespace

std::vector<option> option_table() {
  rows out;
  add_daemon(out);
  add_store(out);
  add_poller(out);
  add_writer(out);
  add_retries(out);
  add_gate(out);
  add_handlers(out);
  add_supervisor(
      out, "/supervision/root", [](auto& c) -> auto& { return c.supervision.root; });
  add_supervisor(
      out, "/supervision/pipeline", [](auto& c) -> auto& { return c.supervision.pipeline; });
  add_supervisor(
      out, "/supervision/handlers", [](auto& c) -> auto& { return c.supervision.handlers; });
  add_log(out);
  return out;
}

std::vector<option_section> option_sections() {
  return {
      {"/daemon", "The process as a whole."},
      {"/store", "The database."},
      {"/store/sqlite", "The embedded database; read when store.kind is `sqlite`."},
      {"/poller", "Claims due events and hands them to the handlers."},
      {"/writer", "Commits notifications, queued e-mails and the events' completion."},
      {"/writer/retries", "When failed events are tried again, and when they are dead."},
      {"/gate", "The threads that talk to the database."},
      {"/handlers", "The rules that turn events into notifications."},
      {"/supervision", "How often crashed stages are restarted before somebody above has to act."},
      {"/supervision/root",
       "The daemon's stages and the pipeline; when its budget is spent, the daemon exits."},
      {"/supervision/pipeline", "Poller and writer."},
      {"/supervision/handlers",
       "One stage per event type; its budget is wide because a poison event legitimately "
       "crashes its handler a few times before it is found alone."},
      {"/log", "What is logged, and where."},
  };
}

} // namespace herald
