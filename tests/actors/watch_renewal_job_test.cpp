// The renewal of calendar watches: the order of its steps, every answer of the provider, and every way to end early.
#define CAF_SUITE watch_renewal_job

#include "actors/jobs/watch_renewal_job.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

using names = std::vector<std::string>;
using verdict = calendar_verdict;

const failure store_down{failure_class::outage, "the database is locked"};

secret secret_of(std::string text) {
  return secret{std::move(text)};
}

struct fixture : actor_fixture {
  gate_script_ptr script = std::make_shared<gate_script>();
  store_gate_actor gate = spawn(scripted_gate, script);
  std::shared_ptr<virtual_clock> time = std::make_shared<virtual_clock>(sched);
  calendar_script_ptr provider = std::make_shared<calendar_script>();
  calendar_gate_actor calendar;
  scripted_watches& store = *script->watches;
  watch_renewal_config cfg;
  job_actor aut;

  fixture() {
    provider->watches = script->watches;
    provider->time = time;
    calendar = spawn(scripted_calendar, provider);
    cfg.renewal.address = "https://example.com/hook";
  }

  void start() {
    aut = spawn(watch_renewal_job, cfg, gate, calendar, time, logger{});
    consume_messages();
  }

  static uuid id_of(std::size_t n) {
    uuid out{};
    out.data[14] = static_cast<std::uint8_t>(n / 256);
    out.data[15] = static_cast<std::uint8_t>(n % 256);
    return out;
  }

  /// A connection whose watch expires in an hour and whose token is good for two.
  due_watch& connect(std::size_t n = 1) {
    due_watch x;
    x.connection_id = id_of(n);
    x.access_token = secret_of("token " + std::to_string(n));
    x.refresh_token = secret_of("refresh " + std::to_string(n));
    x.token_expires_at = time->now() + 2h;
    x.channel_id = "old " + std::to_string(n);
    x.resource_id = "r" + std::to_string(n);
    x.expires_at = time->now() + 1h;
    return store.connections[x.connection_id] = x;
  }

  answer_ptr<job_report> order(duration deadline = 10min, bool dry_run = false) {
    job_order x;
    x.run = {7, 2};
    x.worker = "w1";
    x.as_of = time->now();
    x.deadline = time->now() + deadline;
    x.dry_run = dry_run;
    auto out = request<job_report>(aut, job_order_ptr{std::make_shared<const job_order>(x)});
    consume_messages();
    return out;
  }

  /// One run from beginning to end.
  job_report run() {
    start();
    auto got = order();
    advance(10min);
    CAF_REQUIRE(got->value);
    return *got->value;
  }

  void answer_call() {
    caf::anon_send(calendar, freed_v, std::uint64_t{0});
    consume_messages();
  }

  void cancel() {
    caf::anon_send(aut, cancel_v);
    consume_messages();
  }

  const watch_creation& creation(std::size_t n = 0) const {
    std::vector<const watch_creation*> all;
    for (auto& x : provider->calls)
      if (auto* y = std::get_if<watch_creation>(&x))
        all.push_back(y);
    return *all.at(n);
  }

  std::size_t count(const std::string& title) const {
    return static_cast<std::size_t>(std::ranges::count(store.journal, title));
  }

  std::int64_t gauge(const std::string& name) {
    for (auto& [key, value] : ask<stage_status>(aut, status_v).gauges)
      if (key == name)
        return value;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(watch_renewal_tests, fixture)

// -- one connection -----------------------------------------------------------------------------------------

CAF_TEST(the new channel is planned created and kept before the old one is stopped) {
  connect();
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}}));
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "keep channel", "stop old 1"}));
  auto& watch = store.connections.at(id_of(1));
  CAF_CHECK_EQUAL(watch.channel_id.find("capmatch-" + to_string(id_of(1)) + "-"), 0u);
  CAF_CHECK_EQUAL(watch.channel_id, creation().channel_id);
  CAF_CHECK_EQUAL(watch.resource_id, "resource of primary");
  CAF_CHECK(watch.planned_channels.empty());
  CAF_CHECK(creation().access_token.reveal() == "token 1");
  CAF_CHECK_EQUAL(creation().address, "https://example.com/hook");
  CAF_CHECK(creation().ttl == 7 * 24h);
}

