// The nudges about unread threads and incomplete resumes, chunk by chunk as the daemon runs them, over a platform that is
// filled by the same statements on both stores. Each job runs twice: the first time creates events, the second must not.
#include "bench/jobs.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "adapters/store/postgres/postgres_store.hpp"
#include "adapters/store/sqlite/database.hpp"
#include "adapters/system_clock.hpp"
#include "bench/postgres/measure.hpp"
#include "bench/postgres/world.hpp"
#include "bench/support.hpp"

namespace herald::bench {

namespace {

constexpr std::string_view worker = "bench";

// -- the platform -------------------------------------------------------------------------------------------

/// How a database writes what the statements below are made of.
struct dialect {
  std::string_view uuid_format;  ///< of the digits (%08x), the kind and the number
  std::string_view ago_format;   ///< of the time now and the minutes since
  std::string_view series_start; ///< in front of, and behind, the last number of a table `n (i)`
  std::string_view series_end;
};

constexpr dialect sqlite_dialect{
    "printf('%08x-{1:04x}-4000-8000-%012x', ({0}) * 2654435761 % 4294967296, ({0}))", "({0} - ({1}) * 60000)",
    "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ", ") SELECT i FROM n)"};

constexpr dialect postgres_dialect{"(lpad(to_hex(({0})::bigint * 2654435761 % 4294967296), 8, '0')"
                                   " || '-{1:04x}-4000-8000-' || lpad(to_hex({0}), 12, '0'))::uuid",
                                   "(to_timestamp({0} / 1000.0) - ({1}) * interval '1 minute')",
                                   "(SELECT i FROM generate_series(1, ", ") AS n (i))"};

/// Threads and projects, one of each per number; ten people and ten messages per thread, two owners per project.
class platform_script {
public:
  platform_script(const dialect& words, timestamp now, std::size_t size)
      : words_{words}, now_{now}, size_{size} {}

  std::vector<std::string> statements(bool with_accounts) const {
    auto out = people(with_accounts);
    for (auto part : {projects(), resumes(), talk()})
      out.insert(out.end(), part.begin(), part.end());
    return out;
  }

private:
  enum kind { org = 1, person, project, project_resume, borrower_resume, resource, thread, preference };

  std::string id(kind what, const std::string& number) const {
    return fmt::format(fmt::runtime(words_.uuid_format), number, static_cast<int>(what));
  }

  /// An instant so many minutes ago.
  std::string ago(const std::string& minutes) const {
    return fmt::format(fmt::runtime(words_.ago_format), to_epoch_ms(now_), minutes);
  }

  std::string series(std::size_t last) const {
    return fmt::format("{}{}{} x", words_.series_start, last, words_.series_end);
  }

  std::size_t orgs() const { return size_ / 10; }
  std::size_t persons() const { return size_ / 5; }

  std::string somebody(const std::string& number) const {
    return id(person, fmt::format("1 + ({}) % {}", number, persons()));
  }

  std::vector<std::string> people(bool with_accounts) const {
    std::vector<std::string> out;
    out.push_back(fmt::format("INSERT INTO orgs (id, name, entity_type, created_at, updated_at)"
                              " SELECT {}, 'Org ' || i, 'borrower', {}, {} FROM {}",
                              id(org, "i"), ago("0"), ago("0"), series(orgs())));
    if (with_accounts)
      out.push_back(
          fmt::format("INSERT INTO auth.users (id, email) SELECT {}, 'p' || i || '@example.com' FROM {}",
                      id(person, "i"), series(persons())));
    out.push_back(fmt::format("INSERT INTO profiles (id, email, app_role, created_at, updated_at)"
                              " SELECT {}, 'p' || i || '@example.com', 'borrower', {}, {} FROM {}",
                              id(person, "i"), ago("0"), ago("0"), series(persons())));
    out.push_back(fmt::format("INSERT INTO org_members (org_id, user_id, role, created_at)"
                              " SELECT {}, {}, 'owner', {} FROM {}",
                              id(org, "1 + i / 2 % " + std::to_string(orgs())), id(person, "i"), ago("0"),
                              series(2 * orgs())));
    // A tenth of the people want no such mail.
    out.push_back(
        fmt::format("INSERT INTO user_notification_preferences (id, user_id, scope_type, event_type, channel,"
                    " status, created_at, updated_at)"
                    " SELECT {}, {}, 'global', 'thread_unread_stale', 'email', 'muted', {}, {} FROM {}",
                    id(preference, "i"), id(person, "i * 10"), ago("0"), ago("0"), series(persons() / 10)));
    return out;
  }

