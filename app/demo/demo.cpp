#include "app/demo/demo.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/conservation.hpp"
#include "app/demo/company.hpp"
#include "app/demo/crash_handler.hpp"
#include "app/demo/day.hpp"
#include "app/demo/events.hpp"
#include "app/exit_codes.hpp"
#include "app/reports.hpp"
#include "app/session.hpp"
#include "app/terminal_text.hpp"

namespace herald {

namespace {

/// The people of the company act in this many bursts while the pipeline is at work.
constexpr std::size_t feedings = 8;

constexpr duration beat{150};

/// Far more than the demo's back-offs add up to; past it something is wrong.
constexpr duration patience{120'000};

/// A demo may only ever replace a demo: the company's own mark tells it from an operator's database.
constexpr std::string_view mark = "-- herald demo --";

/// Prints what happens while it happens; on a terminal the progress line is rewritten in place.
class narrator {
public:
  explicit narrator(bool json)
      : out_{json ? stderr : stdout}, terminal_{isatty(fileno(json ? stderr : stdout)) != 0} {
    // nop
  }

  void say(const std::string& text) {
    end_line();
    fmt::print(out_, "{}\n", text);
    std::fflush(out_);
  }

  void progress(const store_status& x, std::size_t restarts) {
    auto line = fmt::format("  {} done   {} waiting   {} in flight   {} dead   {} restarts", x.completed,
                            x.unclaimed + x.waiting + x.due_retries, x.in_flight + x.stale, x.dead, restarts);
    if (line == last_)
      return;
    last_ = line;
    if (terminal_)
      fmt::print(out_, "\r{:<78}", line);
    else
      fmt::print(out_, "{}\n", line);
    std::fflush(out_);
    open_ = terminal_;
  }

  void end_line() {
    if (open_)
      fmt::print(out_, "\n");
    open_ = false;
  }

private:
  std::FILE* out_;
  bool terminal_;
  bool open_ = false;
  std::string last_;
};

std::string side_file(const std::string& database) {
  return database + ".demo";
}

/// Removes what an earlier demo left. A database without the demo's mark beside it is somebody's data.
result<void> clear_earlier_demo(const std::string& database) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists(database, ignored) && !fs::exists(side_file(database), ignored))
    return failure{failure_class::permanent,
                   "'" + database
                       + "' exists and was not made by a demo; name another file with "
                         "--database"};
  if (fs::exists(side_file(database), ignored)) {
    for (auto suffix : {"", "-wal", "-shm"})
      fs::remove(database + suffix, ignored);
    fs::remove_all(demo_mail_dir(database), ignored);
  }
  auto file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>{std::fopen(side_file(database).c_str(), "w"),
                                                              std::fclose};
  if (!file || std::fputs(std::string{mark}.append("\n").c_str(), file.get()) < 0)
    return failure{failure_class::outage, "cannot write '" + side_file(database)
                                              + "'; name a file in a writable "
                                                "directory with --database"};
  return {};
}

bool settled(const store_status& x) {
  return x.unclaimed + x.waiting + x.due_retries + x.in_flight + x.stale == 0;
}

std::uint64_t count_restarts(const std::vector<supervision_record>& records) {
  return static_cast<std::uint64_t>(std::ranges::count(records, "restarting", &supervision_record::what));
}

/// One run of the demo, step by step.
class demo_run {
public:
  demo_run(const run_environment& env, const demo_arguments& args)
      : env_{env}, args_{args}, tell_{args.json}, path_{env.cfg.store.sqlite.path},
        time_{std::make_shared<demo_clock>(env.time, env.time->now() - std::chrono::hours{args.hours})} {
    env_.time = time_;
  }

  result<int> run() {
    if (env_.cfg.dry_run)
      return failure{failure_class::permanent,
                     "a demo has to write its database; leave --dry-run and DRY_RUN away"};
    if (auto cleared = clear_earlier_demo(path_); !cleared)
      return cleared.error();
    if (auto ready = prepare(); !ready)
      return ready.error();
    auto rows = env_.rows;
    rows.push_back(crash_handler());
    session pipeline{options(rows)};
    if (auto played = play(pipeline); !played)
      return played.error();
    if (auto passed = pass_time(pipeline); !passed)
      return passed.error();
    if (auto mailed = mail(pipeline); !mailed)
      return mailed.error();
    auto code = report(pipeline);
    if (code.has_value() && args_.keep)
      keep_working(pipeline);
    if (auto drained = pipeline.drain(env_.cfg.daemon.drain_deadline); !drained)
      return drained.error();
    return code;
  }

private:
  session_options options(const std::vector<handler_row>& rows) {
    session_options out;
    out.cfg = env_.cfg;
    out.rows = rows;
    out.time = time_;
    out.log = env_.log;
    out.render = env_.render;
    out.open_transport = env_.open_transport;
    out.open_calendar = [google = google_, time = time_] { return open_demo_calendar(google, time); };
    out.around_store = env_.hooks.around_store;
    out.on_escalation = [this](std::string why) {
      escalation_ = std::move(why);
      escalated_ = true;
    };
    return out;
  }