CAF_TEST(a token that is about to expire is refreshed and kept first and used from then on) {
  connect().token_expires_at = time->now() + 5min - 1ms;
  auto got = run();
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}, {"tokens_refreshed", 1}}));
  CAF_CHECK_EQUAL(store.journal,
                  (names{"refresh", "keep token", "plan", "create", "keep channel", "stop old 1"}));
  CAF_CHECK(creation().access_token.reveal() == "fresh token");
  CAF_CHECK(std::get<watch_stop>(provider->calls.back()).access_token.reveal() == "fresh token");
  CAF_CHECK(store.connections.at(id_of(1)).access_token.reveal() == "fresh token");
}

CAF_TEST(every write is fenced by the claim of the run) {
  connect();
  run();
  CAF_REQUIRE_EQUAL(store.fences.size(), 2u);
  for (auto& [run, worker] : store.fences) {
    CAF_CHECK(run == (run_ref{7, 2}));
    CAF_CHECK_EQUAL(worker, "w1");
  }
}

CAF_TEST(a token that the provider does not accept is refreshed once) {
  connect();
  provider->creations = {refusal(verdict::stale_token)};
  auto got = run();
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}, {"tokens_refreshed", 1}}));
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "refresh", "keep token", "plan", "create",
                                        "keep channel", "stop old 1"}));
}

CAF_TEST(a token that is not accepted right after its refresh needs its owner) {
  connect();
  provider->creations = {refusal(verdict::stale_token), refusal(verdict::stale_token)};
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"needs_reconnect", 1}, {"tokens_refreshed", 1}}));
}

CAF_TEST(a grant that is gone is noted with the refused token and is no reason to run again) {
  connect().token_expires_at = time->now();
  auto gone = refusal(verdict::needs_reconnect, "invalid_grant");
  gone.refused_token = "fingerprint";
  provider->refreshes = {gone};
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"needs_reconnect", 1}}));
  CAF_CHECK_EQUAL(store.journal, (names{"refresh", "note trouble"}));
  CAF_CHECK_EQUAL(store.troubles.at(id_of(1)).refused_token, "fingerprint");
  CAF_CHECK_EQUAL(store.troubles.at(id_of(1)).why.reason, "invalid_grant");
}

CAF_TEST(a token that was refused before goes along so that the provider is not asked again) {
  auto& watch = connect();
  watch.token_expires_at.reset();
  watch.refused_token = "fingerprint";
  run();
  CAF_CHECK_EQUAL(std::get<token_refresh>(provider->calls.front()).refused_token, "fingerprint");
}

CAF_TEST(a calendar that cannot be watched is noted and its channel left alone) {
  connect();
  provider->creations = {refusal(verdict::not_watchable)};
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"not_watchable", 1}}));
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "note trouble"}));
}

CAF_TEST(an id that was used before is replaced by another one) {
  connect();
  provider->creations = {refusal(verdict::channel_taken)};
  auto got = run();
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}}));
  CAF_CHECK(creation(0).channel_id != creation(1).channel_id);
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "plan", "create", "keep channel", "stop old 1"}));
}

CAF_TEST(a provider that asks to come later is asked again after a pause under a new id) {
  connect();
  provider->creations = {refusal(verdict::try_later)};
  auto got = run();
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}}));
  auto pause = provider->times.at(1) - provider->times.at(0);
  CAF_CHECK(pause >= 500ms && pause <= 1s);
  // The answer may have been lost after the first channel was made: it is stopped as well.
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "plan", "create", "keep channel", "stop old 1",
                                        "stop " + creation(0).channel_id}));
}