  std::vector<std::string> projects() const {
    return {fmt::format("INSERT INTO projects (id, name, owner_org_id, created_at, updated_at)"
                        " SELECT {}, 'Project ' || i, {}, {}, {} FROM {}",
                        id(project, "i"), id(org, "1 + i % " + std::to_string(orgs())), ago("i % 40 * 1440"),
                        ago("0"), series(size_)),
            // Half of them are being worked on.
            fmt::format(
                "INSERT INTO project_workspace_activity (user_id, project_id, last_project_resume_edit_at,"
                " last_borrower_resume_edit_at, created_at, updated_at)"
                " SELECT {}, {}, {}, {}, {}, {} FROM {} WHERE i % 2 = 0",
                somebody("i"), id(project, "i"), ago("i % 240 * 60"), ago("i % 480 * 60"), ago("0"), ago("0"),
                series(size_))};
  }

  std::vector<std::string> resumes() const {
    std::vector<std::string> out;
    // Two versions of each, of which every other resource points to the first. A quarter is complete.
    auto add = [&](kind what, const std::string& table, const std::string& type, int step) {
      auto percent = fmt::format("CASE WHEN i % 4 = 0 THEN 100 ELSE i * {} % 100 END", step);
      out.push_back(
          fmt::format("INSERT INTO {} (id, project_id, version_number, completeness_percent, created_at)"
                      " SELECT {}, {}, 1 + i % 2, {}, {} FROM {}",
                      table, id(what, "i"), id(project, "1 + i % " + std::to_string(size_)), percent,
                      ago("0"), series(2 * size_)));
      out.push_back(fmt::format(
          "INSERT INTO resources (id, org_id, project_id, resource_type, name, current_version_id,"
          " created_at, updated_at)"
          " SELECT {}, {}, {}, '{}', '{}', CASE WHEN i % 2 = 0 THEN {} END, {}, {} FROM {}",
          id(resource, fmt::format("i * 2 + {}", what % 2)), id(org, "1 + i % " + std::to_string(orgs())),
          id(project, "i"), type, type, id(what, "i"), ago("0"), ago("0"), series(size_)));
    };
    add(project_resume, "project_resumes", "PROJECT_RESUME", 7);
    add(borrower_resume, "borrower_resumes", "BORROWER_RESUME", 13);
    return out;
  }

  std::vector<std::string> talk() const {
    // The numbers of a table of thread and place: ten in a row belong to a thread.
    const std::string place = "(i - 1) % 10";
    const std::string number = "(1 + (i - 1) / 10)";
    // Of three threads one has been silent for weeks, one has had messages for days, one for an hour. Half of the people
    // have read everything.
    auto spoken =
        fmt::format("CASE {0} % 3 WHEN 0 THEN 40000 + {1} * 60 WHEN 1 THEN 5 + {1} * 400 ELSE {1} * 6 END",
                    number, place);
    auto member = somebody(fmt::format("{} * 7 + {} * 13", number, place));
    return {
        fmt::format(
            "INSERT INTO chat_threads (id, project_id, topic, created_at) SELECT {}, {}, 'Topic ' || i, {}"
            " FROM {}",
            id(thread, "i"), id(project, "i"), ago("0"), series(size_)),
        fmt::format("INSERT INTO chat_thread_participants (thread_id, user_id, last_read_at, created_at)"
                    " SELECT {}, {}, {}, {} FROM {}",
                    id(thread, number), member,
                    ago(fmt::format("CASE WHEN {} < 5 THEN 80000 ELSE 0 END", place)), ago("0"),
                    series(10 * size_)),
        fmt::format("INSERT INTO project_messages (thread_id, user_id, content, created_at)"
                    " SELECT {}, {}, 'Some words about the matter', {} FROM {}",
                    id(thread, number), member, ago(spoken), series(10 * size_))};
  }

