#include "app/cli.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "adapters/shifted_clock.hpp"
#include "adapters/system_clock.hpp"
#include "app/calendar_setup.hpp"
#include "app/commands.hpp"
#include "app/completion.hpp"
#include "app/daemon.hpp"
#include "app/demo/demo.hpp"
#include "app/exit_codes.hpp"
#include "app/mail_setup.hpp"
#include "app/store_setup.hpp"
#include "app/terminal_text.hpp"
#include "config/loader.hpp"
#include "config/near_miss.hpp"
#include "config/reference.hpp"
#include "core/email/samples.hpp"
#include "core/handlers.hpp"
#include "core/iso8601.hpp"

extern "C" const char herald_demo_config[];
extern "C" const char herald_demo_config_end[];

namespace herald {

namespace {

constexpr const char* version = "herald " HERALD_VERSION;

/// Options that every command takes.
struct common_options {
  config_sources sources;
  std::string database;
  std::string log_level;
  std::vector<std::string> settings;
  bool dry_run = false;
  bool json = false;
};

using environment_map = std::map<std::string, std::string>;

environment_map process_environment() {
  environment_map out;
  for (auto entry = environ; *entry != nullptr; ++entry) {
    std::string_view text{*entry};
    if (auto at = text.find('='); at != std::string_view::npos)
      out.emplace(text.substr(0, at), text.substr(at + 1));
  }
  return out;
}

void add_common(CLI::App& app, common_options& x, bool scriptable) {
  app.add_option("-c,--config", x.sources.file, "Configuration file (JSON with comments)");
  app.add_option("--env-file", x.sources.env_file,
                 "File with environment variables; the real environment wins");
  app.add_option("-d,--database", x.database, "Database file (store.sqlite.path)");
  app.add_option("--log-level", x.log_level, "DEBUG, INFO, WARNING or ERROR");
  app.add_option("--set", x.settings,
                 "Override one option, e.g. --set poller.batch_size=100; may be repeated")
      ->type_name("OPTION=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--dry-run", x.dry_run, "Write nothing, say what would have been done");
  if (scriptable)
    app.add_flag("--json", x.json, "Print JSON for scripts");
}

/// The command line's own words as configuration overrides; what cannot be split is reported by the loader.
std::vector<config_override> overrides_of(const common_options& x) {
  std::vector<config_override> out;
  for (auto& setting : x.settings) {
    auto at = setting.find('=');
    out.push_back({setting.substr(0, at), at == std::string::npos ? std::string{} : setting.substr(at + 1)});
  }
  if (!x.database.empty())
    out.push_back({"/store/sqlite/path", x.database});
  if (!x.log_level.empty())
    out.push_back({"/log/level", x.log_level});
  if (x.dry_run)
    out.push_back({"/dry_run", "true"});
  return out;
}

/// Everything the command line defines, and what to do once it is parsed.
class command_line {
public:
  explicit command_line(const program_hooks& hooks) : hooks_{hooks} {
    app_.set_version_flag("--version", version);
    app_.require_subcommand(1);
    app_.footer(
        "Exit status: 0 done; 1 the command failed; 2 wrong usage or configuration; 3 stopped with work in\n"
        "flight handed back; 70 a stage kept crashing.");
    define_run();
    define_once();
    define_demo();
    define_emit();
    define_check_config();
    define_migrate();
    define_doctor();
    define_status();
    define_explain();
    define_dead();
    define_preview();
    define_mail();
    define_jobs();
    define_completion();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return report(e, argc, argv);
    }
    return action_();
  }

private:
  // -- running the pipeline ---------------------------------------------------------------------------------

  void define_run() {
    auto* sub =
        app_.add_subcommand("run", "Work until told to stop (SIGTERM or SIGINT; twice stops at once)");
    add_common(*sub, common_, false);
    on(sub, [this] { return with_pipeline([](const run_environment& env) { return run_daemon(env); }); });
  }