CAF_TEST(a provider that names a pause is given it) {
  connect();
  auto later = refusal(verdict::try_later);
  later.retry_after = 40s;
  provider->creations = {later};
  CAF_CHECK(run().counts == (job_counts{{"renewed", 1}}));
  CAF_CHECK(provider->times.at(1) - provider->times.at(0) == 40s);
}

CAF_TEST(a pause that leads beyond the deadline of the connection is not made) {
  for (auto pause : {duration{121s}, duration::max()}) {
    connect();
    auto later = refusal(verdict::try_later, "throttled");
    later.retry_after = pause;
    provider->creations = {later};
    start();
    auto got = order();
    CAF_REQUIRE(got->value && got->value->why);
    CAF_CHECK(got->value->why->kind == failure_class::transient);
    CAF_CHECK(got->value->counts == (job_counts{{"failed", 1}}));
    CAF_CHECK_EQUAL(store.troubles.at(id_of(1)).why.reason, "throttled");
  }
}

CAF_TEST(a provider that keeps asking to come later is given up and the run tried again) {
  connect();
  provider->creations.assign(9, refusal(verdict::try_later, "throttled"));
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::transient);
  CAF_CHECK(got.why->reason.find("throttled") != std::string::npos);
  CAF_CHECK(got.counts == (job_counts{{"failed", 1}}));
  CAF_CHECK_EQUAL(count("create"), 3u);
  CAF_CHECK_EQUAL(count("stop old 1"), 0u);
}

CAF_TEST(a gate whose worker died counts as an answer that was lost) {
  connect();
  provider->creations = {failure{failure_class::crash, "the client threw"}};
  auto got = run();
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}}));
  CAF_CHECK_EQUAL(count("stop " + creation(0).channel_id), 1u);
}

CAF_TEST(a channel that could not be stopped is counted and the watch is renewed all the same) {
  connect();
  provider->stops = {refusal(verdict::try_later)};
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"renewed", 1}, {"stops_failed", 1}}));
  CAF_CHECK_EQUAL(count("stop old 1"), 1u);
}

CAF_TEST(a connection that changed meanwhile has its new channel stopped and its own left alone) {
  connect();
  provider->decide = [this](const calendar_call& x) -> std::optional<verdict> {
    if (std::holds_alternative<watch_creation>(x))
      store.connections.at(id_of(1)).channel_id = "of another daemon";
    return std::nullopt;
  };
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts == (job_counts{{"lost", 1}}));
  CAF_CHECK_EQUAL(gauge("failed"), 0);
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "keep channel", "stop " + creation().channel_id}));
  CAF_CHECK_EQUAL(store.connections.at(id_of(1)).channel_id, "of another daemon");
}

CAF_TEST(a connection that is gone before its channel was made costs no call) {
  connect();
  start();
  store.forget_on_read = true;
  auto got = order();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->counts == (job_counts{{"lost", 1}}));
  CAF_CHECK(provider->calls.empty());
}

CAF_TEST(the calendar to watch is the primary one of the list) {
  connect().calendar_list = R"([{"id":"a","selected":true},{"id":"b#c","primary":true}])";
  connect(2).calendar_list = R"({"not":"a list"})";
  run();
  CAF_CHECK_EQUAL(creation(0).calendar_id, "b#c");
  CAF_CHECK_EQUAL(creation(1).calendar_id, "primary");
}

CAF_TEST(a second run stops the channel that the first had planned and not kept) {
  connect();
  start();
  provider->hold = true;
  auto first = order();
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create"}));
  auto orphan = creation(0).channel_id;
  cancel();
  CAF_REQUIRE(first->value && first->value->why);
  answer_call(); // too late
  CAF_CHECK_EQUAL(store.connections.at(id_of(1)).planned_channels, names{orphan});
  provider->hold = false;
  store.journal.clear();
  advance(1s);
  auto second = order();
  CAF_REQUIRE(second->value);
  CAF_CHECK(!second->value->why);
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create", "keep channel", "stop old 1", "stop " + orphan}));
  auto& stop = std::get<watch_stop>(provider->calls.back());
  CAF_CHECK_EQUAL(stop.resource_id, "resource of primary");
}

