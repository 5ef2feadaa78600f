// The slot: window and queue bound, redelivery, pass-through, figures.
#define CAF_SUITE slot
#include "actors/slot.hpp"
#include "tests/support/scripted_worker.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;
using namespace std::chrono_literals;

CAF_TEST_FIXTURE_SCOPE(slot_tests, slot_fixture)

// -- window and queue ---------------------------------------------------------------------------------------

CAF_TEST(no more than the window is at the worker) {
  make_slot(options(2));
  up();
  for (auto job : {"a", "b", "c", "d"})
    post(job);
  CAF_CHECK_EQUAL(log->jobs, names({"a", "b"}));
  finish(current, "b");
  CAF_CHECK_EQUAL(log->jobs, names({"a", "b", "c"}));
  finish(current, "a");
  CAF_CHECK_EQUAL(log->jobs, names({"a", "b", "c", "d"}));
}

CAF_TEST(a request is answered when the worker has finished and not before) {
  make_slot(options(1));
  up();
  auto a = post("a");
  auto b = post("b");
  CAF_CHECK(a->pending());
  finish(current, "a");
  CAF_CHECK(a->value.has_value());
  CAF_CHECK(b->pending());
}

CAF_TEST(beyond its bound the queue refuses with the overloaded error) {
  make_slot(options(2, 3));
  up();
  std::vector<answer_ptr<settled_atom>> taken{post("a"), post("b"), post("c")};
  auto refused = post("d");
  CAF_REQUIRE(refused->error);
  CAF_CHECK(is_overloaded(refused->error));
  CAF_CHECK(!is_abandoned(refused->error));
  CAF_CHECK(!is_overloaded(caf::error{}));
  for (auto& x : taken)
    CAF_CHECK(x->pending());
  finish(current, "a");
  CAF_CHECK(post("e")->pending());
  CAF_CHECK(is_overloaded(post("f")->error));
  CAF_CHECK_EQUAL(stats().rejected, 2u);
}

CAF_TEST(requests wait for the first worker) {
  make_slot(options(2));
  auto a = post("a");
  CAF_CHECK(a->pending());
  up();
  CAF_CHECK_EQUAL(log->jobs, names({"a"}));
}

// -- redelivery ---------------------------------------------------------------------------------------------

CAF_TEST(what a dead worker left goes to the next one in order) {
  make_slot(options(3));
  up();
  std::vector<answer_ptr<settled_atom>> posted{post("a"), post("b"), post("c"), post("d")};
  finish(current, "b");
  kill();
  log->jobs.clear();
  post("e");
  CAF_CHECK(log->jobs.empty());
  up();
  CAF_CHECK_EQUAL(log->jobs, names({"a", "c", "d"}));
  for (auto job : {"a", "c", "d", "e"})
    finish(current, job);
  for (auto& x : posted)
    CAF_CHECK(x->value.has_value());
  CAF_CHECK_EQUAL(stats().redelivered, 3u);
  CAF_CHECK_EQUAL(stats().blamed, 0u);
}

CAF_TEST(a worker that replaces another without notice gets everything) {
  make_slot(options(2));
  up();
  post("a");
  post("b");
  up();
  CAF_CHECK_EQUAL(log->jobs, names({"a", "b", "a", "b"}));
}

CAF_TEST(a late acknowledgement settles the request once and for all) {
  make_slot(options(1));
  auto first = up();
  auto a = post("a");
  post("b");
  tell_down();
  auto second = up();
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a"}));
  finish(first, "a");
  CAF_CHECK(a->value.has_value());
  CAF_CHECK_EQUAL(log->jobs, names({"a", "a", "b"}));
  finish(second, "a");
  CAF_CHECK_EQUAL(a->count, 1);
  CAF_CHECK_EQUAL(stats().acked, 1u);
  CAF_CHECK_EQUAL(stats().in_flight, 1u);
}

CAF_TEST(a late acknowledgement counts while no worker runs) {
  make_slot(options(1));
  auto first = up();
  auto a = post("a");
  tell_down();
  finish(first, "a");
  CAF_CHECK(a->value.has_value());
  up();
  CAF_CHECK_EQUAL(log->jobs, names({"a"}));
}

CAF_TEST(a late error decides nothing) {
  auto x = options(1);
  x.max_blame = 1;
  make_slot(x);
  auto first = up();
  auto a = post("a");
  tell_down();
  auto second = up();
  refuse(first, "a", mistake());
  CAF_CHECK(a->pending());
  finish(second, "a");
  CAF_CHECK(a->value.has_value());
  CAF_CHECK_EQUAL(stats().blamed, 0u);
}

CAF_TEST(a request that outlives too many workers is abandoned) {
  auto x = options(1);
  x.max_deliveries = 3;
  make_slot(x);
  auto a = post("a");
  auto b = post("b");
  for (int i = 0; i < 2; ++i) {
    up();
    kill();
  }
  CAF_CHECK(a->pending());
  up();
  kill();
  CAF_REQUIRE(a->error);
  CAF_CHECK(is_abandoned(a->error));
  CAF_CHECK(!is_overloaded(a->error));
  CAF_CHECK(b->pending());
  log->jobs.clear();
  up();
  CAF_CHECK_EQUAL(log->jobs, names({"b"}));
}

// -- pass-through -------------------------------------------------------------------------------------------