  const dialect& words_;
  timestamp now_;
  std::size_t size_;
};

// -- stores -------------------------------------------------------------------------------------------------

/// A filled database, and what it says of itself.
class bench_store {
public:
  virtual ~bench_store() = default;

  virtual std::string name() const = 0;
  virtual nudge_store& nudges() = 0;
  virtual run_ref start_run(const std::string& job) = 0;
  virtual std::uint64_t count_events() = 0;
  /// Since it was filled.
  virtual double statements() = 0;
};

std::string run_of(const std::string& job, timestamp now, const dialect& words) {
  auto at = fmt::format(fmt::runtime(words.ago_format), to_epoch_ms(now), "0");
  return fmt::format(
      "INSERT INTO herald_job_runs (job, scheduled_at, first_at, cause, state, worker, claim_no, lease_until)"
      " VALUES ('{}', {}, {}, 'hand', 'running', '{}', 1, {}) RETURNING id",
      job, at, at, worker, at);
}

std::string job_of(const std::string& job, timestamp now, const dialect& words) {
  auto at = fmt::format(fmt::runtime(words.ago_format), to_epoch_ms(now), "0");
  return fmt::format("INSERT INTO herald_jobs (job, known_since) VALUES ('{}', {})", job, at);
}

class sqlite_bench final : public bench_store {
public:
  sqlite_bench(timestamp now, std::size_t size)
      : now_{now}, store_{open(dir_.file("jobs.db"))}, db_{options()} {
    auto all = sqlite::transaction{db_, sqlite::transaction::mode::write};
    for (auto& sql : platform_script{sqlite_dialect, now, size}.statements(false))
      db_.execute_script(sql);
    all.commit();
  }

  std::string name() const override { return "SQLite"; }
  nudge_store& nudges() override { return *store_; }

  run_ref start_run(const std::string& job) override {
    db_.execute_script(job_of(job, now_, sqlite_dialect));
    db_.execute_script(run_of(job, now_, sqlite_dialect));
    return {db_.last_insert_id(), 1};
  }

  std::uint64_t count_events() override {
    return static_cast<std::uint64_t>(db_.read_integer("SELECT count(*) FROM domain_events"));
  }

  double statements() override { return static_cast<double>(store_->statements_run()); }

private:
  sqlite_options options() const {
    sqlite_options out;
    out.path = dir_.file("jobs.db");
    return out;
  }

  timestamp now_;
  scratch dir_;
  std::unique_ptr<sqlite_store> store_;
  sqlite::database db_;
};

class postgres_bench final : public bench_store {
public:
  postgres_bench(timestamp now, std::size_t size) : now_{now}, database_{world_.prepare(workload::mix, 0)} {
    client_ = std::make_unique<client>(world_.url(database_));
    // The company of the other benchmarks would take part.
    client_->run("TRUNCATE auth.users, orgs CASCADE");
    for (auto& sql : platform_script{postgres_dialect, now, size}.statements(true))
      client_->run(sql);
    client_->run("VACUUM ANALYZE");
    count_calls(*client_, database_);
    postgres_options options;
    options.url = world_.url(database_);
    auto opened = open_postgres_store(options);
    check(opened);
    store_ = std::move(*opened);
  }

  std::string name() const override { return "PostgreSQL"; }
  nudge_store& nudges() override { return *store_; }

  run_ref start_run(const std::string& job) override {
    client_->run(job_of(job, now_, postgres_dialect));
    return {static_cast<std::int64_t>(client_->number(run_of(job, now_, postgres_dialect))), 1};
  }

  std::uint64_t count_events() override {
    return static_cast<std::uint64_t>(client_->number("SELECT count(*) FROM domain_events"));
  }

