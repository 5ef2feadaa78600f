// Start and stop order, strategies and policies of the supervisor, what it tells fronts, and what it reports.
#define CAF_SUITE supervisor
#include "actors/supervisor.hpp"
#include "tests/support/supervised.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

namespace {

/// A front that notes what it is told.
caf::behavior note_taker(caf::event_based_actor*, std::shared_ptr<names> notes) {
  return {
      [notes](child_up_atom, const caf::actor&) { notes->push_back("up"); },
      [notes](child_down_atom, const caf::error&) { notes->push_back("down"); },
      [notes](child_gone_atom, const caf::error&) { notes->push_back("gone"); },
  };
}

child_spec with(child_spec x, restart_policy policy) {
  x.restart = policy;
  return x;
}

child_spec with(child_spec x, duration shutdown_timeout) {
  x.shutdown_timeout = shutdown_timeout;
  return x;
}

child_spec with(child_spec x, caf::actor front) {
  x.front = std::move(front);
  return x;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(supervisor_tests, supervision_fixture)

// -- strategies ---------------------------------------------------------------------------------------------

CAF_TEST(one for one restarts nothing but the child that crashed) {
  supervise(exact_options(), {child("a"), child("b"), child("c")});
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c"}));
  crash("b");
  advance(100ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "b"}));
  CAF_CHECK_EQUAL(book->ended, names({"b"}));
}

CAF_TEST(rest for one stops the later siblings last first and starts them again in order) {
  supervise(exact_options(restart_strategy::rest_for_one), {child("a"), child("b"), child("c"), child("d")});
  crash("b");
  CAF_CHECK_EQUAL(book->ended, names({"b", "d", "c"}));
  advance(99ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "d"}));
  advance(1ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "d", "b", "c", "d"}));
}

CAF_TEST(one for all starts every child again in order after one back off) {
  supervise(exact_options(restart_strategy::one_for_all), {child("a"), child("b"), child("c")});
  crash("b");
  CAF_CHECK_EQUAL(book->ended, names({"b", "c", "a"}));
  advance(99ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c"}));
  advance(1ms);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "a", "b", "c"}));
}

CAF_TEST(siblings that go down wait for each other even when one has to be killed) {
  auto deaf = with(child("c", true), 1s);
  auto sup = supervise(exact_options(restart_strategy::rest_for_one), {child("a"), child("b"), deaf});
  crash("a");
  CAF_CHECK_EQUAL(book->ended, names({"a"}));
  CAF_CHECK_EQUAL(states(sup), names({"backing_off", "stopping", "stopping"}));
  advance(999ms);
  CAF_CHECK_EQUAL(book->ended, names({"a"}));
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c"}));
  advance(1ms);
  CAF_CHECK_EQUAL(book->ended, names({"a", "c", "b"}));
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "a", "b", "c"}));
}

CAF_TEST(a sibling that crashes while it waits to be stopped spends no budget) {
  auto options = exact_options(restart_strategy::rest_for_one);
  options.max_restarts = 1;
  auto deaf = with(child("c", true), 50ms);
  auto sup = supervise(options, {child("a"), child("b"), deaf});
  crash("a");
  crash("b");
  advance(100ms);
  CAF_CHECK_EQUAL(states(sup), names({"running", "running", "running"}));
  CAF_CHECK_EQUAL(status(sup).restarts_in_window, 1u);
}

// -- policies -----------------------------------------------------------------------------------------------

CAF_TEST(a permanent child is started again however it ended) {
  supervise(exact_options(), {child("a")});
  end_normally("a");
  advance(100ms);
  stop(book->latest["a"]);
  advance(200ms);
  CAF_CHECK_EQUAL(book->starts("a"), 3u);
}

CAF_TEST(a transient child is started again only after a crash) {
  auto sup = supervise(exact_options(), {with(child("a"), restart_policy::transient),
                                         with(child("b"), restart_policy::transient)});
  crash("a");
  advance(100ms);
  CAF_CHECK_EQUAL(book->starts("a"), 2u);
  end_normally("a");
  stop(book->latest["b"]);
  advance(1h);
  CAF_CHECK_EQUAL(book->starts("a"), 2u);
  CAF_CHECK_EQUAL(book->starts("b"), 1u);
  CAF_CHECK_EQUAL(states(sup), names({"stopped", "stopped"}));
}

CAF_TEST(a temporary child is never started again) {
  auto options = exact_options(restart_strategy::one_for_all);
  auto temporary = restart_policy::temporary;
  auto sup = supervise(options, {child("a"), with(child("b"), temporary), with(child("c"), temporary)});
  crash("c");
  advance(1h);
  CAF_CHECK_EQUAL(book->ended, names({"c"}));
  crash("a");
  advance(1h);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c", "a"}));
  CAF_CHECK_EQUAL(states(sup), names({"running", "stopped", "stopped"}));
}

