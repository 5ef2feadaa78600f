// Which requests a slot holds an error against, and when it tries them again.
#define CAF_SUITE blame
#include "actors/slot.hpp"
#include "tests/support/scripted_worker.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(blame_tests, slot_fixture)

CAF_TEST(only the request that made the worker throw is blamed) {
  auto x = options(3);
  x.max_blame = 2;
  make_slot(x);
  auto poison = post("poison");
  auto innocent = post("innocent");
  // Both are in the worker's mailbox when it throws.
  up();
  tell_down();
  CAF_CHECK_EQUAL(log->jobs, names({"poison"}));
  CAF_CHECK_EQUAL(stats().blamed, 1u);
  CAF_CHECK(poison->pending());
  up();
  tell_down();
  CAF_REQUIRE(poison->error);
  CAF_CHECK(poison->error.category() == caf::atom("exception"));
  CAF_CHECK(innocent->pending());
  up();
  finish(current, "innocent");
  CAF_CHECK(innocent->value.has_value());
  CAF_CHECK_EQUAL(stats().blamed, 2u);
  CAF_CHECK_EQUAL(stats().failed, 1u);
}

CAF_TEST(with a blame of one an error goes to the sender unchanged and at once) {
  auto x = options(1);
  x.max_blame = 1;
  make_slot(x);
  up();
  auto a = post("a");
  post("b");
  refuse(current, "a", mistake());
  CAF_REQUIRE(a->error);
  CAF_CHECK(a->error == caf::sec::runtime_error);
  CAF_CHECK_EQUAL(act::text_of(a->error, sys), "no such column");
  CAF_CHECK_EQUAL(log->jobs, names({"a", "b"}));
}

CAF_TEST(a refused request is tried again after a pause that doubles) {
  make_slot(options(2));
  up();
  auto a = post("a");
  refuse(current, "a", mistake());
  advance(49ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a"}));
  advance(1ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a"}));
  refuse(current, "a", mistake());
  post("b");
  advance(99ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a", "b"}));
  advance(1ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a", "b", "a"}));
  CAF_CHECK(a->pending());
  refuse(current, "a", mistake());
  CAF_CHECK(a->error == caf::sec::runtime_error);
}

CAF_TEST(a request that pauses keeps its place in the window) {
  make_slot(options(1));
  up();
  post("a");
  post("b");
  refuse(current, "a", mistake());
  advance(49ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a"}));
  CAF_CHECK_EQUAL(stats().in_flight, 0u);
  advance(1ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a"}));
  CAF_CHECK_EQUAL(stats().in_flight, 1u);
}

CAF_TEST(a request that pauses while the worker dies was not in its hands) {
  auto x = options(1);
  x.max_deliveries = 1;
  make_slot(x);
  up();
  auto a = post("a");
  refuse(current, "a", mistake());
  kill();
  CAF_CHECK(a->pending());
  up();
  kill();
  CAF_CHECK(is_abandoned(a->error));
}

CAF_TEST(an outage is nobodys fault however long it lasts) {
  make_slot(options(1));
  up();
  auto a = post("a");
  for (int i = 0; i < 50; ++i) {
    refuse(current, "a", outage());
    advance(5s); // the longest pause
  }
  CAF_CHECK(a->pending());
  CAF_CHECK_EQUAL(log->jobs.size(), 51u);
  CAF_CHECK_EQUAL(stats().blamed, 0u);
  finish(current, "a");
  CAF_CHECK(a->value.has_value());
}

CAF_TEST(a living worker that met a dead actor is tried again) {
  auto x = options(1);
  x.max_blame = 1;
  make_slot(x);
  up();
  auto a = post("a");
  refuse(current, "a", caf::make_error(caf::sec::request_receiver_down));
  advance(50ms);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a"}));
  finish(current, "a");
  CAF_CHECK(a->value.has_value());
}

CAF_TEST(an answer of the wrong type is an error of the worker) {
  auto x = options(1);
  x.max_blame = 1;
  make_slot(x);
  auto odd = spawn([](caf::event_based_actor*) -> caf::behavior { return {[](const text&) { return 7; }}; });
  self->send(slot, child_up_v, odd);
  CAF_CHECK(post("a")->error == caf::sec::unexpected_response);
}

CAF_TEST(the pause of an earlier life delivers nothing) {
  make_slot(options(1));
  up();
  post("a");
  refuse(current, "a", mistake()); // due in 50 ms
  advance(10ms);
  kill();
  up();
  refuse(current, "a", mistake()); // due in 60 ms
  CAF_CHECK_EQUAL(log->jobs.size(), 2u);
  advance(49ms);
  CAF_CHECK_EQUAL(log->jobs.size(), 2u);
  advance(1ms);
  CAF_CHECK_EQUAL(log->jobs.size(), 3u);
}

CAF_TEST_FIXTURE_SCOPE_END()
