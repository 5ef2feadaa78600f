// When the supervisor restarts a child, when it gives up, and which options it refuses.
#define CAF_SUITE restart
#include <cmath>
#include <limits>

#include "actors/supervisor.hpp"
#include "tests/support/supervised.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

/// Adds a nested supervisor of one leaf.
class restart_fixture : public supervision_fixture {
public:
  child_spec nested(const std::string& name, supervisor_options options, std::vector<child_spec> children) {
    child_spec result;
    result.name = name;
    result.start = [name, options, children, hooks = hooks()](caf::event_based_actor* parent,
                                                              const sibling_fn&) {
      return parent->spawn(supervisor, name, options, children, hooks);
    };
    return result;
  }

  /// The delays announced so far, in order.
  std::vector<duration> delays() const {
    std::vector<duration> result;
    for (auto& x : book->records)
      if (x.what == "restarting")
        result.push_back(x.delay);
    return result;
  }

  /// The delays of ten crashes in a row.
  std::vector<duration> delays_with(supervisor_options options) {
    book->records.clear();
    auto sup = supervise(options, {child("a")});
    for (int i = 0; i < 10; ++i) {
      crash("a");
      advance(options.backoff_max);
    }
    stop(sup);
    return delays();
  }

  std::string text_of(const caf::error& x) { return act::text_of(x, sys); }
};