// -- stopping -----------------------------------------------------------------------------------------------

CAF_TEST(children stop one after the other in reverse order and the given reason is kept) {
  auto deaf = with(child("b", true), 2s);
  auto sup = supervise(exact_options(), {child("a"), deaf, child("c")});
  auto end = watch(sup);
  stop(sup, caf::exit_reason::out_of_workers);
  CAF_CHECK_EQUAL(book->ended, names({"c"}));
  advance(1'999ms);
  CAF_CHECK_EQUAL(book->ended, names({"c"}));
  CAF_CHECK(!end->has_value());
  advance(1ms);
  CAF_CHECK_EQUAL(book->ended, names({"c", "b", "a"}));
  CAF_REQUIRE(end->has_value());
  CAF_CHECK(**end == caf::exit_reason::out_of_workers);
  CAF_CHECK_EQUAL(records_of("b"), names({"started", "killed", "stopped"}));
}

CAF_TEST(nothing is restarted once the supervisor is stopping) {
  auto deaf = with(child("c", true), 2s);
  auto sup = supervise(exact_options(), {child("a"), child("b"), deaf});
  auto end = watch(sup);
  crash("a");
  stop(sup);
  crash("b");
  advance(1h);
  CAF_CHECK_EQUAL(book->started, names({"a", "b", "c"}));
  CAF_CHECK(end->has_value());
}

CAF_TEST(a supervisor without children stops at once) {
  auto sup = supervise(exact_options(), {});
  auto end = watch(sup);
  stop(sup);
  CAF_CHECK(end->has_value());
}

CAF_TEST(stopping waits for a sibling that is on its way out already) {
  auto deaf = with(child("b", true), 1s);
  auto sup = supervise(exact_options(restart_strategy::rest_for_one), {child("a"), deaf});
  auto end = watch(sup);
  crash("a");
  stop(sup);
  advance(999ms);
  CAF_CHECK(!end->has_value());
  advance(1ms);
  CAF_CHECK(end->has_value());
  CAF_CHECK_EQUAL(records_of("b"), names({"started", "killed", "stopped"}));
}

CAF_TEST(the shutdown timeout of an earlier life does not kill the present one) {
  auto lives = std::make_shared<int>(0);
  auto obeys_once = with(child("b"), 1s);
  obeys_once.start = [lives, first = child("b").start, later = child("b", true).start](
                         caf::event_based_actor* parent, const sibling_fn& sibling) {
    return ++*lives == 1 ? first(parent, sibling) : later(parent, sibling);
  };
  supervise(exact_options(restart_strategy::rest_for_one), {child("a"), obeys_once});
  crash("a"); // the first life has until 1000 ms, and obeys
  advance(900ms);
  crash("a"); // the second has until 1900 ms
  advance(999ms);
  CAF_CHECK_EQUAL(book->ended, names({"a", "b", "a"}));
  advance(1ms);
  CAF_CHECK_EQUAL(book->ended, names({"a", "b", "a", "b"}));
}

CAF_TEST(a child that stopped in time is not said to have been killed) {
  auto options = exact_options(restart_strategy::rest_for_one);
  options.backoff_min = 5s;
  supervise(options, {child("a"), with(child("b"), 1s)});
  crash("a");
  advance(5s);
  CAF_CHECK_EQUAL(records_of("b"), names({"started", "stopped", "started"}));
}

CAF_TEST(killing a supervisor kills everything below it) {
  auto below = [this](caf::event_based_actor* parent, const sibling_fn&) {
    return parent->spawn(supervisor, std::string{"below"}, exact_options(),
                         std::vector<child_spec>{child("leaf", true)}, hooks());
  };
  child_spec nested;
  nested.name = "below";
  nested.start = below;
  auto sup = supervise(exact_options(), {child("a", true), nested});
  caf::anon_send_exit(sup, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK_EQUAL(book->started, names({"a", "leaf"}));
  CAF_CHECK_EQUAL(book->ended.size(), 2u);
}

// -- fronts and siblings ------------------------------------------------------------------------------------

CAF_TEST(a front hears when its child comes and goes and when it is gone for good) {
  auto notes = std::make_shared<names>();
  auto front = spawn(note_taker, notes);
  supervise(exact_options(), {with(with(child("a"), restart_policy::transient), front)});
  CAF_CHECK_EQUAL(*notes, names({"up"}));
  crash("a");
  CAF_CHECK_EQUAL(*notes, names({"up", "down"}));
  advance(100ms);
  CAF_CHECK_EQUAL(*notes, names({"up", "down", "up"}));
  end_normally("a");
  CAF_CHECK_EQUAL(*notes, names({"up", "down", "up", "down", "gone"}));
}

CAF_TEST(a sibling is known by its front or else by itself) {
  auto front = spawn(note_taker, std::make_shared<names>());
  auto seen = std::make_shared<std::vector<caf::actor>>();
  auto curious = child("curious");
  curious.start = [seen, inner = curious.start](caf::event_based_actor* parent, const sibling_fn& sibling) {
    seen->assign({sibling("fronted"), sibling("bare")});
    return inner(parent, sibling);
  };
  supervise(exact_options(), {with(child("fronted"), front), child("bare"), curious});
  CAF_REQUIRE_EQUAL(seen->size(), 2u);
  CAF_CHECK_EQUAL(seen->at(0), front);
  CAF_CHECK_EQUAL(seen->at(1), book->latest["bare"]);
}

CAF_TEST(asking for a sibling that does not exist is a crash with a reason) {
  auto lost = child("lost");
  lost.start = [](caf::event_based_actor*, const sibling_fn& sibling) { return sibling("nobody"); };
  auto sup = supervise(exact_options(), {lost});
  auto report = status(sup);
  CAF_CHECK_EQUAL(report.children.at(0).state, "backing_off");
  CAF_CHECK_EQUAL(report.children.at(0).last_reason, "did not start: there is no sibling named nobody");
}

CAF_TEST(where is answers the running child itself) {
  auto front = spawn(note_taker, std::make_shared<names>());
  auto sup = supervise(exact_options(), {with(child("a"), front)});
  CAF_CHECK_EQUAL(ask<caf::actor>(sup, where_is_v, std::string{"a"}), book->latest["a"]);
  crash("a");
  auto down = request<caf::actor>(sup, where_is_v, std::string{"a"});
  auto unknown = request<caf::actor>(sup, where_is_v, std::string{"x"});
  consume_messages();
  CAF_CHECK(down->error == caf::sec::invalid_argument);
  CAF_CHECK(unknown->error == caf::sec::invalid_argument);
}

// -- report -------------------------------------------------------------------------------------------------

CAF_TEST(the report tells states restarts reasons and the budget) {
  auto options = exact_options();
  options.window = 10s;
  auto sup = supervise(options, {child("a"), child("b")});
  crash("b");
  advance(100ms);
  crash("b");
  auto report = status(sup);
  CAF_CHECK_EQUAL(report.name, "root");
  CAF_CHECK_EQUAL(report.max_restarts, 100u);
  CAF_CHECK_EQUAL(report.restarts_in_window, 2u);
  CAF_CHECK_EQUAL(report.children.at(0).name, "a");
  CAF_CHECK_EQUAL(report.children.at(0).state, "running");
  CAF_CHECK_EQUAL(report.children.at(0).restarts, 0u);
  CAF_CHECK_EQUAL(report.children.at(0).last_reason, "");
  CAF_CHECK_EQUAL(report.children.at(1).state, "backing_off");
  CAF_CHECK_EQUAL(report.children.at(1).restarts, 1u);
  CAF_CHECK_EQUAL(report.children.at(1).last_reason, "exploded");
  advance(200ms);
  report = status(sup);
  CAF_CHECK_EQUAL(report.children.at(1).restarts, 2u);
  advance(1h);
  CAF_CHECK_EQUAL(status(sup).restarts_in_window, 0u);
}

CAF_TEST(every act is recorded with its time and delay) {
  auto sup = supervise(exact_options(), {child("a")});
  auto began = wall_clock();
  advance(5s);
  crash("a");
  advance(1s);
  auto history = status(sup).history;
  CAF_REQUIRE_EQUAL(history.size(), 4u);
  CAF_CHECK_EQUAL(records_of("a"), names({"started", "crashed", "restarting", "started"}));
  CAF_CHECK(history[0].at == began);
  CAF_CHECK_EQUAL(history[1].reason, "exploded");
  CAF_CHECK(history[1].at == began + 5s);
  CAF_CHECK(history[2].delay == 100ms);
  CAF_CHECK(history[3].at == began + 5s + 100ms);
  CAF_CHECK_EQUAL(history[3].supervisor, "root");
}

CAF_TEST(the history keeps the latest records only) {
  auto options = exact_options();
  options.max_history = 5;
  auto sup = supervise(options, {child("a")});
  for (int i = 0; i < 10; ++i) {
    crash("a");
    advance(10s);
  }
  auto history = status(sup).history;
  CAF_CHECK_EQUAL(history.size(), 5u);
  CAF_CHECK_EQUAL(history.back().what, "started");
  CAF_CHECK(history.back().at == book->records.back().at);
  CAF_CHECK_EQUAL(book->records.size(), 31u);
}

CAF_TEST_FIXTURE_SCOPE_END()
