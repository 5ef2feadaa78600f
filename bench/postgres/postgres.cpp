// Herald on PostgreSQL: against COPY of the very same rows, against job queues, with a slow network,
// through Supabase's REST interface, with several processes, with a full inbox; and how soon a notification is there.
//
// Rows are what people get: notifications and queued e-mails. Everybody starts from a copy of the same
// database, contenders take turns, and what is shown is the median of the rounds.
#include "bench/postgres/postgres.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "bench/postgres/delay_proxy.hpp"
#include "bench/postgres/herald.hpp"
#include "bench/postgres/limits.hpp"
#include "bench/postgres/measure.hpp"
#include "bench/postgres/peers.hpp"
#include "bench/postgres/report.hpp"
#include "bench/postgres/world.hpp"
#include "bench/support.hpp"
#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/postgrest_server.hpp"

namespace herald::bench {

namespace {

/// A document event makes about five times the rows of an average one.
constexpr std::size_t documents_share = 5;

constexpr std::chrono::milliseconds slow_round_trip{20};

/// Events that everybody works off before latencies are measured.
constexpr std::size_t warm_up = 1'000;
constexpr double paced_events = 50; // per second

struct settings {
  std::size_t events = 20'000;
  std::size_t rounds = 3;
  bool with_peers = true;
  bool quick = false;
  bool json = false;
  bool throughput = true;
  bool latency = true;
};

settings read_settings(std::span<char*> args) {
  settings out;
  std::optional<std::size_t> events;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view x{args[i]};
    if (x == "--skip-peers")
      out.with_peers = false;
    else if (x == "--quick")
      out.quick = true;
    else if (x == "--json")
      out.json = true;
    else if (x == "--only-throughput")
      out.latency = false;
    else if (x == "--only-latency")
      out.throughput = false;
    else if (x == "--events" && i + 1 < args.size())
      events = std::strtoull(args[++i], nullptr, 10);
    else if (!x.empty() && x.front() >= '0' && x.front() <= '9')
      events = std::strtoull(args[i], nullptr, 10);
    else
      throw std::runtime_error(fmt::format(
          "'{}' is not known: [EVENTS] [--events N] [--skip-peers] [--quick] [--json] [--only-throughput] "
          "[--only-latency]",
          x));
  }
  if (out.quick) {
    out.events = 5'000;
    out.rounds = 1;
  }
  out.events = events.value_or(out.events);
  if (out.events < documents_share * 100)
    throw std::runtime_error("500 events are the least that say anything");
  return out;
}

double load() {
  double out = 0;
  return getloadavg(&out, 1) == 1 ? out : 0;
}

class benchmark {
public:
  benchmark(const settings& cfg, const std::string& program, const std::string& sources,
            const std::string& build)
      : cfg_{cfg}, herald_{program} {
    if (cfg_.with_peers) {
      say("installing the peers");
      peers_.emplace(sources + "/bench/peers", build + "/peers");
      if (peers_->installed())
        peers_->socket_directory = world_.directory();
      else
        say("without peers: " + peers_->reason());
    }
  }

  report run() {
    if (cfg_.throughput && !test::postgrest_server::installed()) {
      say("without Supabase: PostgREST is not installed");
      out_.note("PostgREST is not installed (tests/sdk/install.sh brings it), so Supabase is left out.");
    }
    out_.note(fmt::format(
        "PostgreSQL {}, durable (fsync, synchronous_commit and full_page_writes on), all indexes and "
        "foreign keys of deploy/sql; {} cores; median of {}.",
        client{world_.url("postgres")}.query("SHOW server_version").at(0).at(0),
        sysconf(_SC_NPROCESSORS_ONLN), cfg_.rounds));
    auto load_before = load();
    for (auto what : {workload::mix, workload::documents}) {
      if (cfg_.throughput)
        throughput(what);
    }
    for (auto what : {workload::mix, workload::documents}) {
      if (cfg_.latency)
        latency(what);
    }
    out_.note(fmt::format("Load average {:.1f} before and {:.1f} after.", load_before, load()));
    return std::move(out_);
  }

private:
  static void say(const std::string& text) { fmt::print(stderr, "  {}\n", text); }

  /// Everything about one workload that is counted in rows per second.
  struct stage {
    std::string name;
    std::string original;
    std::size_t events = 0;
    std::string full_inboxes;
    output_rows output;
  };