  void define_once() {
    auto* sub = app_.add_subcommand("once", "Make one run of a job and end, for cron");
    sub->require_subcommand(1);
    auto* fan_out = add_once(*sub, "notify-fan-out", "Turn pending domain events into notifications");
    on(fan_out, [this] {
      return at_its_time([this](const run_environment& env) { return run_fan_out_once(env, common_.json); },
                         false);
    });
    define_mail_job(*sub, "email-instant", "Send immediate e-mails that are queued", mail_job::instant);
    define_mail_job(*sub, "email-digest", "Send the digests of the newest window", mail_job::digest);
    define_job(*sub, meeting_reminders_job, "Remind people of meetings that start soon");
    define_job(*sub, unread_nudges_job, "Tell people of messages that wait for them");
    define_job(*sub, resume_nudges_job, "Tell owners of resumes that nobody completes");
    define_job(*sub, calendar_watches_job, "Renew calendar watches before they expire");
  }

  CLI::App* add_once(CLI::App& parent, std::string_view name, const char* help) {
    auto* sub = parent.add_subcommand(std::string{name}, help);
    add_common(*sub, common_, true);
    sub->add_option("--at", at_, "Work as if it were this time, e.g. 2026-01-20T14:30:00Z");
    return sub;
  }

  void define_mail_job(CLI::App& parent, const char* name, const char* help, mail_job job) {
    on(add_once(parent, name, help), [this, job] {
      return at_its_time(
          [this, job](const run_environment& env) { return run_mail_once(env, job, common_.json); });
    });
  }

  void define_job(CLI::App& parent, std::string_view job, const char* help) {
    on(add_once(parent, job, help), [this, job] {
      auto as_of = read_at();
      if (!as_of)
        return usage_error(as_of.error().reason);
      return with_pipeline(
          [&](const run_environment& env) { return run_job_once(env, job, *as_of, common_.json); }, false);
    });
  }