// -- many connections ---------------------------------------------------------------------------------------

CAF_TEST(connections are renewed within the limit and all chunks are read) {
  cfg.max_concurrent = 3;
  cfg.chunk = 4;
  for (std::size_t n = 1; n <= 10; ++n)
    connect(n);
  start();
  provider->hold = true;
  auto got = order();
  CAF_CHECK_EQUAL(provider->held.size(), 3u);
  CAF_CHECK_EQUAL(gauge("under_way"), 3);
  for (int i = 0; i < 20; ++i)
    answer_call();
  CAF_REQUIRE(got->value);
  CAF_CHECK(got->value->counts == (job_counts{{"renewed", 10}}));
  CAF_CHECK_EQUAL(provider->most_held, 3u);
  CAF_CHECK_EQUAL(store.reads.size(), 3u);
  CAF_CHECK(!store.reads[0].after);
  CAF_CHECK(store.reads[1].after == id_of(4));
  CAF_CHECK(store.reads[2].after == id_of(8));
  for (auto& x : store.reads)
    CAF_CHECK_EQUAL(x.limit, 4u);
  CAF_CHECK_EQUAL(gauge("under_way"), 0);
}

CAF_TEST(watches that expire later are left alone) {
  connect().expires_at = time->now() + 24h;
  auto got = run();
  CAF_CHECK(!got.why);
  CAF_CHECK(got.counts.empty());
  CAF_CHECK(store.journal.empty());
}

CAF_TEST(a last chunk that is full is followed by an empty one) {
  cfg.chunk = 2;
  connect(1);
  connect(2);
  CAF_CHECK(run().counts == (job_counts{{"renewed", 2}}));
  CAF_CHECK_EQUAL(store.reads.size(), 2u);
}

CAF_TEST(one connection that fails does not stop the others) {
  cfg.max_concurrent = 1;
  for (std::size_t n = 1; n <= 3; ++n)
    connect(n);
  provider->creations.assign(3, refusal(verdict::try_later, "throttled"));
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::transient);
  CAF_CHECK(got.counts == (job_counts{{"failed", 1}, {"renewed", 2}}));
}

CAF_TEST(a provider that refuses the application itself ends the run for good) {
  cfg.max_concurrent = 2;
  for (std::size_t n = 1; n <= 20; ++n)
    connect(n);
  provider->decide = [](const calendar_call&) { return std::optional{verdict::misconfigured}; };
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::permanent);
  // Those that were under way when the fifth was refused included.
  CAF_CHECK(got.counts == (job_counts{{"misconfigured", 6}}));
}

CAF_TEST(that the application is refused outranks what failed before) {
  cfg.max_concurrent = 1;
  for (std::size_t n = 1; n <= 8; ++n)
    connect(n);
  provider->creations.assign(3, refusal(verdict::try_later, "throttled"));
  provider->creations.insert(provider->creations.end(), 5, refusal(verdict::misconfigured, "no such client"));
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::permanent);
  CAF_CHECK_EQUAL(got.why->reason, "no such client");
  CAF_CHECK(got.counts == (job_counts{{"failed", 1}, {"misconfigured", 5}}));
}

CAF_TEST(one connection that is refused for our fault stops nobody else) {
  cfg.max_concurrent = 1;
  for (std::size_t n = 1; n <= 12; ++n)
    connect(n);
  // Every other one.
  auto refused = false;
  provider->decide = [&](const calendar_call& x) {
    if (std::holds_alternative<watch_creation>(x))
      refused = !refused;
    return std::holds_alternative<watch_creation>(x) && refused ? std::optional{verdict::misconfigured}
                                                                : std::nullopt;
  };
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::permanent);
  CAF_CHECK(got.counts.at("renewed") == 6 && got.counts.at("misconfigured") == 6);
}