  void throughput(workload what) {
    stage x;
    x.name = name_of(what);
    x.events = what == workload::documents ? cfg_.events / documents_share : cfg_.events;
    say(fmt::format("{}: preparing {} events", x.name, x.events));
    x.original = world_.prepare(what, x.events);
    count(x);
    if (what == workload::mix && !cfg_.quick) {
      say("mix: preparing a million old notifications");
      x.full_inboxes = world_.with_full_inboxes(x.original);
    }
    for (std::size_t round = 1; round <= cfg_.rounds; ++round) {
      say(fmt::format("{}: round {} of {}", x.name, round, cfg_.rounds));
      copies(x);
      alone(x);
      far_away(x);
      if (test::postgrest_server::installed()) {
        on_supabase(x, "herald on Supabase", std::chrono::milliseconds{0});
        on_supabase(x, "herald on Supabase, 20 ms away", slow_round_trip);
      }
      if (!x.full_inboxes.empty())
        with_old_notifications(x);
      for (std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{4}})
        together(x, n);
      if (what == workload::documents && peers_ && peers_->installed())
        for (auto& name : peers::names())
          peer(x, name);
    }
    world_.drop(x.original);
    if (!x.full_inboxes.empty())
      world_.drop(x.full_inboxes);
  }

  void rates(const stage& x, const std::string& who, double seconds, std::size_t rows) {
    auto events_a_second = static_cast<double>(x.events) / seconds;
    auto rows_a_second = static_cast<double>(rows) / seconds;
    out_.add(x.name, who, "events/s", events_a_second);
    out_.add(x.name, who, "rows/s", rows_a_second);
    say(fmt::format("{}: {}: {:.0f} events/s, {:.0f} rows/s, load {:.1f}", x.name, who, events_a_second,
                    rows_a_second, load()));
  }

  /// How many rows there are now, not counting old ones. Throws when it was not the same work.
  static std::size_t rows_in(const stage& x, client& db, std::size_t old_notifications = 0) {
    auto rows =
        db.number("SELECT (SELECT count(*) FROM notifications) + (SELECT count(*) FROM pending_emails)")
        - static_cast<double>(old_notifications);
    // Which events of a burst become one notification depends on which are claimed together. Uploads never do.
    auto tolerance = x.name == name_of(workload::mix) ? 0.01 : 0.0;
    auto expected = static_cast<double>(x.output.rows);
    if (std::abs(rows - expected) > tolerance * expected)
      throw std::runtime_error(fmt::format("{} rows where {} were expected", rows, expected));
    return static_cast<std::size_t>(rows);
  }

  void count(stage& x) {
    working_copy db{world_, x.original};
    client side{db.url()};
    count_calls(side, db.name());
    herald_.fan_out(db.url());
    auto calls = counted_calls(side);
    x.output = read_output(db.url());
    auto events = static_cast<double>(x.events);
    out_.add(x.name, "herald", "round trips/event", calls.round_trips / events);
    out_.add(x.name, "herald", "statements/event", calls.statements / events);
    out_.add(x.name, "herald", "rows/event", static_cast<double>(x.output.rows) / events);
  }

  void copies(const stage& x) {
    for (std::size_t sessions : {std::size_t{1}, std::size_t{2}}) {
      working_copy db{world_, x.original};
      rates(x, sessions == 1 ? "COPY in one session" : "COPY in two sessions",
            copy_output(db.url(), x.output, sessions), x.output.rows);
    }
  }

  void alone(const stage& x) {
    working_copy db{world_, x.original};
    auto figures = herald_.fan_out(db.url());
    client side{db.url()};
    rates(x, "herald", figures.wall, rows_in(x, side));
    out_.add(x.name, "herald", "MB RSS", figures.rss_mb);
    out_.add(x.name, "herald", "CPU s/s", figures.cpu / figures.wall);
  }

  void far_away(const stage& x) {
    working_copy db{world_, x.original};
    scratch place;
    delay_proxy network{place.file(""), world_.directory(), slow_round_trip / 2};
    auto url = secret{fmt::format("host={} port=5432 dbname={} user=postgres", place.file(""), db.name())};
    auto figures = herald_.fan_out(url);
    client side{db.url()};
    rates(x, "herald, 20 ms away", figures.wall, rows_in(x, side));
  }