CAF_TEST(a typed handle to the slot serves like one to the worker) {
  auto typed = caf::actor_cast<worker_actor>(make_slot(options(1)));
  up();
  CAF_CHECK_EQUAL(ask<stage_status>(typed, status_v).name, "worker");
  auto job = request<settled_atom>(typed, std::make_shared<const std::string>("a"));
  self->send(typed, poke_v, std::int32_t{7});
  consume_messages();
  CAF_CHECK_EQUAL(log->pokes, std::vector<int>({7}));
  CAF_CHECK_EQUAL(log->jobs, names({"a"}));
  finish(current, "a");
  CAF_CHECK(job->value.has_value());
}

CAF_TEST(signals keep their sender) {
  make_slot(options(1));
  up();
  self->send(slot, poke_v, std::int32_t{1});
  caf::anon_send(slot, poke_v, std::int32_t{2});
  consume_messages();
  CAF_CHECK_EQUAL(log->pokes, std::vector<int>({1, 2}));
  CAF_REQUIRE_EQUAL(log->senders.size(), 2u);
  CAF_CHECK(log->senders[0] == caf::actor_cast<caf::strong_actor_ptr>(self));
  CAF_CHECK(log->senders[1] == nullptr);
}

CAF_TEST(without a worker signals are dropped and requests answered) {
  auto typed = caf::actor_cast<worker_actor>(make_slot(options(1)));
  self->send(slot, poke_v, std::int32_t{1});
  auto early = request<stage_status>(typed, status_v);
  consume_messages();
  CAF_CHECK(early->error == caf::sec::request_receiver_down);
  CAF_CHECK(self->mailbox().empty());
  up();
  CAF_CHECK(log->pokes.empty());
  kill();
  auto late = request<stage_status>(typed, status_v);
  consume_messages();
  CAF_CHECK(late->error == caf::sec::request_receiver_down);
}

CAF_TEST(a message that the worker does not know is refused by the worker) {
  make_slot(options(1));
  up();
  auto stray = request<settled_atom>(slot, std::string{"what is this"});
  consume_messages();
  CAF_CHECK(stray->error == caf::sec::unexpected_message);
}

// -- the end ------------------------------------------------------------------------------------------------

CAF_TEST(when the stage is gone for good nobody is left waiting) {
  make_slot(options(1));
  up();
  std::vector<answer_ptr<settled_atom>> posted{post("a"), post("b")};
  kill();
  self->send(slot, child_gone_v, caf::error{});
  consume_messages();
  posted.push_back(post("c"));
  for (auto& x : posted)
    CAF_CHECK(x->error == caf::sec::request_receiver_down);
  CAF_CHECK_EQUAL(stats().queued, 0u);
  up();
  CAF_CHECK(post("d")->pending());
  CAF_CHECK_EQUAL(log->jobs, names({"a", "d"}));
}

CAF_TEST(a slot that is told to exit answers what it holds) {
  make_slot(options(1));
  up();
  std::vector<answer_ptr<settled_atom>> posted{post("a"), post("b")};
  caf::anon_send_exit(slot, caf::exit_reason::user_shutdown);
  consume_messages();
  for (auto& x : posted)
    CAF_CHECK(x->error == caf::sec::request_receiver_down);
}

// -- figures and settings -----------------------------------------------------------------------------------

CAF_TEST(the figures add up) {
  auto x = options(2, 4);
  x.max_blame = 1;
  make_slot(x);
  up();
  for (auto job : {"a", "b", "c", "d", "e"})
    post(job);
  finish(current, "a");
  refuse(current, "b", mistake());
  auto now = stats();
  CAF_CHECK_EQUAL(now.acked, 1u);
  CAF_CHECK_EQUAL(now.failed, 1u);
  CAF_CHECK_EQUAL(now.blamed, 1u);
  CAF_CHECK_EQUAL(now.rejected, 1u);
  CAF_CHECK_EQUAL(now.queued, 2u);
  CAF_CHECK_EQUAL(now.max_queued, 4u);
  CAF_CHECK_EQUAL(now.in_flight, 2u);
  CAF_CHECK_EQUAL(now.redelivered, 0u);
}

CAF_TEST(settings that make no sense are refused by name) {
  using edit = void (*)(slot_options&);
  std::vector<std::pair<std::string, edit>> cases{
      {"window", [](slot_options& x) { x.window = 0; }},
      {"max_queue", [](slot_options& x) { x.max_queue = 0; }},
      {"max_blame", [](slot_options& x) { x.max_blame = 0; }},
      {"max_deliveries", [](slot_options& x) { x.max_deliveries = 0; }},
      {"retry_delay", [](slot_options& x) { x.retry_delay = 0ms; }},
      {"retry_delay_max", [](slot_options& x) { x.retry_delay_max = x.retry_delay - 1ms; }},
  };
  CAF_CHECK(!validate(slot_options{}));
  for (auto& [field, spoil] : cases) {
    slot_options x;
    spoil(x);
    auto error = validate(x);
    CAF_REQUIRE(error);
    CAF_CHECK_EQUAL(act::text_of(error, sys).find("slot: " + field + " "), 0u);
    auto refused = request<slot_stats>(make_slot(x), slot_stats_v);
    consume_messages();
    CAF_CHECK(refused->error == caf::sec::request_receiver_down);
  }
}

CAF_TEST(pauses double up to their limit without overflow) {
  CAF_CHECK(detail::retry_pause(50ms, 5'000ms, 0) == 50ms);
  CAF_CHECK(detail::retry_pause(50ms, 5'000ms, 3) == 400ms);
  CAF_CHECK(detail::retry_pause(50ms, 5'000ms, 7) == 5'000ms);
  CAF_CHECK(detail::retry_pause(50ms, duration::max(), 4'000'000'000u) == duration::max());
}

CAF_TEST_FIXTURE_SCOPE_END()