  void define_jobs() {
    auto* sub =
        app_.add_subcommand("jobs", "Show when the time-driven jobs run, and how their last runs ended");
    add_common(*sub, common_, true);
    sub->add_option("--history", jobs_.history, "Show this many runs of each job")
        ->check(CLI::Range(1, 1'000));
    on(sub, [this] {
      return with_configuration(
          [this](const configuration& cfg) { return print_jobs(cfg, clock_, jobs_, json()); });
    });
  }

  void define_demo() {
    auto* sub = app_.add_subcommand(
        "demo", "Send a small company's events, and a day of its time, through the real pipeline");
    add_common(*sub, common_, true);
    sub->add_option("--events", demo_.events, "About how many events")->check(CLI::Range(50, 1'000'000));
    sub->add_option("--seed", demo_.seed, "Another seed makes another company");
    sub->add_option("--hours", demo_.hours, "How much time passes afterwards, in seconds of yours")
        ->check(CLI::Range(0, 168));
    sub->add_flag("--keep", demo_.keep, "Go on working afterwards, until told to stop");
    on(sub, [this] {
      demo_.json = common_.json;
      demo_run_ = true;
      if (common_.sources.file.empty())
        built_in_ = config_text{"demo.json (built in)", {herald_demo_config, herald_demo_config_end}};
      return with_pipeline([this](const run_environment& env) { return run_demo(env, demo_); });
    });
  }

  // -- looking and repairing --------------------------------------------------------------------------------

  void define_emit() {
    auto* sub = app_.add_subcommand("emit", "Append domain events to the store");
    add_common(*sub, common_, true);
    sub->add_option("type", emit_.type, "Event type, e.g. document_uploaded");
    sub->add_option("fields", emit_.fields, "column=value, payload.key=text or payload.key:=json");
    sub->add_option("--payload", emit_.payload, "The whole payload as JSON");
    sub->add_option("--file", emit_.file, "JSON lines, one event each; - for standard input");
    on(sub, [this] {
      if (emit_.file.empty() == emit_.type.empty())
        return usage_error("emit takes either an event type or --file");
      return with_configuration(
          [this](const configuration& cfg) { return emit_events(cfg, clock_, emit_, json()); });
    });
  }

  void define_check_config() {
    auto* sub = app_.add_subcommand("check-config", "Check the configuration and print what is in effect");
    add_common(*sub, common_, true);
    sub->add_flag("--sample", sample_,
                  "Print a configuration file with every option at its default, explained");
    sub->add_flag("--schema", schema_, "Print the JSON Schema of configuration files");
    sub->add_flag("--markdown", markdown_, "Print all options as a Markdown table");
    on(sub, [this] {
      if (sample_ || schema_ || markdown_)
        return print(sample_ ? sample_json() : schema_ ? schema_json() : options_markdown());
      return with_configuration([this](const configuration& cfg) {
        if (auto usable = check_mail(cfg); !usable)
          return usage_error(usable.error().reason);
        if (auto usable = check_store(cfg.store); !usable)
          return usage_error(usable.error().reason);
        if (auto usable = check_calendar(cfg.google); !usable)
          return usage_error(usable.error().reason);
        return print(json() ? effective_json(cfg) : "the configuration is valid\n" + effective_json(cfg));
      });
    });
  }

  void define_migrate() {
    auto* sub = app_.add_subcommand("migrate",
                                    "Bring a PostgreSQL database (DATABASE_URL) up to this program's schema");
    add_common(*sub, common_, true);
    sub->add_flag("--status", migrate_.status, "Only show versions, applied and pending files");
    sub->add_flag(
        "--with-base", migrate_.with_base,
        "First make the platform's own tables, in a database without any: for self-hosting and tests");
    sub->add_flag("--again", migrate_.again, "Apply every file again, to give back definitions and rights");
    sub->add_flag("--session-pooler", migrate_.session_pooler,
                  "The connection pooler in front of the database is in session mode: migrate through it");
    on(sub, [this] {
      return with_configuration(
          [this](const configuration& cfg) { return migrate_database(cfg, migrate_, json()); });
    });
  }

  void define_doctor() {
    auto* sub =
        app_.add_subcommand("doctor", "Check configuration, store and mail provider, and say what is wrong");
    add_common(*sub, common_, true);
    on(sub, [this] {
      return with_configuration([this](const configuration& cfg) { return examine(cfg, clock_, json()); });
    });
  }

  void define_status() {
    auto* sub = app_.add_subcommand("status", "Show backlog, dead letters and restarts");
    add_common(*sub, common_, true);
    on(sub, [this] {
      return with_configuration(
          [this](const configuration& cfg) { return print_status(cfg, clock_, json()); });
    });
  }

  void define_explain() {
    auto* sub = app_.add_subcommand("explain", "Show what became of one event, recipient by recipient");
    add_common(*sub, common_, true);
    sub->add_option("event-id", event_id_, "Id in domain_events")->required();
    on(sub, [this] {
      return with_configuration(
          [this](const configuration& cfg) { return explain_event(cfg, event_id_, json()); });
    });
  }

  void define_dead() {
    auto* sub = app_.add_subcommand("dead", "List, retry or drop dead letters");
    sub->require_subcommand(1);
    define_dead_action(*sub, "list", "List dead letters, newest first", dead_action::list);
    define_dead_action(*sub, "retry", "Make dead letters claimable again, with fresh counters",
                       dead_action::retry);
    define_dead_action(*sub, "drop", "Take dead letters off the list for good", dead_action::drop);
  }

  void define_dead_action(CLI::App& parent, const char* name, const char* help, dead_action action) {
    auto* sub = parent.add_subcommand(name, help);
    add_common(*sub, common_, true);
    if (action == dead_action::list) {
      sub->add_option("--limit", dead_.limit, "At most this many")->check(CLI::Range(1, 100'000));
    } else {
      sub->add_option("event-ids", dead_.event_ids, "Ids in domain_events");
      sub->add_flag("--all", dead_.all, "Every dead letter");
    }
    on(sub, [this, action] {
      dead_.action = action;
      return with_configuration(
          [this](const configuration& cfg) { return handle_dead_letters(cfg, clock_, dead_, json()); });
    });
  }

  void define_preview() {
    auto* sub =
        app_.add_subcommand("preview", "Render a mail with sample data, or as a queued row will go out");
    add_common(*sub, common_, true);
    sub->add_option("kind", preview_.name, "An event type, or digest");
    sub->add_option("--row", preview_.row, "Id in pending_emails, instead of a kind");
    sub->add_option("--out", preview_.out, "Write to this file instead of standard output");
    sub->add_flag("--text", preview_.text, "The text part instead of the HTML");
    on(sub, [this] {
      if (preview_.name.empty() != preview_.row.has_value())
        return usage_error("preview takes either a kind of mail or --row; kinds: "
                           + fmt::format("{}", fmt::join(sample_names(), ", ")));
      return with_configuration(
          [this](const configuration& cfg) { return preview_mail(cfg, clock_, preview_, json()); });
    });
  }

  void define_mail() {
    auto* sub = app_.add_subcommand("mail", "List, resend or drop mails that wait for a person");
    sub->require_subcommand(1);
    define_mail_action(*sub, "list", "List failed and parked mails, newest first", mail_action::list);
    define_mail_action(*sub, "resend", "Send mails again, under a new idempotency key", mail_action::resend);
    define_mail_action(*sub, "drop", "End parked mails as failed", mail_action::drop);
  }

  void define_mail_action(CLI::App& parent, const char* name, const char* help, mail_action action) {
    auto* sub = parent.add_subcommand(name, help);
    add_common(*sub, common_, true);
    if (action == mail_action::list)
      sub->add_option("--limit", mail_.limit, "At most this many")->check(CLI::Range(1, 100'000));
    else
      sub->add_option("mail-ids", mail_.mail_ids, "Ids as `herald mail list` shows them");
    if (action == mail_action::resend)
      sub->add_flag("--all-failed", mail_.all_failed, "Every failed mail, none of the parked ones");
    on(sub, [this, action] {
      mail_.action = action;
      return with_configuration(
          [this](const configuration& cfg) { return handle_stuck_mails(cfg, clock_, mail_, json()); });
    });
  }

  void define_completion() {
    auto* sub = app_.add_subcommand("completion", "Print a completion script for a shell");
    sub->add_option("shell", shell_, "bash")->required()->check(CLI::IsMember({"bash"}));
    on(sub, [this] { return print(bash_completion(app_)); });
  }

  // -- helpers ----------------------------------------------------------------------------------------------

  void on(CLI::App* sub, std::function<int()> action) {
    sub->callback([this, action = std::move(action)] { action_ = action; });
  }

  bool json() const { return common_.json; }

  static int print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    if (text.empty() || text.back() != '\n')
      std::fputc('\n', stdout);
    return exit_code::ok;
  }

  static int usage_error(const std::string& what) {
    fmt::print(stderr, "herald: {}; see herald --help\n", what);
    return exit_code::usage;
  }

  int report(const CLI::ParseError& e, int argc, char** argv) {
    // Help and version arrive as errors with status 0.
    if (e.get_exit_code() == 0)
      return app_.exit(e);
    if (auto unknown = unknown_command(argc, argv))
      return usage_error(*unknown);
    return usage_error(e.what());
  }

  /// Says which command, or which command's command, is none; nothing when the words up to the first option are.
  std::optional<std::string> unknown_command(int argc, char** argv) const {
    const CLI::App* at = &app_;
    std::string before;
    for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
      auto word = std::string{argv[i]};
      auto commands = commands_of(*at);
      if (commands.empty())
        return std::nullopt;
      if (std::ranges::find(commands, word) == commands.end()) {
        auto near = near_miss(word, commands);
        return "unknown command '" + before + printable(word) + "'"
               + (near ? ", did you mean '" + before + *near + "'?" : std::string{});
      }
      at = at->get_subcommand(word);
      before += word + " ";
    }
    return std::nullopt;
  }

  static std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> out;
    for (auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      out.push_back(sub->get_name());
    return out;
  }

  config_result<configuration> load() const {
    auto sources = common_.sources;
    sources.environment = process_environment();
    sources.overrides = overrides_of(common_);
    return built_in_ ? load_built_in(sources) : load_configuration(sources);
  }

  int with_configuration(const std::function<int(const configuration&)>& f) {
    auto loaded = load();
    if (!loaded) {
      fmt::print(stderr, "{}\n", to_string(loaded.error()));
      return exit_code::usage;
    }
    if (demo_run_)
      make_harmless(*loaded);
    return f(*loaded);
  }

  /// A demo's people do not exist: they live in a file, and their mail is captured beside it, whatever keys and databases
  /// are around.
  static void make_harmless(configuration& cfg) {
    cfg.email.transport = mail_transport_kind::capture;
    cfg.email.capture_dir = demo_mail_dir(cfg.store.sqlite.path);
    cfg.store.kind = store_kind::sqlite;
  }

  config_result<configuration> load_built_in(const config_sources& sources) const {
    return read_configuration({built_in_, sources.environment, std::nullopt, sources.overrides});
  }

  /// The time of --at; nothing without it.
  result<std::optional<timestamp>> read_at() const {
    if (at_.empty())
      return std::optional<timestamp>{};
    auto at = from_iso8601(at_);
    if (!at)
      return failure{failure_class::permanent,
                     "--at takes a time with its zone such as 2026-01-20T14:30:00Z, not '" + printable(at_)
                         + "'"};
    return at;
  }

  /// with_pipeline on a clock that shows the time of --at.
  int at_its_time(const std::function<int(const run_environment&)>& f, bool with_mail = true) {
    auto at = read_at();
    if (!at)
      return usage_error(at.error().reason);
    if (*at)
      fmt::print(
          stderr,
          "herald: working as if it were {}; claims are made as of then, so let no daemon work on this "
          "store meanwhile\n",
          to_iso8601(**at));
    return with_pipeline(f, with_mail, *at);
  }

  /// Loads the configuration, then opens the log, and only then lets threads start.
  int with_pipeline(const std::function<int(const run_environment&)>& f, bool with_mail = true,
                    std::optional<timestamp> at = std::nullopt) {
    return with_configuration([&](const configuration& cfg) {
      if (auto usable = check_store(cfg.store); !usable)
        return usage_error(usable.error().reason);
      signal_watch signals;
      std::shared_ptr<const clock> time = std::make_shared<const system_clock>();
      auto log = open_log(cfg.log, time);
      if (!log)
        return usage_error(log.error().reason);
      if (at)
        time = std::make_shared<const shifted_clock>(time, *at);
      auto rows = handlers();
      auto env = run_environment{cfg, {rows.begin(), rows.end()}, time, *log, signals, {}, {}, hooks_};
      if (with_mail)
        if (auto ready = add_mail(env); !ready)
          return usage_error(ready.error().reason);
      env.reload = [this] { return load(); };
      return f(env);
    });
  }

  CLI::App app_{"Herald turns domain events into notifications and e-mail.", "herald"};
  const program_hooks& hooks_;
  system_clock clock_;
  common_options common_;
  demo_arguments demo_;
  bool demo_run_ = false;
  emit_arguments emit_;
  dead_arguments dead_;
  migrate_arguments migrate_;
  preview_arguments preview_;
  mail_arguments mail_;
  jobs_arguments jobs_;
  std::string at_;
  std::int64_t event_id_ = 0;
  bool sample_ = false;
  bool schema_ = false;
  bool markdown_ = false;
  std::string shell_;
  std::optional<config_text> built_in_;
  std::function<int()> action_;
};

} // namespace

int run_command_line(int argc, char** argv, const program_hooks& hooks) {
  try {
    return command_line{hooks}.run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "herald: {}\n", printable(e.what()));
    return exit_code::failed;
  }
}

} // namespace herald