  /// Through TLS, the gateway and a real PostgREST, all on this machine.
  void on_supabase(const stage& x, const std::string& who, std::chrono::milliseconds away) {
    working_copy db{world_, x.original};
    scratch place;
    test::test_authority authority;
    test::postgrest_server postgrest{db.url("authenticator")};
    test::supabase_gateway gateway{{.identity = authority.issue({"DNS:localhost"}),
                                    .socket = postgrest.socket(),
                                    .delay = away,
                                    .keep_requests = false}};
    auto figures = herald_.fan_out(supabase_project{gateway.base_url(), test::supabase_gateway::secret_key(),
                                                    authority.write_pem(place.file("ca.pem"))});
    client side{db.url()};
    rates(x, who, figures.wall, rows_in(x, side));
    out_.add(x.name, who, "requests/event",
             static_cast<double>(gateway.forwarded()) / static_cast<double>(x.events));
    out_.add(x.name, who, "CPU s/s", figures.cpu / figures.wall);
  }

  void with_old_notifications(const stage& x) {
    working_copy db{world_, x.full_inboxes};
    auto figures = herald_.fan_out(db.url());
    client side{db.url()};
    rates(x, "herald, a million old notifications", figures.wall, rows_in(x, side, old_notifications));
  }

  void together(const stage& x, std::size_t processes) {
    working_copy db{world_, x.original};
    client side{db.url()};
    auto start = server_time(side);
    auto running = herald_.run(db.url(), processes);
    wait_for_completed(side, x.events);
    auto who = processes == 1 ? std::string{"herald run"} : fmt::format("{} herald run", processes);
    rates(x, who, last_commit(side) - start, rows_in(x, side));
    for (auto& process : running)
      process->stop();
  }

  void peer(const stage& x, const std::string& name) {
    working_copy db{world_, x.original};
    peers_->set_up(name, db.name());
    client side{db.url()};
    auto running = peers_->work(name, db.name(), true);
    auto start = server_time(side);
    wait_for_completed(side, x.events);
    rates(x, name, last_commit(side) - start, rows_in(x, side));
    running->stop();
  }

  void latency(workload what) {
    std::string name{name_of(what)};
    auto events = static_cast<std::size_t>(paced_events * (cfg_.quick ? 5 : 20));
    auto original = world_.prepare(what, warm_up);
    auto add = [&](const std::string& who, client& side) {
      auto x = latencies_of(side, warm_up);
      out_.add(name, who, "p50 ms", x.p50_ms);
      out_.add(name, who, "p99 ms", x.p99_ms);
      say(fmt::format("{}: {}: p50 {:.1f} ms, p99 {:.1f} ms at {} events/s, load {:.1f}", name, who, x.p50_ms,
                      x.p99_ms, paced_events, load()));
    };
    for (std::size_t round = 1; round <= cfg_.rounds; ++round) {
      {
        working_copy db{world_, original};
        client side{db.url()};
        auto running = herald_.run(db.url(), 1);
        wait_for_completed(side, warm_up);
        feed(db.url(), events, paced_events);
        wait_for_completed(side, warm_up + events);
        add("herald", side);
        running.front()->stop();
      }
      if (what == workload::documents && peers_ && peers_->installed())
        for (auto& peer : peers::names()) {
          working_copy db{world_, original};
          peers_->set_up(peer, db.name());
          client side{db.url()};
          auto running = peers_->work(peer, db.name(), false);
          wait_for_completed(side, warm_up);
          peers_->feed(peer, db.name(), events, paced_events);
          wait_for_completed(side, warm_up + events);
          add(peer, side);
          running->stop();
        }
    }
    world_.drop(original);
  }

  settings cfg_;
  herald_program herald_;
  world world_;
  std::optional<peers> peers_;
  report out_;
};

} // namespace

int postgres(std::span<char*> args) {
  auto cfg = read_settings(args);
  if (!test::postgres_server::installed())
    throw std::runtime_error("PostgreSQL is not installed (Debian: postgresql)");
  auto out = benchmark{cfg, HERALD_PROGRAM, HERALD_SOURCE_DIR, HERALD_BUILD_DIR}.run();
  fmt::print("{}\n", cfg.json ? out.json() : out.markdown());
  return 0;
}

} // namespace herald::bench