  /// Those inside the functions too, as the server counts them for the sessions that were opened since.
  double statements() override { return counted_calls(*client_).statements; }

private:
  timestamp now_;
  world world_;
  std::string database_;
  std::unique_ptr<client> client_;
  std::unique_ptr<postgres_store> store_;
};

// -- jobs ---------------------------------------------------------------------------------------------------

struct bench_job {
  std::string name;
  std::function<result<job_chunk>(nudge_store&, const job_chunk_request&)> call;
};

std::vector<bench_job> bench_jobs() {
  return {{std::string{unread_nudges_job},
           [](nudge_store& x, const job_chunk_request& chunk) {
             unread_nudges_request request;
             request.chunk = chunk;
             return x.nudge_unread_threads(request);
           }},
          {std::string{resume_nudges_job}, [](nudge_store& x, const job_chunk_request& chunk) {
             resume_nudges_request request;
             request.chunk = chunk;
             return x.nudge_incomplete_resumes(request);
           }}};
}

struct job_figures {
  job_counts counts;
  std::uint64_t chunks = 0;
  double statements = 0;
  double seconds = 0;

  std::uint64_t looked_at() const {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0},
                           [](std::uint64_t n, const auto& x) { return n + x.second; });
  }

  std::uint64_t created() const {
    auto found = counts.find("created");
    return found == counts.end() ? 0 : found->second;
  }
};

job_figures run_through(bench_store& store, const bench_job& job, job_chunk_request chunk) {
  job_figures out;
  auto statements = store.statements();
  auto start = std::chrono::steady_clock::now();
  do {
    auto done = job.call(store.nudges(), chunk);
    check(done);
    if (done->lost)
      throw std::runtime_error("the run was lost");
    for (auto& [reason, n] : done->counts)
      out.counts[reason] += n;
    chunk.after = done->next;
    ++out.chunks;
  } while (!chunk.after.empty());
  out.seconds = seconds_since(start);
  out.statements = store.statements() - statements;
  return out;
}

void print_row(const bench_store& store, const bench_job& job, std::string_view run, const job_figures& x) {
  fmt::print("| {} | {} | {} | {} | {} | {} | {:.1f} | {:.2f} |\n", job.name, store.name(), run,
             x.looked_at(), x.created(), x.chunks, x.statements / static_cast<double>(x.chunks), x.seconds);
}

/// What the job counted in both runs.
std::array<job_counts, 2> run_twice(bench_store& store, const bench_job& job, timestamp now) {
  job_chunk_request chunk;
  chunk.run = store.start_run(job.name);
  chunk.worker = worker;
  chunk.now = now;
  auto before = store.count_events();
  auto first = run_through(store, job, chunk);
  auto between = store.count_events();
  auto second = run_through(store, job, chunk);
  if (between - before != first.created() || first.created() == 0)
    throw std::runtime_error(
        fmt::format("{} events where {} were counted", between - before, first.created()));
  if (second.created() != 0 || store.count_events() != between)
    throw std::runtime_error("the second run has created events");
  print_row(store, job, "first", first);
  print_row(store, job, "second", second);
  return {first.counts, second.counts};
}

} // namespace

int jobs(std::span<char*> args) {
  std::size_t size = 20'000;
  for (std::string_view x : args) {
    if (x != "--quick")
      throw std::runtime_error(fmt::format("'{}' is not known: [--quick]", x));
    size = 2'000;
  }
  auto now = system_clock{}.now();
  fmt::print("{0} threads with {1} participants and {1} messages, {0} projects with two owners and two "
             "resumes each; a row"
             " is a participant for whom messages wait, or an owner and a resume; statements are per chunk, "
             "those inside"
             " PostgreSQL's functions as pg_stat_statements counts them.\n\n",
             size, 10 * size);
  fmt::print("| job | store | run | rows looked at | created | chunks | statements/chunk | seconds |\n"
             "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
  std::vector<std::unique_ptr<bench_store>> stores;
  stores.push_back(std::make_unique<sqlite_bench>(now, size));
  if (test::postgres_server::installed())
    stores.push_back(std::make_unique<postgres_bench>(now, size));
  for (auto& job : bench_jobs()) {
    std::vector<std::array<job_counts, 2>> counts;
    for (auto& store : stores)
      counts.push_back(run_twice(*store, job, now));
    if (counts.front() != counts.back())
      throw std::runtime_error("the stores do not count the same");
  }
  if (stores.size() == 1)
    fmt::print("\nPostgreSQL is not installed (Debian: postgresql), so it is left out.\n");
  return 0;
}

} // namespace herald::bench