CAF_TEST(a store that fails to keep something stops the run with its own reason) {
  cfg.max_concurrent = 1;
  for (std::size_t n = 1; n <= 5; ++n)
    connect(n);
  store.record_failures = {store_down};
  auto got = run();
  CAF_REQUIRE(got.why);
  CAF_CHECK(got.why->kind == failure_class::outage);
  CAF_CHECK_EQUAL(got.why->reason, "the database is locked");
  CAF_CHECK(got.counts == (job_counts{{"failed", 1}}));
  CAF_CHECK(provider->calls.empty());
}

CAF_TEST(a store that is down outranks a connection that failed) {
  cfg.max_concurrent = 1;
  cfg.chunk = 1;
  connect(1);
  connect(2);
  provider->creations.assign(3, refusal(verdict::try_later, "throttled"));
  start();
  auto got = order();
  store.read_failures = {store_down};
  advance(10min);
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->kind == failure_class::outage);
}

CAF_TEST(a store that fails after the channel was made stops no channel at all) {
  connect();
  start();
  provider->hold = true;
  auto got = order();
  store.record_failures = {store_down};
  provider->hold = false;
  answer_call();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK_EQUAL(store.journal, (names{"plan", "create"}));
  CAF_CHECK(!store.connections.at(id_of(1)).planned_channels.empty());
}

CAF_TEST(a store that cannot be read ends the run and others under way end by themselves) {
  start();
  store.read_failures = {store_down};
  auto got = order();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->kind == failure_class::outage);
  // The next run is not touched by it.
  connect();
  CAF_CHECK(order()->value->counts == (job_counts{{"renewed", 1}}));
}

CAF_TEST(of five hundred connections that fail in every way each is counted once) {
  cfg.max_concurrent = 8;
  cfg.chunk = 64;
  std::map<std::string, verdict> fate;
  const std::vector bad{verdict::try_later, verdict::stale_token, verdict::needs_reconnect,
                        verdict::not_watchable, verdict::channel_taken};
  for (std::size_t n = 0; n < 500; ++n) {
    connect(n);
    auto kind = n % 10;
    fate["token " + std::to_string(n)] = kind < bad.size() ? bad[kind] : verdict::done;
    // A refresh does not help those either.
    fate["refresh " + std::to_string(n)] = kind < bad.size() ? bad[kind] : verdict::done;
  }
  provider->decide = [this, &fate](const calendar_call& x) -> std::optional<verdict> {
    if (auto* creation = std::get_if<watch_creation>(&x)) {
      auto token = std::string{creation->access_token.reveal()};
      if (token.ends_with('9'))
        store.connections.at(id_of(std::stoul(token.substr(6)))).channel_id = "of another daemon";
      return fate.at(token);
    }
    if (auto* refresh = std::get_if<token_refresh>(&x))
      return fate.at(std::string{refresh->refresh_token.reveal()});
    return verdict::done;
  };
  start();
  auto got = order(10h);
  advance(10h);
  CAF_REQUIRE(got->value);
  auto counts = got->value->counts;
  CAF_CHECK_EQUAL(counts["failed"], 100u); // try_later and channel_taken
  CAF_CHECK_EQUAL(counts["needs_reconnect"], 100u);
  CAF_CHECK_EQUAL(counts["not_watchable"], 50u);
  CAF_CHECK_EQUAL(counts["lost"], 50u);
  CAF_CHECK_EQUAL(counts["renewed"], 200u);
  CAF_CHECK_EQUAL(counts["stops_failed"], 0u);
}

// -- ending early -------------------------------------------------------------------------------------------

CAF_TEST(a cancelled run answers at once and what was under way goes no further) {
  cfg.max_concurrent = 2;
  for (std::size_t n = 1; n <= 5; ++n)
    connect(n);
  start();
  provider->hold = true;
  auto got = order();
  cancel();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->kind == failure_class::transient);
  auto calls = provider->calls.size();
  answer_call();
  answer_call();
  advance(10min);
  CAF_CHECK_EQUAL(provider->calls.size(), calls);
  CAF_CHECK_EQUAL(count("keep channel"), 0u);
  CAF_CHECK_EQUAL(got->count, 1);
}