  /// Creates the database and everybody in it.
  result<void> prepare() {
    auto opened = open_sqlite_store(env_.cfg.store.sqlite);
    if (!opened)
      return opened.error();
    store_ = std::move(*opened);
    started_ = env_.time->now();
    company_ = make_company({.seed = args_.seed, .now = started_});
    google_ = connect_calendars(company_, time_);
    if (auto written = store_->insert_platform_rows(company_.rows, started_); !written)
      return written.error();
    events_ = demo_events(company_, {args_.events, args_.seed, started_});
    tell_.say(fmt::format("A company of {} people and {} projects lives in {}.",
                          company_.rows.profiles.size(), company_.rows.projects.size(), path_));
    return {};
  }

  /// Feeds the events while the pipeline works, then waits until every one of them is settled.
  result<void> play(session& pipeline) {
    tell_.say(fmt::format("{} events go through the pipeline:", events_.size()));
    auto chunk = events_.size() / feedings + 1;
    for (std::size_t first = 0; first < events_.size(); first += chunk) {
      auto part = std::span{events_}.subspan(first, std::min(chunk, events_.size() - first));
      if (auto fed = store_->insert_events(part, env_.time->now()); !fed)
        return fed.error();
      pipeline.wake();
      if (auto looked = look(pipeline); !looked)
        return looked.error();
    }
    for (auto left = patience; left.count() > 0; left -= beat) {
      auto status = look(pipeline);
      if (!status)
        return status.error();
      if (settled(*status)) {
        tell_.end_line();
        elapsed_ = env_.time->now() - started_;
        return {};
      }
    }
    return failure{failure_class::outage, "the pipeline did not settle every event in time; see the log"};
  }

  /// Reminders, nudges, digests and renewals, as time brings them about.
  result<void> pass_time(session& pipeline) {
    if (args_.hours == 0)
      return {};
    tell_.say(
        fmt::format("\n{} hours pass, five minutes at a time (times of day in Los Angeles):", args_.hours));
    demo_day_options options;
    options.length = std::chrono::hours{args_.hours};
    options.tell = [this](const std::string& line) { tell_.say(line); };
    options.going = [this] { return !escalated_ && !env_.signals.wait(duration{0}); };
    return play_demo_day(pipeline, *store_, *time_, company_, options);
  }

  /// The hour strikes: digests are made of what waits for one, and every mail goes out.
  result<void> mail(session& pipeline) {
    auto now = env_.time->now();
    auto window = store_->open_window({now, now});
    if (!window)
      return window.error();
    tell_.say(
        fmt::format("The digest window closes: {} e-mails make {} digests.", window->rows, window->digests));
    pipeline.wake();
    for (auto left = patience; left.count() > 0; left -= beat) {
      auto done = pipeline.until_mailed(beat);
      if (!done)
        return done.error();
      if (*done)
        return {};
      if (auto looked = look(pipeline); !looked)
        return looked.error();
    }
    return failure{failure_class::outage, "the mails did not all go out in time; see the log"};
  }

  /// Waits one beat and shows where things stand.
  result<store_status> look(session& pipeline) {
    if (env_.signals.wait(beat))
      return failure{failure_class::outage, "interrupted"};
    if (escalated_)
      return failure{failure_class::crash, "the root supervisor gave up: " + escalation_};
    auto status = store_->status(env_.time->now(), env_.cfg.poller.max_event_age);
    if (status)
      tell_.progress(*status, count_restarts(pipeline.supervision().all()));
    return status;
  }