supervisor_options budget(std::uint32_t max_restarts, duration window) {
  auto result = exact_options();
  result.max_restarts = max_restarts;
  result.window = window;
  return result;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(restart_tests, restart_fixture)

// -- back-off -----------------------------------------------------------------------------------------------

CAF_TEST(the back off doubles with every crash in a row up to its maximum) {
  auto options = exact_options();
  options.backoff_min = 10ms;
  options.backoff_max = 40ms;
  options.stable_after = 1s;
  supervise(options, {child("a")});
  for (auto wait : {10ms, 20ms, 40ms, 40ms}) {
    auto before = book->starts("a");
    crash("a");
    advance(wait - 1ms);
    CAF_CHECK_EQUAL(book->starts("a"), before);
    advance(1ms);
    CAF_CHECK_EQUAL(book->starts("a"), before + 1);
  }
}

CAF_TEST(a child that ran long enough backs off as if for the first time) {
  auto options = exact_options();
  options.stable_after = 10s;
  supervise(options, {child("a")});
  crash("a");
  advance(100ms + 9'999ms);
  crash("a");
  advance(200ms + 10s);
  crash("a");
  CAF_CHECK(delays() == std::vector<duration>({100ms, 200ms, 100ms}));
}

CAF_TEST(the back off lies within its jitter) {
  auto options = exact_options();
  options.jitter = 0.5;
  auto expected = options.backoff_min;
  auto spread = false;
  for (auto x : delays_with(options)) {
    CAF_CHECK(x <= expected);
    CAF_CHECK(x >= expected / 2);
    spread = spread || x < expected - expected / 10;
    expected = std::min(expected * 2, options.backoff_max);
  }
  CAF_CHECK(spread);
}

CAF_TEST(the same seed gives the same delays and another seed gives others) {
  auto options = exact_options();
  options.jitter = 0.2;
  options.seed = 42;
  auto first = delays_with(options);
  CAF_CHECK_EQUAL(first.size(), 10u);
  CAF_CHECK(first == delays_with(options));
  options.seed = 43;
  CAF_CHECK(first != delays_with(options));
}

CAF_TEST(a back off that was overtaken by a restart starts nothing) {
  auto options = exact_options(restart_strategy::rest_for_one);
  options.backoff_min = 400ms;
  supervise(options, {child("a"), child("b")});
  crash("b");
  advance(400ms);
  crash("b"); // due in 800 ms
  advance(10ms);
  crash("a"); // a and b are due in 400 ms
  advance(400ms);
  CAF_REQUIRE_EQUAL(book->started, names({"a", "b", "b", "a", "b"}));
  crash("b"); // due in 1600 ms, long after the first timer
  advance(1'599ms);
  CAF_CHECK_EQUAL(book->starts("b"), 3u);
  advance(1ms);
  CAF_CHECK_EQUAL(book->starts("b"), 4u);
}

// -- start functions ----------------------------------------------------------------------------------------

CAF_TEST(a start function that throws counts as a crash until it works) {
  auto attempts = std::make_shared<int>(0);
  auto shy = child("shy");
  shy.start = [attempts, inner = shy.start](caf::event_based_actor* parent, const sibling_fn& sibling) {
    if (++*attempts < 3)
      throw std::runtime_error("not yet");
    return inner(parent, sibling);
  };
  auto sup = supervise(exact_options(), {shy});
  CAF_CHECK_EQUAL(*attempts, 1);
  auto report = status(sup);
  CAF_CHECK_EQUAL(report.children.at(0).last_reason, "did not start: not yet");
  advance(100ms);
  CAF_CHECK_EQUAL(*attempts, 2);
  advance(200ms);
  CAF_CHECK_EQUAL(states(sup), names({"running"}));
  CAF_CHECK_EQUAL(records_of("shy"), names({"crashed", "restarting", "crashed", "restarting", "started"}));
}

CAF_TEST(a child that does not start again backs off longer however long it ran before) {
  auto options = exact_options();
  options.stable_after = 1s;
  auto lives = std::make_shared<int>(0);
  auto fragile = child("fragile");
  fragile.start = [lives, inner = fragile.start](caf::event_based_actor* parent, const sibling_fn& sibling) {
    if (++*lives > 1)
      throw std::runtime_error("port taken");
    return inner(parent, sibling);
  };
  supervise(options, {fragile});
  advance(10s);
  crash("fragile");
  advance(100ms + 200ms);
  CAF_CHECK(delays() == std::vector<duration>({100ms, 200ms, 400ms}));
}

CAF_TEST(a start function that throws something odd or returns nothing counts as a crash) {
  auto odd = child("odd");
  odd.start = [](caf::event_based_actor*, const sibling_fn&) -> caf::actor { throw 7; };
  auto empty = child("empty");
  empty.start = [](caf::event_based_actor*, const sibling_fn&) { return caf::actor{}; };
  auto sup = supervise(exact_options(), {odd, empty});
  auto report = status(sup);
  CAF_CHECK_EQUAL(states(sup), names({"backing_off", "backing_off"}));
  CAF_CHECK_EQUAL(report.children.at(0).last_reason, "did not start: an exception of an unknown type");
  CAF_CHECK_EQUAL(report.children.at(1).last_reason, "did not start: the start function returned no actor");
}

CAF_TEST(a child that never starts ends in giving up) {
  auto broken = child("broken");
  broken.start = [](caf::event_based_actor*, const sibling_fn&) -> caf::actor {
    throw std::runtime_error("no disk");
  };
  auto sup = supervise(budget(2, 1min), {child("a"), broken});
  auto end = watch(sup);
  advance(1min);
  CAF_REQUIRE(end->has_value());
  CAF_CHECK_EQUAL(text_of(**end), "root: gave up on child broken: 3 crashes within 60000 ms, 2 allowed; the "
                                  "last one: did not start: no disk");
  CAF_CHECK_EQUAL(book->ended, names({"a"}));
}

CAF_TEST(a child that dies while it starts is restarted) {
  auto stillborn = child("stillborn");
  stillborn.start = [inner = stillborn.start](caf::event_based_actor* parent, const sibling_fn& sibling) {
    auto result = inner(parent, sibling);
    caf::anon_send_exit(result, caf::exit_reason::kill);
    return result;
  };
  auto sup = supervise(exact_options(), {stillborn});
  CAF_CHECK_EQUAL(states(sup), names({"backing_off"}));
  advance(100ms);
  CAF_CHECK_EQUAL(book->starts("stillborn"), 2u);
}

// -- giving up ----------------------------------------------------------------------------------------------

CAF_TEST(one crash more than allowed within the window stops everything and names the culprit) {
  auto sup = supervise(budget(2, 10s), {child("a"), child("b"), child("c")});
  auto end = watch(sup);
  crash("b");
  advance(1s);
  crash("b");
  advance(1s);
  CAF_CHECK(!end->has_value());
  crash("b");
  CAF_REQUIRE(end->has_value());
  CAF_CHECK((*end)->category() == caf::atom("sup"));
  CAF_CHECK_EQUAL(text_of(**end),
                  "root: gave up on child b: 3 crashes within 10000 ms, 2 allowed; the last one: exploded");
  CAF_CHECK_EQUAL(book->ended, names({"b", "b", "b", "c", "a"}));
  CAF_CHECK_EQUAL(book->starts("b"), 3u);
  CAF_CHECK_EQUAL(book->records.at(book->records.size() - 3).what, "escalated");
}

CAF_TEST(the budget is shared by all children of a supervisor) {
  auto sup = supervise(budget(2, 10s), {child("a"), child("b"), child("c")});
  auto end = watch(sup);
  crash("a");
  crash("b");
  CAF_CHECK(!end->has_value());
  crash("c");
  CAF_CHECK(end->has_value());
}

CAF_TEST(the window slides so that spread crashes are forgiven) {
  auto options = budget(2, 10s);
  options.stable_after = 1s;
  auto sup = supervise(options, {child("a")});
  auto end = watch(sup);
  for (int i = 0; i < 20; ++i) {
    crash("a");
    advance(5'001ms);
  }
  CAF_CHECK(!end->has_value());
  CAF_CHECK_EQUAL(book->starts("a"), 21u);
  crash("a");
  advance(4'999ms);
  crash("a");
  CAF_CHECK(end->has_value());
}

CAF_TEST(no restarts allowed means the first crash is one too many) {
  auto sup = supervise(budget(0, 10s), {child("a")});
  auto end = watch(sup);
  crash("a");
  CAF_CHECK(end->has_value());
  CAF_CHECK_EQUAL(book->starts("a"), 1u);
}

CAF_TEST(a nested supervisor that gives up is built anew by its parent) {
  auto sup =
      supervise(exact_options(), {child("a"), nested("sub", budget(0, 10s), {child("b"), child("c")})});
  CAF_REQUIRE_EQUAL(book->started, names({"a", "b", "c"}));
  crash("b");
  CAF_CHECK_EQUAL(book->ended, names({"b", "c"}));
  CAF_CHECK_EQUAL(states(sup), names({"running", "backing_off"}));
  advance(100ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "b", "c"}));
  auto report = status(sup);
  CAF_CHECK_EQUAL(report.children.at(1).restarts, 1u);
  CAF_CHECK_EQUAL(report.children.at(1).last_reason,
                  "sub: gave up on child b: 1 crashes within 10000 ms, 0 allowed; the last one: exploded");
}

CAF_TEST(giving up climbs from level to level) {
  auto strict = budget(0, 10s);
  auto inner = nested("inner", strict, {child("leaf")});
  auto sup = supervise(strict, {child("a"), nested("outer", strict, {inner})});
  auto end = watch(sup);
  crash("leaf");
  CAF_REQUIRE(end->has_value());
  CAF_CHECK_EQUAL(text_of(**end).find("root: gave up on child outer"), 0u);
  CAF_CHECK(text_of(**end).find("exploded") != std::string::npos);
  CAF_CHECK_EQUAL(book->ended, names({"leaf", "a"}));
}

CAF_TEST(stopping reaches the children of nested supervisors in order) {
  auto sup = supervise(exact_options(),
                       {child("a"), nested("sub", exact_options(), {child("b"), child("c")}), child("d")});
  auto end = watch(sup);
  stop(sup);
  CAF_CHECK_EQUAL(book->ended, names({"d", "c", "b", "a"}));
  CAF_CHECK(end->has_value());
}

// -- refused settings ---------------------------------------------------------------------------------------

CAF_TEST(options that make no sense are refused by name) {
  using edit = void (*)(supervisor_options&);
  std::vector<std::pair<std::string, edit>> cases{
      {"window", [](supervisor_options& x) { x.window = 0ms; }},
      {"backoff_min", [](supervisor_options& x) { x.backoff_min = 0ms; }},
      {"backoff_max", [](supervisor_options& x) { x.backoff_max = x.backoff_min - 1ms; }},
      {"backoff_max", [](supervisor_options& x) { x.backoff_max = 25h; }},
      {"jitter", [](supervisor_options& x) { x.jitter = 1.01; }},
      {"jitter", [](supervisor_options& x) { x.jitter = -0.01; }},
      {"jitter", [](supervisor_options& x) { x.jitter = std::numeric_limits<double>::quiet_NaN(); }},
      {"stable_after", [](supervisor_options& x) { x.stable_after = -1ms; }},
      {"max_history", [](supervisor_options& x) { x.max_history = 0; }},
  };
  CAF_CHECK(!validate(supervisor_options{}));
  for (auto& [field, spoil] : cases) {
    supervisor_options x;
    spoil(x);
    auto error = validate(x);
    CAF_REQUIRE(error);
    CAF_CHECK_EQUAL(text_of(error).find("supervisor: " + field + " "), 0u);
  }
}

CAF_TEST(a supervisor with bad settings starts nothing and quits) {
  auto nameless = child("");
  auto inert = child("inert");
  inert.start = nullptr;
  auto hasty = child("hasty");
  hasty.shutdown_timeout = -1ms;
  supervisor_options bad;
  bad.jitter = 7;
  std::vector<caf::actor> refused{
      spawn(supervisor, std::string{"s"}, bad, std::vector{child("a")}, hooks()),
      spawn(supervisor, std::string{"s"}, exact_options(), std::vector{child("a"), child("a")}, hooks()),
      spawn(supervisor, std::string{"s"}, exact_options(), std::vector{nameless}, hooks()),
      spawn(supervisor, std::string{"s"}, exact_options(), std::vector{inert}, hooks()),
      spawn(supervisor, std::string{"s"}, exact_options(), std::vector{hasty}, hooks()),
      spawn(supervisor, std::string{"s"}, exact_options(), std::vector{child("a")}, supervisor_hooks{}),
  };
  consume_messages();
  for (auto& x : refused) {
    auto end = watch(x); // a functor attached to a dead actor runs at once
    CAF_REQUIRE(end->has_value());
    CAF_CHECK(**end == caf::sec::invalid_argument);
  }
  CAF_CHECK(book->started.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