CAF_TEST(a pause of a cancelled run wakes nothing) {
  connect();
  provider->creations = {refusal(verdict::try_later)};
  start();
  order();
  cancel();
  advance(10min);
  CAF_CHECK_EQUAL(count("create"), 1u);
}

CAF_TEST(a cancel with nothing under way does nothing) {
  connect();
  start();
  cancel();
  CAF_CHECK(!order()->value->why);
}

CAF_TEST(a new order replaces the one under way) {
  connect();
  start();
  provider->hold = true;
  auto first = order();
  auto second = order();
  CAF_REQUIRE(first->value && first->value->why);
  CAF_CHECK(second->pending());
  for (int i = 0; i < 4; ++i)
    answer_call();
  CAF_REQUIRE(second->value);
  CAF_CHECK(!second->value->why);
  CAF_CHECK(second->value->counts.at("renewed") == 1);
  CAF_CHECK_EQUAL(first->count, 1);
}

CAF_TEST(no renewal begins after the deadline of the run and those under way end) {
  cfg.max_concurrent = 1;
  for (std::size_t n = 1; n <= 3; ++n)
    connect(n);
  start();
  provider->hold = true;
  auto got = order(10s);
  advance(10s);
  answer_call();
  answer_call();
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->reason.find("deadline") != std::string::npos);
  CAF_CHECK(got->value->counts == (job_counts{{"renewed", 1}}));
}

CAF_TEST(a dry run counts what is due and calls nobody) {
  cfg.chunk = 2;
  for (std::size_t n = 1; n <= 5; ++n)
    connect(n);
  start();
  auto got = order(10min, true);
  CAF_REQUIRE(got->value);
  CAF_CHECK(!got->value->why);
  CAF_CHECK(got->value->counts == (job_counts{{"would_renew", 5}}));
  CAF_CHECK(provider->calls.empty());
  CAF_CHECK(store.updates.empty());
}

CAF_TEST(a dry run ends at its deadline as well) {
  cfg.chunk = 1;
  connect(1);
  connect(2);
  start();
  auto got = order(0ms, true);
  CAF_REQUIRE(got->value && got->value->why);
  CAF_CHECK(got->value->why->reason.find("deadline") != std::string::npos);
  CAF_CHECK_EQUAL(store.reads.size(), 1u);
}

// -- status and settings ------------------------------------------------------------------------------------

CAF_TEST(the status tells runs and connections and how the watches stand) {
  cfg.max_concurrent = 1;
  connect(1);
  connect(2);
  provider->creations = {refusal(verdict::not_watchable)};
  run();
  CAF_CHECK_EQUAL(gauge("runs"), 1);
  CAF_CHECK_EQUAL(gauge("renewed"), 1);
  CAF_CHECK_EQUAL(gauge("failed"), 1);
  CAF_CHECK_EQUAL(gauge("watched"), 2);
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  using edit = void (*)(watch_renewal_config&);
  std::vector<std::pair<std::string, edit>> cases{
      {"within", [](auto& x) { x.within = 0ms; }},
      {"max_concurrent", [](auto& x) { x.max_concurrent = 0; }},
      {"max_concurrent", [](auto& x) { x.max_concurrent = 65; }},
      {"chunk", [](auto& x) { x.chunk = 0; }},
      {"chunk", [](auto& x) { x.chunk = 1'001; }},
      {"max_tries", [](auto& x) { x.renewal.max_tries = 0; }},
      {"backoff_max", [](auto& x) { x.renewal.backoff_max = 1ms; }},
      {"deadline", [](auto& x) { x.renewal.deadline = 0ms; }},
  };
  CAF_CHECK(validate(cfg) == caf::none);
  for (auto& [field, spoil] : cases) {
    auto x = cfg;
    spoil(x);
    CAF_CHECK(to_string(validate(x)).find(field) != std::string::npos);
  }
  cfg.chunk = 0;
  start();
  CAF_CHECK(order()->error == caf::sec::request_receiver_down);
}

CAF_TEST_FIXTURE_SCOPE_END()