  result<int> report(session& pipeline) {
    auto summary = store_->summarize();
    if (!summary)
      return summary.error();
    auto dead = store_->dead_letters(1'000);
    if (!dead)
      return dead.error();
    auto outbox = store_->summarize_outbox();
    if (!outbox)
      return outbox.error();
    auto supervision = pipeline.supervision().all();
    demo_report out{*summary, *outbox, *dead, supervision, count_restarts(supervision), elapsed_};
    if (auto counted = count_jobs(out); !counted)
      return counted.error();
    auto balance = check_conservation(*summary, *outbox);
    tell_.say("\n" + summary_text(*summary));
    tell_.say(outbox_text(*outbox));
    tell_.say(conservation_text(balance));
    tell_jobs(out);
    tell_.say("Dead letters:\n" + dead_letters_text(*dead));
    tell_supervision(supervision);
    tell_where_to_look(*dead);
    if (args_.json)
      fmt::print("{}\n", demo_json(out));
    std::fflush(stdout);
    return balance.holds ? exit_code::ok : exit_code::failed;
  }

  /// What the ledger and the calendar provider have of the day.
  result<void> count_jobs(demo_report& out) {
    constexpr std::uint32_t more_than_a_week_of_runs = 3'000;
    auto runs = store_->job_runs(more_than_a_week_of_runs);
    if (!runs)
      return runs.error();
    for (auto& x : *runs) {
      auto& sum = out.jobs[x.job];
      sum.runs[std::string{to_string(x.state)}] += x.instants;
      for (auto& [reason, n] : x.counts)
        sum.counts[reason] += n;
    }
    auto watches = store_->summarize_watches(time_->now());
    if (!watches)
      return watches.error();
    out.watches = *watches;
    auto now = time_->now();
    for (auto& x : google_->channels())
      ++(x.stopped_at          ? out.channels_stopped
         : x.expires_at <= now ? out.channels_expired
                               : out.channels_live);
    return {};
  }

  void tell_jobs(const demo_report& x) {
    if (args_.hours > 0)
      tell_.say(demo_jobs_text(x));
  }

  void tell_supervision(const std::vector<supervision_record>& records) {
    std::string text = "Supervision:\n";
    for (auto& x : records) {
      if (x.what == "started" || x.what == "stopped")
        continue;
      text += fmt::format("  {}  {}/{} {}", to_iso8601(x.at), x.supervisor, x.child, x.what);
      text += x.what == "restarting" ? fmt::format(" in {} ms\n", x.delay.count())
                                     : fmt::format(": {}\n", x.reason);
    }
    tell_.say(text);
  }

  void tell_where_to_look(const std::vector<dead_letter>& dead) {
    auto example = dead.empty() ? std::int64_t{1} : dead.front().event_id;
    tell_.say(fmt::format("Look around:\n"
                          "  herald status --database {0}\n"
                          "  herald jobs --database {0}\n"
                          "  herald once meeting-reminders --database {0}\n"
                          "  herald explain 1 --database {0}\n"
                          "  herald explain {1} --database {0}\n"
                          "  herald dead list --database {0}\n"
                          "  herald preview digest --out digest.html\n"
                          "  sqlite3 {0} \"SELECT title, body FROM notifications LIMIT 20\"\n"
                          "{3}"
                          "The log of this run is {2}.",
                          path_, example, env_.cfg.log.file.empty() ? "above" : env_.cfg.log.file,
                          mail_place()));
  }

  /// Where captured mail lies, if it was captured.
  std::string mail_place() const {
    auto kept = store_->captured_messages(1);
    if (!kept || kept->empty())
      return {};
    return fmt::format("  the mails, for any mail program: {}/*.eml, e.g. '{}'\n"
                       "  sqlite3 {} \"SELECT recipient, subject FROM herald_captured_mails LIMIT 20\"\n",
                       env_.cfg.email.capture_dir, printable(kept->front().message.subject, 80), path_);
  }

  /// The rest of --keep: like the daemon, events that `herald emit` appends are taken up.
  void keep_working(session& pipeline) {
    tell_.say("Working on, until told to stop (Ctrl-C). Feed it: herald emit --help");
    auto seen = store_->data_version();
    while (!escalated_) {
      if (auto signal = env_.signals.wait(beat); signal == SIGTERM || signal == SIGINT)
        return;
      if (auto version = store_->data_version(); version != std::exchange(seen, version))
        pipeline.wake();
    }
  }

  run_environment env_;
  const demo_arguments& args_;
  narrator tell_;
  std::string path_;
  std::shared_ptr<demo_clock> time_;
  std::shared_ptr<simulated_google> google_;
  std::unique_ptr<sqlite_store> store_;
  company company_;
  std::vector<new_event> events_;
  timestamp started_{};
  duration elapsed_{};
  std::string escalation_;
  std::atomic<bool> escalated_{false};
};

} // namespace

std::string demo_mail_dir(const std::string& database) {
  return database + ".mail";
}

int run_demo(const run_environment& env, const demo_arguments& args) {
  auto code = demo_run{env, args}.run();
  if (code)
    return *code;
  fmt::print(stderr, "herald: {}\n", code.error().reason);
  return exit_code::failed;
}

} // namespace herald
